"""What each layer of a network costs: parameters, work and memory for one sample, and how much of the input it sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tenfold.core.networks.graph import LayerGraph, Node
from tenfold.core.networks.layers.kinds import Shape
from tenfold.core.networks.overwriting import overwriting

BYTES = 4  # of a 32-bit number
_VIEWS = frozenset({"flatten", "reshape", "to_sequence", "to_image", "prior_box", "detection_output"})
_SEES_ALL = frozenset(
    {"dense", "global_avg_pool", "global_max_pool", "adaptive_avg_pool", "attention", "lstm", "gru", "normalize"}
)
_NO_PLACES = frozenset(
    {"reshape", "permute", "select", "to_image", "class_token", "distance", "prior_box", "detection_output"}
)


@dataclass(frozen=True)
class Sight:
    """How much of the input one value of an output depends on: `field` pixels along each axis, every `stride` pixels.

    With `is_all` it is everything.
    """

    field: tuple[int, ...] = ()
    stride: tuple[float, ...] = ()
    is_all: bool = False


Sights: TypeAlias = Mapping[str, Sight | None]


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """The costs of one layer, or of several together.

    `activation_bytes` is what training keeps of its output, for one sample: nothing of a view and of a function that
    works in place. `gradient_bytes` are the gradients of its own weights, whatever the batch. `sight` is nothing where
    it has no meaning.
    """

    path: str
    parameters: int = 0
    multiply_adds: int = 0
    activation_bytes: int = 0
    gradient_bytes: int = 0
    sight: Sight | None = None


def layer_costs(graph: LayerGraph) -> tuple[LayerCost, ...]:
    """The costs of every layer, in the graph's order, with numbers of 32 bits."""
    seen, written_over = sights(graph), overwriting(graph)
    return tuple(
        LayerCost(
            path=node.path,
            parameters=node.parameters,
            multiply_adds=node.flops // 2,
            activation_bytes=0 if node.path in written_over or _is_view(node) else BYTES * math.prod(node.shape),
            gradient_bytes=0 if node.training.get("frozen") else BYTES * node.parameters,
            sight=seen[node.path],
        )
        for node in graph.nodes
    )


def together(path: str, costs: Iterable[LayerCost]) -> LayerCost:
    """The sum of costs; what the last of them sees."""
    parts = tuple(costs)
    return LayerCost(
        path=path,
        parameters=sum(part.parameters for part in parts),
        multiply_adds=sum(part.multiply_adds for part in parts),
        activation_bytes=sum(part.activation_bytes for part in parts),
        gradient_bytes=sum(part.gradient_bytes for part in parts),
        sight=parts[-1].sight if parts else None,
    )


def sights(graph: LayerGraph) -> Sights:
    """The receptive field of every layer (Araujo et al. 2019, `Computing receptive fields`)."""
    found: dict[str, Sight | None] = {}
    for item in graph.inputs:
        axes = 1 if item.kind == "tokens" else len(item.shape) - 1
        found[item.name] = Sight((1,) * axes, (1,) * axes) if axes else Sight(is_all=True)
    for node in graph.nodes:
        found[node.path] = _sight(node, [found[path] for path in node.inputs])
    return found


def _is_view(node: Node) -> bool:
    return node.kind in _VIEWS or (node.kind == "activation" and node.arguments["kind"] == "identity")


def _sight(node: Node, read: list[Sight | None]) -> Sight | None:
    known = [item for item in read if item is not None]
    if node.kind in _SEES_ALL or any(item.is_all for item in known):
        return Sight(is_all=True)
    if node.kind in _NO_PLACES or not known or len(known) < len(read):
        return None
    joined = _widest(known)
    rule = _RULES.get(node.kind)
    return joined if rule is None or joined is None else rule(node, joined)


def _widest(read: list[Sight]) -> Sight | None:
    """What a join sees: along each axis the most that any of its inputs does."""
    if len({len(item.field) for item in read}) > 1:
        return None
    fields = zip(*(item.field for item in read), strict=True)
    strides = zip(*(item.stride for item in read), strict=True)
    return Sight(tuple(map(max, fields)), tuple(map(max, strides)))


def _through_windows(window: Shape, steps: Shape, sight: Sight) -> Sight:
    """`window` are extents, with the gaps of a dilation."""
    wider = zip(sight.field, window, sight.stride, strict=True)
    field = tuple(round(known + (size - 1) * stride) for known, size, stride in wider)
    return Sight(field, tuple(stride * step for stride, step in zip(sight.stride, steps, strict=True)))


def _convolved(node: Node, sight: Sight) -> Sight:
    gaps = zip(node.arguments["kernel"], node.arguments["dilation"], strict=True)
    return _through_windows(tuple(gap * (size - 1) + 1 for size, gap in gaps), node.arguments["stride"], sight)


def _pooled(node: Node, sight: Sight) -> Sight:
    return _through_windows(node.arguments["window"], node.arguments["stride"], sight)


def _transposed(node: Node, sight: Sight) -> Sight:
    """A value of a transposed convolution depends on as many places as its kernel covers steps."""
    steps = node.arguments["stride"]
    reached = tuple(-(-size // step) for size, step in zip(node.arguments["kernel"], steps, strict=True))
    wider = _through_windows(reached, (1,) * len(steps), sight)
    return Sight(wider.field, tuple(stride / step for stride, step in zip(sight.stride, steps, strict=True)))


def _enlarged(node: Node, sight: Sight) -> Sight:
    factors = node.arguments["factor"]
    reached = (2 if node.arguments["mode"] == "linear" else 1,) * len(factors)
    wider = _through_windows(reached, (1,) * len(factors), sight)
    return Sight(wider.field, tuple(stride / factor for stride, factor in zip(sight.stride, factors, strict=True)))


_RULES: dict[str, Callable[[Node, Sight], Sight]] = {
    "conv": _convolved,
    "max_pool": _pooled,
    "avg_pool": _pooled,
    "conv_transpose": _transposed,
    "upsample": _enlarged,
}
