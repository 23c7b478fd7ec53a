"""The one table from kinds of layer to PyTorch modules."""

from __future__ import annotations

from collections.abc import Callable

from tenfold.adapters.frameworks.torch.layers import (
    activations,
    convolution,
    detection,
    dropping,
    joins,
    normalisation,
    pooling,
    sequences,
    shaping,
)
from tenfold.adapters.frameworks.torch.layers.layer import Layer, Tensors
from tenfold.core.networks.graph import Node

_FAMILIES = (convolution, pooling, normalisation, activations, dropping, shaping, joins, sequences, detection)
_PLAIN: dict[str, type[Layer]] = {kind: layer for family in _FAMILIES for kind, layer in family.KINDS.items()}


def _elementwise(operation: joins.Operation) -> Callable[[Node, Tensors], Layer]:
    return lambda _node, _tensors: joins.Elementwise(operation)


def _recurrent(unroll: sequences.Unroll) -> Callable[[Node, Tensors], Layer]:
    return lambda node, tensors: sequences.Recurrent(node.arguments, tensors, unroll)


_BUILT: dict[str, Callable[[Node, Tensors], Layer]] = {
    "batch_norm": lambda node, tensors: normalisation.BatchNorm(
        node.arguments, tensors, is_frozen=bool(node.training.get("frozen"))
    ),
    "one_hot": lambda node, _tensors: sequences.OneHot(node.shape[0]),
    **{kind: _elementwise(operation) for kind, operation in joins.OPERATIONS.items()},
    **{kind: _recurrent(unroll) for kind, unroll in sequences.UNROLLED.items()},
}
KINDS = frozenset({*_PLAIN, *_BUILT, "activation", "add"})


def build_layer(node: Node, tensors: Tensors, *, over: int | None) -> Layer:
    """The module of a node; an activation or a sum is written over the input at the place `over`, if that is given."""
    if node.kind == "activation":
        return activations.Activation(node.arguments, in_place=over is not None)
    if node.kind == "add":
        return joins.Add(over)
    if node.kind in _BUILT:
        return _BUILT[node.kind](node, tensors)
    return _PLAIN[node.kind](node.arguments, tensors)
