"""What tables of every kind have in common: names of columns, and rows of cells."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

HEAD_ROWS = 20
_FORMULA = re.compile(r"'*[=+@\t\r]")
MAX_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture within a table: its bytes, or the path of its file, or neither."""

    content: bytes | None
    path: str | None = None


Cell = str | Embedded | tuple[str, ...] | None
"""A text, a picture, a list of texts, or nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its number, from 1: its cells by column, or the problem with it."""

    number: int
    cells: Mapping[str, Cell]
    problem: str = ""


class Table(Protocol):
    """A table file. Rows are read as they are asked for; raises `BadDataset` for a file that is no such table."""

    @property
    def path(self) -> str:
        """Relative to the source."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Unique names, in order."""
        ...

    def rows(self, columns: Collection[str] | None = None, *, limit: int | None = None) -> Iterator[Row]:
        """The first `limit` rows or all, with at least the cells of these columns (`None`: of all)."""
        ...

    def class_names(self, column: str) -> tuple[str, ...]:
        """The names of the numbers in a column, where the file itself has them."""
        ...

    def num_rows(self) -> tuple[int, bool]:
        """How many rows there are, and whether that is exact."""
        ...


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns that are told apart: an empty one is called by its place, one met before by its count.

    Bytes that are no UTF-8, as of a table in Latin-1, are told as the sign for what cannot be shown.
    """
    found: dict[str, None] = {}
    for place, name in enumerate(names, 1):
        readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        stem = readable.strip() or f"column {place}"
        own, count = stem, 1
        while own in found:
            count += 1
            own = f"{stem} ({count})"
        found[own] = None
    return tuple(found)


def shown(cell: Cell) -> str:
    """A cell as a short text for people."""
    if isinstance(cell, Embedded):
        return f"picture, {len(cell.content):,} bytes" if cell.content is not None else cell.path or ""
    if isinstance(cell, tuple):
        cell = ", ".join(cell)
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in (cell or "")[:MAX_SHOWN])
    return f"{text}…" if cell and len(cell) > MAX_SHOWN else text


def no_formula(value: object) -> object:
    """A value that a spreadsheet would not run: a text that is a formula there gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def as_meant(text: str) -> str:
    """The text that `no_formula` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
