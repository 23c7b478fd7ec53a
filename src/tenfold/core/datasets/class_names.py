"""What a class may be called, whoever names it: an import, an edit, or a table of labels."""

from __future__ import annotations

import unicodedata

from tenfold.core.errors import Problem

MAX_CLASS_NAME = 200


def class_name_of(text: str) -> str | None:
    """A class name as it is stored, NFC and without blanks around; `None` for what cannot be one."""
    name = unicodedata.normalize("NFC", text.strip())
    return None if not name or len(name) > MAX_CLASS_NAME or _strange(name) else name


def folded_class(name: str) -> str:
    """A class's name without what people overlook: case, blanks around it, and how its letters are composed."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def class_name_problems(name: str) -> list[Problem]:
    """What keeps a text that a person typed from being a class, which is a folder when the dataset is exported."""
    if not name.strip() or name.strip() in {".", ".."} or len(name) > MAX_CLASS_NAME:
        text = f"A class has 1 to {MAX_CLASS_NAME} characters and is neither . nor .. : {name[:40]!r} is no class."
        return [Problem("label", text, "class.name")]
    strange = _strange(name, more="/\\")
    if strange:
        shown = f"“{strange}”" if strange.isprintable() else f"the character U+{ord(strange):04X}"
        return [Problem("label", f"The class {name!r} has {shown} in it: leave it out.", "class.name")]
    return []


def _strange(name: str, *, more: str = "") -> str:
    """The first control character, half of a character, or one of `more`; empty without any."""
    return next((char for char in name if char in more or unicodedata.category(char) in {"Cc", "Cs"}), "")
