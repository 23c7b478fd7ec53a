"""Layers that bring values to a common scale."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from keras import ops

from tenfold.adapters.frameworks.keras.layers.layer import Call, Layer, Tensor, padded
from tenfold.adapters.frameworks.keras.layers.pooling import mean_windows


def batch_norm(layer: Layer, training: bool, x: Tensor) -> Tensor:
    """Frozen, it uses its stored statistics while training too; those of a batch are kept without bias."""
    tensors, channels = layer.tensors, layer.shape[0]
    is_over_batch = training and not layer.is_frozen
    weight = tensors["weight"] if "weight" in tensors else ops.ones(channels)
    bias = tensors["bias"] if "bias" in tensors else ops.zeros(channels)
    rows = ops.reshape(x, (-1, 1, math.prod(layer.shape[1:]), channels))  # one kernel for all ranks
    normal, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=rows,
        scale=ops.convert_to_tensor(weight),
        offset=ops.convert_to_tensor(bias),
        mean=ops.zeros(0) if is_over_batch else ops.convert_to_tensor(tensors["running_mean"]),
        variance=ops.zeros(0) if is_over_batch else ops.convert_to_tensor(tensors["running_var"]),
        epsilon=layer.arguments["eps"],
        is_training=is_over_batch,
    )
    if is_over_batch:
        _remember(layer, mean, variance)
    return ops.reshape(normal, (-1, *layer.shape[1:], channels))


def _remember(layer: Layer, mean: Tensor, unbiased: Tensor) -> None:
    share = layer.arguments["momentum"]
    for name, newest in (("running_mean", mean), ("running_var", unbiased)):
        known = layer.tensors[name]
        known.assign(known + share * (newest - known))


def _scaled(layer: Layer, normal: Tensor) -> Tensor:
    """Multiplied and shifted by what was learnt for each channel, where there is such."""
    weight, bias = layer.tensor("weight"), layer.tensor("bias")
    normal = normal if weight is None else ops.multiply(normal, weight)
    return normal if bias is None else ops.add(normal, bias)


def layer_norm(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    mean, variance = ops.moments(x, axes=(-1,), keepdims=True)
    return _scaled(layer, ops.multiply(ops.subtract(x, mean), ops.rsqrt(ops.add(variance, layer.arguments["eps"]))))


def group_norm(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    channels, *sizes = layer.shape
    groups = layer.arguments.get("groups", channels)
    apart = ops.reshape(x, (-1, *sizes, groups, channels // groups))
    axes = (*range(1, len(sizes) + 1), len(sizes) + 2)
    mean, variance = ops.moments(apart, axes=axes, keepdims=True)
    normal = ops.multiply(ops.subtract(apart, mean), ops.rsqrt(ops.add(variance, layer.arguments["eps"])))
    return _scaled(layer, ops.reshape(normal, (-1, *sizes, channels)))


def scale(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    return _scaled(layer, x)


def normalize(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    if layer.arguments["norm"] == "l1":
        length = ops.sum(ops.abs(x), axis=-1, keepdims=True)
    else:
        length = ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True))
    return ops.divide(x, ops.maximum(length, layer.arguments["eps"]))


def lrn(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    about = layer.arguments
    mean = _across(x, about["size"]) if about["region"] == "across" else _within(x, about["size"])
    return ops.multiply(x, ops.power(ops.add(about["k"], ops.multiply(about["alpha"], mean)), -about["beta"]))


def _across(x: Tensor, size: int) -> Tensor:
    """The mean square over `size` channels around each; outside counts as 0."""
    channels = x.shape[-1]
    distance = np.arange(channels)[None] - np.arange(channels)[:, None]
    before = size // 2
    near = (distance >= -before) & (distance < size - before)
    return ops.matmul(ops.square(x), (near.T / size).astype(np.float32))


def _within(x: Tensor, size: int) -> Tensor:
    """The mean square over windows of `size` along every axis; outside counts as 0, as in Caffe."""
    axes = len(x.shape) - 2
    bordered = padded(ops.square(x), (((size - 1) // 2, size // 2),) * axes)
    return mean_windows(bordered, (size,) * axes, (1,) * axes)


KINDS: dict[str, Call] = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": group_norm,
    "scale": scale,
    "normalize": normalize,
    "lrn": lrn,
}
