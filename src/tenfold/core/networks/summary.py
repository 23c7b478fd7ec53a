"""What a version of a network has otherwise than the one before, in a few words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.graph import LayerGraph, Node

MAX_TOLD = 3


def summarise(before: str, after: str, *, old: Analysis, new: Analysis) -> str:
    """As `3 lines changed; conv2 kernel 5 to 3`; layers are told of where both texts have a graph."""
    lines = _lines(before, after)
    if is_python(after):
        return lines
    if new.graph is None:
        return f"{lines}; a draft"
    moved = {later: earlier for earlier, later in new.renamed.items() if earlier not in old.renamed}
    told = list(_layers(old.graph, new.graph, moved)) if old.graph is not None else []
    more = [f"{len(told) - MAX_TOLD} more"] if len(told) > MAX_TOLD else []
    return "; ".join(part for part in (lines, ", ".join([*told[:MAX_TOLD], *more])) if part)


def _lines(before: str, after: str) -> str:
    """How many lines were changed, added or removed, in whatever order they stand."""
    old, new = Counter(before.splitlines()), Counter(after.splitlines())
    gone, come = (old - new).total(), (new - old).total()
    if not gone and not come:
        return "lines moved"
    both = min(gone, come)
    counts = (("changed", both), ("added", come - both), ("removed", gone - both))
    parts = [f"{count} {word}" for word, count in counts if count]
    first, *rest = parts
    number, word = first.split()
    return ", ".join([f"{number} {'line' if number == '1' else 'lines'} {word}", *rest])


def _layers(old: LayerGraph, new: LayerGraph, moved: Mapping[str, str]) -> Iterator[str]:
    """What is otherwise of each layer, in the order of the network; `moved` has former paths by those of now.

    Layers without weights come and go untold: those without a name of their own are called after the layer above.
    """
    known = {node.path: node for node in old.nodes}
    kept = {moved.get(node.path, node.path) for node in new.nodes}
    for node in new.nodes:
        former = moved.get(node.path, node.path)
        earlier = known.get(former)
        if earlier is not None and former != node.path:
            yield f"{former} renamed to {node.path}"
        if earlier is None:
            if node.weights:
                yield f"{node.path} added"
        elif earlier.kind != node.kind:
            yield f"{node.path} {earlier.kind} to {node.kind}"
        else:
            yield from _arguments(earlier, node)
    yield from (f"{path} removed" for path, node in known.items() if node.weights and path not in kept)


def _arguments(old: Node, new: Node) -> Iterator[str]:
    for name, value in new.arguments.items():
        earlier = old.arguments.get(name)
        if earlier != value:
            yield f"{new.path} {name} {_shown(earlier)} to {_shown(value)}"


def _shown(value: object) -> str:
    """A value in short: one size where all axes have it."""
    if isinstance(value, list | tuple):
        parts = [_shown(each) for each in value]
        return parts[0] if len(set(parts)) == 1 else " x ".join(parts)
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)[:40]
