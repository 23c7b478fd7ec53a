"""Layers of sequences and tokens. Sequences are (N, length, C), tokens (N, length) whole numbers."""

from __future__ import annotations

import math

from keras import ops

from tenfold.adapters.frameworks.keras.layers.dropping import drop
from tenfold.adapters.frameworks.keras.layers.layer import Call, Layer, Tensor


def embedding(layer: Layer, _training: bool, tokens: Tensor) -> Tensor:
    return ops.take(layer.tensors["weight"], tokens, axis=0)


def one_hot(layer: Layer, _training: bool, tokens: Tensor) -> Tensor:
    """A token beyond the vocabulary has no channel."""
    return ops.one_hot(tokens, layer.shape[0], axis=-1, dtype="float32")


def position_embedding(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    return ops.add(x, ops.transpose(layer.tensors["weight"]))


def class_token(layer: Layer, _training: bool, x: Tensor) -> Tensor:
    token = ops.add(ops.zeros_like(x[:, :1]), layer.tensors["weight"])
    return ops.concatenate([token, x], axis=1)


def attention(layer: Layer, training: bool, x: Tensor, memory: Tensor | None = None) -> Tensor:
    """Scaled dot products of queries and keys weigh the values, for each head apart."""
    if memory is None:
        query, key, value = ops.split(_projected(layer, x, "qkv"), 3, axis=-1)
    else:
        query = _projected(layer, x, "query")
        key, value = ops.split(_projected(layer, memory, "key_value"), 2, axis=-1)
    query, key, value = (_heads(layer, rows) for rows in (query, key, value))
    scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) / math.sqrt(query.shape[-1])
    shares = ops.softmax(scores, axis=-1)
    shares = drop(layer, shares, layer.arguments["dropout"], ops.shape(shares)) if training else shares
    mixed = ops.transpose(ops.matmul(shares, value), (0, 2, 1, 3))
    return _projected(layer, ops.reshape(mixed, (-1, *mixed.shape[1:2], layer.shape[0])), "out")


def _projected(layer: Layer, rows: Tensor, name: str) -> Tensor:
    result = ops.matmul(rows, ops.transpose(layer.tensors[f"{name}_weight"]))
    bias = layer.tensor(f"{name}_bias")
    return result if bias is None else ops.add(result, bias)


def _heads(layer: Layer, rows: Tensor) -> Tensor:
    """(N, length, C) as (N, heads, length, C / heads)."""
    heads = layer.arguments["heads"]
    apart = ops.reshape(rows, (-1, rows.shape[1], heads, rows.shape[2] // heads))
    return ops.transpose(apart, (0, 2, 1, 3))


KINDS: dict[str, Call] = {
    "embedding": embedding,
    "one_hot": one_hot,
    "position_embedding": position_embedding,
    "class_token": class_token,
    "attention": attention,
}
