"""The layer graph: a network expanded to single layers, as builders and exporters read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tenfold.core.networks.layers.kinds import Shape
from tenfold.core.networks.values import Initialiser, Word


@dataclass(frozen=True)
class Weight:
    """A tensor of a layer; what is not `trainable` is state, as running means are."""

    shape: Shape
    initialiser: Initialiser
    trainable: bool = True


@dataclass(frozen=True, kw_only=True)
class Node:
    """One layer.

    `inputs` are paths of nodes or inputs; `shape` is its output without the batch, channels first. `weights_from` is
    the path of the layer whose weights a shared one uses; its own `weights` and `parameters` are then empty. `training`
    holds `frozen`, `lr_mult` and their like where they are not the default; `varies` the axes of `shape` whose size may
    differ at run time.
    """

    path: str
    kind: str
    arguments: Mapping[str, Any]
    inputs: tuple[str, ...]
    shape: Shape
    weights: Mapping[str, Weight] = field(default_factory=dict)
    weights_from: str = ""
    parameters: int = 0
    flops: int = 0
    varies: tuple[int, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weights_path(self) -> str:
        """Where its weights are stored."""
        return self.weights_from or self.path


@dataclass(frozen=True)
class GraphInput:
    """`kind` is `image`, `volume`, `sequence`, `vector` or `tokens`: whole numbers below `vocabulary`, (length,).

    The axes in `varies` may differ at run time."""

    name: str
    kind: str
    shape: Shape
    vocabulary: int = 0
    varies: tuple[int, ...] = ()


@dataclass(frozen=True)
class GraphOutput:
    """A named result: the path of the node that gives it, and what the task needs to know of it."""

    name: str
    source: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LayerGraph:
    """Nodes in topological order, between inputs and outputs."""

    inputs: tuple[GraphInput, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[GraphOutput, ...]

    @cached_property
    def parameters(self) -> int:
        """Number of trainable values; shared ones count once."""
        return sum(node.parameters for node in self.nodes)

    @cached_property
    def flops(self) -> int:
        """Floating-point operations for one sample, 2 for each multiply-add."""
        return sum(node.flops for node in self.nodes)

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """Shapes of inputs and nodes by path."""
        inputs = {item.name: item.shape for item in self.inputs}
        return {**inputs, **{node.path: node.shape for node in self.nodes}}

    def node(self, path: str) -> Node:
        """The node of a path; raises `KeyError`."""
        return self._by_path[path]

    @cached_property
    def _by_path(self) -> Mapping[str, Node]:
        return {node.path: node for node in self.nodes}

    def identity(self) -> str:
        """sha256 of the graph: equal for texts that differ in layout, comments or parameters' names alone."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return {
            "inputs": [_input_json(item) for item in self.inputs],
            "nodes": [_node_json(node) for node in self.nodes],
            "outputs": [
                {"name": item.name, "source": item.source, "arguments": _plain(item.arguments)} for item in self.outputs
            ],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> LayerGraph:
        """The graph that `to_json` wrote."""
        return cls(
            inputs=tuple(_input_from(item) for item in document["inputs"]),
            nodes=tuple(_node_from(item) for item in document["nodes"]),
            outputs=tuple(
                GraphOutput(item["name"], item["source"], _frozen(item["arguments"])) for item in document["outputs"]
            ),
        )


def _input_json(item: GraphInput) -> dict[str, Any]:
    about: dict[str, Any] = {"name": item.name, "kind": item.kind, "shape": list(item.shape)}
    if item.varies:
        about["varies"] = list(item.varies)
    return {**about, "vocabulary": item.vocabulary} if item.vocabulary else about


def _input_from(item: Mapping[str, Any]) -> GraphInput:
    return GraphInput(
        item["name"], item["kind"], tuple(item["shape"]), item.get("vocabulary", 0), tuple(item.get("varies", ()))
    )


def _node_json(node: Node) -> dict[str, Any]:
    return {
        **({"varies": list(node.varies)} if node.varies else {}),
        "path": node.path,
        "kind": node.kind,
        "arguments": _plain(node.arguments),
        "inputs": list(node.inputs),
        "shape": list(node.shape),
        "weights": {
            name: {
                "shape": list(weight.shape),
                "init": [weight.initialiser.name, *weight.initialiser.arguments],
                "trainable": weight.trainable,
            }
            for name, weight in node.weights.items()
        },
        "weights_from": node.weights_from,
        "parameters": node.parameters,
        "flops": node.flops,
        "training": _plain(node.training),
    }


def _node_from(item: Mapping[str, Any]) -> Node:
    weights = {
        name: Weight(
            tuple(weight["shape"]), Initialiser(weight["init"][0], tuple(weight["init"][1:])), weight["trainable"]
        )
        for name, weight in item["weights"].items()
    }
    return Node(
        path=item["path"],
        kind=item["kind"],
        arguments=_frozen(item["arguments"]),
        inputs=tuple(item["inputs"]),
        shape=tuple(item["shape"]),
        weights=weights,
        weights_from=item["weights_from"],
        parameters=item["parameters"],
        flops=item["flops"],
        training=_frozen(item["training"]),
        varies=tuple(item.get("varies", ())),
    )


def _plain(value: Any) -> Any:
    """Lists for tuples and texts for words, at every depth."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Word) else value


def _frozen(value: Any) -> Any:
    """Tuples for lists, at every depth."""
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
