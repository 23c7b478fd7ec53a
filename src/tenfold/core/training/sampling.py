"""Which samples make which batch: a pure function of (seed, epoch, index), so that a resume needs no sampler state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tenfold.core.training.ports import Samples

Indices = NDArray[np.int64]


def epoch_order(seed: int, epoch: int, num_samples: int) -> Indices:
    """A permutation of 0 ... num_samples-1 for one epoch (0-based), from a counter-based generator."""
    generator = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    return generator.permutation(num_samples).astype(np.int64)


def training_weights(samples: Samples) -> NDArray[np.float32] | None:
    """The weights of the training samples with a mean of 1, so that the rate means what it does without them."""
    weights = samples.weights("train")
    return None if weights is None else (weights / weights.mean(dtype=np.float64)).astype(np.float32)


def batch_bounds(num_samples: int, batch_size: int) -> list[tuple[int, int]]:
    """Start and stop of each batch.

    A last batch of one sample is joined to the one before it: batch normalisation cannot learn from a single sample.
    """
    starts = list(range(0, num_samples, batch_size))
    if len(starts) > 1 and num_samples - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], num_samples], strict=True))
