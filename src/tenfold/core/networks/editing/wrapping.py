"""Moves consecutive layers into a block of their own, from which one call stays."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tenfold.core.networks.editing.edits import Edited, edited, refused, replaced
from tenfold.core.networks.editing.paths import all_blocks, path_edits, uses_of, weight_prefixes
from tenfold.core.networks.editing.places import (
    Place,
    all_statements,
    check_name,
    find_place,
    free_name,
    layer_names,
    layers_mentioned,
    lines_with_comments,
    local_values,
    name_above,
    parts,
    shared_layer,
    statement_above,
    values_mentioned,
)
from tenfold.core.networks.evaluator import SHAPE_FUNCTIONS
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.problems import TextEdit, insertion
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import (
    BlockStatement,
    Definition,
    Function,
    LayerStatement,
    LetStatement,
    Reference,
    Statement,
    Variable,
)
from tenfold.core.networks.vocabulary import INPUT_KINDS, LAYERS

_INDENT = "  "
_OF_COPIES = frozenset({"index", "count"})


@dataclass(frozen=True)
class _Selection:
    """What is wrapped, `place` being that of its first statement; `call` is the name of the layer that stays."""

    place: Place
    statements: tuple[Statement, ...]
    call: str
    block: str
    span: Span

    @property
    def last(self) -> LayerStatement:
        return [item for item in self.statements if isinstance(item, LayerStatement)][-1]

    @property
    def following(self) -> Sequence[Statement]:
        return self.place.scope[self.place.index + len(self.statements) :]

    @cached_property
    def names(self) -> list[str]:
        return [item.name.text for item in self.statements if isinstance(item, LayerStatement) and item.name]


@dataclass
class _Inputs:
    """What the block reads: the name inside of each reference outside, and the edits that this needs."""

    named: dict[str, str] = field(default_factory=dict)
    edits: list[TextEdit] = field(default_factory=list)
    replacements: list[tuple[Span, str]] = field(default_factory=list)


def wrap(definition: Definition, at: int, until: int, name: str, *, graph: LayerGraph | None) -> Edited:
    """Moves the layers from the line of one offset to that of another into a new block `name` at the end of the text.

    What they read from outside becomes its inputs, values of the block around its arguments, layers read later its
    outputs; lines `renamed` say where the weights are now, whose paths `graph`, the definition's, knows. Raises
    `Conflict` with the reason.
    """
    selection = _selected(definition, at, until, name)
    if graph is None:
        raise refused("The text has problems: mend them first, so that its weights are found under the new names.")
    _require_own_values(selection)
    inputs = _inputs(selection)
    results, uses = _results(selection)
    values = _values(selection)
    header = f"block {name}({', '.join(values)}){_from(inputs.named.values())} {{"
    body = [*_moved_lines(selection, inputs.replacements), *(f"{_INDENT}output {each} from {each}" for each in results)]
    given = f"({', '.join(values)})" if values else ""
    call = f"{selection.place.lines.indent(selection.span.start)}{selection.call} = {name}{given}"
    moved = list(_moved_paths(selection, graph))
    end = len(definition.text.rstrip())
    edits = [
        replaced(selection.span, f"{call}{_from(inputs.named)}"),
        *inputs.edits,
        *uses,
        *path_edits(definition, moved),
        insertion(end, "\n".join(["", "", header, *body, "}"])),
    ]
    return edited(edits, moved)


def _from(names: Collection[str]) -> str:
    return f" from {', '.join(names)}" if names else ""


def _selected(definition: Definition, at: int, until: int, name: str) -> _Selection:
    """The layers that are meant, checked."""
    first, last = find_place(definition, min(at, until)), find_place(definition, max(at, until))
    if first.scope is not last.scope:
        raise refused("Both ends have to stand in the same block, or both outside of blocks.")
    statements = tuple(first.scope[first.index : last.index + 1])
    for statement in statements:
        if not isinstance(statement, LayerStatement | LetStatement):
            raise refused(f"Only layers go into a block, and line {first.line(statement)} is none.")
    if not any(isinstance(item, LayerStatement) for item in statements):
        raise refused("There is no layer on these lines.")
    check_name(name)
    if (
        name in LAYERS
        or name in INPUT_KINDS
        or name == "share"
        or name in {b.name.text for b in all_blocks(definition)}
    ):
        raise refused(f"There is a layer or block `{name}` already: choose another name.")
    taken = layer_names(first.scope, first.block)
    start = lines_with_comments(first, statements[0]).start
    span = Span(start, first.lines.line_end(statements[-1].span.end))
    return _Selection(first, statements, free_name(name, taken) if name in taken else name, name, span)


# what it reads


def _inputs(selection: _Selection) -> _Inputs:
    """Inputs for what stands outside, the layer above first where the first layer reads it by its place."""
    found = _Inputs()
    outside = list(_outside_references(selection))
    first = next(item for item in selection.statements if isinstance(item, LayerStatement))
    if not first.sources and outside:
        source, naming = name_above(selection.place, statement_above(selection.place))
        found.edits += naming
        found.named[source] = source
    taken = {*selection.names, *found.named}
    for reference, span in outside:
        inside = found.named.get(reference) or _input_name(reference, taken)
        found.named[reference] = inside
        taken.add(inside)
        if inside != reference:
            found.replacements.append((span, inside))
    return found


def _input_name(reference: str, taken: set[str]) -> str:
    """`conv1` stays; for `layer2.1` it is `layer2_1`, or another that is free."""
    wish = reference.replace(".", "_")
    return wish if wish not in taken else free_name(wish, taken)


def _outside_references(selection: _Selection) -> Iterator[tuple[str, Span]]:
    """Where the layers name what stands outside; raises `Conflict` for what cannot be an input."""
    own = set(selection.names)
    for statement in selection.statements:
        shared = shared_layer(statement)
        if shared is not None and shared.name not in own:
            raise refused(f"Line {selection.place.line(statement)} shares `{shared.name}`: wrap both, or neither.")
        for part in parts(statement):
            if isinstance(part, Reference) and part.parts[0] not in own:
                yield str(part), part.span
            elif isinstance(part, Function) and part.name in SHAPE_FUNCTIONS:
                named = (item for item in part.arguments if isinstance(item, Variable) and item.name not in own)
                yield from ((item.name, item.span) for item in named)


def _values(selection: _Selection) -> list[str]:
    """The values of the block around that the layers use, in the order in which it declares them."""
    block = selection.place.block
    own = {item.name.text for item in selection.statements if isinstance(item, LetStatement)}
    named = {each.name for statement in selection.statements for each in values_mentioned(statement)}
    used = named & (local_values(block) - own - _OF_COPIES)
    places = _declared_at(block) if block is not None else {}
    return sorted(used, key=lambda name: (places.get(name, 0), name))


def _declared_at(block: BlockStatement) -> dict[str, int]:
    lets = [item.name for item in block.statements if isinstance(item, LetStatement)]
    return {each.text: each.span.start for each in (*lets, *(formal.name for formal in block.formals))}


# what is read of it


def _results(selection: _Selection) -> tuple[list[str], list[TextEdit]]:
    """The layers inside that are read later, beside the last one, and the edits of what reads them."""
    place, own = selection.place, set(selection.names)
    results: dict[str, None] = {}
    edits: list[TextEdit] = []
    last = selection.last.name.text if selection.last.name else ""
    for statement in selection.following:
        for name, span, is_whole, is_read in layers_mentioned(statement):
            if name not in own:
                continue
            if not is_whole or not (name == last or is_read):
                raise refused(f"Line {place.line(statement)} uses a part of `{name}`: leave it out of the block.")
            edits.append(replaced(span, selection.call if name == last else f"{selection.call}.{name}"))
            if name != last:
                results[name] = None
    return [*results], edits


def _require_own_values(selection: _Selection) -> None:
    """Raises `Conflict` where a value that would move is used elsewhere."""
    lets = {item.name.text for item in selection.statements if isinstance(item, LetStatement)}
    inside = {id(item) for item in selection.statements}
    everywhere = selection.place.block is None
    around = all_statements(selection.place.definition) if everywhere else selection.following
    for statement in around if lets else ():
        used = [] if id(statement) in inside else [each.name for each in values_mentioned(statement)]
        for name in used:
            if name in lets:
                line = selection.place.line(statement)
                raise refused(f"Line {line} uses the value `{name}`: leave its line out of the block.")


# the text


def _moved_lines(selection: _Selection, replacements: Sequence[tuple[Span, str]]) -> list[str]:
    """The lines of the layers, indented for a block of the file."""
    text, position, pieces = selection.place.text, selection.span.start, []
    for span, inside in sorted(replacements):
        pieces += [text[position : span.start], inside]
        position = span.end
    lines = "".join([*pieces, text[position : selection.span.end]]).split("\n")
    indent = selection.place.lines.indent(selection.statements[0].span.start)
    return [f"{_INDENT}{line.removeprefix(indent)}" if line.strip() else "" for line in lines]


def _moved_paths(selection: _Selection, graph: LayerGraph) -> Iterator[tuple[str, str]]:
    weights = weight_prefixes(graph)
    uses = uses_of(selection.place.definition, selection.place.block, weights)
    for name in selection.names:
        for use in uses:
            if f"{use}{name}" in weights:
                yield f"{use}{name}", f"{use}{selection.call}.{name}"
