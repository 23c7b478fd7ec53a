"""Layers that rearrange, cut or enlarge values."""

from __future__ import annotations

import math

import numpy as np
from keras import ops
from numpy.typing import NDArray

from tenfold.adapters.frameworks.keras.layers.layer import (
    Call,
    Layer,
    Tensor,
    along,
    channels_first,
    channels_last,
    padded,
    spatial_axes,
)


def reshape(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    """In channels-first order, as weights that come after expect it; `flatten` too."""
    return channels_last(ops.reshape(channels_first(x), (-1, *layer.shape)))


def permute(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    axes = (0, *(axis + 1 for axis in layer.arguments["axes"]))
    return channels_last(ops.transpose(channels_first(x), axes))


def to_sequence(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    return ops.reshape(x, (-1, math.prod(layer.shape[1:]), layer.shape[0]))


def to_image(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    return ops.reshape(x, (-1, *layer.shape[1:], layer.shape[0]))


def upsample(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    is_nearest = layer.arguments["mode"] == "nearest"
    for axis, (size, factor) in enumerate(zip(layer.sizes[0][1:], layer.arguments["factor"], strict=True), 1):
        if factor > 1:
            x = ops.repeat(x, factor, axis=axis) if is_nearest else along(x, axis, _between(size, factor))
    return x


def _between(size: int, factor: int) -> NDArray[np.float32]:
    """A matrix of linear interpolation between the middles of `size` places; beyond the first and last is theirs."""
    at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, size - 1)
    matrix = np.zeros((size * factor, size))
    rows = np.arange(size * factor)
    np.add.at(matrix, (rows, low), 1 - (at - low))
    np.add.at(matrix, (rows, high), at - low)
    return matrix.astype(np.float32)


def pad(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    border = [(wide, wide) for wide in layer.arguments["size"]]
    mode = layer.arguments["mode"]
    if mode == "zeros":
        return padded(x, border)
    for axis, (wide, _) in zip(spatial_axes(x), border, strict=True):
        places = np.arange(-wide, x.shape[axis] + wide)
        last = x.shape[axis] - 1
        places = np.clip(places, 0, last) if mode == "edge" else last - np.abs(last - np.abs(places))
        x = ops.take(x, places, axis=axis)
    return x


def cut(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    return x[..., layer.arguments["start"] : layer.arguments["stop"]]


def select(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    return x[:, layer.arguments["index"]]


KINDS: dict[str, Call] = {
    "flatten": reshape,
    "reshape": reshape,
    "permute": permute,
    "to_sequence": to_sequence,
    "to_image": to_image,
    "upsample": upsample,
    "pad": pad,
    "slice": cut,
    "select": select,
}
