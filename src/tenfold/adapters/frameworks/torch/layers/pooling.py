"""Pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from tenfold.adapters.frameworks.torch.layers.layer import Layer, flat_pads, is_symmetric
from tenfold.core.networks.layers.windows import window_output

_MAX_POOL: tuple[Callable[..., torch.Tensor], ...] = (
    functional.max_pool1d,
    functional.max_pool2d,
    functional.max_pool3d,
)
_AVG_POOL: tuple[Callable[..., torch.Tensor], ...] = (
    functional.avg_pool1d,
    functional.avg_pool2d,
    functional.avg_pool3d,
)


def _means(size: int, count: int) -> torch.Tensor:
    """A matrix of means over windows from floor(i * size / count) to ceil((i + 1) * size / count)."""
    matrix = torch.zeros(count, size)
    for index in range(count):
        start, end = index * size // count, -(-(index + 1) * size // count)
        matrix[index, start:end] = 1.0 / (end - start)
    return matrix


def _first(pooled: torch.Tensor, places: Sequence[int]) -> torch.Tensor:
    """So many places of every axis: PyTorch may add a window in a border that was made before, which it cannot tell."""
    for axis, count in enumerate(places, 2):
        pooled = pooled.narrow(axis, 0, count)
    return pooled


class MaxPool(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        about = self.arguments
        pads, window = about["pad"], about["window"]
        padding = tuple(before for before, _ in pads)
        pool = _MAX_POOL[len(pads) - 1]
        if is_symmetric(pads) and all(2 * pad <= size for pad, size in zip(padding, window, strict=True)):
            return pool(x, window, about["stride"], padding, ceil_mode=about["ceil"])
        places = window_output("max_pool", "window", about, x.shape[2:])
        padded = functional.pad(x, flat_pads(pads), value=-torch.inf)
        return _first(pool(padded, window, about["stride"], ceil_mode=about["ceil"]), places)


class AvgPool(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        about = self.arguments
        pads, window = about["pad"], about["window"]
        padding = tuple(before for before, _ in pads)
        pool = _AVG_POOL[len(pads) - 1]
        if is_symmetric(pads) and all(2 * pad <= size for pad, size in zip(padding, window, strict=True)):
            return pool(x, window, about["stride"], padding, about["ceil"], about["count_pad"])
        places = window_output("avg_pool", "window", about, x.shape[2:])
        padded = functional.pad(x, flat_pads(pads))
        mean = _first(pool(padded, window, about["stride"], 0, about["ceil"]), places)
        if about["count_pad"]:
            return mean
        inside = functional.pad(torch.ones_like(x[:1, :1]), flat_pads(pads))
        return mean / _first(pool(inside, window, about["stride"], 0, about["ceil"]), places)


class GlobalAvgPool(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=tuple(range(2, x.dim())), keepdim=self.arguments["keep"])


class GlobalMaxPool(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.amax(dim=tuple(range(2, x.dim())), keepdim=self.arguments["keep"])


class AdaptiveAvgPool(Layer):
    """Where windows are of one size it is ordinary pooling, whose gradient PyTorch adds up in one order on a GPU."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wanted, sizes = self.arguments["size"], x.shape[2:]
        if tuple(sizes) == tuple(wanted):
            return x
        if all(size % count == 0 for size, count in zip(sizes, wanted, strict=True)):
            window = tuple(size // count for size, count in zip(sizes, wanted, strict=True))
            return _AVG_POOL[x.dim() - 3](x, window)
        for axis, count in enumerate(wanted, 2):
            x = torch.tensordot(x, _means(x.shape[axis], count).to(x), dims=([axis], [1])).movedim(-1, axis)
        return x


KINDS: dict[str, type[Layer]] = {
    "max_pool": MaxPool,
    "avg_pool": AvgPool,
    "global_avg_pool": GlobalAvgPool,
    "global_max_pool": GlobalMaxPool,
    "adaptive_avg_pool": AdaptiveAvgPool,
}
