"""Layers that bring values to a common scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from tenfold.adapters.frameworks.torch.layers.layer import Layer, Tensors


class BatchNorm(Layer):
    """Frozen, it uses its stored statistics while training too."""

    def __init__(self, arguments: Mapping[str, Any], tensors: Tensors, *, is_frozen: bool) -> None:
        super().__init__(arguments, tensors)
        self.is_frozen = is_frozen

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.batch_norm(
            x,
            self.tensor("running_mean"),
            self.tensor("running_var"),
            self.tensor("weight"),
            self.tensor("bias"),
            self.training and not self.is_frozen,
            self.arguments["momentum"],
            self.arguments["eps"],
        )


class LayerNorm(Layer):
    """Over the channels, which come last while it computes; memory that lies so already is not moved."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        last = x.movedim(1, -1)
        normal = functional.layer_norm(
            last, last.shape[-1:], self.tensor("weight"), self.tensor("bias"), self.arguments["eps"]
        )
        return normal.movedim(-1, 1)


class GroupNorm(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        about = self.arguments
        return functional.group_norm(x, about["groups"], self.tensor("weight"), self.tensor("bias"), about["eps"])


class InstanceNorm(Layer):
    """A group for each channel, which unlike PyTorch's own function may also hold a single place."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self.tensor("weight"), self.tensor("bias")
        return functional.group_norm(x, x.shape[1], weight, bias, self.arguments["eps"])


class Scale(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = (-1,) + (1,) * (x.dim() - 2)
        scaled = x * self.needed("weight").view(wide)
        bias = self.tensor("bias")
        return scaled if bias is None else scaled + bias.view(wide)


class Normalize(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        power = 1.0 if self.arguments["norm"] == "l1" else 2.0
        return functional.normalize(x, p=power, dim=1, eps=self.arguments["eps"])


class LocalResponseNorm(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        about = self.arguments
        if about["region"] == "across":
            return functional.local_response_norm(x, about["size"], about["alpha"], about["beta"], about["k"])
        base: torch.Tensor = about["k"] + about["alpha"] * self._mean_around(x * x)
        return x * base.pow(-about["beta"])

    def _mean_around(self, values: torch.Tensor) -> torch.Tensor:
        """Means over windows of `size` along every axis; outside counts as 0, as in Caffe."""
        size, axes = self.arguments["size"], values.dim() - 2
        pool = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)[axes - 1]
        border = ((size - 1) // 2, size // 2) * axes
        return pool(functional.pad(values, border), size, 1)


KINDS: dict[str, type[Layer]] = {
    "layer_norm": LayerNorm,
    "group_norm": GroupNorm,
    "instance_norm": InstanceNorm,
    "scale": Scale,
    "normalize": Normalize,
    "lrn": LocalResponseNorm,
}
