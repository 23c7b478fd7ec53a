"""Layers of sequences and tokens. Sequences are (N, C, length), tokens (N, length) whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch.nn import functional

from tenfold.adapters.frameworks.torch.layers.dropping import drop
from tenfold.adapters.frameworks.torch.layers.layer import Layer, RandomLayer, Tensors

Options: TypeAlias = tuple[bool, int, float, bool, bool, bool]
Unroll: TypeAlias = Callable[
    [torch.Tensor, torch.Tensor, list[torch.Tensor], Options], tuple[torch.Tensor, torch.Tensor]
]


class Embedding(Layer):
    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return functional.embedding(tokens, self.needed("weight")).transpose(1, 2)


class OneHot(Layer):
    """A token beyond the vocabulary has no channel."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__({}, {})
        self.vocabulary = vocabulary

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        channels = torch.arange(self.vocabulary, device=tokens.device).view(1, -1, 1)
        return (tokens.unsqueeze(1) == channels).to(torch.float32)


class PositionEmbedding(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.needed("weight")


class ClassToken(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        token = self.needed("weight").view(1, -1, 1).expand(x.shape[0], -1, 1)
        return torch.cat([token, x], dim=2)


class Attention(RandomLayer):
    """Scaled dot products of queries and keys weigh the values, for each head apart."""

    def forward(self, x: torch.Tensor, memory: torch.Tensor | None = None) -> torch.Tensor:
        rows = x.transpose(1, 2)
        if memory is None:
            query, key, value = self._project(rows, "qkv").chunk(3, dim=-1)
        else:
            query = self._project(rows, "query")
            key, value = self._project(memory.transpose(1, 2), "key_value").chunk(2, dim=-1)
        mixed = self._attend(self._heads(query), self._heads(key), self._heads(value))
        return self._project(mixed.transpose(1, 2).flatten(2), "out").transpose(1, 2)

    def _project(self, rows: torch.Tensor, name: str) -> torch.Tensor:
        return functional.linear(rows, self.needed(f"{name}_weight"), self.tensor(f"{name}_bias"))

    def _heads(self, rows: torch.Tensor) -> torch.Tensor:
        """(N, length, C) as (N, heads, length, C / heads)."""
        heads = self.arguments["heads"]
        return rows.view(*rows.shape[:2], heads, rows.shape[2] // heads).transpose(1, 2)

    def _attend(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        rate = self.arguments["dropout"]
        if not self.training or rate == 0:
            return functional.scaled_dot_product_attention(query, key, value)
        scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
        return drop(scores.softmax(dim=-1), rate, self) @ value


class Recurrent(Layer):
    """Tensors are named and ordered as PyTorch's own modules do it; `unroll` runs them along (N, length, C)."""

    def __init__(self, arguments: Mapping[str, Any], tensors: Tensors, unroll: Unroll) -> None:
        super().__init__(arguments, tensors)
        self._unroll = unroll

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        about = self.arguments
        directions = 2 if about["bidirectional"] else 1
        weights: list[torch.Tensor] = [*self.parameters()]
        state = x.new_zeros(about["layers"] * directions, x.shape[0], about["width"])
        options = (True, about["layers"], 0.0, self.training, about["bidirectional"], True)
        output, last = self._unroll(x.transpose(1, 2), state, weights, options)
        if about["result"] == "sequence":
            return output.transpose(1, 2)
        return last[-directions:].transpose(0, 1).flatten(1)


def _lstm(
    rows: torch.Tensor, state: torch.Tensor, weights: list[torch.Tensor], options: Options
) -> tuple[torch.Tensor, torch.Tensor]:
    output, last, _ = torch.lstm(rows, (state, state), weights, *options)
    return output, last


def _gru(
    rows: torch.Tensor, state: torch.Tensor, weights: list[torch.Tensor], options: Options
) -> tuple[torch.Tensor, torch.Tensor]:
    output, last = torch.gru(rows, state, weights, *options)
    return output, last


UNROLLED: dict[str, Unroll] = {"lstm": _lstm, "gru": _gru}
KINDS: dict[str, type[Layer]] = {
    "embedding": Embedding,
    "position_embedding": PositionEmbedding,
    "class_token": ClassToken,
    "attention": Attention,
}
