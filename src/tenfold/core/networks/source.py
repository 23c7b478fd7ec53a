"""Positions in a text: half-open spans of characters, and their lines and columns, both counted from 1."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class Span(NamedTuple):
    """Characters `start` to `end` (exclusive) of a text."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of the other."""
        return Span(self.start, max(self.end, other.end))


class Lines:
    """Finds line and column of a character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0]
        position = text.find("\n")
        while position >= 0:
            self._starts.append(position + 1)
            position = text.find("\n", position + 1)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, counted from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, offset: int) -> int:
        return bisect_right(self._starts, offset)

    def starts_at(self, line: int) -> int:
        """The offset at which a line begins, counted from 1; that of the last one for lines that are not there."""
        return self._starts[min(line, len(self._starts)) - 1]

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._starts)

    def offset(self, line: int) -> int | None:
        """The offset at which a line begins, counted from 1; `None` where there is no such line."""
        return self._starts[line - 1] if 1 <= line <= len(self._starts) else None

    def line_start(self, offset: int) -> int:
        """The offset at which the line of a character begins."""
        return self._starts[self.line(offset) - 1]

    def line_end(self, offset: int) -> int:
        """The offset of the newline that ends the line of a character, or of the end of the text."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end

    def indent(self, offset: int) -> str:
        """The blanks at the beginning of the line of a character."""
        start = self.line_start(offset)
        line = self.text[start : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip(" \t"))]
