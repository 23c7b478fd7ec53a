"""What every layer of the vocabulary is in PyTorch.

Shapes are (N, C, *axes). A module takes its inputs in the order of the layer's `from`; its parameters and buffers carry
the names of the vocabulary (`weight`, `bias`, `running_mean`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

Tensors = Mapping[str, torch.Tensor | nn.Parameter]
Pads = Sequence[tuple[int, int]]


class Layer(nn.Module):
    """A layer with the tensors and arguments of its node."""

    def __init__(self, arguments: Mapping[str, Any], tensors: Tensors) -> None:
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

    def needed(self, name: str) -> torch.Tensor:
        """The parameter or buffer of a name, which the layer has."""
        found = self.tensor(name)
        assert found is not None
        return found


class RandomLayer(Layer):
    """A layer that draws from `generator` while training, or from PyTorch's own where that is nothing."""

    generator: torch.Generator | None = None


def flat_pads(pads: Pads) -> tuple[int, ...]:
    """Padding as `functional.pad` takes it: the last axis first."""
    return tuple(side for pair in reversed(pads) for side in pair)


def is_symmetric(pads: Pads) -> bool:
    return all(before == after for before, after in pads)
