"""Lays a network text out: indents, blank lines and the spaces around `=`; columns aligned by hand stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tenfold.core.networks.parser import parse
from tenfold.core.networks.source import Lines
from tenfold.core.networks.syntax import (
    BlockStatement,
    Definition,
    InputStatement,
    LanguageStatement,
    LayerStatement,
    LetStatement,
    ParamStatement,
    Statement,
)

INDENT = 2
LANGUAGE_LINE = "language 1"
_DECLARING = ParamStatement | LetStatement | InputStatement | LayerStatement


def format_text(text: str) -> str:
    """The text in the usual layout, which means the same; one with syntax problems comes back as it is.

    Two spaces of indent in a block, at most one blank line, at least one space on both sides of a statement's `=`,
    `language 1` at the top where no language is stated, no blanks at the ends of lines.
    """
    definition = parse(text)
    return text if definition.problems else format_definition(definition)


def format_definition(definition: Definition) -> str:
    """As `format_text`, of a text that was read and has no syntax problems."""
    statements = list(_placed(definition))
    indents = _Indents(definition, statements)
    spaced = _with_spaces(definition.text, [statement for statement, _ in statements])
    lines = _without_gaps(indents.indented(number, line) for number, line in enumerate(spaced.split("\n"), 1))
    if not any(isinstance(statement, LanguageStatement) for statement, _ in statements):
        lines.insert(0, LANGUAGE_LINE)
    return "\n".join(lines) + "\n"


def _placed(definition: Definition) -> Iterator[tuple[Statement, int]]:
    """Every statement with the indent it gets."""
    for statement in definition.statements:
        yield statement, 0
        if isinstance(statement, BlockStatement):
            for inner in statement.statements:
                yield inner, INDENT


class _Indents:
    """The indent of every line: what statements begin on it, or go on over it, or else the block around a comment."""

    def __init__(self, definition: Definition, statements: list[tuple[Statement, int]]) -> None:
        lines = Lines(definition.text)
        self._first: dict[int, int] = {}
        self._further: dict[int, tuple[int, int]] = {}
        self._inside: set[int] = set()
        for statement, indent in statements:
            first, last = lines.line(statement.span.start), lines.line(statement.span.end)
            shift = indent - len(lines.indent(statement.span.start))
            self._first[first] = indent
            self._further.update(dict.fromkeys(range(first + 1, last + 1), (indent, shift)))
            if isinstance(statement, BlockStatement) and statement.close is not None:
                close = lines.line(statement.close.start)
                self._inside.update(range(last + 1, close))
                self._first[close] = 0

    def indented(self, number: int, line: str) -> str:
        words = line.strip(" \t\r")
        if not words:
            return ""
        if number in self._first:
            return " " * self._first[number] + words
        if number in self._further:
            indent, shift = self._further[number]
            least = indent if words[0] in ")]" else indent + INDENT
            return " " * max(least, len(line) - len(line.lstrip(" \t")) + shift) + words
        return " " * (INDENT if number in self._inside else 0) + words


def _with_spaces(text: str, statements: list[Statement]) -> str:
    """The text with a space on both sides of each statement's `=`; more than one stay."""
    pieces, position = [], 0
    for statement in statements:
        if not isinstance(statement, _DECLARING) or statement.name is None:
            continue
        sign = text.index("=", statement.name.span.end)
        before = "" if text[sign - 1] in " \t" else " "
        after = "" if text[sign + 1 : sign + 2] in {" ", "\t"} else " "
        pieces += [text[position:sign], before, "=", after]
        position = sign + 1
    return "".join([*pieces, text[position:]])


def _without_gaps(lines: Iterable[str]) -> list[str]:
    """The lines with single blank ones between others, and none at the ends."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept
