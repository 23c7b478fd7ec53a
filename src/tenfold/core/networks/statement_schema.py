"""The JSON schema of the statement model, read off the classes that a text is parsed into."""

from __future__ import annotations

import dataclasses
import types
import typing
from functools import cache
from typing import Any

from tenfold.core.networks import syntax
from tenfold.core.networks.problems import NetworkProblem
from tenfold.core.networks.source import Span

_STATEMENTS: tuple[type[syntax.Statement], ...] = (
    syntax.LanguageStatement,
    syntax.NetworkStatement,
    syntax.ParamStatement,
    syntax.LetStatement,
    syntax.InputStatement,
    syntax.OutputStatement,
    syntax.DefaultStatement,
    syntax.BlockStatement,
    syntax.PretrainedStatement,
    syntax.RenamedStatement,
    syntax.LayerStatement,
    syntax.BrokenStatement,
)
_PLAIN: dict[object, str] = {int: "integer", str: "string", bool: "boolean", type(None): "null"}
_SPAN = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0},
    "minItems": 2,
    "maxItems": 2,
    "description": "The characters of the text from the first number up to, without, the second.",
}
_EXPRESSION = "A value to be computed, as it stands in the text."


@cache
def statement_schema() -> dict[str, Any]:
    """What `Definition.to_json` gives, as JSON Schema 2020-12."""
    parts: dict[str, Any] = {"Span": _SPAN}
    kinds = [_statement(kind, parts) for kind in _STATEMENTS]
    parts["Comment"] = _object({"text": {"type": "string"}, "span": _refer("Span")}, "A comment, with its `#`.")
    parts["Statement"] = {"oneOf": kinds, "description": "One statement with the comments beside and above it."}
    members = {
        "model": {"const": syntax.STATEMENT_MODEL, "description": "The version of this schema."},
        "text": {"type": "string", "description": "The source, to which all spans refer."},
        "statements": {"type": "array", "items": _refer("Statement")},
        "problems": {"type": "array", "items": _value(NetworkProblem, parts)},
    }
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "The statements of a network text"}
    about = "With the text and the spans nothing of the source is lost. Problems are those of reading it."
    return {**schema, **_object(members, about), "$defs": parts}


def _statement(kind: type[syntax.Statement], parts: dict[str, Any]) -> dict[str, Any]:
    members = {name: _value(hint, parts) for name, hint in typing.get_type_hints(kind).items()}
    if kind is syntax.BlockStatement:
        members["statements"] = {"type": "array", "items": _refer("Statement")}
    members |= {"kind": {"const": syntax.kind_name(kind)}, "comments": {"type": "array", "items": _refer("Comment")}}
    parts[kind.__name__] = _object(members, _summary(kind))
    return _refer(kind.__name__)


def _value(hint: Any, parts: dict[str, Any]) -> dict[str, Any]:  # Any: a type
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if hint is Span:
        return _refer("Span")
    if isinstance(hint, types.UnionType):
        return {"anyOf": [_value(each, parts) for each in typing.get_args(hint)]}
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _value(typing.get_args(hint)[0], parts)}
    if issubclass(hint, syntax.Expression):
        parts["Expression"] = _object({"text": {"type": "string"}, "span": _refer("Span")}, _EXPRESSION)
        return _refer("Expression")
    if issubclass(hint, syntax.Statement):
        return _refer("Statement")
    if hint.__name__ not in parts:
        parts[hint.__name__] = {}  # stands for itself within itself
        members = {name: _value(each, parts) for name, each in typing.get_type_hints(hint).items()}
        parts[hint.__name__] = _object(members, _summary(hint))
    return _refer(hint.__name__)


def _object(members: dict[str, Any], description: str) -> dict[str, Any]:
    about = {"description": description} if description else {}
    closed = {"required": sorted(members), "additionalProperties": False}
    return {"type": "object", **about, "properties": members, **closed}


def _refer(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _summary(kind: type) -> str:
    """The docstring, unless it is the one that a dataclass makes up."""
    assert dataclasses.is_dataclass(kind)
    text = kind.__doc__ or ""
    return "" if text.startswith(f"{kind.__name__}(") else " ".join(text.split())
