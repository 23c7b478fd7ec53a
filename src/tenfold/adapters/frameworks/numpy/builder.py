"""Builds the numpy form of a layer graph: the small second backend, forward and backward in plain numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tenfold.adapters.frameworks.numpy.layers import KINDS, Layer
from tenfold.adapters.frameworks.numpy.windows import Floats
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.initialisers import initial_weights


class NumpyNetwork:
    """A network over numpy arrays.

    `weights` holds its tensors by path (`conv1.weight`) and may be written into; `generator` draws dropout's masks.
    """

    def __init__(self, graph: LayerGraph, weights: Mapping[str, Floats], generator: np.random.Generator) -> None:
        self.graph = graph
        self.generator = generator
        self.weights = {path: np.array(tensor, dtype=np.float32) for path, tensor in weights.items()}
        self._layers: dict[str, Layer] = {}
        for node in graph.nodes:
            owner = graph.node(node.weights_path)
            tensors = {name: self.weights[f"{owner.path}.{name}"] for name in owner.weights}
            self._layers[node.path] = KINDS[node.kind](node, tensors, generator)

    def forward(self, *inputs: Floats, is_training: bool = False) -> dict[str, Floats]:
        """The outputs by name, from the inputs in the order of the text, each (N, C, *axes)."""
        values = {item.name: array for item, array in zip(self.graph.inputs, inputs, strict=True)}
        for node in self.graph.nodes:
            sources = [values[path] for path in node.inputs]
            layer = self._layers[node.path]
            layer.is_training = is_training
            values[node.path] = layer.forward(sources)
        return {item.name: values[item.source] for item in self.graph.outputs}

    def backward(self, gradients: Mapping[str, Floats]) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Gradients of weights by path and of inputs by name, from those of the outputs of the last `forward`."""
        of_values: dict[str, Floats] = {}
        for output in self.graph.outputs:
            if output.name in gradients:
                _add(of_values, output.source, gradients[output.name])
        of_weights: dict[str, Floats] = {}
        for node in reversed(self.graph.nodes):
            gradient = of_values.pop(node.path, None)
            if gradient is None:
                continue
            layer = self._layers[node.path]
            for path, part in zip(node.inputs, layer.backward(gradient), strict=True):
                _add(of_values, path, part)
            for name, tensor in layer.gradients.items():
                _add(of_weights, f"{node.weights_path}.{name}", tensor)
        return of_weights, of_values


def build_network(graph: LayerGraph, *, seed: int) -> NumpyNetwork:
    """The network with its first weights, a function of the seed; dropout's masks follow from it too."""
    return NumpyNetwork(graph, initial_weights(graph, seed=seed), np.random.Generator(np.random.Philox(seed)))


def _add(values: dict[str, Floats], path: str, part: Floats) -> None:
    known = values.get(path)
    values[path] = part if known is None else known + part
