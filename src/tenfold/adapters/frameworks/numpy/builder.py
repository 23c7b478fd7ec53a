"""Builds the numpy form of a layer graph: the small second backend, forward and backward in plain numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tenfold.adapters.frameworks.numpy import detection, layers
from tenfold.adapters.frameworks.numpy.layers import Layer
from tenfold.adapters.frameworks.numpy.windows import Floats
from tenfold.core.errors import BadNetwork
from tenfold.core.networks.graph import LayerGraph, Node
from tenfold.core.networks.initialisers import initial_weights

KINDS: Mapping[str, type[Layer]] = {**layers.KINDS, **detection.KINDS}


class NumpyNetwork:
    """A network over numpy arrays.

    `weights` holds its tensors by path (`conv1.weight`) and may be written into; `generator` draws dropout's masks.
    Raises `BadNetwork` for a layer that this backend has not.
    """

    def __init__(self, graph: LayerGraph, weights: Mapping[str, Floats], generator: np.random.Generator) -> None:
        self.graph = graph
        self.generator = generator
        self.weights = {path: np.array(tensor, dtype=np.float32) for path, tensor in weights.items()}
        self._layers: dict[str, Layer] = {}
        for node in graph.nodes:
            _require(node)
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


def build_network(graph: LayerGraph, *, seed: int, carried: Mapping[str, Floats] | None = None) -> NumpyNetwork:
    """The network with its first weights, a function of the seed, or those `carried` from elsewhere by path.

    Dropout's masks follow from the seed too.
    """
    weights = {**initial_weights(graph, seed=seed), **{name: each.copy() for name, each in (carried or {}).items()}}
    return NumpyNetwork(graph, weights, np.random.Generator(np.random.Philox(seed)))


def _require(node: Node) -> None:
    if node.kind not in KINDS or node.arguments.get("region") == "within":
        text = f"The numpy backend has no `{node.kind}` as `{node.path}` needs it: use PyTorch."
        raise BadNetwork(text, code="network.unsupported-layer")


def _add(values: dict[str, Floats], path: str, part: Floats) -> None:
    known = values.get(path)
    values[path] = part if known is None else known + part
