"""Cuts a network text into tokens and decides where statements end.

A newline ends a statement; inside brackets it does not, provided the next line is indented more than the statement or
begins with the closing bracket. That one rule keeps a half-typed bracket from swallowing the rest of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from tenfold.core.networks.source import Span

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+)
      | (?P<comment>\#[^\n]*)
      | (?P<newline>\n)
      | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>"[^"\n]*"?)
      | (?P<sign>\.\.|==|!=|<=|>=|//|[-+*/%<>=(),.\[\]{}])
      | (?P<bad>[^ \t\r\n\#0-9A-Za-z_"+\-*/%<>=!(),.\[\]{}]+|!)""",
    re.VERBOSE | re.DOTALL,
)
ASK_EVERY = 4096  # characters
_INDEX = re.compile(r"[0-9]+")
_TO_NEXT_STATEMENT = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*")


class TooLate(Exception):
    """Reading a text takes longer than it may."""


class Token(NamedTuple):
    """`kind` is `name`, `number`, `text`, `sign`, `bad` or `newline`; `indent` counts the characters before its line's
    first token."""

    kind: str
    text: str
    start: int
    end: int
    indent: int

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


@dataclass
class _Layout:
    """Where the line and the statement being read begin, and which brackets are open."""

    line_start: int = 0
    statement_indent: int = 0
    is_statement_open: bool = False
    brackets: int = 0
    joined_until: int = 0
    tokens: list[Token] = field(default_factory=list)
    comments: list[Span] = field(default_factory=list)


def tokenise(text: str, is_late: Callable[[], bool] = lambda: False) -> tuple[list[Token], list[Span]]:
    """The tokens of a text, each statement followed by a `newline`, and the spans of its comments.

    Raises `TooLate` when `is_late`, which is asked now and then, says so.
    """
    layout = _Layout()
    ask_at = ASK_EVERY
    position, end, match_token, after_dot = 0, len(text), _TOKEN.match, -1
    while position < end:
        if position >= ask_at:
            ask_at = position + ASK_EVERY
            if is_late():
                raise TooLate
        match = (_INDEX.match(text, position) if position == after_dot else None) or match_token(text, position)
        assert match is not None  # every character belongs to some alternative
        kind, start, position = match.lastgroup or "number", position, match.end()
        if kind == "blank":
            continue
        if kind == "comment":
            layout.comments.append(Span(start, position))
        elif kind == "newline":
            _newline(text, position, layout)
            layout.line_start = position
        else:
            _token(layout, kind, match.group(), start)
            after_dot = position if match.group() == "." else -1
    _end_statement(layout, len(text))
    return layout.tokens, layout.comments


def _token(layout: _Layout, kind: str, text: str, start: int) -> None:
    if not layout.is_statement_open:
        layout.is_statement_open = True
        layout.statement_indent = start - layout.line_start
    if kind == "sign":
        if text in "([":
            layout.brackets += 1
        elif text in ")]":
            layout.brackets = max(0, layout.brackets - 1)
        elif text in "{}":
            layout.brackets = 0
    layout.tokens.append(Token(kind, text, start, start + len(text), layout.statement_indent))


def _newline(text: str, position: int, layout: _Layout) -> None:
    if position <= layout.joined_until:
        return
    if layout.brackets:
        match = _TO_NEXT_STATEMENT.match(text, position)
        following = match.end() if match else position
        indent = following - (text.rfind("\n", 0, following) + 1)
        if following < len(text) and (indent > layout.statement_indent or text[following] in ")]"):
            layout.joined_until = following
            return
    _end_statement(layout, position - 1)


def _end_statement(layout: _Layout, position: int) -> None:
    if layout.is_statement_open:
        layout.tokens.append(Token("newline", "", position, position, layout.statement_indent))
    layout.is_statement_open = False
    layout.brackets = 0
