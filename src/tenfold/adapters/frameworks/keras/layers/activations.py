"""Activation functions."""

from __future__ import annotations

from collections.abc import Callable

from keras import activations, ops

from tenfold.adapters.frameworks.keras.layers.layer import Call, Layer, Tensor

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": ops.relu,
    "relu6": ops.relu6,
    "elu": ops.elu,
    "selu": ops.selu,
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "silu": ops.silu,
    "mish": activations.mish,
    "hardswish": ops.hard_silu,
    "hardsigmoid": ops.hard_sigmoid,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "softplus": ops.softplus,
    "abs": ops.abs,
    "softmax": lambda x: ops.softmax(x, axis=-1),
    "log_softmax": lambda x: ops.log_softmax(x, axis=-1),
    "identity": lambda x: x,
}


def activate(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    function = layer.arguments["kind"]
    if function == "leaky_relu":
        return ops.leaky_relu(x, negative_slope=layer.arguments["slope"])
    return FUNCTIONS[function](x)


def prelu(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    return ops.add(ops.relu(x), ops.multiply(layer.tensors["weight"], ops.minimum(x, 0.0)))


KINDS: dict[str, Call] = {"activation": activate, "prelu": prelu}
