"""What a name may be. Names are unique within a kind (the trash excepted) and stand wherever an id may."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.ids import is_id

MAX_NAME_LENGTH = 120
RESERVED = frozenset({"new", "compare"})


def check_name(value: object, field: str = "name") -> str:
    """The name in NFC form without surrounding blanks; raises `InvalidFields` naming `field`."""
    word = "tag" if field == "tags" else "name"
    if not isinstance(value, str):
        raise _invalid(field, f"A {word} is a text, not {value!r}.")
    name = unicodedata.normalize("NFC", value).strip()
    if not name:
        raise _invalid(field, f"Give it a {word}.")
    if len(name) > MAX_NAME_LENGTH:
        raise _invalid(field, f"The {word} has {len(name)} characters; at most {MAX_NAME_LENGTH} are allowed.")
    bad = next((char for char in name if char in "/@" or unicodedata.category(char) in {"Cc", "Cs", "Cf"}), None)
    if bad is not None:
        raise _invalid(field, f"The {word} {name!r} has a {_spell(bad)} in it: leave it out.")
    if name.startswith("-"):
        raise _invalid(field, f"The {word} {name!r} begins with “-”: begin with a letter or a digit.")
    if name in RESERVED or name in {".", ".."} or is_id(name):
        raise _invalid(field, f"{name!r} is reserved: choose another name.")
    return name


def propose_name(wish: str, is_taken: Callable[[str], bool]) -> str:
    """The first of `wish`, `wish-2`, `wish-3`, ... that is not taken; characters that no name may have become `-`."""
    base = "".join("-" if char in "/@" or unicodedata.category(char)[0] == "C" else char for char in wish)
    base = unicodedata.normalize("NFC", base).strip().lstrip("-").strip() or "unnamed"
    base = base[: MAX_NAME_LENGTH - 8]
    if base in RESERVED or base in {".", ".."} or is_id(base):
        base = f"{base}-1"
    base, number = _split_counter(base) if is_taken(base) else (base, 1)
    name = base if number == 1 else f"{base}-{number}"
    while is_taken(name):
        number += 1
        name = f"{base}-{number}"
    return name


def _split_counter(name: str) -> tuple[str, int]:
    match = re.fullmatch(r"(.+)-(\d{1,6})", name)
    return (match[1], int(match[2])) if match else (name, 1)


def _spell(char: str) -> str:
    return f"“{char}”" if char.isprintable() else f"character U+{ord(char):04X}"


def _invalid(field: str, message: str) -> InvalidFields:
    return InvalidFields([Problem(field, message, "name.invalid")])
