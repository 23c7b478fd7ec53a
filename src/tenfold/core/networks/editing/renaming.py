"""Renames layers, inputs, outputs, blocks and parameters, with everything in their scope that names them."""

from __future__ import annotations

from tenfold.core.networks.editing.edits import Edited, edited, refused, replaced
from tenfold.core.networks.editing.paths import all_blocks, path_edits, paths_of, weight_prefixes
from tenfold.core.networks.editing.places import (
    Place,
    all_statements,
    all_values,
    check_name,
    find_place,
    layer_mentions,
    layer_names,
    parts,
    value_mentions,
)
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.problems import TextEdit, insertion
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import (
    BlockStatement,
    Call,
    Definition,
    InputStatement,
    LayerStatement,
    LetStatement,
    Name,
    OutputStatement,
    ParamStatement,
    Reference,
)
from tenfold.core.networks.vocabulary import INPUT_KINDS, LAYERS


def rename(definition: Definition, at: int, new: str, *, graph: LayerGraph | None, records: bool = True) -> Edited:
    """Gives what stands at an offset another name, with all references in its scope.

    `graph` is the definition's, from which the paths of weights are read; with `records` each path that moves gets a
    line `renamed OLD to NEW`. Raises `Conflict` with the reason.
    """
    check_name(new)
    place = find_place(definition, at)
    statement = place.statement
    name = getattr(statement, "name", None)
    if isinstance(statement, LayerStatement):
        return _rename_layer(place, statement, new, graph if records else None, records)
    if not isinstance(name, Name) or name.text == new:
        raise refused(f"Line {place.line(statement)} has no other name to give.")
    if isinstance(statement, InputStatement):
        _check_free(place, new)
        return edited([replaced(name.span, new), *_layer_edits(place, name.text, new)])
    if isinstance(statement, OutputStatement):
        return _rename_output(place, name, new)
    if isinstance(statement, BlockStatement):
        return _rename_block(definition, name, new)
    if isinstance(statement, ParamStatement | LetStatement) and place.block is None:
        return _rename_value(definition, name, new)
    raise refused(f"What stands on line {place.line(statement)} cannot be renamed: edit the text.")


def _check_free(place: Place, new: str) -> None:
    if new in layer_names(place.scope, place.block):
        raise refused(
            f"The name `{new}` is taken in this scope. Names are unique because weights are stored under them."
        )


# layers


def _rename_layer(place: Place, statement: LayerStatement, new: str, graph: LayerGraph | None, records: bool) -> Edited:
    if statement.name is None:
        _check_free(place, new)
        return edited([insertion(statement.span.start, f"{new} = ")])
    old = statement.name.text
    if old == new:
        raise refused(f"It is called `{new}` already.")
    _check_free(place, new)
    if graph is None and records:
        raise refused("The text has problems: mend them first, so that its weights are found under the new name.")
    edits = [replaced(statement.name.span, new), *_layer_edits(place, old, new)]
    weights = weight_prefixes(graph)
    moved = [(path, _renamed(path, new)) for path in paths_of(place.definition, place.block, old, weights)]
    if records:
        edits += path_edits(place.definition, moved)
    elif place.block is None:
        edits += path_edits(place.definition, [(old, new)], adds=False)
    return edited(edits, moved)


def _layer_edits(place: Place, old: str, new: str) -> list[TextEdit]:
    return [replaced(span, new) for item in place.scope for _, span, _, _ in layer_mentions(item, old)]


def _renamed(path: str, new: str) -> str:
    return ".".join([*path.split(".")[:-1], new])


# what is no layer


def _rename_output(place: Place, name: Name, new: str) -> Edited:
    if any(isinstance(item, OutputStatement) and item.name.text == new for item in place.scope):
        raise refused(f"There is an output `{new}` already.")
    if place.block is None:
        return edited([replaced(name.span, new)])
    spans = []
    for item in all_statements(place.definition):
        for part in parts(item):
            if isinstance(part, Reference) and part.parts[-1] == name.text and len(part.parts) > 1:
                spans.append(Span(part.span.end - len(name.text), part.span.end))
    if spans and len([item for item in _outputs(place.definition) if item.name.text == name.text]) > 1:
        raise refused(f"Several blocks have an output `{name.text}`: rename it in the text.")
    return edited([replaced(name.span, new), *[replaced(span, new) for span in spans]])


def _outputs(definition: Definition) -> list[OutputStatement]:
    return [item for block in all_blocks(definition) for item in block.statements if isinstance(item, OutputStatement)]


def _rename_block(definition: Definition, name: Name, new: str) -> Edited:
    if (
        new in LAYERS
        or new in INPUT_KINDS
        or new == "share"
        or any(item.name.text == new for item in all_blocks(definition))
    ):
        raise refused(f"There is a layer or block `{new}` already.")
    calls = [part for item in all_statements(definition) for part in parts(item) if isinstance(part, Call)]
    spans = [call.name.span for call in calls if call.name.text == name.text]
    return edited([replaced(name.span, new), *[replaced(span, new) for span in spans]])


def _rename_value(definition: Definition, name: Name, new: str) -> Edited:
    if new in all_values(definition):
        raise refused(f"The name `{new}` is taken by a value or a choice: choose another.")
    edits = [replaced(name.span, new)]
    for statement in definition.statements:
        hidden: set[str] = set()
        if isinstance(statement, BlockStatement):
            hidden = {formal.name.text for formal in statement.formals}
            hidden |= {item.name.text for item in statement.statements if isinstance(item, LetStatement)}
        inner = statement.statements if isinstance(statement, BlockStatement) else ()
        for item in (statement, *inner):
            if name.text not in hidden:
                edits += [replaced(span, new) for span in value_mentions(item, name.text)]
    return edited(edits)
