"""Says which layers a layer reads, and how often it stands one copy after another."""

from __future__ import annotations

from tenfold.core.networks.editing.edits import Edited, edited, refused, replaced
from tenfold.core.networks.editing.paths import path_edits, paths_of, weight_prefixes
from tenfold.core.networks.editing.places import (
    Place,
    block_inputs,
    find_place,
    free_name,
    layer_mentions,
    layer_names,
    name_of,
    parts,
    require_layer,
    statement_above,
    tokens_of,
)
from tenfold.core.networks.expression_parser import read_expression
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.parser import parse
from tenfold.core.networks.problems import TextEdit, insertion
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import Definition, LayerStatement, OutputStatement, Reference, Variable

_CLAUSES = ("from", "repeat", "when")


def readable(place: Place) -> tuple[str, ...]:
    """The names that a statement may read: the layers and inputs above it, the nearest first."""
    above = place.scope[: place.index]
    named = [item.text for item in (getattr(each, "name", None) for each in above if _gives(each)) if item is not None]
    return (*reversed(named), *(block_inputs(place.block) if place.block is not None else ()))


def connect(definition: Definition, at: int, sources: str) -> Edited:
    """Makes a layer or an output read others, given as `conv1` or `conv1, skip`; nothing is the line above.

    Raises `Conflict` with the reason.
    """
    place = find_place(definition, at)
    statement = place.statement
    if not isinstance(statement, LayerStatement | OutputStatement):
        raise refused(f"Only a layer or an output reads another, and line {place.line(statement)} is neither.")
    wanted = _references(sources)
    known = readable(place)
    for each in wanted:
        if each.parts[0] not in known:
            raise refused(f"There is no layer `{each.parts[0][:64]}` above line {place.line(statement)}.")
    if isinstance(statement, OutputStatement) and len(wanted) > 1:
        raise refused("An output reads one layer: join them above, by `add` or `concat`.")
    is_above = [str(each) for each in wanted] == [name_of(place, statement_above(place))]
    clause = "" if not wanted or is_above else f" from {', '.join(str(each) for each in wanted)}"
    return edited([_clause_edit(place, "from", clause)])


def repeat(definition: Definition, at: int, times: str, *, graph: LayerGraph | None) -> Edited:
    """Stands a layer or block so many times one after another; `1` takes that away.

    The paths of its weights move, which lines `renamed` say; `graph` is the definition's. Raises `Conflict`.
    """
    place, layer = require_layer(definition, at, "repeated")
    if read_expression(times) is None or "\n" in times:
        raise refused(f"`{times[:40]}` is no number of copies: write a number, or a parameter or expression.")
    if graph is None:
        raise refused("The text has problems: mend them first, so that its weights are found under the new names.")
    is_once = times.strip() == "1"
    if is_once and layer.repeat is not None:
        _require_no_copies(place, layer)
    clause = "" if is_once else f" repeat {times.strip()}"
    edits = [_clause_edit(place, "repeat", clause)]
    if layer.name is None:
        edits += [] if is_once else [insertion(layer.span.start, f"{_proposed(place, layer)} = ")]
        return edited(edits)
    if is_once == (layer.repeat is None):
        return edited(edits)
    paths = paths_of(definition, place.block, layer.name.text, weight_prefixes(graph))
    moved = [(f"{path}.0", path) if is_once else (path, f"{path}.0") for path in paths]
    return edited([*edits, *path_edits(definition, moved)], moved)


def _gives(statement: object) -> bool:
    return not isinstance(statement, OutputStatement) and hasattr(statement, "call")


def _references(sources: str) -> tuple[Reference, ...]:
    if not sources.strip():
        return ()
    read = parse(f"relu from {sources.strip()}")
    statement = read.statements[0] if len(read.statements) == 1 and "\n" not in sources.strip() else None
    if (
        read.problems
        or read.comments
        or not isinstance(statement, LayerStatement)
        or statement.when
        or statement.repeat
    ):
        raise refused(f"`{sources[:40]}` names no layers: write names with commas between, as in `conv1, skip`.")
    return statement.sources


def _clause_edit(place: Place, word: str, clause: str) -> TextEdit:
    """Exchanges a clause of a statement, puts it in where it belongs, or takes it away."""
    tokens = tokens_of(place.text, place.statement)
    starts = {token.text: index for index, token in enumerate(tokens) if index and _begins(token.text, token.kind)}
    later = _CLAUSES[_CLAUSES.index(word) + 1 :]
    after = min((starts[each] for each in later if each in starts), default=len(tokens))
    begin = starts.get(word, after)
    return replaced(Span(tokens[begin - 1].end, tokens[after - 1].end), clause)


def _begins(text: str, kind: str) -> bool:
    return kind == "name" and text in _CLAUSES


def _proposed(place: Place, layer: LayerStatement) -> str:
    return free_name(layer.call.name.text, layer_names(place.scope, place.block))


def _require_no_copies(place: Place, layer: LayerStatement) -> None:
    """Raises `Conflict` where something needs the copies to be there."""
    counted = [part for part in parts(layer.call) if isinstance(part, Variable) and part.name in {"index", "count"}]
    if counted:
        raise refused(f"Its brackets use `{counted[0].name}`, which only copies have: change that first.")
    name = layer.name.text if layer.name else ""
    for statement in place.scope[place.index + 1 :] if name else ():
        if any(not each.is_whole for each in layer_mentions(statement, name)):
            raise refused(f"Line {place.line(statement)} names a copy of `{name}`: change that first.")
