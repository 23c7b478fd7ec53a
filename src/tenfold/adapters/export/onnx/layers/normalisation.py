"""Layers that bring values to a common scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tenfold.adapters.export.onnx.sheet import LayerNodes


def _batch_norm(layer: LayerNodes) -> str:
    channels = layer.node.shape[0]
    scale = layer.weight("weight") or layer.sheet.constant(np.ones(channels, np.float32))
    shift = layer.weight("bias") or layer.sheet.constant(np.zeros(channels, np.float32))
    statistics = (layer.weight("running_mean"), layer.weight("running_var"))
    return layer.add(
        "BatchNormalization", layer.inputs[0], scale, shift, *statistics, epsilon=float(layer.arguments["eps"])
    )


def _layer_norm(layer: LayerNodes) -> str:
    """Over the channels, which the operator wants last."""
    axes = len(layer.node.shape)
    own = (layer.weight("weight"), layer.weight("bias"))
    about = {"axis": -1, "epsilon": float(layer.arguments["eps"])}
    if axes == 1:
        return layer.add("LayerNormalization", layer.inputs[0], *own, **about)
    last = layer.add("Transpose", layer.inputs[0], perm=[0, *range(2, axes + 1), 1])
    normal = layer.add("LayerNormalization", last, *own, **about)
    return layer.add("Transpose", normal, perm=[0, axes, *range(1, axes)])


def _group_norm(layer: LayerNodes) -> str:
    return _in_groups(layer, layer.arguments["groups"])


def _instance_norm(layer: LayerNodes) -> str:
    return _in_groups(layer, layer.node.shape[0])


def _in_groups(layer: LayerNodes, groups: int) -> str:
    """Each group of channels as the one channel of an instance norm, then scale and shift of the channels."""
    ones, zeros = (layer.sheet.constant(np.full(groups, each, np.float32)) for each in (1, 0))
    rows = layer.reshape(layer.inputs[0], 0, groups, -1)
    normal = layer.add("InstanceNormalization", rows, ones, zeros, epsilon=float(layer.arguments["eps"]))
    return _scaled(layer, layer.reshape(normal, 0, *layer.node.shape))


def _scale(layer: LayerNodes) -> str:
    return _scaled(layer, layer.inputs[0])


def _scaled(layer: LayerNodes, value: str) -> str:
    axes = len(layer.node.shape) - 1
    for operator, name in (("Mul", "weight"), ("Add", "bias")):
        if name in layer.weights:
            value = layer.add(operator, value, layer.per_channel(name, axes))
    return value


def _normalize(layer: LayerNodes) -> str:
    operator = "ReduceL1" if layer.arguments["norm"] == "l1" else "ReduceL2"
    length = layer.add(operator, layer.inputs[0], layer.whole(1))
    return layer.add("Div", layer.inputs[0], layer.add("Max", length, layer.number(layer.arguments["eps"])))


def _lrn(layer: LayerNodes) -> str:
    """x / (k + alpha * mean of squares) ^ beta, from pooling: ONNX's own operator takes images and odd sizes alone."""
    about, x = layer.arguments, layer.inputs[0]
    squares = layer.add("Mul", x, x)
    mean = _mean_across(layer, squares) if about["region"] == "across" else _mean_within(layer, squares)
    energy = layer.add("Add", layer.add("Mul", mean, layer.number(about["alpha"])), layer.number(about["k"]))
    return layer.add("Div", x, layer.add("Pow", energy, layer.number(about["beta"])))


def _mean_across(layer: LayerNodes, squares: str) -> str:
    """Over `size` channels around each; those beyond the first and the last count as 0."""
    size, channels = layer.arguments["size"], layer.node.shape[0]
    rows = layer.reshape(squares, 0, 1, channels, -1)
    mean = _mean(layer, rows, window=[size, 1], pads=[size // 2, 0, (size - 1) // 2, 0])
    return layer.reshape(mean, 0, *layer.node.shape)


def _mean_within(layer: LayerNodes, squares: str) -> str:
    """Over `size` places around each along every axis; those beyond the border count as 0."""
    size, axes = layer.arguments["size"], len(layer.node.shape) - 1
    return _mean(layer, squares, window=[size] * axes, pads=[(size - 1) // 2] * axes + [size // 2] * axes)


def _mean(layer: LayerNodes, value: str, *, window: list[int], pads: list[int]) -> str:
    return layer.add("AveragePool", value, kernel_shape=window, pads=pads, count_include_pad=1)


KINDS: Mapping[str, Callable[[LayerNodes], str]] = {
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "scale": _scale,
    "normalize": _normalize,
    "lrn": _lrn,
}
