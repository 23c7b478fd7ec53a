"""Matches the arguments of a call with those that a kind, block or output declares, and checks each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.networks.evaluator import Evaluator, Fault, Scope
from tenfold.core.networks.initialisers import INITIALISERS
from tenfold.core.networks.layers.kinds import Argument as Declared
from tenfold.core.networks.limits import MAX_NUMBERS
from tenfold.core.networks.problems import Mistake, QuickFix, TextEdit, nearest, replacement
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import Argument, Expression, Variable
from tenfold.core.networks.values import Initialiser, Value, Word, is_number, shown


@dataclass
class Given:
    """What a call gives, by name: expressions, the scope each is evaluated in, and where it stands."""

    expressions: dict[str, tuple[Expression, Scope]] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)


def match_arguments(
    owner: str, names: Sequence[str], extra: Sequence[str], arguments: Sequence[Argument], scope: Scope
) -> Given:
    """Gives each argument its name; `extra` names are known but listed in no message. Raises `Fault`."""
    given = Given()
    for index, argument in enumerate(arguments):
        if argument.name is not None:
            name = argument.name.text
            if name not in names and name not in extra:
                raise Fault(_no_argument(owner, argument, names, extra))
        elif index < len(names):
            name = names[index]
        else:
            raise Fault(_too_many(owner, names, argument))
        if name in given.expressions:
            text = f"`{name}` of `{owner}` is given twice."
            raise Fault(Mistake("network.argument-twice", text, argument.span))
        given.expressions[name] = (argument.value, scope)
        given.spans[name] = argument.span
    return given


def _no_argument(owner: str, argument: Argument, names: Sequence[str], extra: Sequence[str]) -> Mistake:
    assert argument.name is not None
    name = argument.name
    near = nearest(name.text, [*extra, *names])
    hint = f", perhaps `{near}`" if near else ""
    has = f"It has: {', '.join(names)}." if names else "It has none."
    fixes = (replacement(name.span, near),) if near else ()
    text = f"`{owner}` has no `{name.text}`{hint}. {has}"
    return Mistake("network.unknown-argument", text, name.span, tuple(names), fixes)


def _too_many(owner: str, names: Sequence[str], argument: Argument) -> Mistake:
    has = f"It has: {', '.join(names)}." if names else "It has none."
    text = f"`{owner}` takes at most {len(names)} argument{'s' * (len(names) != 1)}. {has}"
    return Mistake("network.too-many-arguments", text, argument.span, tuple(names))


class ArgumentChecker:
    """Evaluates given arguments against their declarations."""

    def __init__(self, evaluator: Evaluator, warn: Callable[[Mistake], None]) -> None:
        self._evaluator = evaluator
        self._warn = warn

    def values(self, owner: str, declared: Sequence[Declared], given: Given, call: Span) -> dict[str, Any]:
        """A value for every declared argument; raises `Fault`."""
        missing = [item.name for item in declared if item.required and item.name not in given.expressions]
        if missing:
            text = f"`{owner}` needs {' and '.join(f'`{name}`' for name in missing)}."
            raise Fault(Mistake("network.missing-argument", text, call))
        values: dict[str, Any] = {}
        for argument in declared:
            if argument.name in given.expressions:
                values[argument.name] = self._value(owner, argument, given)
            else:
                values[argument.name] = values[argument.same_as] if argument.same_as else argument.default
        return values

    def only_given(self, owner: str, declared: Mapping[str, Declared], given: Given) -> dict[str, Any]:
        """Values of those arguments that are given and declared."""
        return {name: self._value(owner, declared[name], given) for name in given.expressions if name in declared}

    def _value(self, owner: str, argument: Declared, given: Given) -> Any:
        expression, scope = given.expressions[argument.name]
        value = self._evaluator.evaluate(expression, scope)
        self._warn_of_shadow(argument, expression, scope)
        converted = _CONVERTERS[argument.type](value, argument)
        if converted is None:
            text = f"`{argument.name}` of `{owner}` is {_wanted(argument)}, not {shown(value)}."
            if isinstance(value, Word) and argument.choices:
                raise Fault(_no_choice(owner, argument, value, expression.span))
            if isinstance(value, Word) and argument.type == "initialiser" and value in INITIALISERS:
                text = f"`{value}` is used as `{value}({INITIALISERS[value].usage()})`."
                raise Fault(Mistake("network.function-arguments", text, expression.span))
            raise self._evaluator.unfit(value, expression, scope, text)
        _check_range(owner, argument, converted, given.spans[argument.name])
        return converted

    def _warn_of_shadow(self, argument: Declared, expression: Expression, scope: Scope) -> None:
        if isinstance(expression, Variable) and expression.name in argument.choices and scope.find(expression.name)[0]:
            text = f"`{expression.name}` is a parameter here, though `{argument.name}` also has a choice of that name."
            self._warn(Mistake("network.shadowed-choice", text, expression.span))


def _no_choice(owner: str, argument: Declared, value: Word, span: Span) -> Mistake:
    near = nearest(value, argument.choices)
    hint = f", perhaps `{near}`" if near else ""
    text = f"`{argument.name}` of `{owner}` has no choice `{value}`{hint}. Allowed: {argument.range_text()}."
    fixes = (replacement(span, near),) if near else ()
    return Mistake("network.argument-choice", text, span, argument.choices, fixes)


def _check_range(owner: str, argument: Declared, value: Any, span: Span) -> None:
    numbers = value if isinstance(value, list) else [value]
    for number in numbers:
        if not is_number(number):
            continue
        low = argument.minimum is not None and number < argument.minimum
        high = argument.maximum is not None and number > argument.maximum
        if low or high or (argument.below is not None and number >= argument.below):
            text = f"`{argument.name}` of `{owner}` is {shown(number)}, allowed are {argument.range_text()}."
            raise Fault(Mistake("network.argument-range", text, span))


def _wanted(argument: Declared) -> str:
    words = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "choice": f"one of {argument.range_text()}",
        "sizes": "a whole number, or a list of one for each axis",
        "numbers": f"a number, or a list of at most {MAX_NUMBERS}",
        "padding": "a whole number, a list of one for each axis, `half` or `same`",
        "initialiser": f"an initialiser ({', '.join(INITIALISERS)})",
    }
    return words[argument.type]


def _integer(value: Value, _argument: Declared) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return None
    return int(value)


def _number(value: Value, _argument: Declared) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Value, _argument: Declared) -> bool | None:
    return value if isinstance(value, bool) else None


def _choice(value: Value, argument: Declared) -> str | None:
    return str(value) if isinstance(value, str) and value in argument.choices else None


def _sizes(value: Value, argument: Declared) -> int | list[int] | None:
    if not isinstance(value, list):
        return _integer(value, argument)
    sizes = [_integer(item, argument) for item in value]
    return [size for size in sizes if size is not None] if sizes and None not in sizes else None


def _numbers(value: Value, argument: Declared) -> float | list[float] | None:
    if not isinstance(value, list):
        return _number(value, argument)
    numbers = [_number(item, argument) for item in value[: MAX_NUMBERS + 1]]
    fits = len(numbers) <= MAX_NUMBERS and None not in numbers
    return [number for number in numbers if number is not None] if fits else None


def _padding(value: Value, argument: Declared) -> str | int | list[int] | None:
    return _choice(value, argument) if isinstance(value, str) else _sizes(value, argument)


def _initialiser(value: Value, _argument: Declared) -> Initialiser | None:
    if isinstance(value, Word) and value in INITIALISERS and INITIALISERS[value].accepts([]):
        return Initialiser(str(value))
    return value if isinstance(value, Initialiser) else None


_CONVERTERS: dict[str, Callable[[Value, Declared], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "choice": _choice,
    "sizes": _sizes,
    "numbers": _numbers,
    "padding": _padding,
    "initialiser": _initialiser,
}


def set_argument(span: Span, name: str, value: str) -> QuickFix:
    """The fix that gives an argument, standing at `span`, another value."""
    return QuickFix(f"Set `{name}` to {value}", (TextEdit(span.start, span.end, value),))
