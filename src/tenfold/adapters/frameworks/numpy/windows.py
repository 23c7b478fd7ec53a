"""Sliding windows over (N, C, *axes): windows as columns, and columns added back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]  # Any: float32 by contract, where numpy's annotations widen to float64
Sizes = Sequence[int]
Pads = Sequence[tuple[int, int]]


def pad(x: Floats, pads: Pads, value: float = 0.0) -> Floats:
    """`x` with a border of a value."""
    widths = [(0, 0), (0, 0), *pads]
    return np.pad(x, widths, constant_values=value) if any(sum(pair) for pair in pads) else x


def unpad(x: Floats, pads: Pads, sizes: Sizes) -> Floats:
    """`x` without its border; `sizes` are those inside it."""
    inside = [slice(before, before + size) for (before, _), size in zip(pads, sizes, strict=True)]
    return x[(slice(None), slice(None), *inside)]


def _places(window: Sizes, stride: Sizes, dilation: Sizes, output: Sizes) -> Iterator[tuple[int, tuple[slice, ...]]]:
    """For each point of the window, what it sees as the window moves."""
    for index, offset in enumerate(itertools.product(*(range(size) for size in window))):
        along = zip(offset, stride, dilation, output, strict=True)
        seen = tuple(slice(at * gap, at * gap + step * (count - 1) + 1, step) for at, step, gap, count in along)
        yield index, (slice(None), slice(None), *seen)


def unfold(padded: Floats, window: Sizes, stride: Sizes, dilation: Sizes, output: Sizes) -> Floats:
    """Columns (N, C, K, *output), where K counts the points of the window."""
    columns = np.empty((*padded.shape[:2], math.prod(window), *output), dtype=padded.dtype)
    for index, seen in _places(window, stride, dilation, output):
        columns[:, :, index] = padded[seen]
    return columns


def fold(columns: Floats, padded_shape: Sizes, window: Sizes, stride: Sizes, dilation: Sizes) -> Floats:
    """The adjoint of `unfold`: columns added up where they came from."""
    folded = np.zeros(tuple(padded_shape), dtype=columns.dtype)
    for index, seen in _places(window, stride, dilation, columns.shape[3:]):
        folded[seen] += columns[:, :, index]
    return folded
