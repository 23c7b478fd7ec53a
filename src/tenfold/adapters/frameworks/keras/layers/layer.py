"""What every layer of the vocabulary is in Keras.

Values are channels last, (N, *axes, C), which TensorFlow's convolutions want on a CPU; weights keep the shapes of the
vocabulary, channels first, so that they are the same in every framework. A layer takes its inputs in the order of its
`from`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
from keras import ops

Tensor: TypeAlias = Any  # Keras' own: TensorFlow's tensors and Keras' variables
Pads = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Layer:
    """One layer of a graph.

    `sizes` are the shapes of its inputs and `shape` that of its output, channels first and without the batch.
    `generator` draws while training.
    """

    arguments: Mapping[str, Any]
    tensors: Mapping[str, keras.Variable]
    sizes: Sequence[tuple[int, ...]]
    shape: tuple[int, ...]
    generator: keras.random.SeedGenerator
    is_frozen: bool = False

    def tensor(self, name: str) -> keras.Variable | None:
        """The variable of a name, or nothing where the layer has none."""
        return self.tensors.get(name)


Call = Callable[..., Tensor]
"""What a layer computes: called with the layer, whether the network trains, and the inputs."""


def channels_first(x: Tensor) -> Tensor:
    axes = len(x.shape)
    return x if axes < 3 else ops.transpose(x, (0, axes - 1, *range(1, axes - 1)))


def channels_last(x: Tensor) -> Tensor:
    axes = len(x.shape)
    return x if axes < 3 else ops.transpose(x, (0, *range(2, axes), 1))


def padded(x: Tensor, pads: Pads, value: float = 0.0) -> Tensor:
    """`x` with a border of a value along its axes."""
    if not any(before or after for before, after in pads):
        return x
    return ops.pad(x, ((0, 0), *pads, (0, 0)), constant_values=value)


def spatial_axes(x: Tensor) -> tuple[int, ...]:
    """The axes between the batch and the channels."""
    return tuple(range(1, len(x.shape) - 1))


def along(x: Tensor, axis: int, matrix: Any) -> Tensor:
    """`x` with an axis of `n` values turned into one of `m` by a matrix, m x n."""
    return ops.moveaxis(ops.tensordot(x, ops.convert_to_tensor(matrix), axes=([axis], [1])), -1, axis)
