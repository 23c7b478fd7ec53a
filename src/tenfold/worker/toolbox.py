"""What the worker is given: adapters behind the ports they fulfil, put together by `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tenfold.core.datasets.health.ports import CheckJob
from tenfold.core.datasets.job import ImportJob
from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.events import Event, Json, Phase
from tenfold.core.export.trained_model import ModelWriter
from tenfold.core.training.ports import BackendFactory, CheckpointStore, TaskHead
from tenfold.core.training.task import Task

Report = Callable[[int, int], None]


class JobFolder(Protocol):
    """The worker's side of its job folder. Every write raises `Conflict` once another attempt has taken over."""

    spec: dict[str, Json]

    @property
    def data_folder(self) -> Path:
        """The data folder that the job folder lies in."""

    def emit(self, event: Event) -> None: ...

    def sync(self) -> None: ...

    def stop_requested(self) -> bool: ...

    def check_fence(self) -> None: ...

    def decide(self, decisions: Mapping[str, Json]) -> Mapping[str, Json]:
        """Stores decisions durably, the first time; always returns the ones that were stored first."""

    def staging(self) -> Path: ...

    def workspace(self) -> Path:
        """A folder in which an attempt finds what a killed one before it left; gone when the job is over."""

    def publish(self, staged: Path) -> str: ...

    def make_room(self) -> None:
        """Frees what the attempt holds of a full disk, so that the last event can be written."""

    def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class BuildFolders:
    """Where a dataset is built: `work` lasts from attempt to attempt, `staged` is published, `data` is Tenfold's."""

    data: Path
    work: Path
    staged: Path


class DatasetBuilder(Protocol):
    """Builds a revision from a job's source."""

    def __call__(
        self,
        job: ImportJob,
        places: BuildFolders,
        *,
        report: Report,
        should_stop: Callable[[], bool],
        tell: Callable[[str], None],
        enter: Callable[[Phase], None],
    ) -> dict[str, Json] | None:
        """Writes the revision into its folder and returns the facts a list shows of it; `None` when it was stopped.

        `report(done, total)` is told a few times a second, `tell` a sentence now and then, `enter` the phase that
        begins. Raises `BadDataset`, `BadArchive`, `StorageFull`, `NotFound`, `Forbidden`, `Unavailable`, `Damaged`.
        """


class DatasetChecker(Protocol):
    """Checks a revision."""

    def __call__(
        self, job: CheckJob, places: BuildFolders, *, report: Report, should_stop: Callable[[], bool]
    ) -> dict[str, Json] | None:
        """Writes the checkup into its folder and returns what a log tells of it; `None` when it was stopped.

        Raises `NotFound` for a revision that is gone, `Damaged`, `StorageFull`.
        """


class CheckpointOpener(Protocol):
    """Opens the checkpoints of a job."""

    def __call__(self, folder: Path, fence: Callable[[], None], *, warn: Callable[[str], None]) -> CheckpointStore:
        """`fence` raises when another attempt has taken over; `warn` hears of every checkpoint that is lost."""


@dataclass(frozen=True, kw_only=True)
class Toolbox:
    """All a worker works with."""

    open_folder: Callable[[Path, int], JobFolder]
    open_checkpoints: CheckpointOpener
    open_revision: Callable[[Path], RevisionReader]
    build_dataset: DatasetBuilder
    check_dataset: DatasetChecker
    tasks: Mapping[str, Task]
    make_head: Callable[[Task], TaskHead]
    make_backend: BackendFactory
    write_model: ModelWriter
    versions: Callable[[], dict[str, str]]
