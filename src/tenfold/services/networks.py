"""Networks: the ones that ship with Tenfold, and what their texts mean on a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import InvalidFields, NotFound, Problem
from tenfold.core.fields import Field
from tenfold.core.networks.analysis import Analysis, analyse
from tenfold.core.networks.ports import CatalogueEntry

KEPT_ANALYSES = 64


class NetworkService:
    """What people do with networks."""

    def __init__(self, catalogue: Iterable[CatalogueEntry]) -> None:
        self._entries = {entry.name: entry for entry in catalogue}
        self._meaning = lru_cache(KEPT_ANALYSES)(analyse)

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
        return self._meaning(text)

    def knobs(self, text: str, decided: Mapping[str, object]) -> tuple[Field, ...]:
        """The parameters that people set; those that the dataset decides are left out."""
        return tuple(field for field in self.meaning(text).parameters if field.name not in decided)

    def parse_parameters(
        self, text: str, values: Mapping[str, object], decided: Mapping[str, object]
    ) -> dict[str, object]:
        """The parameters a person has set, in their types; raises `InvalidFields` under `parameters.NAME`."""
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


def _problem(name: str, message: str, code: str) -> Problem:
    return Problem(f"parameters.{name}", message, code)
