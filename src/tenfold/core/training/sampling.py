"""Which samples make which batch: a pure function of (seed, epoch, index), so that a resume needs no sampler state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def epoch_order(seed: int, epoch: int, num_samples: int) -> Indices:
    """A permutation of 0 ... num_samples-1 for one epoch (0-based), from a counter-based generator."""
    generator = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    return generator.permutation(num_samples).astype(np.int64)


def batch_bounds(num_samples: int, batch_size: int) -> list[tuple[int, int]]:
    """Start and stop of each batch.

    A last batch of one sample is joined to the one before it: batch normalisation cannot learn from a single sample.
    """
    starts = list(range(0, num_samples, batch_size))
    if len(starts) > 1 and num_samples - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], num_samples], strict=True))
