"""What an editing operation gives: edits of the text, never a reprint, and the paths that they move."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tenfold.core.errors import Conflict
from tenfold.core.networks.problems import TextEdit
from tenfold.core.networks.source import Span


@dataclass(frozen=True)
class Edited:
    """Edits that do not overlap, in the order of the text, and the paths they rename, old and new."""

    edits: tuple[TextEdit, ...]
    renames: tuple[tuple[str, str], ...] = ()


def edited(edits: Iterable[TextEdit], renames: Iterable[tuple[str, str]] = ()) -> Edited:
    """The edits in the order of the text."""
    return Edited(tuple(sorted(edits, key=lambda edit: (edit.start, edit.end))), tuple(renames))


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """The text after all edits, which are given in its order."""
    parts, position = [], 0
    for edit in edits:
        parts += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, text[position:]])


def between(before: str, after: str) -> tuple[TextEdit, ...]:
    """One edit that makes one text of another, without what both begin and end with; none where they are equal."""
    if before == after:
        return ()
    shortest = min(len(before), len(after))
    start = next((at for at in range(shortest) if before[at] != after[at]), shortest)
    most = shortest - start
    end = next((at for at in range(most) if before[-1 - at] != after[-1 - at]), most)
    return (TextEdit(start, len(before) - end, after[start : len(after) - end]),)


def refused(message: str) -> Conflict:
    """The error of an operation that does not fit the text: why, and what to do instead."""
    return Conflict(message, code="network.edit-refused")


def replaced(span: Span, text: str) -> TextEdit:
    return TextEdit(span.start, span.end, text)
