"""The parameters of a network text as declared fields, offered by forms, API, command line and sweeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tenfold.core.errors import InvalidFields
from tenfold.core.fields import Choice, Field
from tenfold.core.networks.domains import Range, read_range
from tenfold.core.networks.evaluator import UNKNOWN, Budget, Evaluator, Fault, Scope
from tenfold.core.networks.expression_parser import read_expression
from tenfold.core.networks.limits import MAX_LIST
from tenfold.core.networks.problems import Mistake
from tenfold.core.networks.syntax import ParamStatement
from tenfold.core.networks.values import Value, Word, is_number, shown

_MAX_LIST_TEXT = 4096


class Knobs:
    """Reads `param` statements into a scope."""

    def __init__(
        self, evaluator: Evaluator, scope: Scope, report: Callable[[Mistake], None], overrides: Mapping[str, object]
    ) -> None:
        self._evaluator = evaluator
        self._scope = scope
        self._report = report
        self._overrides = overrides
        self.fields: list[Field] = []

    def read(self, statement: ParamStatement) -> None:
        """Adds the parameter's value to the scope; out of range it falls back to its default."""
        name = statement.name.text
        try:
            value = self._checked_default(statement)
            allowed = read_range(statement.domain, self._evaluator, self._scope) if statement.domain else None
        except Fault as fault:
            self._fail(name, fault)
            return
        if allowed is not None and not allowed.holds(value):
            text = f"`{name}` is {shown(value)}, allowed are {allowed}."
            self._report(Mistake("network.parameter-range", text, statement.span))
        declared = _field(name, value, allowed, statement.help)
        self.fields.append(declared)
        self._scope.values[name] = value
        if name in self._overrides:
            self._override(statement, declared, value, allowed)

    def _fail(self, name: str, fault: Fault) -> None:
        if fault.mistake is not None:
            self._report(fault.mistake)
        self._scope.values[name] = UNKNOWN

    def _checked_default(self, statement: ParamStatement) -> Value:
        value = self._evaluator.evaluate(statement.default, self._scope)
        if not isinstance(value, int | float | str | list):
            text = "A parameter is a number, true or false, a word, a text or a list of these."
            raise Fault(Mistake("network.parameter-type", text, statement.default.span))
        return value

    def _override(self, statement: ParamStatement, declared: Field, default: Value, allowed: Range | None) -> None:
        name = statement.name.text
        try:
            value = _parsed(declared, self._overrides[name], default, allowed)
        except InvalidFields as error:
            for problem in error.problems:
                self._report(Mistake("network.parameter-value", problem.message, statement.span))
            return
        if allowed is not None and not allowed.holds(value):
            text = f"`{name}` is set to {shown(value)}, allowed are {allowed}."
            self._report(Mistake("network.parameter-range", text, statement.span))
            return
        self._scope.values[name] = value


def _field(name: str, value: Value, allowed: Range | None, help: str) -> Field:
    label = name.replace("_", " ").capitalize()
    about: dict[str, Any] = {"name": name, "label": label, "help": help or f"`{name}` in the network's text."}
    about |= {"group": "network", "sweepable": True}
    if allowed is not None and allowed.choices is not None and not isinstance(value, list):
        choices = tuple(Choice(_plain(choice), _plain(choice)) for choice in allowed.choices)
        return Field(type="choice", default=_plain(value), choices=choices, **about)
    if isinstance(value, Word):
        return Field(type="choice", default=str(value), choices=(Choice(str(value), str(value)),), **about)
    if isinstance(value, bool):
        return Field(type="boolean", default=value, **about)
    if isinstance(value, int | float):
        bounds: dict[str, Any] = {"minimum": allowed.low, "maximum": allowed.high} if allowed is not None else {}
        return Field(type="integer" if isinstance(value, int) else "number", default=value, **bounds, **about)
    return Field(type="text", default=shown(value) if isinstance(value, list) else value, **about)


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else shown(value)


def _parsed(declared: Field, given: object, default: Value, allowed: Range | None) -> Value:
    """A value from a form or JSON in the type of the parameter's default; raises `InvalidFields`."""
    if isinstance(default, list):
        return _parsed_list(declared, given)
    if declared.type == "choice" and is_number(given):
        given = shown(given)
    if declared.type == "choice" and isinstance(given, bool):
        given = shown(given)
    value = declared.parse(given)
    if declared.type == "choice" and allowed is not None and allowed.choices is not None:
        return next(choice for choice in allowed.choices if _plain(choice) == value)
    if declared.type == "choice":
        return Word(str(value))
    assert isinstance(value, int | float | str)
    return value


def _parsed_list(declared: Field, given: object) -> list[Value]:
    """A list of numbers from a list, or from a text as the language writes it."""
    value: object = list(given) if isinstance(given, list | tuple) else given
    if isinstance(value, str) and len(value) <= _MAX_LIST_TEXT:
        value = _literal(value)
    if not isinstance(value, list) or len(value) > MAX_LIST or not all(is_number(item) for item in value):
        raise declared.invalid(f"{declared.label} is a list of numbers, as in {declared.default}.", "type")
    return value


def _literal(text: str) -> Value:
    """The value of a text that names nothing; nothing where it cannot be read."""
    expression = read_expression(text)
    try:
        return Evaluator(Budget(lambda: False)).evaluate(expression, Scope()) if expression else None
    except Fault:
        return None
