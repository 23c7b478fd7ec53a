"""Each kind of layer of the vocabulary as a PyTorch module.

Shapes are (N, C, *axes). A module takes its inputs in the order of the layer's `from`; its parameters and buffers carry
the names of the vocabulary (`weight`, `bias`, `running_mean`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tenfold.adapters.frameworks.torch.functions import activate
from tenfold.core.networks.graph import Node

_CONV: tuple[Callable[..., torch.Tensor], ...] = (functional.conv1d, functional.conv2d, functional.conv3d)
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
Pads = Sequence[tuple[int, int]]


def _flat(pads: Pads) -> tuple[int, ...]:
    """Padding as `functional.pad` takes it: the last axis first."""
    return tuple(side for pair in reversed(pads) for side in pair)


def _means(size: int, count: int) -> torch.Tensor:
    """A matrix of means over windows from floor(i * size / count) to ceil((i + 1) * size / count)."""
    matrix = torch.zeros(count, size)
    for index in range(count):
        start, end = index * size // count, -(-(index + 1) * size // count)
        matrix[index, start:end] = 1.0 / (end - start)
    return matrix


def _is_symmetric(pads: Pads) -> bool:
    return all(before == after for before, after in pads)


class Layer(nn.Module):
    """A layer with the tensors and arguments of its node."""

    def __init__(self, arguments: Mapping[str, Any], tensors: Mapping[str, torch.Tensor | nn.Parameter]) -> None:
        super().__init__()
        self.arguments = arguments
        for name, tensor in tensors.items():
            if isinstance(tensor, nn.Parameter):
                self.register_parameter(name, tensor)
            else:
                self.register_buffer(name, tensor)

    def tensor(self, name: str) -> torch.Tensor | None:
        """The parameter or buffer of a name, or nothing where the layer has none."""
        found = self._parameters.get(name)
        return found if found is not None else self._buffers.get(name)


class Conv(Layer):
    def __init__(self, arguments: Mapping[str, Any], tensors: Mapping[str, torch.Tensor | nn.Parameter]) -> None:
        super().__init__(arguments, tensors)
        pads = arguments["pad"]
        self._convolve = _CONV[len(pads) - 1]
        self._border = () if _is_symmetric(pads) else _flat(pads)
        padding = (0,) * len(pads) if self._border else tuple(before for before, _ in pads)
        self._about = (arguments["stride"], padding, arguments["dilation"], arguments["groups"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self._border:
            x = functional.pad(x, self._border)
        return self._convolve(x, self.tensor("weight"), self.tensor("bias"), *self._about)


class Dense(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.tensor("weight")
        assert weight is not None
        if x.dim() == 2:
            return functional.linear(x, weight, self.tensor("bias"))
        return functional.linear(x.transpose(1, 2), weight, self.tensor("bias")).transpose(1, 2)


class MaxPool(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        about = self.arguments
        pads, window = about["pad"], about["window"]
        padding = tuple(before for before, _ in pads)
        if not _is_symmetric(pads) or any(2 * pad > size for pad, size in zip(padding, window, strict=True)):
            x, padding = functional.pad(x, _flat(pads), value=-torch.inf), (0,) * len(pads)
        pool = _MAX_POOL[len(pads) - 1]
        return pool(x, window, about["stride"], padding, ceil_mode=about["ceil"])


class AvgPool(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        about = self.arguments
        pads, window = about["pad"], about["window"]
        padding = tuple(before for before, _ in pads)
        pool = _AVG_POOL[len(pads) - 1]
        if _is_symmetric(pads) and all(2 * pad <= size for pad, size in zip(padding, window, strict=True)):
            return pool(x, window, about["stride"], padding, about["ceil"], about["count_pad"])
        padded = functional.pad(x, _flat(pads))
        mean = pool(padded, window, about["stride"], 0, about["ceil"])
        if about["count_pad"]:
            return mean
        inside = functional.pad(torch.ones_like(x[:1, :1]), _flat(pads))
        return mean / pool(inside, window, about["stride"], 0, about["ceil"])


class GlobalAvgPool(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=tuple(range(2, x.dim())), keepdim=self.arguments["keep"])


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


class BatchNorm(Layer):
    """Frozen, it uses its stored statistics while training too."""

    def __init__(
        self, arguments: Mapping[str, Any], tensors: Mapping[str, torch.Tensor | nn.Parameter], *, is_frozen: bool
    ) -> None:
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


class LocalResponseNorm(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        about = self.arguments
        return functional.local_response_norm(x, about["size"], about["alpha"], about["beta"], about["k"])


class Activation(Layer):
    def __init__(self, arguments: Mapping[str, Any], *, in_place: bool) -> None:
        super().__init__(arguments, {})
        self.in_place = in_place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        function, slope = self.arguments["kind"], self.arguments.get("slope", 0.0)
        return activate(x, function, slope, in_place=self.in_place)


class Dropout(Layer):
    """Draws from `generator`, or from PyTorch's own where that is nothing."""

    generator: torch.Generator | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rate = self.arguments["rate"]
        if not self.training or rate == 0:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - rate, generator=self.generator)
        return x * kept.div_(1 - rate)


class Flatten(Layer):
    """Channels first, whatever the memory layout is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.flatten(x, 1)


class Add(Layer):
    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        total = inputs[0] + inputs[1]
        for other in inputs[2:]:
            total = total + other
        return total


class Concat(Layer):
    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return torch.cat(inputs, dim=1)


_PLAIN: dict[str, type[Layer]] = {
    "conv": Conv,
    "dense": Dense,
    "max_pool": MaxPool,
    "avg_pool": AvgPool,
    "global_avg_pool": GlobalAvgPool,
    "adaptive_avg_pool": AdaptiveAvgPool,
    "lrn": LocalResponseNorm,
    "dropout": Dropout,
    "flatten": Flatten,
    "add": Add,
    "concat": Concat,
}
KINDS = frozenset({*_PLAIN, "batch_norm", "activation"})


def build_layer(node: Node, tensors: Mapping[str, torch.Tensor | nn.Parameter], *, in_place: bool) -> Layer:
    """The module of a node."""
    if node.kind == "activation":
        return Activation(node.arguments, in_place=in_place)
    if node.kind == "batch_norm":
        return BatchNorm(node.arguments, tensors, is_frozen=bool(node.training.get("frozen")))
    return _PLAIN[node.kind](node.arguments, tensors)
