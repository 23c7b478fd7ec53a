"""What a name may be. Names are unique within a kind (the trash excepted) and stand wherever an id may."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.ids import is_id

MAX_NAME_LENGTH = 120
RESERVED = ("compare", "new")
JOINERS = "\u200c\u200d"
JOINING_SCRIPTS = (
    *("ARABIC", "SYRIAC", "MANDAIC", "NKO", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA"),
    *("TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "TIBETAN", "MYANMAR", "KHMER"),
)
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def check_name(value: object, field: str = "name") -> str:
    """The name in NFC form without surrounding blanks; raises `InvalidFields` naming `field`."""
    word = "tag" if field == "tags" else "name"
    if not isinstance(value, str):
        raise _invalid(field, f"A {word} is a text, not {value!r}.")
    name = lookup_form(value)
    if not name:
        raise _invalid(field, f"Give it a {word}.")
    if len(name) > MAX_NAME_LENGTH:
        raise _invalid(field, f"The {word} has {len(name)} characters; at most {MAX_NAME_LENGTH} are allowed.")
    place = _refused_place(name)
    if place is not None:
        raise _invalid(field, f"The {word} {name!r} has a {_spell(name[place])} in it: leave it out.")
    if name.startswith("-"):
        raise _invalid(field, f"The {word} {name!r} begins with “-”: begin with a letter or a digit.")
    if name in RESERVED or name in {".", ".."} or is_id(name):
        raise _invalid(field, f"{name!r} is reserved: choose another name.")
    return name


def lookup_form(text: str) -> str:
    """A name as it is stored: in NFC form, without blanks around it; no check."""
    return unicodedata.normalize("NFC", text).strip(" \t\n\r\u00a0\u3000")


def clean_name(wish: str, fallback: str = "unnamed") -> str:
    """The allowed name that is nearest to a wish: what no name may have becomes `-`."""
    name = lookup_form(wish)[: MAX_NAME_LENGTH - 8]
    while (place := _refused_place(name)) is not None:
        name = f"{name[:place]}-{name[place + 1 :]}"
    name = name.lstrip("- \t\n\r\u00a0\u3000")
    if name in RESERVED or name in {".", ".."} or is_id(name):
        name = f"{name}-1"
    try:
        return check_name(name)
    except InvalidFields:
        return fallback


def propose_name(wish: str, is_taken: Callable[[str], bool]) -> str:
    """`wish` made an allowed name, or it with a number behind: one that is free, while the number before is taken.

    Asks about few names, also where thousands are taken: steps that double, then halves between the last two.
    """
    name = clean_name(wish)
    if not is_taken(name):
        return name
    base, low = _split_counter(name, is_taken)
    high = low + 1
    while is_taken(f"{base}-{high}"):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_taken(f"{base}-{middle}") else (low, middle)
    return f"{base}-{high}"


def _split_counter(name: str, is_taken: Callable[[str], bool]) -> tuple[str, int]:
    """The name and the number of one that was counted, as `garden-3` after `garden-2`; else the whole name and 1.

    A number of four digits is a year and no counter: `photos-2019` is followed by `photos-2019-2`.
    """
    match = re.fullmatch(r"(.+)-([1-9][0-9]{0,2})", name)
    if match is None:
        return name, 1
    base, number = match[1], int(match[2])
    before = f"{base}-{number - 1}" if number > 2 else base
    return (base, number) if number > 1 and is_taken(before) else (name, 1)


def _refused_place(name: str) -> int | None:
    """The place of the first character that no name may have."""
    for place, char in enumerate(name):
        if char in "/@" or unicodedata.category(char) in _REFUSED:
            if char in JOINERS and _joins(name[:place], name[place + 1 :]):
                continue
            return place
    return None


def _joins(before: str, after: str) -> bool:
    """Whether a joiner stands between letters of a script that is written with joiners, or within an emoji."""
    ends = (before[-1:], after[:1])
    if not all(ends):
        return False
    if all(unicodedata.category(end) in {"So", "Sk", "Mn"} for end in ends):
        return True
    return all(unicodedata.name(end, "").split(" ")[0] in JOINING_SCRIPTS for end in ends)


def _spell(char: str) -> str:
    return f"“{char}”" if char.isprintable() else f"character U+{ord(char):04X}"


def _invalid(field: str, message: str) -> InvalidFields:
    return InvalidFields([Problem(field, message, "name.invalid")])
