"""The statement model: what stands in a network text, each part with its span of characters."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.networks.problems import NetworkProblem
from tenfold.core.networks.source import Lines, Span

STATEMENT_MODEL = 1
"""The version of the statements as data, see `statement_schema`."""


@dataclass(frozen=True)
class Expression:
    """A value to be computed; `depth` counts the expressions nested in it."""

    span: Span
    depth: int = field(default=1, kw_only=True)


@dataclass(frozen=True)
class Constant(Expression):
    """A number, text, `true`, `false` or `none`."""

    value: int | float | str | bool | None


@dataclass(frozen=True)
class Variable(Expression):
    """A word: a parameter, a value, a layer inside `channels()`, or a choice."""

    name: str


@dataclass(frozen=True)
class ListOf(Expression):
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Unary(Expression):
    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Expression):
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Conditional(Expression):
    value: Expression
    test: Expression
    otherwise: Expression


@dataclass(frozen=True)
class Indexed(Expression):
    target: Expression
    index: Expression


@dataclass(frozen=True)
class Function(Expression):
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Name:
    """A name where it is declared or used."""

    text: str
    span: Span


@dataclass(frozen=True)
class Reference:
    """`layer2.1` or `head3.box`."""

    parts: tuple[str, ...]
    span: Span

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Argument:
    name: Name | None
    value: Expression
    span: Span


@dataclass(frozen=True)
class Call:
    """A kind or block with its arguments; `has_brackets` is false in `relu`."""

    name: Name
    arguments: tuple[Argument, ...]
    has_brackets: bool
    span: Span


@dataclass(frozen=True)
class Domain:
    """What a parameter may be: a range with an optional step, or a list."""

    low: Expression | None
    high: Expression | None
    step: Expression | None
    choices: ListOf | None
    span: Span


@dataclass(frozen=True, kw_only=True)
class Statement:
    span: Span


@dataclass(frozen=True, kw_only=True)
class LanguageStatement(Statement):
    number: int


@dataclass(frozen=True, kw_only=True)
class NetworkStatement(Statement):
    name: Name
    title: str


@dataclass(frozen=True, kw_only=True)
class ParamStatement(Statement):
    name: Name
    default: Expression
    domain: Domain | None
    help: str


@dataclass(frozen=True, kw_only=True)
class LetStatement(Statement):
    name: Name
    value: Expression


@dataclass(frozen=True, kw_only=True)
class InputStatement(Statement):
    name: Name
    call: Call


@dataclass(frozen=True, kw_only=True)
class OutputStatement(Statement):
    name: Name
    arguments: tuple[Argument, ...]
    source: Reference | None
    when: Expression | None


@dataclass(frozen=True, kw_only=True)
class DefaultStatement(Statement):
    call: Call


@dataclass(frozen=True, kw_only=True)
class PretrainedStatement(Statement):
    source: str
    arguments: tuple[Argument, ...]
    layers: tuple[Reference, ...]


@dataclass(frozen=True, kw_only=True)
class RenamedStatement(Statement):
    old: Reference
    new: Reference


@dataclass(frozen=True, kw_only=True)
class LayerStatement(Statement):
    name: Name | None
    call: Call
    sources: tuple[Reference, ...]
    repeat: Expression | None
    when: Expression | None


@dataclass(frozen=True, kw_only=True)
class Formal:
    """An argument that a block declares."""

    name: Name
    default: Expression | None
    domain: Domain | None
    span: Span


@dataclass(frozen=True, kw_only=True)
class BrokenStatement(Statement):
    """A statement that could not be read: its keyword (empty for a layer) and the name it declares, if that much is
    known."""

    keyword: str
    name: Name | None


@dataclass(frozen=True, kw_only=True)
class BlockStatement(Statement):
    """`span` is its header; `close` its closing brace, or nothing where that is missing. A block whose header could
    not be read has `is_broken`."""

    name: Name
    formals: tuple[Formal, ...]
    inputs: tuple[Name, ...]
    statements: tuple[Statement, ...]
    close: Span | None
    is_broken: bool = False


@dataclass(frozen=True)
class Definition:
    """A parsed network text: its statements, comments and syntax problems; of one that is not read its one problem."""

    text: str
    statements: tuple[Statement, ...]
    comments: tuple[Span, ...]
    problems: tuple[NetworkProblem, ...]
    is_read: bool = True

    def to_json(self) -> dict[str, Any]:
        """The statement model as data; with `text` and the spans nothing of the source is lost."""
        owners = self._comment_owners()
        return {
            "model": STATEMENT_MODEL,
            "text": self.text,
            "statements": [self._statement_json(statement, owners) for statement in self.statements],
            "problems": [problem.to_json() for problem in self.problems],
        }

    def _comment_owners(self) -> dict[int, list[Span]]:
        """Comments by the start of the statement they belong to: that of their line, or the one below."""
        lines = Lines(self.text)
        flat = [inner for statement in self.statements for inner in _with_inner(statement)]
        by_line = {lines.line(statement.span.end): statement for statement in flat}
        owners: dict[int, list[Span]] = {}
        for comment in self.comments:
            owner = by_line.get(lines.line(comment.start))
            owner = owner or next((item for item in flat if item.span.end > comment.start), flat[-1] if flat else None)
            owners.setdefault(owner.span.start if owner else -1, []).append(comment)
        return owners

    def _statement_json(self, statement: Statement, owners: dict[int, list[Span]]) -> dict[str, Any]:
        document: dict[str, Any] = {"kind": kind_name(type(statement))}
        for attribute in dataclasses.fields(statement):
            value = getattr(statement, attribute.name)
            if attribute.name == "statements":
                document["statements"] = [self._statement_json(inner, owners) for inner in value]
            else:
                document[attribute.name] = self._part_json(value)
        comments = owners.get(statement.span.start, [])
        document["comments"] = [{"text": self.text[span.start : span.end], "span": list(span)} for span in comments]
        return document

    def _part_json(self, part: object) -> object:
        if isinstance(part, Span):
            return list(part)
        if isinstance(part, Expression):
            return {"text": self.text[part.span.start : part.span.end], "span": list(part.span)}
        if isinstance(part, tuple):
            return [self._part_json(item) for item in part]
        if dataclasses.is_dataclass(part):
            return {item.name: self._part_json(getattr(part, item.name)) for item in dataclasses.fields(part)}
        return part


def kind_name(kind: type[Statement]) -> str:
    """`layer` of `LayerStatement`."""
    return kind.__name__.removesuffix("Statement").lower()


def _with_inner(statement: Statement) -> tuple[Statement, ...]:
    return (statement, *statement.statements) if isinstance(statement, BlockStatement) else (statement,)
