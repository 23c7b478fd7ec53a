"""Pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
from keras import ops
from numpy.typing import NDArray

from tenfold.adapters.frameworks.keras.layers.layer import Call, Layer, Pads, Tensor, along, padded, spatial_axes


def _widened(layer: Layer) -> list[tuple[int, int]]:
    """The border with what a last window needs that is only partly filled."""
    about, places = layer.arguments, layer.shape[1:]
    along_axes = zip(layer.sizes[0][1:], places, about["window"], about["stride"], about["pad"], strict=True)
    return [
        (before, max(after, (count - 1) * step + width - size - before))
        for size, count, width, step, (before, after) in along_axes
    ]


def max_pool(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    about = layer.arguments
    bordered = padded(x, _widened(layer), -np.inf)
    return ops.max_pool(
        bordered, tuple(about["window"]), tuple(about["stride"]), padding="valid", data_format="channels_last"
    )


def avg_pool(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    about, pads = layer.arguments, _widened(layer)
    means = mean_windows(padded(x, pads), about["window"], about["stride"])
    counts = _counts(layer, about["pad"])
    window = math.prod(about["window"])
    return means if bool((counts == window).all()) else ops.multiply(means, (window / counts).astype(np.float32))


def mean_windows(x: Tensor, window: Sequence[int], stride: Sequence[int]) -> Tensor:
    return ops.average_pool(x, tuple(window), tuple(stride), padding="valid", data_format="channels_last")


def _counts(layer: Layer, pads: Pads) -> NDArray[np.float64]:
    """How many values count in the mean of each window, (*axes, 1)."""
    about = layer.arguments
    each = []
    for size, count, width, step, (before, after) in zip(
        layer.sizes[0][1:], layer.shape[1:], about["window"], about["stride"], pads, strict=True
    ):
        low, high = (0, before + size + after) if about["count_pad"] else (before, before + size)
        starts = np.arange(count) * step
        each.append(np.minimum(starts + width, high) - np.maximum(starts, low))
    counts: NDArray[np.float64] = reduce(np.multiply.outer, each).astype(np.float64)[..., None]
    return counts


def global_avg_pool(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    return ops.mean(x, axis=spatial_axes(x), keepdims=layer.arguments["keep"])


def global_max_pool(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    return ops.max(x, axis=spatial_axes(x), keepdims=layer.arguments["keep"])


def adaptive_avg_pool(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    for axis, (size, count) in enumerate(zip(layer.sizes[0][1:], layer.arguments["size"], strict=True), 1):
        x = x if size == count else along(x, axis, _means(size, count))
    return x


def _means(size: int, count: int) -> NDArray[np.float32]:
    """A matrix of means over windows from floor(i * size / count) to ceil((i + 1) * size / count)."""
    matrix = np.zeros((count, size), dtype=np.float32)
    for index in range(count):
        start, end = index * size // count, -(-(index + 1) * size // count)
        matrix[index, start:end] = 1.0 / (end - start)
    return matrix


KINDS: dict[str, Call] = {
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "global_avg_pool": global_avg_pool,
    "global_max_pool": global_max_pool,
    "adaptive_avg_pool": adaptive_avg_pool,
}
