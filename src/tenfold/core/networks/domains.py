"""The domains of parameters and of a block's arguments: a range, perhaps with a step, or a list of choices."""

from __future__ import annotations

from tenfold.core.networks.evaluator import Evaluator, Fault, Scope
from tenfold.core.networks.limits import MAX_INTEGER
from tenfold.core.networks.problems import Mistake
from tenfold.core.networks.syntax import Domain
from tenfold.core.networks.values import Value, is_number, shown

_TOLERANCE = 1e-9


class Range:
    """The numbers or choices that a parameter may take."""

    def __init__(self, low: float | None, high: float | None, step: float | None, choices: list[Value] | None) -> None:
        self.low, self.high, self.step, self.choices = low, high, step, choices

    def __str__(self) -> str:
        if self.choices is not None:
            return ", ".join(shown(choice) for choice in self.choices)
        step = f" in steps of {shown(self.step)}" if self.step else ""
        return f"{shown(self.low)} to {shown(self.high)}{step}"

    def holds(self, value: Value) -> bool:
        if isinstance(value, list):
            return all(self.holds(item) for item in value)
        if self.choices is not None:
            return any(
                value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in self.choices
            )
        if not isinstance(value, int | float) or isinstance(value, bool) or self.low is None or self.high is None:
            return False
        if not self.low <= value <= self.high:
            return False
        return not self.step or abs((value - self.low) / self.step - round((value - self.low) / self.step)) < _TOLERANCE


def read_range(domain: Domain, evaluator: Evaluator, scope: Scope) -> Range:
    """The domain with its expressions computed; raises `Fault`."""
    if domain.choices is not None:
        choices = [evaluator.evaluate(item, scope) for item in domain.choices.items]
        if not choices or any(isinstance(choice, list) for choice in choices):
            raise Fault(Mistake("network.domain", "The list of choices holds single values.", domain.span))
        return Range(None, None, None, choices)
    ends = (domain.low, domain.high, domain.step)
    numbers = [None if end is None else evaluator.evaluate(end, scope) for end in ends]
    low, high, step = (number if is_number(number) else None for number in numbers)
    if not isinstance(low, int | float) or not isinstance(high, int | float) or low > high:
        text = "A range goes from a number to one that is no smaller, as in `1..512`."
        raise Fault(Mistake("network.domain", text, domain.span))
    if domain.step is not None and (not isinstance(step, int | float) or step <= 0):
        raise Fault(Mistake("network.domain", "A step is a number above 0.", domain.step.span))
    if isinstance(step, int | float) and not (high - low) / step <= MAX_INTEGER:
        text = f"A range has at most 2^53 steps: {shown(step)} is too small a step for {shown(low)} to {shown(high)}."
        raise Fault(Mistake("network.domain", text, domain.span))
    return Range(low, high, step if isinstance(step, int | float) else None, None)
