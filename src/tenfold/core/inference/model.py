"""A network with trained weights: the product of a training run, as the store knows it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tenfold.core.entities import Named
from tenfold.core.errors import Conflict
from tenfold.core.events import Json
from tenfold.core.ids import ModelId, RevisionId, RunId

_FILES = re.compile(r"(mod_[0-9a-z]{16})-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Model(Named):
    """A model owns its weights, so its run may go. Its folder is an artifact under `files`.

    One that was trained elsewhere has no run, no revision and no network; its facts say under `file` where it is from.
    """

    id: ModelId
    task: str
    run: RunId
    revision: RevisionId
    network: str
    manifest: str
    size_bytes: int
    step: int
    metrics: dict[str, float]
    facts: dict[str, Json]

    @property
    def files(self) -> str:
        """The artifact's id. A run that goes on publishes again, so it says which publication is meant."""
        return f"{self.id}-{self.manifest[:12]}"

    @property
    def is_foreign(self) -> bool:
        """Whether it was trained elsewhere: its graph is somebody's, and Tenfold knows neither layers nor data."""
        return not self.run

    def require_trained_here(self, what: str) -> None:
        """Raises `Conflict` for a model that was trained elsewhere, which cannot `what`, as in `be looked into`."""
        if self.is_foreign:
            text = f"{self.name} was trained elsewhere and came as ONNX: it classifies pictures, and cannot {what}."
            raise Conflict(text, code="model.foreign")


def model_id(run: RunId) -> ModelId:
    """The id of a run's model: a run has one, however often it publishes."""
    return ModelId(f"mod_{run.removeprefix('run_')}")


def run_of(model: ModelId) -> RunId:
    """The run that `model_id` gives this id for; there is none of a model that was trained elsewhere."""
    return RunId(f"run_{model.removeprefix('mod_')}")


def owner_of(files: str) -> ModelId | None:
    """Which model an artifact's id was made for; nothing for a text that is no such id."""
    found = _FILES.fullmatch(files)
    return ModelId(found[1]) if found else None
