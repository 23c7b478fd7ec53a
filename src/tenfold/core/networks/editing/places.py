"""Finds a statement in a definition, what stands around it, and where its scope names a layer or a value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tenfold.core.networks.editing.edits import refused
from tenfold.core.networks.evaluator import SHAPE_FUNCTIONS
from tenfold.core.networks.expression_parser import RESERVED
from tenfold.core.networks.lexer import Token, tokenise
from tenfold.core.networks.limits import MAX_NAME_LENGTH
from tenfold.core.networks.problems import TextEdit, insertion
from tenfold.core.networks.source import Lines, Span
from tenfold.core.networks.syntax import (
    BlockStatement,
    BrokenStatement,
    Call,
    Definition,
    Formal,
    Function,
    InputStatement,
    LayerStatement,
    LetStatement,
    OutputStatement,
    ParamStatement,
    Reference,
    Statement,
    Variable,
)


@dataclass(frozen=True)
class Place:
    """A statement, the statements of its scope, and the block that they stand in, if any."""

    definition: Definition
    statement: Statement
    scope: Sequence[Statement]
    block: BlockStatement | None

    @property
    def index(self) -> int:
        return next(index for index, item in enumerate(self.scope) if item is self.statement)

    @property
    def text(self) -> str:
        return self.definition.text

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.definition.text)

    def line(self, statement: Statement) -> int:
        return self.lines.line(statement.span.start)


def find_place(definition: Definition, at: int) -> Place:
    """The statement on the line of an offset; raises `Conflict` where none stands."""
    lines = Lines(definition.text)
    line = lines.line(min(max(at, 0), len(definition.text)))
    for statement in definition.statements:
        if isinstance(statement, BlockStatement):
            for inner in statement.statements:
                if _holds(lines, inner.span, line):
                    return Place(definition, inner, statement.statements, statement)
        if _holds(lines, statement.span, line):
            return Place(definition, statement, definition.statements, None)
    raise refused(f"No statement stands there (line {line}).")


def require_layer(definition: Definition, at: int, what: str) -> tuple[Place, LayerStatement]:
    """The layer at an offset; raises `Conflict` for anything else."""
    place = find_place(definition, at)
    if not isinstance(place.statement, LayerStatement):
        line = place.line(place.statement)
        raise refused(f"Only a layer can be {what}, and line {line} is none.")
    return place, place.statement


def _holds(lines: Lines, span: Span, line: int) -> bool:
    return lines.line(span.start) <= line <= lines.line(span.end)


def all_statements(definition: Definition) -> Iterator[Statement]:
    """Every statement, also those inside blocks."""
    for statement in definition.statements:
        yield statement
        if isinstance(statement, BlockStatement):
            yield from statement.statements


def parts(part: object) -> Iterator[object]:
    """A part of a statement and everything in it; the statements of a block are not in it."""
    yield part
    if isinstance(part, Span):
        return
    if isinstance(part, tuple):
        for item in part:
            yield from parts(item)
    elif dataclasses.is_dataclass(part):
        for attribute in dataclasses.fields(part):
            if attribute.name != "statements":
                yield from parts(getattr(part, attribute.name))


class LayerMention(NamedTuple):
    """Where a statement names a layer: as a whole, not a copy or result of it, and as what it reads."""

    name: str
    span: Span
    is_whole: bool
    is_read: bool


def layers_mentioned(statement: Statement) -> Iterator[LayerMention]:
    """Where a statement names layers of its scope; what `pretrained` and `renamed` say are paths, not mentions."""
    if not isinstance(statement, LayerStatement | OutputStatement | LetStatement):
        return
    for part in parts(statement):
        if isinstance(part, Reference):
            name, start = part.parts[0], part.span.start
            yield LayerMention(name, Span(start, start + len(name)), len(part.parts) == 1, is_read=True)
        elif isinstance(part, Function) and part.name in SHAPE_FUNCTIONS:
            named = (item for item in part.arguments if isinstance(item, Variable))
            yield from (LayerMention(item.name, item.span, is_whole=True, is_read=False) for item in named)
    shared = shared_layer(statement)
    if shared is not None:
        yield LayerMention(shared.name, shared.span, is_whole=False, is_read=False)


def layer_mentions(statement: Statement, name: str) -> list[LayerMention]:
    """Where a statement names one layer of its scope."""
    return [each for each in layers_mentioned(statement) if each.name == name]


def shared_layer(statement: Statement) -> Variable | None:
    """The layer that a `share` applies again."""
    if isinstance(statement, LayerStatement) and statement.call.name.text == "share" and statement.call.arguments:
        value = statement.call.arguments[0].value
        return value if isinstance(value, Variable) else None
    return None


def value_mentions(statement: Statement, name: str) -> list[Span]:
    """Where a statement names one value: a parameter, a `let` or an argument of its block."""
    return [each.span for each in values_mentioned(statement) if each.name == name]


def values_mentioned(statement: Statement) -> list[Variable]:
    """Where a statement names values, or choices, which look alike."""
    layers = {id(item) for part in parts(statement) if _names_layers(part) for item in _arguments(part)}
    shared = shared_layer(statement)
    return [
        part
        for part in parts(statement)
        if isinstance(part, Variable) and part is not shared and id(part) not in layers
    ]


def _names_layers(part: object) -> bool:
    return isinstance(part, Function) and part.name in SHAPE_FUNCTIONS


def _arguments(part: object) -> tuple[object, ...]:
    return part.arguments if isinstance(part, Function) else ()


def layer_names(scope: Sequence[Statement], block: BlockStatement | None) -> set[str]:
    """The names of layers and inputs that a scope declares."""
    kinds = LayerStatement | InputStatement | BrokenStatement
    names = {item.name.text for item in scope if isinstance(item, kinds) and item.name is not None}
    return names | (set(block_inputs(block)) if block is not None else set())


def block_inputs(block: BlockStatement) -> tuple[str, ...]:
    return tuple(item.text for item in block.inputs) or ("input",)


def local_values(block: BlockStatement | None) -> set[str]:
    """The values that only the layers of a block see."""
    if block is None:
        return set()
    lets = {item.name.text for item in block.statements if isinstance(item, LetStatement)}
    return lets | {formal.name.text for formal in block.formals} | {"index", "count"}


def all_values(definition: Definition) -> set[str]:
    """Every word that is a value anywhere, or a choice, which a value of that name would hide."""
    named = {part.name for item in all_statements(definition) for part in parts(item) if isinstance(part, Variable)}
    kinds = ParamStatement | LetStatement | Formal
    return named | {
        part.name.text for item in all_statements(definition) for part in parts(item) if isinstance(part, kinds)
    }


def file_values(definition: Definition) -> set[str]:
    """The parameters and values that the whole file sees."""
    return {item.name.text for item in definition.statements if isinstance(item, ParamStatement | LetStatement)}


def find_parameter(definition: Definition, name: str) -> ParamStatement | None:
    params = (item for item in definition.statements if isinstance(item, ParamStatement))
    return next((item for item in params if item.name.text == name), None)


def find_block(definition: Definition, call: Call) -> BlockStatement | None:
    blocks = (item for item in definition.statements if isinstance(item, BlockStatement))
    return next((item for item in blocks if item.name.text == call.name.text), None)


def free_name(kind: str, taken: set[str]) -> str:
    """`conv4` where `conv1` to `conv3` are taken."""
    number = 1
    while f"{kind}{number}" in taken:
        number += 1
    return f"{kind}{number}"


def check_name(name: str) -> None:
    """Raises `Conflict` for what is no name of the language."""
    is_word = name.isascii() and name.isidentifier() and len(name) <= MAX_NAME_LENGTH
    if not is_word or name in RESERVED:
        text = f"`{name[:MAX_NAME_LENGTH]}` is no name: a name has letters, digits and `_`, begins with no digit"
        raise refused(f"{text}, has at most {MAX_NAME_LENGTH} characters and is no word of the language.")


def tokens_of(text: str, statement: Statement) -> list[Token]:
    """The tokens of a statement, at their offsets in the text."""
    start, end = statement.span
    tokens, _ = tokenise(text[start:end])
    return [
        token._replace(start=token.start + start, end=token.end + start) for token in tokens if token.kind != "newline"
    ]


def statement_above(place: Place) -> Statement | None:
    """The statement that the chain comes from, or nothing at the top of a scope."""
    kinds = LayerStatement | InputStatement | BrokenStatement
    return next((item for item in reversed(place.scope[: place.index]) if isinstance(item, kinds)), None)


def name_of(place: Place, above: Statement | None) -> str:
    if above is None:
        return block_inputs(place.block)[0] if place.block is not None else ""
    name = getattr(above, "name", None)
    return name.text if name is not None else ""


def name_above(place: Place, above: Statement | None) -> tuple[str, list[TextEdit]]:
    """A name for the layer above, and the edit that gives it one if it has none."""
    known = name_of(place, above)
    if known:
        return known, []
    if not isinstance(above, LayerStatement):
        raise refused("There is no layer or input above that could take its place.")
    proposal = free_name(above.call.name.text, layer_names(place.scope, place.block))
    return proposal, [insertion(above.span.start, f"{proposal} = ")]


def lines_with_comments(place: Place, statement: Statement) -> Span:
    """The lines of a statement with the comment lines directly above it."""
    lines, text = place.lines, place.text
    start = lines.line_start(statement.span.start)
    while start > 0:
        above = lines.line_start(start - 1)
        if not text[above:start].lstrip().startswith("#"):
            break
        start = above
    return Span(start, lines.line_end(statement.span.end))
