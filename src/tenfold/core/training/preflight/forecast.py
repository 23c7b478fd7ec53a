"""What a training will take, said before it starts: memory, time and disk, reckoned or measured."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Literal, cast

from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.events import Json
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.engine import EVALUATION_BATCH
from tenfold.core.training.preflight.memory import StepMemory, step_memory

How = Literal["reckoned", "measured"]
ProbeState = Literal["none", "held-back", "waiting", "running", "finished", "failed"]
Verdict = Literal["fits", "tight", "full", "never"]
MIB = 2**20
PROCESS_BYTES = 5 * MIB  # beside tensors
HEAP_FACTOR = 1.5  # memory that is freed and not fit for what comes next, and copies that kernels make: as measured
LEFT_FACTOR = 0.7  # of what passed through a step is still there, and not fit for it, when a checkpoint is copied
RESIDENT_BYTES = 2**30  # a packed dataset up to this size is held in memory
SPREAD: dict[How, float] = {"reckoned": 0.35, "measured": 0.1}
CHECKPOINTS_KEPT = 3  # the best, the last, and the one being written
MODEL_COPIES = 2  # weights, and the same again as ONNX


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is to be trained. `picture_bytes` is the size of one stored picture, `num_pictures` counts all splits."""

    graph: LayerGraph
    optimizer: str
    batch_size: int
    epochs: int
    num_training: int
    num_validation: int
    num_pictures: int
    picture_bytes: int
    is_packed: bool

    @property
    def largest_step(self) -> int:
        """The samples of the largest step: a batch is never larger than what there is to train on."""
        return min(self.batch_size, max(1, self.num_training))

    @property
    def steps_per_epoch(self) -> int:
        return max(1, math.ceil(self.num_training / self.batch_size))


@dataclass(frozen=True, kw_only=True)
class Room:
    """What the device and the disk have: in all, and free now."""

    device: str
    memory_total_bytes: int
    memory_free_bytes: int
    disk_free_bytes: int


@dataclass(frozen=True)
class Reading:
    """What a probe saw at one batch: the most memory above its start, and the seconds of a step."""

    batch: int
    peak_bytes: int
    step_s: float


@dataclass(frozen=True, kw_only=True)
class MemoryParts:
    """Bytes at the fullest moment, by what they hold; `rest` is the process, its kernels and short-lived copies."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    pictures: int
    rest: int


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a run will take. Low and high ends say how sure that is; times are nothing where none was measured.

    `largest_batch` fits into the device's whole memory, `free_batch` surely into what of it is free; 0 where none does.
    `probe` is how the probe stands that would make it sharper, `probe_message` why there is none.
    `warnings` are what a run is better without: what an inspection of a network of Python found, and too few steps.
    """

    verdict: Verdict
    sentence: str
    device: str
    memory_how: How
    memory_bytes: int
    memory_high_bytes: int
    memory_free_bytes: int
    memory_total_bytes: int
    parts: MemoryParts
    largest_batch: int
    free_batch: int
    batch_size: int
    disk_bytes: int
    disk_free_bytes: int
    time_how: How | None = None
    epoch_s: float | None = None
    total_s: float | None = None
    probe: ProbeState = "none"
    probe_message: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def nearest_batch(self) -> int:
        """The batch to take instead where this one may not fit: one that surely does, else one that can; else 0."""
        is_meant = self.verdict in {"full", "never"}
        nearest = self.free_batch or self.largest_batch
        return nearest if is_meant and nearest < self.batch_size else 0

    def to_json(self) -> dict[str, Json]:
        return cast("dict[str, Json]", asdict(self))

    def require_room(self) -> None:
        """Raises `InvalidFields` where it cannot fit, with the nearest batch that can."""
        if self.verdict == "never":
            raise InvalidFields([Problem("batch_size", self.sentence, "run.no-room")])


def forecast(work: Workload, room: Room, readings: tuple[Reading, ...] = ()) -> Forecast:
    """The forecast for a workload; `readings` of a probe at smaller batches make it sharper."""
    readings = _of_steps(work, readings)
    memory = _Memory(work, readings)
    how: How = "measured" if readings else "reckoned"
    peak = memory.peak(work.largest_step)
    high = round(peak * (1 + SPREAD[how]))
    epoch_s = _epoch_seconds(work, readings)
    largest = memory.largest_batch(room.memory_total_bytes)
    free = memory.largest_batch(round(room.memory_free_bytes / (1 + SPREAD[how])))
    verdict = _verdict(round(peak * (1 - SPREAD[how])), peak, high, room)
    return Forecast(
        verdict=verdict,
        sentence=_sentence(verdict, peak, free or largest, work, room),
        device=room.device,
        memory_how=how,
        memory_bytes=peak,
        memory_high_bytes=high,
        memory_free_bytes=room.memory_free_bytes,
        memory_total_bytes=room.memory_total_bytes,
        parts=memory.parts(work.largest_step),
        largest_batch=largest,
        free_batch=free,
        batch_size=work.batch_size,
        disk_bytes=_disk_bytes(memory.step),
        disk_free_bytes=room.disk_free_bytes,
        time_how=how if epoch_s is not None else None,
        epoch_s=epoch_s,
        total_s=None if epoch_s is None else epoch_s * work.epochs,
    )


def _of_steps(work: Workload, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Readings by the samples that their steps had, one for each number of them."""
    most = max(1, work.num_training)
    found = {min(each.batch, most): replace(each, batch=min(each.batch, most)) for each in readings}
    return tuple(found.values())


class _Memory:
    """Peaks by batch: reckoned, and moved so that they go through what was read."""

    def __init__(self, work: Workload, readings: tuple[Reading, ...]) -> None:
        self.step: StepMemory = step_memory(work.graph, optimizer=work.optimizer)
        total = work.num_pictures * work.picture_bytes
        self._pictures = total if work.is_packed and total <= RESIDENT_BYTES else 0
        held = self.step.weight_bytes + self.step.gradient_bytes + self.step.optimizer_bytes
        evaluated = min(EVALUATION_BATCH, work.num_validation) * self.step.evaluating
        self._held = held
        self._still = held + self.step.weight_bytes  # which kernels also keep in an order of their own
        self._evaluating = self._still + evaluated
        self._saving = held + self.step.weight_bytes + self.step.optimizer_bytes
        self._most = max(1, work.num_training)
        self._last = max(readings, key=lambda each: each.batch, default=None)

    def peak(self, batch: int) -> int:
        batch = min(batch, self._most)
        saving = self._saving + round(LEFT_FACTOR * self._passing(batch))
        return max(self._training(batch), PROCESS_BYTES + self._evaluating, PROCESS_BYTES + saving) + self._pictures

    def _training(self, batch: int) -> int:
        """As reckoned, and as much more or less as the largest batch that was read took."""
        if self._last is None:
            return self._reckoned(batch)
        return max(self._still, self._reckoned(batch) + self._last.peak_bytes - self._reckoned(self._last.batch))

    def _reckoned(self, batch: int) -> int:
        return PROCESS_BYTES + self._still + round(HEAP_FACTOR * self._passing(batch))

    def _passing(self, batch: int) -> int:
        """What a step needs for itself."""
        return max(0, self.step.peak(batch) - self._held)

    def largest_batch(self, available_bytes: int) -> int:
        """By halving: peaks only grow with the batch."""
        low, high = 0, 65_536
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.peak(middle) <= available_bytes else (low, middle - 1)
        return low

    def parts(self, batch: int) -> MemoryParts:
        kept, step = self.step.kept.at(batch), self.step
        known = step.weight_bytes + step.gradient_bytes + step.optimizer_bytes + self._pictures
        peak = self.peak(batch)
        activations = min(kept, max(0, peak - known))
        return MemoryParts(
            weights=step.weight_bytes,
            gradients=step.gradient_bytes,
            optimizer=step.optimizer_bytes,
            activations=activations,
            pictures=self._pictures,
            rest=max(0, peak - known - activations),
        )


def _epoch_seconds(work: Workload, readings: tuple[Reading, ...]) -> float | None:
    """Steps at the probe's pace, and a validation, which goes forward only and takes about a third."""
    if not readings:
        return None
    ordered = sorted(readings, key=lambda each: each.batch)
    first, last = ordered[0], ordered[-1]
    if first.batch == last.batch:
        per_sample, fixed = last.step_s / last.batch, 0.0
    else:
        per_sample = max(0.0, (last.step_s - first.step_s) / (last.batch - first.batch))
        fixed = max(0.0, last.step_s - per_sample * last.batch)
    training = work.steps_per_epoch * fixed + work.num_training * per_sample
    return training + work.num_validation * per_sample / 3


def _disk_bytes(step: StepMemory) -> int:
    return CHECKPOINTS_KEPT * (step.weight_bytes + step.optimizer_bytes) + MODEL_COPIES * step.weight_bytes


def _verdict(low: int, peak: int, high: int, room: Room) -> Verdict:
    if low > room.memory_total_bytes:
        return "never"
    if peak > room.memory_free_bytes:
        return "full"
    return "fits" if high <= room.memory_free_bytes else "tight"


def _sentence(verdict: Verdict, peak: int, nearest: int, work: Workload, room: Room) -> str:
    device = "the CPU's memory" if room.device == "cpu" else room.device
    if verdict == "fits":
        return f"Fits in {device}, with {_size(room.memory_free_bytes - peak)} to spare."
    if verdict == "tight":
        return f"Just fits in {device}: {_size(peak)} of {_size(room.memory_free_bytes)} that are free."
    if verdict == "full":
        missing, free = _size(peak - room.memory_free_bytes), _size(room.memory_free_bytes)
        instead = f" Batch {nearest:,} does." if nearest else ""
        return f"May not fit in {device}: {missing} more than the {free} that are free now.{instead}"
    needs = f"Batch {work.batch_size:,} needs {_size(peak)}; {device} has {_size(room.memory_total_bytes)}."
    if work.largest_step < work.batch_size:
        needs = f"{needs[:-1]}, though there are only {work.num_training:,} pictures to train on."
    if nearest:
        return f"{needs} Batch {nearest:,} fits."
    return f"{needs} No batch fits: use a smaller network or smaller pictures."


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.0f} MB"
