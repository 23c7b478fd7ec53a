"""A network with trained weights: the product of a training run, as the store knows it."""

from __future__ import annotations

from dataclasses import dataclass

from tenfold.core.entities import Named
from tenfold.core.events import Json
from tenfold.core.ids import ModelId, RevisionId, RunId


@dataclass(frozen=True, kw_only=True)
class Model(Named):
    """A model owns its weights, so its run may go. Its folder is an artifact under `files`."""

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


def model_id(run: RunId) -> ModelId:
    """The id of a run's model: a run has one, however often it publishes."""
    return ModelId(f"mod_{run.removeprefix('run_')}")
