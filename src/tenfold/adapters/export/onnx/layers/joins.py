"""Layers that make one of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

from tenfold.adapters.export.onnx.sheet import LayerNodes

_NEVER_EQUAL, _LEAST_LENGTH = 1e-6, 1e-8  # PyTorch's, of distances and of the cosine


def _from_first_to_last(operator: str) -> Callable[[LayerNodes], str]:
    return lambda layer: reduce(lambda one, other: layer.add(operator, one, other), layer.inputs)


def _average(layer: LayerNodes) -> str:
    return layer.add("Div", _from_first_to_last("Add")(layer), layer.number(len(layer.inputs)))


def _concat(layer: LayerNodes) -> str:
    return layer.add("Concat", *layer.inputs, axis=1)


def _crop(layer: LayerNodes) -> str:
    starts, sizes = layer.arguments["offset"], layer.node.shape[1:]
    ends = [start + size for start, size in zip(starts, sizes, strict=True)]
    axes = range(2, 2 + len(sizes))
    return layer.add("Slice", layer.inputs[0], layer.whole(*starts), layer.whole(*ends), layer.whole(*axes))


def _distance(layer: LayerNodes) -> str:
    norm, channels = layer.arguments["norm"], layer.whole(1)
    if norm == "cosine":
        return layer.add("Sub", layer.number(1), _cosine(layer))
    apart = layer.add("Add", layer.add("Sub", *layer.inputs), layer.number(_NEVER_EQUAL))
    return layer.add("ReduceL1" if norm == "l1" else "ReduceL2", apart, channels)


def _cosine(layer: LayerNodes) -> str:
    channels = layer.whole(1)
    lengths = [
        layer.add("Max", layer.add("ReduceL2", value, channels), layer.number(_LEAST_LENGTH)) for value in layer.inputs
    ]
    product = layer.add("ReduceSum", layer.add("Mul", *layer.inputs), channels)
    return layer.add("Div", product, layer.add("Mul", *lengths))


KINDS: Mapping[str, Callable[[LayerNodes], str]] = {
    "add": _from_first_to_last("Add"),
    "subtract": _from_first_to_last("Sub"),
    "multiply": _from_first_to_last("Mul"),
    "maximum": _from_first_to_last("Max"),
    "average": _average,
    "concat": _concat,
    "crop": _crop,
    "distance": _distance,
}
