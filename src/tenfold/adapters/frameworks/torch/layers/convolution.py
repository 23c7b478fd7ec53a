"""Convolution and dense layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional

from tenfold.adapters.frameworks.torch.layers.layer import Layer, Tensors, flat_pads, is_symmetric

_CONV: tuple[Callable[..., torch.Tensor], ...] = (functional.conv1d, functional.conv2d, functional.conv3d)
_TRANSPOSE: tuple[Callable[..., torch.Tensor], ...] = (
    functional.conv_transpose1d,
    functional.conv_transpose2d,
    functional.conv_transpose3d,
)


class Conv(Layer):
    def __init__(self, arguments: Mapping[str, Any], tensors: Tensors) -> None:
        super().__init__(arguments, tensors)
        pads = arguments["pad"]
        self._convolve = _CONV[len(pads) - 1]
        self._border = () if is_symmetric(pads) else flat_pads(pads)
        padding = (0,) * len(pads) if self._border else tuple(before for before, _ in pads)
        self._about = (arguments["stride"], padding, arguments["dilation"], arguments["groups"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self._border:
            x = functional.pad(x, self._border)
        return self._convolve(x, self.tensor("weight"), self.tensor("bias"), *self._about)


class ConvTranspose(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        about = self.arguments
        spread = _TRANSPOSE[len(about["kernel"]) - 1]
        options = (about["stride"], about["pad"], about["output_pad"], about["groups"])
        return spread(x, self.tensor("weight"), self.tensor("bias"), *options)


class Dense(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.needed("weight")
        if x.dim() == 2:
            return functional.linear(x, weight, self.tensor("bias"))
        return functional.linear(x.transpose(1, 2), weight, self.tensor("bias")).transpose(1, 2)


KINDS: dict[str, type[Layer]] = {"conv": Conv, "conv_transpose": ConvTranspose, "dense": Dense}
