"""Activation functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from tenfold.adapters.frameworks.torch.functions import activate
from tenfold.adapters.frameworks.torch.layers.layer import Layer


class Activation(Layer):
    def __init__(self, arguments: Mapping[str, Any], *, in_place: bool) -> None:
        super().__init__(arguments, {})
        self.in_place = in_place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        function, slope = self.arguments["kind"], self.arguments.get("slope", 0.0)
        return activate(x, function, slope, in_place=self.in_place)


class PRelu(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.prelu(x, self.needed("weight"))


KINDS: dict[str, type[Layer]] = {"prelu": PRelu}
