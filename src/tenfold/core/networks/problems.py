"""What is wrong with a network text: where, in plain words, and the edits that would mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tenfold.core.errors import BadNetwork
from tenfold.core.networks.limits import MAX_PROBLEMS
from tenfold.core.networks.source import Lines, Span

_CANDIDATES = 200


@dataclass(frozen=True)
class TextEdit:
    """Replaces the characters `start` to `end` of the text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class QuickFix:
    """A remedy that an editor applies by one click."""

    label: str
    edits: tuple[TextEdit, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkProblem:
    """One mistake, reported once however often its block is used.

    `line` and `column` count from 1, `start` and `end` are offsets into the text, `path` is the first layer where it
    shows, `places` how many layers show it, `allowed` what may stand there instead.
    """

    code: str
    message: str
    line: int
    column: int
    end_line: int
    end_column: int
    start: int
    end: int
    path: str = ""
    places: int = 1
    allowed: tuple[str, ...] = ()
    fixes: tuple[QuickFix, ...] = ()

    def __str__(self) -> str:
        where = ""
        if self.places > 1:
            more = self.places - 1
            where = f" In `{self.path}` and {more} more place{'s' if more > 1 else ''}."
        return f"{self.line}:{self.column} {self.message}{where}"

    def to_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "message": self.message,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "start": self.start,
            "end": self.end,
            "path": self.path,
            "places": self.places,
            "allowed": list(self.allowed),
            "fixes": [
                {
                    "label": fix.label,
                    "edits": [{"start": edit.start, "end": edit.end, "text": edit.text} for edit in fix.edits],
                }
                for fix in self.fixes
            ],
        }


@dataclass(frozen=True)
class Mistake:
    """A problem before its place in the text is known by line: what the parser, rules and evaluator find."""

    code: str
    message: str
    span: Span
    allowed: tuple[str, ...] = ()
    fixes: tuple[QuickFix, ...] = ()


def refused_text(problems: Sequence[NetworkProblem]) -> BadNetwork:
    """The error of a text with problems: all of them in words and as data."""
    lines = "\n".join(str(problem) for problem in problems)
    return BadNetwork(lines, problems=[problem.to_json() for problem in problems])


class ProblemList:
    """Collects problems; the same mistake at the same place is counted, not repeated."""

    def __init__(self, text: str) -> None:
        self.lines = Lines(text)
        self._problems: dict[tuple[str, int, str], NetworkProblem] = {}

    @property
    def is_full(self) -> bool:
        return len(self._problems) >= MAX_PROBLEMS

    def add(self, mistake: Mistake, path: str = "") -> None:
        key = (mistake.code, mistake.span.start, mistake.message if not path else "")
        known = self._problems.get(key)
        if known is not None:
            self._problems[key] = replace(known, places=known.places + 1)
        elif not self.is_full:
            self._problems[key] = self._located(mistake, path)

    def _located(self, mistake: Mistake, path: str) -> NetworkProblem:
        line, column = self.lines.position(mistake.span.start)
        end_line, end_column = self.lines.position(mistake.span.end)
        return NetworkProblem(
            code=mistake.code,
            message=mistake.message,
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
            start=mistake.span.start,
            end=mistake.span.end,
            path=path,
            allowed=mistake.allowed,
            fixes=mistake.fixes,
        )

    def in_order(self) -> tuple[NetworkProblem, ...]:
        """All problems, in the order of the text."""
        return tuple(sorted(self._problems.values(), key=lambda problem: (problem.start, problem.code)))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like a misspelt one."""
    candidates = list(known)[-_CANDIDATES:]
    near = difflib.get_close_matches(word, candidates, 1, cutoff=0.6)
    return near[0] if near else None


def replacement(span: Span, text: str) -> QuickFix:
    """The fix that writes `text` in place of a span."""
    return QuickFix(f"Write `{text}`", (TextEdit(span.start, span.end, text),))


def insertion(offset: int, text: str) -> TextEdit:
    """The edit that writes `text` before the character at `offset`."""
    return TextEdit(offset, offset, text)
