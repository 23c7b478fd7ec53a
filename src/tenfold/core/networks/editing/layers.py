"""Inserts, removes, moves and switches layers, each as the smallest change of the text."""

from __future__ import annotations

from collections.abc import Sequence

from tenfold.core.networks.editing.edits import Edited, edited, refused, replaced
from tenfold.core.networks.editing.places import (
    Place,
    check_name,
    find_block,
    find_place,
    free_name,
    layer_mentions,
    layer_names,
    lines_with_comments,
    name_above,
    name_of,
    require_layer,
    statement_above,
    tokens_of,
    value_mentions,
)
from tenfold.core.networks.layers.kinds import no_weights
from tenfold.core.networks.lexer import Token
from tenfold.core.networks.parser import parse
from tenfold.core.networks.problems import TextEdit, insertion
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import (
    Binary,
    BrokenStatement,
    Constant,
    Definition,
    InputStatement,
    LayerStatement,
    LetStatement,
    OutputStatement,
    PretrainedStatement,
    Reference,
    RenamedStatement,
    Statement,
)
from tenfold.core.networks.vocabulary import LAYERS

_MOVABLE = LayerStatement | LetStatement | OutputStatement


# insert


def insert_after(definition: Definition, at: int, layer: str, *, name: str = "") -> Edited:
    """A new line with a layer after the one at an offset.

    It gets `name`, or `conv4` where it has weights or the follower, which read the layer above by name, has to read it
    instead. Raises `Conflict` with the reason.
    """
    place = find_place(definition, at)
    above = place.statement
    if not isinstance(above, LayerStatement | InputStatement):
        raise refused(f"A layer is inserted after a layer or an input, and line {place.line(above)} is neither.")
    added = _read_layer(layer)
    follower = _follower_reading(place)
    taken = layer_names(place.scope, place.block)
    own = added.name.text if added.name else name
    if not own and (follower is not None or _needs_name(definition, added)):
        own = free_name(added.call.name.text, taken)
    if own:
        check_name(own)
    if own in taken:
        raise refused(f"The name `{own}` is taken in this scope: choose another.")
    line = layer.strip() if added.name or not own else f"{own} = {layer.strip()}"
    end = place.lines.line_end(above.span.end)
    edits = [insertion(end, f"\n{place.lines.indent(above.span.start)}{line}")]
    return edited([*edits, *([replaced(follower, own)] if follower else [])])


def _read_layer(text: str) -> LayerStatement:
    read = parse(text.strip())
    statement = read.statements[0] if len(read.statements) == 1 else None
    if not isinstance(statement, LayerStatement) or read.problems or read.comments or "\n" in text.strip():
        raise refused(f"`{text[:40]}` is no layer: write one line, as in `conv(64, 3, pad=1)`.")
    return statement


def _needs_name(definition: Definition, added: LayerStatement) -> bool:
    kind = LAYERS.get(added.call.name.text)
    is_block = find_block(definition, added.call) is not None
    if kind is None and not is_block and added.call.name.text != "share":
        raise refused(f"There is no layer or block `{added.call.name.text}`.")
    return is_block or added.repeat is not None or (kind is not None and kind.weights is not no_weights)


def _follower_reading(place: Place) -> Span | None:
    """Where the next statement reads this one by its name."""
    name = getattr(place.statement, "name", None)
    following = place.scope[place.index + 1 : place.index + 2]
    if name is None or not following:
        return None
    reader = following[0]
    sources: tuple[Reference | None, ...] = ()
    if isinstance(reader, LayerStatement):
        sources = reader.sources
    elif isinstance(reader, OutputStatement):
        sources = (reader.source,)
    return next((item.span for item in sources if item is not None and str(item) == name.text), None)


# remove


def remove(definition: Definition, at: int) -> Edited:
    """Deletes the line of a layer; what read it reads its first input. Raises `Conflict` with the reason."""
    place, gone = require_layer(definition, at, "removed")
    above = statement_above(place)
    edits = _without_lines(place, [gone, *_moved_here(place, gone)])
    source = str(gone.sources[0]) if gone.sources else ""
    if gone.name is not None:
        mentions = _replaceable(place, gone.name.text)
        _check_paths(definition, place, gone.name.text)
        if mentions and not source:
            source, naming = name_above(place, above)
            edits += naming
        edits += [replaced(span, source) for span in mentions]
    if gone.sources and source != name_of(place, above):
        edits += _reconnect(place, source)
    return edited(edits)


def _replaceable(place: Place, name: str) -> list[Span]:
    """Where the scope names a layer that goes; raises `Conflict` where nothing else can stand."""
    spans = []
    for statement in place.scope[place.index + 1 :]:
        for _, span, is_whole, _ in layer_mentions(statement, name):
            if not is_whole:
                used = place.text[slice(*statement.span)].split("\n", 1)[0]
                raise refused(f"`{name}` is used on line {place.line(statement)} (`{used[:60]}`): change that first.")
            spans.append(span)
    return spans


def _check_paths(definition: Definition, place: Place, name: str) -> None:
    if place.block is not None:
        return
    for statement in definition.statements:
        layers = statement.layers if isinstance(statement, PretrainedStatement) else ()
        if any(reference.parts[0] == name for reference in layers):
            raise refused(f"`{name}` is named on line {place.line(statement)}: remove it there first.")


def _moved_here(place: Place, gone: LayerStatement) -> list[Statement]:
    """The lines `renamed` that say which weights moved to a layer of the file that goes."""
    if gone.name is None or place.block is not None:
        return []
    moved = (item for item in place.definition.statements if isinstance(item, RenamedStatement))
    return [item for item in moved if item.new.parts[0] == gone.name.text]


def _reconnect(place: Place, source: str) -> list[TextEdit]:
    """The followers that read the layer that goes only by their place read its input by name."""
    edits = []
    for statement in place.scope[place.index + 1 :]:
        if isinstance(statement, OutputStatement) and statement.source is None:
            edits.append(insertion(_before_clauses(place, statement), f" from {source}"))
        elif isinstance(statement, LayerStatement):
            if not statement.sources:
                edits.append(insertion(statement.call.span.end, f" from {source}"))
            return edits
        elif isinstance(statement, InputStatement | BrokenStatement):
            return edits
    if place.block is not None:
        raise refused("It gives the result of its block, and its input is not the layer above: bypass it instead.")
    return edits


def _before_clauses(place: Place, statement: OutputStatement) -> int:
    tokens = tokens_of(place.text, statement)
    index = next((index for index, token in enumerate(tokens) if token.text == "when"), len(tokens))
    return tokens[index - 1].end


def _without_lines(place: Place, statements: Sequence[Statement]) -> list[TextEdit]:
    """Deletes the lines of statements with their comments."""
    spans: list[Span] = []
    for statement in sorted(statements, key=lambda each: each.span.start):
        start = place.lines.line_start(statement.span.start)
        end = place.lines.line_end(statement.span.end)
        span = Span(start, end + 1) if end < len(place.text) else Span(max(0, start - 1), end)
        if spans and spans[-1].end >= span.start:
            span = spans.pop().to(span)
        spans.append(span)
    return [replaced(span, "") for span in spans]


# switch


def switch(definition: Definition, at: int, *, is_on: bool) -> Edited:
    """Bypasses a layer by `when false`, or takes that away; a condition of its own stays beside it."""
    place = find_place(definition, at)
    statement = place.statement
    if not isinstance(statement, LayerStatement | OutputStatement):
        raise refused(f"Only layers and outputs can be switched, and line {place.line(statement)} is neither.")
    when, end = statement.when, statement.span.end
    if when is None:
        return edited([] if is_on else [insertion(end, " when false")])
    tokens = tokens_of(place.text, statement)
    index = next(index for index, token in enumerate(tokens) if token.text == "when" and token.kind == "name")
    is_off = isinstance(when, Constant) and when.value is False
    is_held = isinstance(when, Binary) and when.operator == "and" and _is_false(when.left)
    if not is_on:
        if is_off or is_held:
            return edited([])
        return edited([insertion(tokens[index + 1].start, "false and ("), insertion(end, ")")])
    if is_off:
        return edited([replaced(Span(tokens[index - 1].end, end), "")])
    if is_held:
        return edited(_released(tokens[index + 1 :]))
    raise refused(f"Its condition decides whether it is on: `{place.text[tokens[index].start : end]}`.")


def _is_false(expression: object) -> bool:
    return isinstance(expression, Constant) and expression.value is False


def _released(tokens: list[Token]) -> list[TextEdit]:
    """Takes `false and ( )` away from a condition's tokens."""
    if [token.text for token in tokens[:3]] == ["false", "and", "("] and _closing(tokens, 2) == len(tokens) - 1:
        return [replaced(Span(tokens[0].start, tokens[2].end), ""), replaced(tokens[-1].span, "")]
    following = next(index for index, token in enumerate(tokens) if token.text == "and") + 1
    return [replaced(Span(tokens[0].start, tokens[following].start), "")]


def _closing(tokens: list[Token], opening: int) -> int:
    """The place of the bracket that closes another."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += (tokens[index].text in {"(", "["}) - (tokens[index].text in {")", "]"})
        if depth == 0:
            return index
    return -1


# move


def move(definition: Definition, at: int, *, up: bool) -> Edited:
    """Exchanges a line and its comments with the line above or below.

    Raises `Conflict` where a reference would point down.
    """
    place = find_place(definition, at)
    moved = place.statement
    if not isinstance(moved, _MOVABLE):
        raise refused(f"Only layers, values and outputs move, and line {place.line(moved)} is none.")
    index = place.index + (-1 if up else 1)
    way = "above" if up else "below"
    neighbour = place.scope[index] if 0 <= index < len(place.scope) else None
    if neighbour is None or not isinstance(neighbour, _MOVABLE):
        raise refused(f"There is no layer {way} line {place.line(moved)} to change places with.")
    first, second = (neighbour, moved) if up else (moved, neighbour)
    name = first.name.text if first.name else ""
    used = value_mentions(second, name) if isinstance(first, LetStatement) else layer_mentions(second, name)
    if name and used:
        text = f"Line {place.line(second)} reads `{name}` (line {place.line(first)}), so it has to stay below it."
        raise refused(text)
    upper, lower = lines_with_comments(place, first), lines_with_comments(place, second)
    text = place.text
    return edited([replaced(upper, text[slice(*lower)]), replaced(lower, text[slice(*upper)])])
