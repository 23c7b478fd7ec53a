"""Pooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tenfold.adapters.export.onnx.layers.windows import Pads, flat_pads, whole_pads
from tenfold.adapters.export.onnx.sheet import Array, LayerNodes


def _beyond(layer: LayerNodes) -> list[int]:
    """How far the last window of each axis reaches over the padded border: with `ceil` it may.

    Given as padding, for runtimes do not agree on what `ceil_mode` is.
    """
    about = layer.arguments
    axes = zip(layer.node.shape[1:], layer.shapes[0][1:], about["window"], about["stride"], about["pad"], strict=True)
    return [max(0, (places - 1) * step + window - (size + sum(pad))) for places, size, window, step, pad in axes]


def _longer(pads: Pads, more: list[int]) -> Pads:
    return [(before, after + extra) for (before, after), extra in zip(pads, more, strict=True)]


def _window(layer: LayerNodes) -> dict[str, Any]:
    return {"kernel_shape": layer.arguments["window"], "strides": layer.arguments["stride"]}


def _max_pool(layer: LayerNodes) -> str:
    pads = _longer(layer.arguments["pad"], _beyond(layer))
    return layer.add("MaxPool", layer.inputs[0], **_window(layer), pads=flat_pads(pads))


def _avg_pool(layer: LayerNodes) -> str:
    """What lies beyond the border never counts; the border itself does with `count_pad`, and is then made of zeros."""
    x, pads, more = layer.inputs[0], layer.arguments["pad"], _beyond(layer)
    is_counted = layer.arguments["count_pad"]
    if is_counted and any(more):
        x = layer.add("Pad", x, layer.whole(*whole_pads(pads)))
        pads, is_counted = [(0, 0)] * len(pads), False
    about = {"pads": flat_pads(_longer(pads, more)), "count_include_pad": int(is_counted)}
    return layer.add("AveragePool", x, **_window(layer), **about)


def _global(operator: str) -> Callable[[LayerNodes], str]:
    def write(layer: LayerNodes) -> str:
        pooled = layer.add(operator, layer.inputs[0])
        return pooled if layer.arguments["keep"] else layer.add("Flatten", pooled, axis=1)

    return write


def _adaptive_avg_pool(layer: LayerNodes) -> str:
    sizes, wanted = layer.shapes[0][1:], layer.arguments["size"]
    if tuple(sizes) == tuple(wanted):
        return layer.inputs[0]
    if all(size % count == 0 for size, count in zip(sizes, wanted, strict=True)):
        window = [size // count for size, count in zip(sizes, wanted, strict=True)]
        return layer.add("AveragePool", layer.inputs[0], kernel_shape=window, strides=window)
    value = layer.inputs[0]
    for axis, (size, count) in enumerate(zip(sizes, wanted, strict=True), 2):
        value = _averaged(layer, value, axis, _means(size, count))
    return value


def _averaged(layer: LayerNodes, value: str, axis: int, means: Array) -> str:
    """Means along one axis, which is brought to the end for it and back."""
    order = list(range(len(layer.shapes[0]) + 1))
    order[axis], order[-1] = order[-1], order[axis]
    last = layer.add("Transpose", value, perm=order)
    return layer.add("Transpose", layer.add("MatMul", last, layer.sheet.constant(means)), perm=order)


def _means(size: int, count: int) -> Array:
    """Size x count: windows from floor(i * size / count) to ceil((i + 1) * size / count)."""
    matrix = np.zeros((size, count), np.float32)
    for index in range(count):
        start, end = index * size // count, -(-(index + 1) * size // count)
        matrix[start:end, index] = 1 / (end - start)
    return matrix


KINDS: Mapping[str, Callable[[LayerNodes], str]] = {
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global("GlobalAveragePool"),
    "global_max_pool": _global("GlobalMaxPool"),
    "adaptive_avg_pool": _adaptive_avg_pool,
}
