"""The nodes and tensors of an ONNX graph, gathered layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from tenfold.core.networks.graph import Node
from tenfold.core.networks.layers.kinds import Shape

Array = NDArray[Any]


class Sheet:
    """Nodes in the order in which they run, and tensors by name.

    Values inside the graph are named `/LAYER/OPERATOR` and constants `/constant/NUMBER`; inputs, outputs and weights
    have names without a leading slash, so none can be mistaken for another.
    """

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.tensors: dict[str, Array] = {}
        self._taken: set[str] = set()
        self._constants: dict[tuple[str, Shape, bytes], str] = {}

    def add(
        self, place: str, operator: str, inputs: Sequence[str], attributes: Mapping[str, Any], *, outputs: int = 1
    ) -> list[str]:
        """Appends a node and gives the names of its outputs; an input `""` is one that is left out."""
        values = [self._free(f"/{place}/{operator}") for _ in range(outputs)]
        given = list(inputs)
        while given and not given[-1]:
            given.pop()
        self.nodes.append(helper.make_node(operator, given, values, name=values[0], **attributes))
        return values

    def tensor(self, name: str, array: Array) -> str:
        """A tensor under its name; the same name is always the same tensor."""
        self.tensors.setdefault(name, array)
        return name

    def constant(self, array: Array) -> str:
        """A small tensor; equal ones are stored once."""
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.tensor(f"/constant/{len(self._constants)}", array)
        return self._constants[key]

    def _free(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name


@dataclass(frozen=True, kw_only=True)
class LayerNodes:
    """What one layer becomes: the values it reads, their shapes (C, *axes) without the batch, and its weights by name.

    A writer adds nodes and returns the name of the layer's value, (N, *node.shape).
    """

    sheet: Sheet
    node: Node
    inputs: tuple[str, ...]
    shapes: tuple[Shape, ...]
    weights: Mapping[str, Array]

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.node.arguments

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Appends a node with one output and gives its name."""
        return self.sheet.add(self.node.path, operator, inputs, attributes)[0]

    def add_several(self, outputs: int, operator: str, *inputs: str, **attributes: Any) -> list[str]:
        """Appends a node with several outputs and gives their names."""
        return self.sheet.add(self.node.path, operator, inputs, attributes, outputs=outputs)

    def weight(self, name: str) -> str:
        """A weight as it is stored; `""`, which leaves an input out, where the layer has none of this name."""
        if name not in self.weights:
            return ""
        return self.sheet.tensor(f"{self.node.weights_path}.{name}", self.weights[name])

    def weight_as(self, name: str, array: Array) -> str:
        """What is made of a weight when the file is written. Layers that share it may need different shapes of it."""
        sizes = "x".join(str(size) for size in array.shape)
        return self.sheet.tensor(f"{self.node.weights_path}.{name}/{sizes}", array)

    def per_channel(self, name: str, axes: int) -> str:
        """A weight (C) that is to meet a value (N, C, *axes) with so many axes."""
        return self.weight_as(name, self.weights[name].reshape(-1, *(1,) * axes))

    def number(self, value: float) -> str:
        """A constant that meets every value alike."""
        return self.sheet.constant(np.array(value, np.float32))

    def whole(self, *values: int) -> str:
        """A row of whole numbers, as shapes and axes are given."""
        return self.sheet.constant(np.array(values, np.int64))

    def reshape(self, value: str, *shape: int) -> str:
        """The value in another shape: 0 keeps an axis, -1 is worked out."""
        return self.add("Reshape", value, self.whole(*shape))

    def for_each_sample(self, value: str, like: str) -> str:
        """A value (1, ...) repeated for every sample of the batch that `like` holds."""
        batch = self.add("Shape", like, start=0, end=1)
        rest = (1,) * (self.sheet.tensors[value].ndim - 1)
        return self.add("Expand", value, self.add("Concat", batch, self.whole(*rest), axis=0))
