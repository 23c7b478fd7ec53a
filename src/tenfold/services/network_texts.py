"""What network texts mean, and what becomes of them by edits: pure functions of a text, each within a deadline."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.fields import Field
from tenfold.core.networks.analysis import Analysis, analyse
from tenfold.core.networks.custom import is_python, meaning_of_python
from tenfold.core.networks.editing.edits import Edited, apply_edits
from tenfold.core.networks.editing.operations import carry_out
from tenfold.core.networks.fitting import fit, require_fit
from tenfold.core.networks.formatting import format_definition
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.operation import Operation
from tenfold.core.networks.parser import parse
from tenfold.core.networks.problems import refused_text
from tenfold.core.networks.syntax import Definition

KEPT_ANALYSES = 512
ANALYSIS_S = 0.5
EDIT_S = 0.7


@dataclass(frozen=True)
class EditedText:
    """A text after an operation, the edits that led to it with the paths that they move, and what it means."""

    text: str
    made: Edited
    meaning: Analysis


class NetworkTexts:
    """Reads texts. None takes more than `ANALYSIS_S` of work; `worked` gives the seconds that the thread has worked.

    The time that others took from a busy machine does not count: it says nothing of the text.
    """

    def __init__(self, worked: Callable[[], float]) -> None:
        self._worked = worked
        self._known: dict[tuple[str, str], Analysis] = {}

    def meaning(self, text: str) -> Analysis:
        """What a text means with its own defaults; of one of Python no more than that it is one."""
        if is_python(text):
            return meaning_of_python(text)
        return self._remembered((text, ""), lambda deadline: analyse(text, is_late=deadline))

    def meaning_in_time(self, text: str) -> Analysis:
        """The same; raises `BadNetwork` for a text that takes too long."""
        meaning = self.meaning(text)
        late = [problem for problem in meaning.problems if problem.code == "network.slow"]
        if late:
            raise refused_text(late)
        return meaning

    def fit(self, text: str, parameters: Mapping[str, object], input_shape: tuple[int, ...]) -> Analysis:
        """What a text means with these parameters on inputs of a shape (channels first)."""
        if is_python(text):
            return meaning_of_python(text)
        key = (text, f"{sorted(parameters.items())!r} {input_shape}")
        return self._remembered(key, lambda deadline: fit(text, parameters, input_shape, is_late=deadline))

    def look(
        self, text: str, parameters: Mapping[str, object] | None = None, input_shape: tuple[int, ...] = ()
    ) -> Analysis:
        """The same of a text that somebody is typing, also without an input shape: nothing of it is remembered."""
        late = Deadline(self._worked, ANALYSIS_S)
        if is_python(text):
            return meaning_of_python(text)
        if input_shape:
            return fit(text, parameters or {}, input_shape, is_late=late)
        return analyse(text, parameters=parameters, is_late=late)

    def require_fit(self, text: str, parameters: Mapping[str, object], input_shape: tuple[int, ...]) -> LayerGraph:
        """The same as a layer graph; raises `BadNetwork` with every problem."""
        _require_language(text)
        return require_fit(text, parameters, input_shape, is_late=Deadline(self._worked, ANALYSIS_S))

    def knobs(self, text: str, decided: Mapping[str, object]) -> tuple[Field, ...]:
        """The parameters that people set; those that the dataset decides are left out."""
        return tuple(field for field in self.meaning(text).parameters if field.name not in decided)

    def parse_parameters(
        self, text: str, values: Mapping[str, object], decided: Mapping[str, object]
    ) -> dict[str, object]:
        """The parameters a person has set, in their types; raises `InvalidFields` under `parameters.NAME`.

        Raises `BadNetwork` for a text that takes too long, so that nothing else is tried on it.
        """
        self.meaning_in_time(text)
        return parse_knobs(self.knobs(text, decided), values, decided)

    def format(self, text: str) -> str:
        """The text in the usual layout; raises `BadNetwork` with what keeps it from being read."""
        _require_language(text)
        return format_definition(self._definition(text))

    def statements(self, text: str) -> dict[str, Any]:
        """The statement model of a text as data, with what keeps parts of it from being read."""
        _require_language(text)
        return parse(text, Deadline(self._worked, ANALYSIS_S)).to_json()

    def edit(self, text: str, operation: Operation) -> EditedText:
        """The text after an operation, as edits of it, and what it means now; nothing of it is remembered.

        Raises `Conflict` with the reason where it does not fit the text, `BadNetwork` for one that takes too long.
        """
        late = Deadline(self._worked, EDIT_S)
        made = self.edits(text, operation, late)
        after = apply_edits(text, made.edits)
        return EditedText(after, made, analyse(after, is_late=late))

    def edits(self, text: str, operation: Operation, late: Deadline | None = None) -> Edited:
        """The edits of an operation alone; raises what `edit` does."""
        _require_language(text)
        late = late or Deadline(self._worked, EDIT_S)
        definition = parse(text, late)
        if not definition.is_read:
            raise refused_text(definition.problems)
        graph = analyse(text, is_late=late).graph if operation.needs_graph else None
        return carry_out(operation, definition, graph)

    def _definition(self, text: str) -> Definition:
        definition = parse(text, Deadline(self._worked, ANALYSIS_S))
        if definition.problems:
            raise refused_text(definition.problems)
        return definition

    def _remembered(self, key: tuple[str, str], read: Callable[[Deadline], Analysis]) -> Analysis:
        found = self._known.get(key)
        if found is None:
            deadline = Deadline(self._worked, ANALYSIS_S)
            found = replace(read(deadline), definition=None)  # which is much larger than the rest
            if not deadline.is_passed:  # or it says how busy the machine was, not what the text means
                if len(self._known) >= KEPT_ANALYSES:
                    self._known.pop(next(iter(self._known)), None)
                self._known[key] = found
        return found


def _require_language(text: str) -> None:
    """Raises `BadNetwork` for what is not in the network language: nothing of it can be read here."""
    if is_python(text):
        raise refused_text(meaning_of_python(text).problems)


def parse_knobs(fields: Sequence[Field], values: Mapping[str, object], decided: Container[str]) -> dict[str, object]:
    """Values of parameters that people set, in their types; raises `InvalidFields` under `parameters.NAME`."""
    knobs = {field.name: field for field in fields}
    parsed: dict[str, object] = {}
    problems = []
    for name, value in values.items():
        if name in decided:
            continue
        if name not in knobs:
            known = ", ".join(knobs) or "none"
            message = f"The network has no parameter {name!r}; it has {known}."
            problems.append(_problem(name, message, "unknown"))
            continue
        try:
            parsed[name] = knobs[name].parse(value)
        except InvalidFields as error:
            problems.extend(_problem(name, problem.message, problem.code) for problem in error.problems)
    if problems:
        raise InvalidFields(problems)
    return parsed


class Deadline:
    """Says whether some seconds have passed since it was made."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds
        self.is_passed = False

    def __call__(self) -> bool:
        self.is_passed = self.is_passed or self._clock() > self._ends_at
        return self.is_passed


def _problem(name: str, message: str, code: str) -> Problem:
    return Problem(f"parameters.{name}", message, code)
