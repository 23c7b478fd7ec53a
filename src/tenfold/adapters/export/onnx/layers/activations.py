"""Activation functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from tenfold.adapters.export.onnx.sheet import LayerNodes

_SIXTH = 1 / 6


def _operator(name: str, **attributes: float) -> Callable[[LayerNodes], str]:
    return lambda layer: layer.add(name, layer.inputs[0], **attributes)


def _relu6(layer: LayerNodes) -> str:
    return layer.add("Clip", layer.inputs[0], layer.number(0), layer.number(6))


def _gelu(layer: LayerNodes) -> str:
    """x / 2 * (1 + erf(x / sqrt(2))), in the order that ONNX Runtime makes one operator of."""
    x = layer.inputs[0]
    error = layer.add("Erf", layer.add("Div", x, layer.number(math.sqrt(2))))
    return layer.add("Mul", layer.add("Mul", x, layer.add("Add", error, layer.number(1))), layer.number(0.5))


def _silu(layer: LayerNodes) -> str:
    return layer.add("Mul", layer.inputs[0], layer.add("Sigmoid", layer.inputs[0]))


def _mish(layer: LayerNodes) -> str:
    return layer.add("Mul", layer.inputs[0], layer.add("Tanh", layer.add("Softplus", layer.inputs[0])))


def _leaky_relu(layer: LayerNodes) -> str:
    return layer.add("LeakyRelu", layer.inputs[0], alpha=float(layer.arguments["slope"]))


FUNCTIONS: Mapping[str, Callable[[LayerNodes], str]] = {
    "relu": _operator("Relu"),
    "relu6": _relu6,
    "leaky_relu": _leaky_relu,
    "elu": _operator("Elu", alpha=1.0),
    "selu": _operator("Selu"),
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
    "hardswish": _operator("HardSwish"),
    "hardsigmoid": _operator("HardSigmoid", alpha=_SIXTH, beta=0.5),
    "sigmoid": _operator("Sigmoid"),
    "tanh": _operator("Tanh"),
    "softplus": _operator("Softplus"),
    "abs": _operator("Abs"),
    "softmax": _operator("Softmax", axis=1),
    "log_softmax": _operator("LogSoftmax", axis=1),
    "identity": lambda layer: layer.inputs[0],
}


def _activation(layer: LayerNodes) -> str:
    return FUNCTIONS[layer.arguments["kind"]](layer)


def _prelu(layer: LayerNodes) -> str:
    return layer.add("PRelu", layer.inputs[0], layer.per_channel("weight", len(layer.node.shape) - 1))


KINDS: Mapping[str, Callable[[LayerNodes], str]] = {"activation": _activation, "prelu": _prelu}
