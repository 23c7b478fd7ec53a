"""Layers of sequences and tokens. Sequences are (N, C, length), tokens (N, length) whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from onnx import TensorProto

from tenfold.adapters.export.onnx.sheet import Array, LayerNodes

# The blocks of a layer's matrices, which PyTorch stores as input, forget, cell, output and as reset, update, new.
_LSTM_ORDER, _GRU_ORDER = (0, 3, 1, 2), (1, 0, 2)


def _embedding(layer: LayerNodes) -> str:
    rows = layer.add("Gather", layer.weight("weight"), layer.inputs[0], axis=0)
    return layer.add("Transpose", rows, perm=[0, 2, 1])


def _one_hot(layer: LayerNodes) -> str:
    """A token beyond the vocabulary has no channel."""
    channels = layer.sheet.constant(np.arange(layer.node.shape[0], dtype=np.int64).reshape(1, -1, 1))
    tokens = layer.add("Unsqueeze", layer.inputs[0], layer.whole(1))
    return layer.add("Cast", layer.add("Equal", tokens, channels), to=TensorProto.FLOAT)


def _position_embedding(layer: LayerNodes) -> str:
    return layer.add("Add", layer.inputs[0], layer.weight("weight"))


def _class_token(layer: LayerNodes) -> str:
    token = layer.weight_as("weight", layer.weights["weight"].reshape(1, -1, 1))
    return layer.add("Concat", layer.for_each_sample(token, layer.inputs[0]), layer.inputs[0], axis=2)


def _attention(layer: LayerNodes) -> str:
    """With channels first throughout, so that only the values of each head are turned."""
    channels, heads = layer.node.shape[0], layer.arguments["heads"]
    if len(layer.inputs) == 1:
        query, key, value = _parts(layer, _projected(layer, layer.inputs[0], "qkv"), 3)
    else:
        query = _projected(layer, layer.inputs[0], "query")
        key, value = _parts(layer, _projected(layer, layer.inputs[1], "key_value"), 2)
    wide = channels // heads
    query, key, value = (layer.reshape(each, 0, heads, wide, -1) for each in (query, key, value))
    rows = layer.add("Transpose", layer.add("Mul", query, layer.number(wide**-0.5)), perm=[0, 1, 3, 2])
    shares = layer.add("Softmax", layer.add("MatMul", rows, key), axis=-1)
    mixed = layer.add("MatMul", shares, layer.add("Transpose", value, perm=[0, 1, 3, 2]))
    joined = layer.reshape(layer.add("Transpose", mixed, perm=[0, 1, 3, 2]), 0, channels, -1)
    return _projected(layer, joined, "out")


def _projected(layer: LayerNodes, value: str, name: str) -> str:
    product = layer.add("MatMul", layer.weight(f"{name}_weight"), value)
    bias = f"{name}_bias"
    return layer.add("Add", product, layer.per_channel(bias, 1)) if bias in layer.weights else product


def _parts(layer: LayerNodes, value: str, count: int) -> list[str]:
    return layer.add_several(count, "Split", value, layer.whole(*[layer.node.shape[0]] * count), axis=1)


def _recurrent(operator: str, order: Sequence[int], **attributes: int) -> Callable[[LayerNodes], str]:
    """The operator reads (length, N, C) and gives (length, directions, N, width) and the last states without length."""

    def write(layer: LayerNodes) -> str:
        about = layer.arguments
        directions = ("", "_reverse")[: 2 if about["bidirectional"] else 1]
        given = {
            "hidden_size": about["width"],
            "direction": "bidirectional" if about["bidirectional"] else "forward",
            **attributes,
        }
        value, last = layer.add("Transpose", layer.inputs[0], perm=[2, 0, 1]), ""
        for number in range(about["layers"]):
            matrices = [
                layer.weight_as(f"{name}_l{number}", _stacked(layer, f"{name}_l{number}", directions, order))
                for name in ("weight_ih", "weight_hh")
            ]
            biases = layer.weight_as(f"bias_l{number}", _biases(layer, number, directions, order))
            found, last = layer.add_several(2, operator, value, *matrices, biases, **given)
            value = layer.reshape(layer.add("Transpose", found, perm=[0, 2, 1, 3]), 0, 0, -1)
        if about["result"] == "sequence":
            return layer.add("Transpose", value, perm=[1, 2, 0])
        return layer.reshape(layer.add("Transpose", last, perm=[1, 0, 2]), 0, -1)

    return write


def _stacked(layer: LayerNodes, name: str, directions: Sequence[str], order: Sequence[int]) -> Array:
    """A tensor of every direction, its blocks in ONNX' order."""
    return np.stack([_ordered(layer.weights[f"{name}{direction}"], order) for direction in directions])


def _biases(layer: LayerNodes, number: int, directions: Sequence[str], order: Sequence[int]) -> Array:
    pairs = [_stacked(layer, f"{name}_l{number}", directions, order) for name in ("bias_ih", "bias_hh")]
    return np.concatenate(pairs, axis=1)


def _ordered(tensor: Array, order: Sequence[int]) -> Array:
    blocks = np.split(tensor, len(order))
    return np.concatenate([blocks[index] for index in order])


KINDS: Mapping[str, Callable[[LayerNodes], str]] = {
    "embedding": _embedding,
    "one_hot": _one_hot,
    "position_embedding": _position_embedding,
    "class_token": _class_token,
    "attention": _attention,
    "lstm": _recurrent("LSTM", _LSTM_ORDER),
    "gru": _recurrent("GRU", _GRU_ORDER, linear_before_reset=1),
}
