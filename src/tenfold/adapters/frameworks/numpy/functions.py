"""Activation functions with their derivatives, in plain numpy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tenfold.adapters.frameworks.numpy.windows import Floats

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
_ERF = np.frompyfunc(math.erf, 1, 1)


def _sigmoid(x: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _softplus(x: Floats) -> Floats:
    return np.logaddexp(x, np.float32(0.0))


def _normal_distribution(x: Floats) -> Floats:
    erf: Floats = np.asarray(_ERF(x / math.sqrt(2.0)), dtype=np.float32)
    return 0.5 * (1.0 + erf)


def _gelu_slope(x: Floats) -> Floats:
    return _normal_distribution(x) + x * np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def _silu_slope(x: Floats) -> Floats:
    sigmoid = _sigmoid(x)
    return sigmoid * (1.0 + x * (1.0 - sigmoid))


def _mish_slope(x: Floats) -> Floats:
    tanh = np.tanh(_softplus(x))
    return tanh + x * (1.0 - tanh * tanh) * _sigmoid(x)


def _elu(x: Floats) -> Floats:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: Floats) -> Floats:
    return _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))


Function = Callable[[Floats], Floats]
FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: x > 0),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x: (x > 0) & (x < 6)),
    "elu": (_elu, lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0)))),
    "selu": (_selu, lambda x: _SELU_SCALE * np.where(x > 0, 1, _SELU_ALPHA * np.exp(np.minimum(x, 0)))),
    "gelu": (lambda x: x * _normal_distribution(x), _gelu_slope),
    "silu": (lambda x: x * _sigmoid(x), _silu_slope),
    "mish": (lambda x: x * np.tanh(_softplus(x)), _mish_slope),
    "hardswish": (
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        lambda x: np.where(x < -3, 0, np.where(x > 3, 1, x / 3 + 0.5)),
    ),
    "hardsigmoid": (lambda x: np.clip(x + 3, 0, 6) / 6, lambda x: ((x > -3) & (x < 3)) / 6),
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * (1.0 - _sigmoid(x))),
    "tanh": (np.tanh, lambda x: 1.0 - np.tanh(x) ** 2),
    "softplus": (_softplus, _sigmoid),
    "abs": (np.abs, np.sign),
    "identity": (lambda x: x, np.ones_like),
}
"""Each function, and its derivative as a function of the same input."""


def softmax(x: Floats) -> Floats:
    """Over the channels, axis 1."""
    shifted = np.exp(x - x.max(axis=1, keepdims=True))
    shares: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return shares


def log_softmax(x: Floats) -> Floats:
    """Over the channels, axis 1."""
    shifted = x - x.max(axis=1, keepdims=True)
    logarithms: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms


def activate(x: Floats, function: str, slope: float) -> Floats:
    if function == "leaky_relu":
        return np.where(x > 0, x, slope * x).astype(np.float32)
    if function == "softmax":
        return softmax(x)
    if function == "log_softmax":
        return log_softmax(x)
    return FUNCTIONS[function][0](x).astype(np.float32)


def activation_gradient(gradient: Floats, x: Floats, output: Floats, function: str, slope: float) -> Floats:
    """The gradient of the input from that of the output."""
    if function == "leaky_relu":
        return gradient * np.where(x > 0, 1, slope).astype(np.float32)
    if function == "softmax":
        return _softmax_gradient(gradient, output)
    if function == "log_softmax":
        return _log_softmax_gradient(gradient, output)
    return (gradient * FUNCTIONS[function][1](x)).astype(np.float32)


def _softmax_gradient(gradient: Floats, output: Floats) -> Floats:
    result: Floats = output * (gradient - (gradient * output).sum(axis=1, keepdims=True))
    return result


def _log_softmax_gradient(gradient: Floats, output: Floats) -> Floats:
    result: Floats = gradient - np.exp(output) * gradient.sum(axis=1, keepdims=True)
    return result
