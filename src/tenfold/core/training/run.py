"""One execution of a training specification, as the store knows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tenfold.core.entities import Entity, Named
from tenfold.core.events import Json
from tenfold.core.ids import DatasetId, JobId, ModelId, NetworkId, RevisionId, RunId
from tenfold.core.jobs.model import JobState


@dataclass(frozen=True, kw_only=True)
class Run(Named):
    """A run and what is known of it so far. `state` follows its job; `metrics` holds the newest and final values.

    `network` is the network's name as it was; of one that somebody keeps, `network_id` and `network_version` (its
    number) say which it is.
    """

    id: RunId
    task: str
    state: JobState
    job: JobId
    dataset: DatasetId
    revision: RevisionId
    network: str
    network_text: str
    parameters: dict[str, Json]
    spec: dict[str, Json]
    network_id: NetworkId | None = None
    network_version: int | None = None
    model: ModelId | None = None
    progress: dict[str, Json] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    code: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class LogLine(Entity):
    """A line a run or an import told people."""

    job: JobId
    at: float
    level: str
    text: str
