"""Which activations are written over their input: builders do it, and reckoning with memory has to know it."""

from __future__ import annotations

from collections import Counter

from tenfold.core.networks.graph import LayerGraph

IN_PLACE = frozenset({"relu", "leaky_relu", "tanh", "sigmoid"})
"""Functions whose gradient is known from what they give; PyTorch copies the input of a `relu6` written over it."""
_OUTPUT_IS_NOT_SAVED = frozenset({"conv", "dense", "batch_norm", "add", "concat"})


def overwriting(graph: LayerGraph) -> frozenset[str]:
    """Paths of activations whose input nobody else reads and whose producer's backward pass does not need it."""
    uses = Counter(source for node in graph.nodes for source in node.inputs)
    uses.update(output.source for output in graph.outputs)
    producers = {node.path: node.kind for node in graph.nodes}
    return frozenset(
        node.path
        for node in graph.nodes
        if node.kind == "activation"
        and node.arguments["kind"] in IN_PLACE
        and uses[node.inputs[0]] == 1
        and producers.get(node.inputs[0]) in _OUTPUT_IS_NOT_SAVED
    )
