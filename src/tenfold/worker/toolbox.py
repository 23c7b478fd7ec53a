"""What the worker is given: adapters behind the ports they fulfil, put together by `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tenfold.core.datasets.health.ports import CheckJob
from tenfold.core.datasets.job import ImportJob
from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.events import Event, Json, Phase
from tenfold.core.export.trained_model import ModelWriter
from tenfold.core.inference.importing import ForeignModel, ModelImport
from tenfold.core.inference.inside import InsideJob, LayerWalker
from tenfold.core.jobs.confinement import Apart, Confiner
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.inspection import InspectJob, SourceProblem
from tenfold.core.networks.weights import WeightOpener
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


class WeightFinder(Protocol):
    """Makes the opener of weights for a data folder; `tell` hears a sentence when something is fetched."""

    def __call__(self, data: Path, *, tell: Callable[[str], None]) -> WeightOpener: ...


@dataclass(frozen=True, kw_only=True)
class OpenNetwork:
    """A network that was trained, or is being: tensors by path, and how its pictures are prepared."""

    graph: LayerGraph
    weights: Mapping[str, NDArray[np.float32]]
    preprocessing: Preprocessing
    classes: tuple[str, ...]


class NetworkOpener(Protocol):
    """Opens what an `InsideJob` names in a data folder; raises `NotFound`, `Damaged`."""

    def __call__(self, job: InsideJob, data: Path) -> OpenNetwork: ...


class TileWriter(Protocol):
    """Writes tiles (T, H, W) as one picture."""

    def __call__(self, tiles: NDArray[np.float32], path: Path) -> dict[str, Json]:
        """How the picture is laid out, with the name of its file."""


class MemoryGauge(Protocol):
    """How much a process has taken since the gauge was made."""

    def peak_bytes(self) -> int:
        """The most there has been at any moment."""


class MemoryWatcher(Protocol):
    """Makes the gauge for a device: of the GPU's memory, or of the process's own."""

    def __call__(self, device: str) -> MemoryGauge: ...


class NetworkInspector(Protocol):
    """Looks at a network of Python."""

    def __call__(self, job: InspectJob) -> dict[str, Json]:
        """The facts of an `Inspection` without its confinement. Executes the source: whatever that raises passes.

        Raises `BadNetwork`, whose values hold the `line`, for what cannot be trained.
        """


class ModelTaker(Protocol):
    """Takes a model of another program in."""

    def __call__(self, source: Path, wanted: ModelImport, target: Path) -> ForeignModel:
        """Writes it to `target` as ONNX with our input and our output, and tells what it is.

        Runs the graph. Raises `BadModel` for what cannot be used, `InvalidFields` for what the file leaves open.
        """


@dataclass(frozen=True, kw_only=True)
class Toolbox:
    """All a worker works with."""

    open_folder: Callable[[Path, int], JobFolder]
    open_checkpoints: CheckpointOpener
    open_revision: Callable[[Path], RevisionReader]
    find_weights: WeightFinder
    build_dataset: DatasetBuilder
    check_dataset: DatasetChecker
    tasks: Mapping[str, Task]
    make_head: Callable[[Task], TaskHead]
    make_backend: BackendFactory
    write_model: ModelWriter
    watch_memory: MemoryWatcher
    open_network: NetworkOpener
    walk_layers: LayerWalker
    write_tiles: TileWriter
    versions: Callable[[], dict[str, str]]
    keep_apart: Apart
    confine: Confiner
    inspect_network: NetworkInspector
    take_in: ModelTaker
    load_compiler: Callable[[], None]
    try_export: Callable[[InspectJob], SourceProblem | None]
