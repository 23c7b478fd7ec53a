"""Layers that make one of several."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import torch
from torch.nn import functional

from tenfold.adapters.frameworks.torch.layers.layer import Layer

Operation = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
OPERATIONS: dict[str, Operation] = {
    "subtract": lambda one, other: one - other,
    "multiply": lambda one, other: one * other,
    "maximum": torch.maximum,
}


class Elementwise(Layer):
    """One operation from the first input to the last."""

    def __init__(self, operation: Operation) -> None:
        super().__init__({}, {})
        self._operation = operation

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return reduce(self._operation, inputs)


class Add(Layer):
    """The sum from the first input to the last, written over the one at the place `over` where all are of its type."""

    def __init__(self, over: int | None) -> None:
        super().__init__({}, {})
        self._over = over

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        if self._over is None or len({tensor.dtype for tensor in inputs}) > 1:
            return reduce(torch.add, inputs)
        total = inputs[self._over]
        for place, other in enumerate(inputs):
            if place != self._over:
                total = total.add_(other)
        return total


class Average(Layer):
    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return reduce(torch.add, inputs) / len(inputs)


class Concat(Layer):
    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return torch.cat(inputs, dim=1)


class Crop(Layer):
    def forward(self, x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        for axis, start in enumerate(self.arguments["offset"], 2):
            x = x.narrow(axis, start, like.shape[axis])
        return x


class Distance(Layer):
    """Of equal vectors the Euclidean distance has no gradient, so a millionth is added to each difference."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        if self.arguments["norm"] == "cosine":
            return 1 - functional.cosine_similarity(left, right, dim=1).unsqueeze(1)
        power = 1.0 if self.arguments["norm"] == "l1" else 2.0
        return functional.pairwise_distance(left, right, p=power, keepdim=True)


KINDS: dict[str, type[Layer]] = {
    "average": Average,
    "concat": Concat,
    "crop": Crop,
    "distance": Distance,
}
