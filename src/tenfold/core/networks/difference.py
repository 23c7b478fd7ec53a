"""What two network texts have otherwise: lines, layers, and the weights that one can take from the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.graph import LayerGraph, Node
from tenfold.core.networks.layers.kinds import Shape
from tenfold.core.networks.matching import Loaded, match_weights

MAX_COMPARED = 2000  # lines between what both texts begin and end with; more count as replaced altogether
AROUND = 3  # equal lines shown beside those that differ


@dataclass(frozen=True)
class Line:
    """One line; `old` and `new` are its numbers in the two texts, from 1, and 0 where it is not there.

    One with `left_out` stands for so many equal lines.
    """

    text: str
    old: int = 0
    new: int = 0
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class LayerChange:
    """A layer that is `added`, `removed` or `changed`, with its kind, output and parameters before and after."""

    path: str
    what: Literal["added", "removed", "changed"]
    old: Node | None
    new: Node | None


@dataclass(frozen=True, kw_only=True)
class NetworkDifference:
    """A text against another: its lines, and where both fit its layers and what of the other's weights it can take."""

    lines: tuple[Line, ...]
    layers: tuple[LayerChange, ...] = ()
    weights: Loaded | None = None


def difference(before: Analysis, after: Analysis, old: str, new: str) -> NetworkDifference:
    """What a text has otherwise than an older one, of both of which the meaning is known."""
    lines = line_difference(old, new)
    if before.graph is None or after.graph is None:
        return NetworkDifference(lines=lines)
    layers = layer_difference(before.graph, after.graph)
    return NetworkDifference(lines=lines, layers=layers, weights=weights_kept(before.graph, after.graph, after.renamed))


def line_difference(before: str, after: str) -> tuple[Line, ...]:
    """The lines of both texts in order, those removed before those added; far from changes equal ones are left out."""
    lines = list(_lines(before.splitlines(), after.splitlines()))
    near = [False] * len(lines)
    for index, line in enumerate(lines):
        if not (line.old and line.new):
            near[max(0, index - AROUND) : index + AROUND + 1] = [True] * len(
                near[max(0, index - AROUND) : index + AROUND + 1]
            )
    shown: list[Line] = []
    for is_near, group in groupby(zip(lines, near, strict=True), key=lambda pair: pair[1]):
        part = [line for line, _ in group]
        shown += part if is_near else [Line("", left_out=len(part))]
    return tuple(shown)


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    start = _equal(old, new)
    end = _equal(old[start:][::-1], new[start:][::-1])
    yield from (Line(old[at], at + 1, at + 1) for at in range(start))
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    for tag, old_from, old_to, new_from, new_to in _steps(middle_old, middle_new):
        if tag == "equal":
            for offset in range(old_to - old_from):
                at = old_from + offset
                yield Line(middle_old[at], start + at + 1, start + new_from + offset + 1)
        else:
            yield from (Line(middle_old[at], old=start + at + 1) for at in range(old_from, old_to))
            yield from (Line(middle_new[at], new=start + at + 1) for at in range(new_from, new_to))
    for offset in range(end, 0, -1):
        yield Line(old[-offset], len(old) - offset + 1, len(new) - offset + 1)


def _equal(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines both begin with."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(old), len(new)))


def _steps(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    if len(old) + len(new) > MAX_COMPARED:
        return [("replace", 0, len(old), 0, len(new))]
    return list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())


def layer_difference(old: LayerGraph, new: LayerGraph) -> tuple[LayerChange, ...]:
    """The layers that differ, in the order of the new network, those that are gone last."""
    before = {node.path: node for node in old.nodes}
    after = {node.path: node for node in new.nodes}
    changes = []
    for path, node in after.items():
        known = before.get(path)
        if known is None:
            changes.append(LayerChange(path=path, what="added", old=None, new=node))
        elif _said(known) != _said(node):
            changes.append(LayerChange(path=path, what="changed", old=known, new=node))
    gone = [node for path, node in before.items() if path not in after]
    return (*changes, *(LayerChange(path=node.path, what="removed", old=node, new=None) for node in gone))


def _said(node: Node) -> tuple[object, ...]:
    return node.kind, tuple(node.arguments.items()), node.shape, node.parameters, node.inputs


def weights_kept(old: LayerGraph, new: LayerGraph, renamed: Mapping[str, str]) -> Loaded:
    """Which weights of a network with the old graph still fit the new one; `renamed` are the paths that have moved."""
    available: dict[str, Shape] = {
        f"{node.path}.{name}": weight.shape for node in old.nodes for name, weight in node.weights.items()
    }
    return match_weights(new, available, renamed)
