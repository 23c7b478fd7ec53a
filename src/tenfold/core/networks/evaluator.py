"""Computes expressions. Everything is total: no loops, no strings built, every number finite, every step counted."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tenfold.core.networks.initialisers import INITIALISERS
from tenfold.core.networks.layers.kinds import Shape
from tenfold.core.networks.limits import MAX_INTEGER, MAX_STEPS
from tenfold.core.networks.problems import Mistake, nearest, replacement
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import (
    Binary,
    Conditional,
    Constant,
    Expression,
    Function,
    Indexed,
    ListOf,
    Unary,
    Variable,
)
from tenfold.core.networks.values import Initialiser, Value, Word, is_number, shown


class Fault(Exception):
    """Something cannot be computed; without a mistake because it depends on what is reported already."""

    def __init__(self, mistake: Mistake | None = None) -> None:
        super().__init__(mistake.message if mistake else "")
        self.mistake = mistake


class Budget:
    """Counts the work of one analysis and asks now and then whether it is late."""

    _ASK_EVERY = 256

    def __init__(self, is_late: Callable[[], bool]) -> None:
        self._is_late = is_late
        self._steps = 0
        self._ask_at = self._ASK_EVERY

    def spend(self, steps: int, span: Span) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise OutOfBudget(Mistake("network.limit", f"Expanding this takes more than {MAX_STEPS} steps.", span))
        if self._steps >= self._ask_at:
            self._ask_at = self._steps + self._ASK_EVERY
            if self._is_late():
                raise OutOfBudget(Mistake("network.slow", "Expanding this takes too long: make it smaller.", span))


class OutOfBudget(Exception):
    """The analysis ends here."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


class Unknown:
    """Stands for a value that could not be computed."""


UNKNOWN = Unknown()


class HasShape(Protocol):
    @property
    def shape(self) -> Shape | None: ...


@dataclass
class Scope:
    """The values and layers that can be seen at a place; a block sees the file's values behind its own."""

    values: dict[str, Value | Unknown] = field(default_factory=dict)
    layers: Mapping[str, HasShape] = field(default_factory=dict)
    outer: Scope | None = None
    read: set[str] = field(default_factory=set)

    def find(self, name: str) -> tuple[bool, Value | Unknown]:
        if name in self.values:
            self.read.add(name)
            return True, self.values[name]
        return self.outer.find(name) if self.outer is not None else (False, None)

    def visible(self) -> list[str]:
        return [*(self.outer.visible() if self.outer else []), *self.values]


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SHAPE_FUNCTIONS = ("channels", "height", "width", "length", "size")


class Evaluator:
    """Evaluates expressions in a scope."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._rules: dict[type[Expression], Callable[..., Value]] = {
            Constant: self._constant,
            Variable: self._variable,
            ListOf: self._list,
            Unary: self._unary,
            Binary: self._binary,
            Conditional: self._conditional,
            Indexed: self._indexed,
            Function: self._function,
        }

    def evaluate(self, expression: Expression, scope: Scope) -> Value:
        """The value; raises `Fault`."""
        self._budget.spend(1, expression.span)
        return self._rules[type(expression)](expression, scope)

    def boolean(self, expression: Expression, scope: Scope, where: str) -> bool:
        value = self.evaluate(expression, scope)
        if not isinstance(value, bool):
            raise self.unfit(value, expression, scope, f"{where} is true or false, not {shown(value)}.")
        return value

    def unfit(self, value: Value, expression: Expression, scope: Scope, message: str) -> Fault:
        """The fault of a value of the wrong type; a word nobody declared is named as such."""
        if isinstance(value, Word) and isinstance(expression, Variable):
            near = nearest(value, scope.visible())
            hint = f", perhaps `{near}`" if near else ""
            fixes = (replacement(expression.span, near),) if near else ()
            text = f"There is no value `{value}`{hint}."
            return Fault(Mistake("network.unknown-value", text, expression.span, fixes=fixes))
        return Fault(Mistake("network.value-type", message, expression.span))

    # one rule an expression

    def _constant(self, expression: Constant, _scope: Scope) -> Value:
        return expression.value

    def _variable(self, expression: Variable, scope: Scope) -> Value:
        is_known, value = scope.find(expression.name)
        if isinstance(value, Unknown):
            raise Fault
        return value if is_known else Word(expression.name)

    def _list(self, expression: ListOf, scope: Scope) -> Value:
        items = [self.evaluate(item, scope) for item in expression.items]
        if any(isinstance(item, list) for item in items):
            raise Fault(Mistake("network.value-type", "A list holds single values, no lists.", expression.span))
        return items

    def _number(self, expression: Expression, scope: Scope, where: str) -> int | float:
        value = self.evaluate(expression, scope)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.unfit(value, expression, scope, f"{where} needs numbers, not {shown(value)}.")
        return value

    def _unary(self, expression: Unary, scope: Scope) -> Value:
        if expression.operator == "not":
            return not self.boolean(expression.operand, scope, "What follows `not`")
        return -self._number(expression.operand, scope, "`-`")

    def _binary(self, expression: Binary, scope: Scope) -> Value:
        sign = expression.operator
        if sign in {"and", "or"}:
            left = self.boolean(expression.left, scope, f"What stands beside `{sign}`")
            if left == (sign == "or"):
                return left
            return self.boolean(expression.right, scope, f"What stands beside `{sign}`")
        if sign in {"==", "!="}:
            same = _equal(self.evaluate(expression.left, scope), self.evaluate(expression.right, scope))
            return same == (sign == "==")
        first = self._number(expression.left, scope, f"`{sign}`")
        second = self._number(expression.right, scope, f"`{sign}`")
        if sign in _ORDER:
            return _ORDER[sign](first, second)
        if second == 0 and sign in {"/", "//", "%"}:
            raise Fault(Mistake("network.division", f"`{sign}` divides by zero here.", expression.span))
        return _finite(_ARITHMETIC[sign](first, second), expression.span)

    def _conditional(self, expression: Conditional, scope: Scope) -> Value:
        test = self.boolean(expression.test, scope, "A condition")
        return self.evaluate(expression.value if test else expression.otherwise, scope)

    def _indexed(self, expression: Indexed, scope: Scope) -> Value:
        target = self.evaluate(expression.target, scope)
        if not isinstance(target, list):
            raise self.unfit(target, expression.target, scope, f"Only a list has places, not {shown(target)}.")
        index = self._number(expression.index, scope, "A place in a list")
        if not isinstance(index, int) or not 0 <= index < len(target):
            text = f"The list has {len(target)} values, counted from 0: {shown(index)} is none of their places."
            raise Fault(Mistake("network.index", text, expression.index.span))
        return target[index]

    def _function(self, expression: Function, scope: Scope) -> Value:
        name = expression.name
        if name in SHAPE_FUNCTIONS:
            return self._shape_function(expression, scope)
        if name in INITIALISERS:
            return self._initialiser(expression, scope)
        rule = FUNCTIONS.get(name)
        if rule is None:
            near = nearest(name, FUNCTION_NAMES)
            hint = f", perhaps `{near}`" if near else ""
            raise Fault(Mistake("network.unknown-function", f"There is no function `{name}`{hint}.", expression.span))
        values = [self.evaluate(argument, scope) for argument in expression.arguments]
        self._budget.spend(sum(len(value) for value in values if isinstance(value, list)), expression.span)
        try:
            return _finite(rule(values), expression.span)
        except OverflowError:
            raise _too_large(expression.span) from None
        except (TypeError, ValueError):
            message = f"`{name}` is used as {USAGE[name]}."
            raise Fault(Mistake("network.function-arguments", message, expression.span)) from None

    def _initialiser(self, expression: Function, scope: Scope) -> Value:
        values = [self.evaluate(argument, scope) for argument in expression.arguments]
        wanted = INITIALISERS[expression.name]
        if not wanted.accepts(values):
            message = f"`{expression.name}` is used as `{expression.name}({wanted.usage()})`."
            raise Fault(Mistake("network.function-arguments", message, expression.span))
        given = (str(value) if isinstance(value, str) else value for value in values)
        return Initialiser(expression.name, tuple(value for value in given if isinstance(value, int | float | str)))

    def _shape_function(self, expression: Function, scope: Scope) -> Value:
        name = expression.name
        target = expression.arguments[0] if len(expression.arguments) == 1 else None
        if not isinstance(target, Variable):
            text = f"`{name}` takes the name of one layer above, as in `{name}(input)`."
            raise Fault(Mistake("network.function-arguments", text, expression.span))
        layer = scope.layers.get(target.name)
        if layer is None:
            near = nearest(target.name, scope.layers)
            hint = f", perhaps `{near}`" if near else ""
            text = f"There is no layer `{target.name}` above this line{hint}."
            fixes = (replacement(target.span, near),) if near else ()
            raise Fault(Mistake("network.unknown-reference", text, target.span, fixes=fixes))
        if layer.shape is None:
            raise Fault
        return _measure(name, target, layer.shape, expression.span)


def _measure(name: str, target: Variable, shape: Shape, span: Span) -> Value:
    if name == "channels":
        return shape[0]
    if name == "size":
        return list(shape[1:])
    places = {"height": (3, 4), "width": (3, 4), "length": (2,)}[name]
    if len(shape) not in places:
        text = f"`{target.name}` is {' x '.join(str(size) for size in shape)}: it has no {name}."
        raise Fault(Mistake("network.function-arguments", text, span))
    return shape[-2] if name == "height" else shape[-1]


def _equal(left: Value, right: Value) -> bool:
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return left == right


def _finite(value: Value, span: Span) -> Value:
    if isinstance(value, int | float) and not isinstance(value, bool):
        too_large = abs(value) > MAX_INTEGER if isinstance(value, int) else not math.isfinite(value)
        if too_large:
            raise _too_large(span)
    return value


def _too_large(span: Span) -> Fault:
    return Fault(Mistake("network.number", "This number grows too large: at most 2^53 is allowed.", span))


def _numbers(values: list[Value]) -> list[int | float]:
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    if not values or not all(is_number(value) for value in values):
        raise TypeError
    return [value for value in values if isinstance(value, int | float)]


def _one(values: list[Value]) -> int | float:
    (number,) = _numbers([*values])
    return number


def _round_to(values: list[Value]) -> int:
    value, multiple = _numbers(values)
    if multiple < 1 or multiple != int(multiple):
        raise ValueError
    step = int(multiple)
    rounded = max(step, int(value + step / 2) // step * step)
    return rounded + step if rounded < 0.9 * value else rounded


def _length(values: list[Value]) -> int:
    (value,) = values
    if not isinstance(value, list):
        raise TypeError
    return len(value)


FUNCTIONS: dict[str, Callable[[list[Value]], Value]] = {
    "min": lambda values: min(_numbers(values)),
    "max": lambda values: max(_numbers(values)),
    "round": lambda values: math.floor(_one(values) + 0.5),
    "floor": lambda values: math.floor(_one(values)),
    "ceil": lambda values: math.ceil(_one(values)),
    "len": _length,
    "sum": lambda values: sum(_numbers(values)),
    "round_to": _round_to,
}
USAGE = {
    "min": "`min(a, b)` or `min(list)`, of numbers",
    "max": "`max(a, b)` or `max(list)`, of numbers",
    "round": "`round(number)`",
    "floor": "`floor(number)`",
    "ceil": "`ceil(number)`",
    "len": "`len(list)`",
    "sum": "`sum(list)`, of numbers",
    "round_to": "`round_to(number, multiple)`",
}
FUNCTION_NAMES = (*FUNCTIONS, *SHAPE_FUNCTIONS)
