"""The activation functions of the vocabulary in PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "mish": functional.mish,
    "hardswish": functional.hardswish,
    "hardsigmoid": functional.hardsigmoid,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "abs": torch.abs,
    "softmax": lambda x: functional.softmax(x, dim=1),
    "log_softmax": lambda x: functional.log_softmax(x, dim=1),
    "identity": lambda x: x,
}


def activate(x: torch.Tensor, function: str, slope: float, *, in_place: bool) -> torch.Tensor:
    """The function of `x`, written over it where `in_place` is asked for and the function can."""
    if function == "leaky_relu":
        return functional.leaky_relu(x, slope, inplace=in_place)
    if in_place and function == "relu":
        return functional.relu(x, inplace=True)
    if in_place and function in {"tanh", "sigmoid"}:
        return x.tanh_() if function == "tanh" else x.sigmoid_()
    return FUNCTIONS[function](x)
