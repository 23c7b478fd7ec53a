"""Layers that drop values while training."""

from __future__ import annotations

import torch

from tenfold.adapters.frameworks.torch.layers.layer import Layer, RandomLayer


class Dropout(RandomLayer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return drop(x, self.arguments["rate"], self) if self.training else x


class DropPath(RandomLayer):
    """One draw for each sample of the batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rate = self.arguments["rate"]
        if not self.training or rate == 0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.dim() - 1)).bernoulli_(1 - rate, generator=self.generator)
        return x * kept.div_(1 - rate)


def drop(x: torch.Tensor, rate: float, layer: RandomLayer) -> torch.Tensor:
    """`x` with a share of its values set to 0 and the others scaled up."""
    if rate == 0:
        return x
    kept = torch.empty_like(x).bernoulli_(1 - rate, generator=layer.generator)
    return x * kept.div_(1 - rate)


KINDS: dict[str, type[Layer]] = {"dropout": Dropout, "drop_path": DropPath}
