"""Builds the Keras form of a layer graph."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import numpy.typing as npt

from tenfold.adapters.frameworks.keras.layers.layer import Layer, Tensor, channels_first, channels_last
from tenfold.adapters.frameworks.keras.layers.table import KINDS
from tenfold.core.errors import BadNetwork
from tenfold.core.networks.graph import LayerGraph, Node
from tenfold.core.networks.initialisers import initial_weights

Floats = npt.NDArray[np.float32]


class KerasNetwork:
    """A network over Keras' variables.

    `weights` are its variables by path (`conv1.weight`), shaped as in every framework, channels first; `generator`
    draws dropout's masks. Raises `BadNetwork` for a layer that this backend has not.
    """

    def __init__(self, graph: LayerGraph, weights: Mapping[str, Floats], *, seed: int) -> None:
        self.graph = graph
        self.generator = keras.random.SeedGenerator(seed)
        self.weights = _variables(graph, weights)
        self._layers = {node.path: self._layer(node) for node in graph.nodes}

    def forward(self, *inputs: Tensor, is_training: bool = False) -> dict[str, Tensor]:
        """The outputs by name, from the inputs in the order of the text; both channels last, (N, *axes, C)."""
        values = {item.name: tensor for item, tensor in zip(self.graph.inputs, inputs, strict=True)}
        for node in self.graph.nodes:
            sources = [values[path] for path in node.inputs]
            values[node.path] = KINDS[node.kind](self._layers[node.path], is_training, *sources)
        return {item.name: values[item.source] for item in self.graph.outputs}

    def forward_channels_first(self, *inputs: Tensor, is_training: bool = False) -> dict[str, Tensor]:
        """The same from and to (N, C, *axes), as other frameworks have it."""
        kinds = [item.kind for item in self.graph.inputs]
        turned = [x if kind == "tokens" else channels_last(x) for x, kind in zip(inputs, kinds, strict=True)]
        found = self.forward(*turned, is_training=is_training)
        return {name: channels_first(value) for name, value in found.items()}

    def _layer(self, node: Node) -> Layer:
        if node.kind not in KINDS:
            text = f"The Keras backend has no `{node.kind}` as `{node.path}` needs it: use PyTorch."
            raise BadNetwork(text, code="network.unsupported-layer")
        owner = self.graph.node(node.weights_path)
        return Layer(
            arguments=node.arguments,
            tensors={name: self.weights[f"{owner.path}.{name}"] for name in owner.weights},
            sizes=[self.graph.shapes[path] for path in node.inputs],
            shape=node.shape,
            generator=self.generator,
            is_frozen=bool(node.training.get("frozen")),
        )


def build_network(graph: LayerGraph, *, seed: int, carried: Mapping[str, Floats] | None = None) -> KerasNetwork:
    """The network with its first weights, a function of the seed, or those `carried` from elsewhere by path.

    Dropout's masks follow from the seed too.
    """
    return KerasNetwork(graph, {**initial_weights(graph, seed=seed), **(carried or {})}, seed=seed)


def _variables(graph: LayerGraph, weights: Mapping[str, Floats]) -> dict[str, keras.Variable]:
    variables = {}
    for node in graph.nodes:
        for name in node.weights:
            path = f"{node.path}.{name}"
            variables[path] = keras.Variable(np.array(weights[path], dtype=np.float32), name=name)
    return variables
