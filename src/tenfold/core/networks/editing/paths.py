"""The paths that weights are stored under, and the lines of a text that say where moved ones are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tenfold.core.networks.editing.edits import replaced
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.problems import TextEdit, insertion
from tenfold.core.networks.source import Lines, Span
from tenfold.core.networks.syntax import (
    BlockStatement,
    Definition,
    LayerStatement,
    PretrainedStatement,
    RenamedStatement,
    Statement,
)


def weight_prefixes(graph: LayerGraph | None) -> frozenset[str]:
    """Every path that weights are stored under, and every beginning of one."""
    found: set[str] = set()
    for node in graph.nodes if graph is not None else ():
        names = node.path.split(".") if node.weights else []
        found.update(".".join(names[:length]) for length in range(1, len(names) + 1))
    return frozenset(found)


def paths_of(definition: Definition, block: BlockStatement | None, name: str, weights: frozenset[str]) -> list[str]:
    """The paths of a layer with weights: one, or one for each use of the block that it stands in."""
    return [f"{use}{name}" for use in uses_of(definition, block, weights) if f"{use}{name}" in weights]


def uses_of(definition: Definition, block: BlockStatement | None, weights: frozenset[str]) -> list[str]:
    """What the paths of a block's layers begin with, once for each use with weights; those of the file with nothing.

    Only paths that have weights are followed down, of which there are no more than layers: a block that is not used may
    use itself, and blocks that use blocks twice would be countless.
    """
    if block is None:
        return [""]
    blocks = {item.name.text: item for item in all_blocks(definition)}
    return list(_uses(definition.statements, "", block, blocks, weights))


def _uses(
    scope: Sequence[Statement],
    prefix: str,
    wanted: BlockStatement,
    blocks: Mapping[str, BlockStatement],
    weights: frozenset[str],
) -> Iterator[str]:
    for layer in scope:
        called = blocks.get(layer.call.name.text) if isinstance(layer, LayerStatement) else None
        if called is None or not isinstance(layer, LayerStatement) or layer.name is None:
            continue
        for copy in _copies(f"{prefix}{layer.name.text}", weights):
            if copy in weights:
                if called is wanted:
                    yield f"{copy}."
                yield from _uses(called.statements, f"{copy}.", wanted, blocks, weights)


def _copies(path: str, weights: frozenset[str]) -> list[str]:
    """The copies of a repeat, or the layer itself."""
    copies: list[str] = []
    while f"{path}.{len(copies)}" in weights:
        copies.append(f"{path}.{len(copies)}")
    return copies or [path]


def all_blocks(definition: Definition) -> list[BlockStatement]:
    return [item for item in definition.statements if isinstance(item, BlockStatement)]


def path_edits(definition: Definition, moved: list[tuple[str, str]], *, adds: bool = True) -> list[TextEdit]:
    """What `pretrained` and `renamed` say of moved paths, and the new `renamed` lines."""
    edits: list[TextEdit] = []
    known: set[tuple[str, str]] = set()
    lines, places = Lines(definition.text), dict(moved)
    for statement in definition.statements:
        if isinstance(statement, PretrainedStatement):
            for reference in statement.layers:
                edits += [replaced(reference.span, path) for path in _moved(str(reference), places)]
        elif isinstance(statement, RenamedStatement):
            for path in _moved(str(statement.new), places):
                edits.append(_renamed_edit(lines, statement, path))
                known.add((str(statement.old), path))
    added = [f"\nrenamed {old} to {new}" for old, new in moved if (old, new) not in known] if adds else []
    if added:
        edits.append(insertion(lines.line_end(_after_renamed(definition)), "".join(added)))
    return edits


def _moved(path: str, places: Mapping[str, str]) -> list[str]:
    """Where a path is now, if it or a path that it lies in has moved."""
    names = path.split(".")
    beginnings = (".".join(names[:length]) for length in range(1, len(names) + 1))
    return [places[old] + path[len(old) :] for old in beginnings if old in places][:1]


def _renamed_edit(lines: Lines, statement: RenamedStatement, path: str) -> TextEdit:
    """The line with its new target, or nothing where the target is what it was at first."""
    if str(statement.old) != path:
        return replaced(statement.new.span, path)
    start, end = lines.line_start(statement.span.start), lines.line_end(statement.span.end)
    return replaced(Span(max(0, start - 1), end), "")


def _after_renamed(definition: Definition) -> int:
    """The end of what new `renamed` lines follow: the last of them, or the last statement."""
    found = [item for item in definition.statements if isinstance(item, RenamedStatement)]
    last = found[-1] if found else definition.statements[-1]
    return last.close.end if isinstance(last, BlockStatement) and last.close else last.span.end
