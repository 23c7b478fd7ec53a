"""The paths that weights are stored under, and the lines of a text that say where moved ones are."""

from __future__ import annotations

from collections.abc import Iterator

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
)


def weight_prefixes(graph: LayerGraph | None) -> frozenset[str]:
    """Every path that weights are stored under, and every beginning of one."""
    found: set[str] = set()
    for node in graph.nodes if graph is not None else ():
        names = node.path.split(".") if node.weights else []
        found.update(".".join(names[:length]) for length in range(1, len(names) + 1))
    return frozenset(found)


def paths_of(definition: Definition, block: BlockStatement | None, name: str, weights: frozenset[str]) -> Iterator[str]:
    """The paths of a layer with weights: one, or one for each use of the block that it stands in."""
    if block is None:
        if name in weights:
            yield name
        return
    for around, layer in _uses(definition, block):
        for use in paths_of(definition, around, layer, weights):
            for copy in _copies(use, weights):
                if f"{copy}.{name}" in weights:
                    yield f"{copy}.{name}"


def _uses(definition: Definition, block: BlockStatement) -> Iterator[tuple[BlockStatement | None, str]]:
    """The named layers that use a block, each with the block that it stands in."""
    scopes = [(None, definition.statements), *((item, item.statements) for item in all_blocks(definition))]
    for around, statements in scopes:
        for layer in (each for each in statements if isinstance(each, LayerStatement)):
            if layer.name is not None and layer.call.name.text == block.name.text:
                yield around, layer.name.text


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
    for statement in definition.statements:
        if isinstance(statement, PretrainedStatement):
            for reference in statement.layers:
                edits += [replaced(reference.span, path) for path in _moved(str(reference), moved)]
        elif isinstance(statement, RenamedStatement):
            for path in _moved(str(statement.new), moved):
                edits.append(_renamed_edit(definition, statement, path))
                known.add((str(statement.old), path))
    lines = [f"renamed {old} to {new}" for old, new in moved if (old, new) not in known] if adds else []
    if lines:
        edits.append(insertion(_after_renamed(definition), "".join(f"\n{line}" for line in lines)))
    return edits


def _moved(path: str, moved: list[tuple[str, str]]) -> list[str]:
    return [new + path[len(old) :] for old, new in moved if path == old or path.startswith(f"{old}.")][:1]


def _renamed_edit(definition: Definition, statement: RenamedStatement, path: str) -> TextEdit:
    """The line with its new target, or nothing where the target is what it was at first."""
    if str(statement.old) != path:
        return replaced(statement.new.span, path)
    lines = Lines(definition.text)
    start, end = lines.line_start(statement.span.start), lines.line_end(statement.span.end)
    return replaced(Span(max(0, start - 1), end), "")


def _after_renamed(definition: Definition) -> int:
    """The end of the line that new `renamed` lines follow: the last one's, or that of the last statement."""
    found = [item for item in definition.statements if isinstance(item, RenamedStatement)]
    last = found[-1] if found else definition.statements[-1]
    end = last.close.end if isinstance(last, BlockStatement) and last.close else last.span.end
    return Lines(definition.text).line_end(end)
