"""Networks: the ones that ship with Tenfold, and what their texts mean on a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import BadNetwork, InvalidFields, NotFound, Problem
from tenfold.core.fields import Field
from tenfold.core.networks.analysis import Analysis, analyse
from tenfold.core.networks.fitting import fit, require_fit
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.ports import CatalogueEntry

KEPT_ANALYSES = 64
ANALYSIS_S = 0.5


class NetworkService:
    """What people do with networks. No text holds it up for longer than `ANALYSIS_S`; `clock` gives seconds."""

    def __init__(self, catalogue: Iterable[CatalogueEntry], clock: Callable[[], float]) -> None:
        self._entries = {entry.name: entry for entry in catalogue}
        self._clock = clock
        self._known: dict[str, Analysis] = {}

    def entries(self, actor: Actor) -> tuple[CatalogueEntry, ...]:
        """All networks, in the catalogue's order."""
        actor.require("read")
        return tuple(self._entries.values())

    def get(self, actor: Actor, name: str) -> CatalogueEntry:
        """Raises `NotFound` and names what there is."""
        actor.require("read")
        if name not in self._entries:
            known = ", ".join(self._entries)
            raise NotFound(f"There is no network {name!r}; there are {known}.", code="network.not-found")
        return self._entries[name]

    def meaning(self, text: str) -> Analysis:
        """What a text means with its own defaults."""
        found = self._known.get(text)
        if found is None:
            deadline = Deadline(self._clock, ANALYSIS_S)
            found = analyse(text, is_late=deadline)
            if not deadline.is_passed:  # or it says how busy the machine was, not what the text means
                self._keep(text, found)
        return found

    def fit(self, text: str, parameters: Mapping[str, object], input_shape: tuple[int, ...]) -> Analysis:
        """What a text means with these parameters on inputs of a shape (channels first)."""
        return fit(text, parameters, input_shape, is_late=Deadline(self._clock, ANALYSIS_S))

    def require_fit(self, text: str, parameters: Mapping[str, object], input_shape: tuple[int, ...]) -> LayerGraph:
        """The same as a layer graph; raises `BadNetwork` with every problem."""
        return require_fit(text, parameters, input_shape, is_late=Deadline(self._clock, ANALYSIS_S))

    def knobs(self, text: str, decided: Mapping[str, object]) -> tuple[Field, ...]:
        """The parameters that people set; those that the dataset decides are left out."""
        return tuple(field for field in self.meaning(text).parameters if field.name not in decided)

    def parse_parameters(
        self, text: str, values: Mapping[str, object], decided: Mapping[str, object]
    ) -> dict[str, object]:
        """The parameters a person has set, in their types; raises `InvalidFields` under `parameters.NAME`.

        Raises `BadNetwork` for a text that takes too long, so that nothing else is tried on it.
        """
        late = [problem for problem in self.meaning(text).problems if problem.code == "network.slow"]
        if late:
            raise BadNetwork(late[0].message, problems=[problem.to_json() for problem in late])
        knobs = {field.name: field for field in self.knobs(text, decided)}
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

    def _keep(self, text: str, found: Analysis) -> None:
        if len(self._known) >= KEPT_ANALYSES:
            self._known.pop(next(iter(self._known)), None)
        self._known[text] = found


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
