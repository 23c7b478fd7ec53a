"""Convolution and dense layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from tenfold.adapters.frameworks.keras.layers.layer import Call, Layer, Pads, Tensor, padded


def convolve(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    """Groups are convolved one by one, unless each is a single channel."""
    about, weight = layer.arguments, layer.tensors["weight"]
    groups, kernel = about["groups"], about["kernel"]
    border = _border(layer.sizes[0][1:], about)
    x = x if border == "same" else padded(x, about["pad"])
    if groups == layer.sizes[0][0] and groups > 1 and _is_separable(about):
        depth = ops.reshape(weight, (groups, -1, *kernel))
        result = ops.depthwise_conv(
            x, ops.transpose(depth, (2, 3, 0, 1)), strides=about["stride"], padding=border, data_format="channels_last"
        )
    else:
        rows = weight.shape[0] // groups
        wide = layer.sizes[0][0] // groups
        parts = [
            _plain(
                x if groups == 1 else x[..., group * wide : (group + 1) * wide],
                weight if groups == 1 else weight[group * rows : (group + 1) * rows],
                (about["stride"], about["dilation"], border),
            )
            for group in range(groups)
        ]
        result = parts[0] if groups == 1 else ops.concatenate(parts, axis=-1)
    bias = layer.tensor("bias")
    return result if bias is None else ops.add(result, bias)


def _plain(x: Tensor, weight: Tensor, options: tuple[Sequence[int], Sequence[int], str]) -> Tensor:
    """TensorFlow has no steps between windows that have gaps: there every place is computed, and some are taken."""
    stride, dilation, border = options
    is_both = max(stride) > 1 and max(dilation) > 1
    axes = len(stride)
    kernel = ops.transpose(weight, (*range(2, axes + 2), 1, 0))
    taken = 1 if is_both else tuple(stride)
    about = {"padding": border, "data_format": "channels_last", "dilation_rate": tuple(dilation)}
    result = ops.conv(x, kernel, strides=taken, **about)
    return result[(slice(None), *(slice(None, None, step) for step in stride))] if is_both else result


def _is_separable(about: Mapping[str, Any]) -> bool:
    """Whether TensorFlow has a kernel of its own for a group a channel: images, equal steps, no gaps."""
    stride, dilation = about["stride"], about["dilation"]
    return len(stride) == 2 and stride[0] == stride[1] and max(dilation) == 1


def _border(sizes: Sequence[int], about: Mapping[str, Any]) -> str:
    """`same` where TensorFlow would pad alike by itself, else `valid`."""
    if max(about["stride"]) > 1 and max(about["dilation"]) > 1:
        return "valid"
    wanted: list[tuple[int, int]] = []
    for size, width, step, gap in zip(sizes, about["kernel"], about["stride"], about["dilation"], strict=True):
        total = max(0, (-(-size // step) - 1) * step + gap * (width - 1) + 1 - size)
        wanted.append((total // 2, total - total // 2))
    pads: Pads = about["pad"]
    return "same" if tuple(wanted) == tuple(tuple(pair) for pair in pads) and any(map(any, wanted)) else "valid"


def multiply(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    """A dense layer, on the last axis."""
    result = ops.matmul(x, ops.transpose(layer.tensors["weight"]))
    bias: keras.Variable | None = layer.tensor("bias")
    return result if bias is None else ops.add(result, bias)


KINDS: dict[str, Call] = {"conv": convolve, "dense": multiply}
