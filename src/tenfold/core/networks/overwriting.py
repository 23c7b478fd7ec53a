"""Which layers are written over an input: builders do it, and reckoning with memory has to know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tenfold.core.networks.graph import LayerGraph, Node

IN_PLACE = frozenset({"relu", "leaky_relu", "tanh", "sigmoid"})
"""Functions whose gradient is known from what they give; PyTorch copies the input of a `relu6` written over it."""
_OUTPUT_IS_NOT_SAVED = frozenset({"conv", "dense", "batch_norm", "add", "concat"})


def overwriting(graph: LayerGraph) -> Mapping[str, int]:
    """Paths of activations and sums, each with the place among its inputs of the one that it is written over.

    That input has no other reader, and the backward pass of its producer does not need it.
    """
    uses = Counter(source for node in graph.nodes for source in node.inputs)
    uses.update(output.source for output in graph.outputs)
    free = {node.path for node in graph.nodes if node.kind in _OUTPUT_IS_NOT_SAVED and uses[node.path] == 1}
    found: dict[str, int] = {}
    for node in graph.nodes:
        place = next((place for place in _places(node) if node.inputs[place] in free), None)
        if place is not None:
            found[node.path] = place
    return found


def _places(node: Node) -> range:
    """The inputs over which a layer may be written. A longer sum is taken from the left: it begins in its first.

    What a `leaky_relu` of a slope below 0 gives does not tell on which side of 0 its input was.
    """
    if node.kind == "activation" and node.arguments["kind"] in IN_PLACE:
        return range(1) if node.arguments.get("slope", 0) >= 0 else range(0)
    if node.kind == "add":
        return range(2) if len(node.inputs) == 2 else range(1)
    return range(0)
