"""What the engine needs from the outside.

The engine runs epochs, validation, schedule, checkpoints and events; the backend computes. Neither knows the other's
insides, so precision, memory layout, compilation and devices live behind `TrainingBackend`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tenfold.core.events import Event, Json
from tenfold.core.training.spec import TrainingSpec

if TYPE_CHECKING:
    from tenfold.core.networks.graph import LayerGraph

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Totals:
    """Sums over samples: `sums` by metric name (`loss`, `accuracy`, ...), over `samples` samples."""

    samples: int
    sums: Mapping[str, float]

    def means(self) -> dict[str, float]:
        return {name: value / self.samples for name, value in self.sums.items()} if self.samples else {}


@dataclass(frozen=True)
class BackendState:
    """Everything a backend needs to go on as if nothing had happened.

    `arrays`: `model/KEY` weights and buffers under their state-dict keys, `optimizer/...`, `rng/...`; C-contiguous, in
    host memory. `values`: the rest as JSON, such as the optimiser's step count and totals that were not yet taken.
    """

    arrays: Arrays
    values: dict[str, Json]

    def weights(self) -> Arrays:
        """Weights and buffers by state-dict key."""
        return {key[len("model/") :]: array for key, array in self.arrays.items() if key.startswith("model/")}


class Samples(Protocol):
    """The splits `train`, `val`, `test` of a dataset revision; a split may be empty."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of a picture."""

    @property
    def is_packed(self) -> bool:
        """Whether pictures only need to be copied; otherwise they are decoded when they are asked for."""

    def pictures(self, split: str, places: NDArray[np.int64]) -> NDArray[Any]:
        """The pictures at these places of a split, 0 being its first: N x height x width x channels, copied.

        uint8, uint16 or float32.
        """

    def labels(self, split: str) -> NDArray[np.int64]:
        """N class indices."""

    def weights(self, split: str) -> NDArray[np.float32] | None:
        """How much each sample of a split counts, above 0; `None` where all count alike."""


class TaskHead(Protocol):
    """The half of a task that a framework runs, on that framework's own tensors (`Any` here).

    `tasks/*/torch.py` and `tasks/*/numpy.py` fulfil it; a backend never knows which task it serves.
    """

    def loss(self, output: Any, target: Any, weights: Any = None) -> Any:
        """The mean loss of a batch, each sample's times its weight if there are any; its gradient is what is followed.

        Torch: a scalar tensor. Numpy, which has no automatic gradient: a pair of the loss and d loss / d output.
        """

    def sums(self, output: Any, target: Any, loss: Any) -> Mapping[str, Any]:
        """What is added up over samples by metric name, on the device; `loss` among them, as mean times batch size."""

    def result(self, output: Any) -> Any:
        """What a person is shown; for classification N x classes probabilities."""


@dataclass(frozen=True, kw_only=True)
class BackendPlan:
    """What a backend is built from. `device` is decided.

    `mean` and `std` are per channel, of pixel values divided by `span`. `weights` by path stand in for the first ones
    that the seed gives.
    """

    graph: LayerGraph
    spec: TrainingSpec
    head: TaskHead
    device: str
    threads: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    span: float = 255
    weights: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


class BackendFactory(Protocol):
    """Builds a backend: `adapters/frameworks/FRAMEWORK/backend.py` has one, found by its dotted name."""

    def __call__(self, plan: BackendPlan, samples: Samples) -> TrainingBackend: ...


class TrainingBackend(Protocol):
    """One network, its optimiser, its loss and its data on one device.

    Used from one thread. Calls are cheap: a step is queued on the device and nothing is fetched before `take_...`.
    The backend is built with the plan's seed; two backends built alike and called alike end with the same bits on the
    same machine, versions and thread count. Errors: `OutOfMemory` when a batch does not fit.
    """

    @property
    def device(self) -> str:
        """Where it computes, as people say it: `CPU, 2 threads`, `NVIDIA H200 (cuda:0)`."""

    def train_step(self, indices: NDArray[np.int64], rate: float) -> None:
        """One optimiser step on the training samples of these indices at this rate; adds to the training totals."""

    def take_training_totals(self) -> Totals:
        """Loss and accuracy summed since the last call, and starts anew. Waits for the device."""

    def evaluate_batch(self, split: str, start: int, stop: int) -> None:
        """Forward only, in evaluation mode, over samples start to stop of a split; adds to the evaluation totals.

        Leaves weights, running statistics, optimiser and random generators exactly as they were.
        """

    def take_evaluation_totals(self) -> Totals:
        """Loss and accuracy summed over `evaluate_batch` calls since the last call, and starts anew."""

    def predict(self, split: str, start: int, stop: int) -> NDArray[np.float32]:
        """What the task's head gives for samples start to stop; for classification probabilities, N x classes."""

    def state(self) -> BackendState:
        """A copy that later steps do not change: weights, optimiser, generators, totals not yet taken."""

    def load_state(self, state: BackendState) -> None:
        """Goes on from a state of a backend that was built alike; raises `Invalid` when keys or shapes differ."""


@dataclass(frozen=True)
class Checkpoint:
    """Saved training state: the engine's own, JSON, and the backend's."""

    step: int
    engine: dict[str, Json]
    backend: BackendState


class CheckpointStore(Protocol):
    """Checkpoints of one job. A checkpoint is either complete or not there; writing one never harms another.

    `save` is durable when it returns. `latest` passes over a damaged or torn one to the newest that is whole,
    and tells people which step was lost.
    """

    def save(self, checkpoint: Checkpoint) -> None: ...

    def latest(self) -> Checkpoint | None: ...

    def load(self, step: int) -> Checkpoint:
        """Raises `NotFound`, or `Damaged` when its bytes do not match its manifest."""

    def keep_only(self, steps: set[int]) -> None:
        """Removes every other checkpoint."""


class EventSink(Protocol):
    """Where a job tells what happens, in order. What was emitted survives the death of the process."""

    def emit(self, event: Event) -> None: ...

    def sync(self) -> None:
        """Returns when what was emitted also survives the loss of power."""


class Control(Protocol):
    """What people ask of a running job."""

    def stop_requested(self) -> bool:
        """Whether the job is to stop at the next step boundary. Cheap enough to ask ten times a second."""


class Clock(Protocol):
    """Seconds of a clock that never goes back."""

    def __call__(self) -> float: ...
