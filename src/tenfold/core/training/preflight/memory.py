"""How much memory a training takes, reckoned from the layer graph alone.

A step is walked through layer by layer, forward and back, with numbers of 32 bits: what the backward pass needs is kept
until it has been there, gradients of activations live for two layers, gradients of weights from their layer on. Every
moment has a part that stays and one that grows with the batch, so that one walk answers for every batch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tenfold.core.networks.graph import LayerGraph, Node
from tenfold.core.networks.overwriting import overwriting

BYTES = 4  # of a 32-bit number
INDEX_BYTES = 8
_SAVES_INPUT = frozenset(
    {
        *("conv", "conv_transpose", "dense", "batch_norm", "layer_norm", "group_norm", "instance_norm", "scale"),
        *("max_pool", "avg_pool", "adaptive_avg_pool", "global_max_pool", "prelu", "normalize", "lrn"),
        *("multiply", "maximum", "attention", "lstm", "gru", "distance"),
    }
)
_SAVES_OUTPUT_FUNCTIONS = frozenset({"relu", "tanh", "sigmoid", "softmax", "log_softmax", "selu", "elu"})
_COPIES_OF_OUTPUT: Mapping[str, int] = {"dropout": 1, "normalize": 1, "lrn": 4}
_GATES: Mapping[str, int] = {"lstm": 7, "gru": 5}


@dataclass(frozen=True, order=True)
class Bytes:
    """An amount of memory: `fixed` bytes and `per_sample` for each sample of the batch."""

    fixed: int = 0
    per_sample: int = 0

    def __add__(self, other: Bytes) -> Bytes:
        return Bytes(self.fixed + other.fixed, self.per_sample + other.per_sample)

    def __sub__(self, other: Bytes) -> Bytes:
        return Bytes(self.fixed - other.fixed, self.per_sample - other.per_sample)

    def at(self, batch: int) -> int:
        return self.fixed + batch * self.per_sample


@dataclass(frozen=True, kw_only=True)
class StepMemory:
    """What a step takes. `moments` are those at which it may take most, for some batch; weights are part of them.

    `kept` is what the backward pass needs, `evaluating` what a forward pass alone takes at its fullest.
    """

    weight_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    kept: Bytes
    moments: tuple[Bytes, ...]
    evaluating: int

    def peak(self, batch: int) -> int:
        """Bytes at the fullest moment of a step with this batch."""
        return max(moment.at(batch) for moment in self.moments)

    def largest_batch(self, available_bytes: int) -> int:
        """The largest batch whose step stays below so many bytes; 0 where none does."""
        fits = [(available_bytes - moment.fixed) // moment.per_sample for moment in self.moments if moment.per_sample]
        is_hopeless = any(moment.fixed > available_bytes for moment in self.moments)
        return 0 if is_hopeless else max(0, min(fits, default=0))


def step_memory(graph: LayerGraph, *, optimizer: str) -> StepMemory:
    """Walks one training step; `optimizer` is `sgd`, with momentum, or `adam`."""
    walk = _Walk(graph)
    trainable = sum(_gradient_bytes(node) for node in graph.nodes)
    held = sum(BYTES * math.prod(weight.shape) for node in graph.nodes for weight in node.weights.values())
    states = (2 if optimizer == "adam" else 1) * trainable
    always = Bytes(held + states)
    ended = Bytes(trainable)
    moments = [always + moment for moment in (*walk.forward(), *walk.backward(), ended)]
    return StepMemory(
        weight_bytes=held,
        gradient_bytes=trainable,
        optimizer_bytes=states,
        kept=walk.kept,
        moments=_outermost(moments),
        evaluating=walk.evaluating(),
    )


def _gradient_bytes(node: Node) -> int:
    if node.training.get("frozen"):
        return 0
    return sum(BYTES * math.prod(weight.shape) for weight in node.weights.values() if weight.trainable)


class _Walk:
    """One step, by blocks of memory: an output has its own unless it is written over its input."""

    def __init__(self, graph: LayerGraph) -> None:
        self._graph = graph
        self._overwriting = overwriting(graph)
        self._block: dict[str, str] = {item.name: item.name for item in graph.inputs}
        self._size = {item.name: BYTES * math.prod(item.shape) for item in graph.inputs}
        self._learns = {item.name: False for item in graph.inputs}
        for node in graph.nodes:
            place = 0 if _is_nothing(node) else self._overwriting.get(node.path)
            self._block[node.path] = node.path if place is None else self._block[node.inputs[place]]
            self._size[node.path] = BYTES * math.prod(node.shape)
            own = any(weight.trainable for weight in node.weights.values()) and not node.training.get("frozen")
            self._learns[node.path] = own or any(self._learns[source] for source in node.inputs)
        self._saved = {node.path: self._saved_by(node) for node in graph.nodes}
        self._extra = {node.path: self._extra_of(node) for node in graph.nodes}
        self._holders = Counter(block for blocks in self._saved.values() for block in blocks)

    @property
    def kept(self) -> Bytes:
        """What lies ready for the backward pass when the forward pass has ended."""
        blocks = sum(self._size[block] for block in self._holders)
        return Bytes(0, blocks + sum(self._extra.values()))

    def forward(self) -> Iterable[Bytes]:
        """The moments of the forward pass; the batch itself lies there throughout."""
        saved = set[str]()
        extra = 0
        for node, live in self._alive():
            saved |= self._saved[node.path]
            extra += self._extra[node.path]
            yield Bytes(0, sum(self._size[block] for block in live | saved) + extra + _workspace(node, self._size))

    def evaluating(self) -> int:
        """Bytes a sample of a forward pass that keeps nothing."""
        moments = [
            sum(self._size[block] for block in live) + _workspace(node, self._size) for node, live in self._alive()
        ]
        return max(moments, default=0)

    def backward(self) -> Iterable[Bytes]:
        """The moments of the backward pass, from the loss to the first layer that learns."""
        holders, gradients = Counter(self._holders), dict[str, int]()
        kept, weights = self.kept.per_sample, 0
        batch = sum(self._size[item.name] for item in self._graph.inputs if item.name not in holders)
        for output in self._graph.outputs:
            gradients[output.source] = self._size[output.source]
        for node in reversed(self._graph.nodes):
            if not self._learns[node.path]:
                continue
            weights += _gradient_bytes(node)
            for source in node.inputs:
                if self._learns[source]:
                    gradients[source] = self._size[source]
            passing = sum(gradients.values()) + _workspace(node, self._size)
            yield Bytes(weights, batch + kept + passing)
            gradients.pop(node.path, None)
            kept -= self._extra[node.path]
            for block in self._saved[node.path]:
                holders[block] -= 1
                kept -= 0 if holders[block] else self._size[block]

    def _alive(self) -> Iterable[tuple[Node, set[str]]]:
        """Each layer with the blocks that lie in memory while it computes, even if no backward pass needs them."""
        last: dict[str, int] = {}
        for index, node in enumerate(self._graph.nodes):
            for path in (node.path, *node.inputs):
                last[self._block[path]] = index
        for path in (*(item.name for item in self._graph.inputs), *(item.source for item in self._graph.outputs)):
            last[self._block[path]] = len(self._graph.nodes)
        live = {self._block[item.name] for item in self._graph.inputs}
        for index, node in enumerate(self._graph.nodes):
            live.add(self._block[node.path])
            yield node, set(live)
            live = {block for block in live if last[block] > index}

    def _saved_by(self, node: Node) -> frozenset[str]:
        """The blocks that the backward pass of a layer reads."""
        if not self._learns[node.path]:
            return frozenset()
        sources = frozenset(self._block[source] for source in node.inputs)
        if node.kind == "activation":
            function = node.arguments["kind"]
            is_output = node.path in self._overwriting or function in _SAVES_OUTPUT_FUNCTIONS
            return frozenset({self._block[node.path]}) if is_output else sources - {self._block[node.path]}
        return sources if node.kind in _SAVES_INPUT else frozenset()

    def _extra_of(self, node: Node) -> int:
        """Bytes a sample that a layer keeps beside its input and output."""
        if not self._learns[node.path]:
            return 0
        size = self._size[node.path]
        if node.kind == "max_pool":
            return size // BYTES * INDEX_BYTES
        if node.kind == "attention":
            return _attention_bytes(node, size)
        if node.kind in _GATES:
            steps = self._size[node.inputs[0]] // BYTES // max(1, self._channels(node.inputs[0]))
            ways = 2 if node.arguments["bidirectional"] else 1
            numbers = _GATES[node.kind] * steps * ways
            return BYTES * numbers * int(node.arguments["width"]) * int(node.arguments["layers"])
        return _COPIES_OF_OUTPUT.get(node.kind, 0) * size

    def _channels(self, path: str) -> int:
        return self._graph.shapes[path][0]


def _attention_bytes(node: Node, size: int) -> int:
    """Queries, keys, values and their mixture; with dropout also the weights of every pair, twice."""
    pairs = BYTES * int(node.arguments["heads"]) * node.shape[-1] ** 2 if node.arguments["dropout"] else 0
    return 4 * size + 3 * pairs


def _workspace(node: Node, size: Mapping[str, int]) -> int:
    """Bytes a sample that a layer needs only while it computes: copies in the order that its kernel wants."""
    return size[node.path] if node.kind in {"lrn", "normalize"} else 0


def _is_nothing(node: Node) -> bool:
    return node.kind == "activation" and node.arguments["kind"] == "identity"


def _outermost(moments: Iterable[Bytes]) -> tuple[Bytes, ...]:
    """The moments that are fullest for some batch: the others never decide."""
    kept: list[Bytes] = []
    most = -1
    for moment in sorted(set(moments), key=lambda each: (each.fixed, each.per_sample), reverse=True):
        if moment.per_sample > most:
            kept.append(moment)
            most = moment.per_sample
    return tuple(kept)
