"""Layers that make one of several."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from keras import ops

from tenfold.adapters.frameworks.keras.layers.layer import Call, Layer, Tensor

_OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": ops.add,
    "subtract": ops.subtract,
    "multiply": ops.multiply,
    "maximum": ops.maximum,
}
_DISTANCE_EPS, _COSINE_EPS = 1e-6, 1e-8


def _elementwise(operation: Callable[[Tensor, Tensor], Tensor]) -> Call:
    return lambda _layer, _training, *inputs: reduce(operation, inputs)


def average(_layer: Layer, _training: bool, *inputs: Tensor) -> Tensor:
    return ops.divide(reduce(ops.add, inputs), float(len(inputs)))


def concat(_layer: Layer, _training: bool, *inputs: Tensor) -> Tensor:
    return ops.concatenate(inputs, axis=-1)


def crop(layer: Layer, _training: bool, x: Tensor, _like: Tensor) -> Tensor:
    pairs = zip(layer.arguments["offset"], layer.shape[1:], strict=True)
    return x[(slice(None), *(slice(start, start + size) for start, size in pairs))]


def distance(layer: Layer, _training: bool, left: Tensor, right: Tensor) -> Tensor:
    """Of equal vectors the Euclidean distance has no gradient, so a millionth is added to each difference."""
    norm = layer.arguments["norm"]
    if norm == "cosine":
        lengths = [ops.maximum(ops.norm(each, axis=-1, keepdims=True), _COSINE_EPS) for each in (left, right)]
        return 1.0 - ops.sum(left / lengths[0] * (right / lengths[1]), axis=-1, keepdims=True)
    apart = ops.add(ops.subtract(left, right), _DISTANCE_EPS)
    return ops.norm(apart, ord=1 if norm == "l1" else 2, axis=-1, keepdims=True)


KINDS: dict[str, Call] = {
    **{kind: _elementwise(operation) for kind, operation in _OPERATIONS.items()},
    "average": average,
    "concat": concat,
    "crop": crop,
    "distance": distance,
}
