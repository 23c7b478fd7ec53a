"""The probe of pre-flight: a few real steps with small batches, whose memory and time tell those of the large one."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.custom import OPAQUE
from tenfold.core.training.ports import Samples, TrainingBackend
from tenfold.core.training.preflight.forecast import Reading

FEWEST_STEPS = 3
MOST_STEPS = 16
TIMED_S = 0.4
LONGEST_STEP_S = 2.0
RATE = 1e-6
_LARGEST_PART = 4  # of the batch
_SMALLEST_PART = 16


class PeakGauge(Protocol):
    """How much memory was taken since the gauge was made."""

    def peak_bytes(self) -> int:
        """The most there has been at any moment."""


class FirstSamples:
    """The first training samples of a dataset and nothing else; fulfils `Samples`. They are fetched for each step."""

    is_packed = False

    def __init__(self, samples: Samples, count: int) -> None:
        self._samples = samples
        self._count = count
        self.input_shape = samples.input_shape

    def pictures(self, split: str, places: NDArray[np.int64]) -> NDArray[Any]:
        return self._samples.pictures(split, places)

    def labels(self, split: str) -> NDArray[np.int64]:
        return self._samples.labels(split)[: self._count_of(split)]

    def weights(self, split: str) -> NDArray[np.float32] | None:
        weights = self._samples.weights(split)
        return None if weights is None else weights[: self._count_of(split)]

    def _count_of(self, split: str) -> int:
        return self._count if split == "train" else 0


def largest_probe(batch: int) -> int:
    """The most samples that a probe for this batch looks at in one step."""
    return max(1, batch // _LARGEST_PART)


def fewest_samples(graph: LayerGraph) -> int:
    """The least that a step can learn from: batch normalisation, which a network of Python may have, needs two."""
    return 2 if any(node.kind in {"batch_norm", OPAQUE} for node in graph.nodes) else 1


def probe(
    backend: TrainingBackend, batch: int, *, fewest: int, gauge: PeakGauge, clock: Callable[[], float]
) -> Iterator[Reading]:
    """Reads a sixteenth of the batch, then as much as takes under two seconds, up to a quarter. `clock` is in seconds.

    `fewest` samples are in a step at least, where a quarter is as many.
    """
    quarter = largest_probe(batch)
    first = _read(backend, max(min(fewest, quarter), batch // _SMALLEST_PART), gauge, clock)
    yield first
    affordable = int(first.batch * LONGEST_STEP_S / max(first.step_s, 1e-9))
    second = min(quarter, affordable)
    if second > first.batch:
        yield _read(backend, second, gauge, clock)


def _read(backend: TrainingBackend, batch: int, gauge: PeakGauge, clock: Callable[[], float]) -> Reading:
    """The median of a few steps after the first, which also makes what all others use again."""
    _step_seconds(backend, batch, clock)
    began, seconds = clock(), list[float]()
    while len(seconds) < FEWEST_STEPS or (clock() - began < TIMED_S and len(seconds) < MOST_STEPS):
        seconds.append(_step_seconds(backend, batch, clock))
    return Reading(batch, gauge.peak_bytes(), statistics.median(seconds))


def _step_seconds(backend: TrainingBackend, batch: int, clock: Callable[[], float]) -> float:
    before = clock()
    backend.train_step(np.arange(batch), RATE)
    backend.take_training_totals()  # which waits for the device
    return clock() - before
