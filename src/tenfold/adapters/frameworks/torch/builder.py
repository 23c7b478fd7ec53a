"""Builds the PyTorch module of a layer graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tenfold.adapters.frameworks.torch.layers.layer import Layer, RandomLayer
from tenfold.adapters.frameworks.torch.layers.table import build_layer
from tenfold.core.networks.graph import GraphOutput, LayerGraph, Node
from tenfold.core.networks.initialisers import initial_weights
from tenfold.core.networks.overwriting import overwriting


class NetworkModule(nn.Module):
    """A network.

    `forward` takes the inputs in the order of the text, each (N, C, *axes), and gives the output, or a dictionary by
    name where the network has several; outputs that are `training_only` are left out of it in evaluation mode. Keys of
    the state dictionary are the paths of the layers.
    """

    def __init__(self, graph: LayerGraph, layers: Mapping[str, Layer]) -> None:
        super().__init__()
        self.graph = graph
        self._steps = [(node.path, layers[node.path], node.inputs) for node in graph.nodes]
        self._last_use = _last_uses(graph)
        for node in graph.nodes:
            if not node.weights_from:
                _place(self, node.path.split("."), layers[node.path])

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        values = {item.name: tensor for item, tensor in zip(self.graph.inputs, inputs, strict=True)}
        for index, (path, layer, sources) in enumerate(self._steps):
            values[path] = layer(*[values[source] for source in sources])
            for source in self._last_use.get(index, ()):
                del values[source]
        if len(self.graph.outputs) == 1:
            return values[self.graph.outputs[0].source]
        return {item.name: values[item.source] for item in self.graph.outputs if self._is_wanted(item)}

    def walk(self, *inputs: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        """The path and the output of each layer as it is computed, for inputs as `forward` takes them."""
        values = {item.name: tensor for item, tensor in zip(self.graph.inputs, inputs, strict=True)}
        for index, (path, layer, sources) in enumerate(self._steps):
            values[path] = layer(*[values[source] for source in sources])
            yield path, values[path]
            for source in self._last_use.get(index, ()):
                del values[source]

    def layer(self, path: str) -> Layer:
        """The module of a layer, also of one that shares its weights; raises `KeyError`."""
        return next(layer for name, layer, _ in self._steps if name == path)

    def use_generator(self, generator: torch.Generator) -> None:
        """Lets every layer that draws do so from one generator, which has to be on the network's device."""
        for _, layer, _ in self._steps:
            if isinstance(layer, RandomLayer):
                layer.generator = generator

    def _is_wanted(self, output: GraphOutput) -> bool:
        return self.training or not output.arguments.get("training_only", False)


def build_module(
    graph: LayerGraph, *, seed: int, in_place: bool = True, carried: Mapping[str, npt.NDArray[np.float32]] | None = None
) -> NetworkModule:
    """The network with its first weights, a function of the seed, or those `carried` from elsewhere by path.

    Activations and sums are written over an input where its producer does not need it for the backward pass; without
    `in_place` never, so that every layer's output can be looked at.
    """
    return _assemble(graph, _tensors_of({**initial_weights(graph, seed=seed), **(carried or {})}), in_place=in_place)


def load_module(
    graph: LayerGraph, weights: Mapping[str, npt.NDArray[np.float32]], *, in_place: bool = True
) -> NetworkModule:
    """The network with given weights by path; raises `KeyError` where one is missing."""
    return _assemble(graph, _tensors_of(dict(weights)), in_place=in_place)


def _tensors_of(weights: dict[str, npt.NDArray[np.float32]]) -> dict[str, torch.Tensor]:
    """Copies in PyTorch's own memory, which is aligned for its kernels; each array is let go once it is copied."""
    return {path: torch.tensor(weights.pop(path), dtype=torch.float32) for path in list(weights)}


def _assemble(graph: LayerGraph, tensors: Mapping[str, torch.Tensor], *, in_place: bool) -> NetworkModule:
    overwritten = overwriting(graph) if in_place else {}
    layers: dict[str, Layer] = {}
    for node in graph.nodes:
        own = _shared(layers[node.weights_from]) if node.weights_from else _own(node, tensors)
        layers[node.path] = build_layer(node, own, over=overwritten.get(node.path))
    return NetworkModule(graph, layers)


def _own(node: Node, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor | nn.Parameter]:
    is_frozen = bool(node.training.get("frozen"))
    own: dict[str, torch.Tensor | nn.Parameter] = {}
    for name, weight in node.weights.items():
        tensor = tensors[f"{node.path}.{name}"]
        own[name] = nn.Parameter(tensor, requires_grad=not is_frozen) if weight.trainable else tensor
    return own


def _shared(owner: Layer) -> dict[str, torch.Tensor | nn.Parameter]:
    found = {**owner._parameters, **owner._buffers}
    return {name: tensor for name, tensor in found.items() if tensor is not None}


def _last_uses(graph: LayerGraph) -> dict[int, tuple[str, ...]]:
    """For each step, the values that no later step and no output reads."""
    last: dict[str, int] = {}
    for index, node in enumerate(graph.nodes):
        last[node.path] = index
        for source in node.inputs:
            last[source] = index
    kept = {output.source for output in graph.outputs}
    freed: dict[int, list[str]] = {}
    for source, index in last.items():
        if source not in kept:
            freed.setdefault(index, []).append(source)
    return {index: tuple(sources) for index, sources in freed.items()}


def _place(root: nn.Module, parts: list[str], layer: nn.Module) -> None:
    """Puts a layer at its path; straight into the children, since `add_module` refuses names such as `half`."""
    module = root
    for part in parts[:-1]:
        child = module._modules.get(part)
        if child is None:
            child = nn.Module()
            module._modules[part] = child
        module = child
    module._modules[parts[-1]] = layer
