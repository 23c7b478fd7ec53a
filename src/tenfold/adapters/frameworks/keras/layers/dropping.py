"""Layers that drop values while training."""

from __future__ import annotations

import keras
from keras import ops

from tenfold.adapters.frameworks.keras.layers.layer import Call, Layer, Tensor


def dropout(layer: Layer, training: bool, x: Tensor) -> Tensor:
    return drop(layer, x, layer.arguments["rate"], ops.shape(x)) if training else x


def drop_path(layer: Layer, training: bool, x: Tensor) -> Tensor:
    """One draw for each sample of the batch."""
    one_each = (ops.shape(x)[0], *[1] * (len(x.shape) - 1))
    return drop(layer, x, layer.arguments["rate"], one_each) if training else x


def drop(layer: Layer, x: Tensor, rate: float, shape: Tensor) -> Tensor:
    """`x` with a share of its values set to 0 and the others scaled up."""
    if rate == 0:
        return x
    kept = keras.random.uniform(shape, seed=layer.generator) >= rate
    return ops.multiply(x, ops.cast(kept, "float32") / (1.0 - rate))


KINDS: dict[str, Call] = {"dropout": dropout, "drop_path": drop_path}
