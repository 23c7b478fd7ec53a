"""Sizes that may differ at run time: a network is worked out at two sizes, and what differs between them varies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tenfold.core.networks.graph import GraphInput, LayerGraph, Node
from tenfold.core.networks.layers.kinds import Shape, shape_text
from tenfold.core.networks.limits import MAX_AXIS
from tenfold.core.networks.problems import Mistake
from tenfold.core.networks.source import Span


def other_shape(shape: Shape, varies: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with its varying axes twice as long."""
    return tuple(min(2 * size, MAX_AXIS) if axis in varies else size for axis, size in enumerate(shape))


def marked(graph: LayerGraph, other: LayerGraph) -> LayerGraph:
    """The graph with every axis marked whose size is another one in `other`, the same network at another size."""
    inputs = [
        replace(one, varies=_differing(one.shape, two.shape))
        for one, two in zip(graph.inputs, other.inputs, strict=True)
    ]
    nodes = [
        replace(one, varies=_differing(one.shape, two.shape)) for one, two in zip(graph.nodes, other.nodes, strict=True)
    ]
    return replace(graph, inputs=tuple(inputs), nodes=tuple(nodes))


def mistakes_of_size(graph: LayerGraph, other: LayerGraph, statements: Mapping[str, Span]) -> list[tuple[Mistake, str]]:
    """What would be built differently at the other size, each with its path."""
    if [node.path for node in graph.nodes] != [node.path for node in other.nodes]:
        text = "Which layers there are depends on a size that varies (`any`): declare a fixed size."
        paths = {node.path for node in other.nodes}
        path = next((node.path for node in graph.nodes if node.path not in paths), "")
        return [(Mistake("network.varies", text, statements.get(path, Span(0, 0))), path)]
    found = []
    for one, two in zip(graph.nodes, other.nodes, strict=True):
        if text := _reason(one, two, f"{_inputs(one, graph)} here, and {_inputs(two, other)} at twice the size"):
            found.append((Mistake("network.varies", text, statements[one.path]), one.path))
    return found


def _reason(one: Node, two: Node, sizes: str) -> str:
    """Why a layer built for one size is another one than that for the other; empty where it is not."""
    weights = [{name: weight.shape for name, weight in node.weights.items()} for node in (one, two)]
    if weights[0] != weights[1] or one.inputs != two.inputs:
        text = (
            f"`{one.kind}` needs a fixed size, but its input varies: {sizes}. Put a pooling to a fixed size before it,"
        )
        return f"{text} as `global_avg_pool`, or declare the input without `any`."
    name = next((name for name, value in one.arguments.items() if value != two.arguments.get(name)), "")
    if not name:
        return ""
    text = (
        f"`{name}` of `{one.kind}` depends on a size that varies: its input is {sizes}. Give it a value that holds for"
    )
    return f"{text} every size, or declare the input without `any`."


def _inputs(node: Node, graph: LayerGraph) -> str:
    return " and ".join(shape_text(graph.shapes[path]) for path in node.inputs)


def _differing(one: Shape, two: Shape) -> tuple[int, ...]:
    return tuple(axis for axis, (size, other) in enumerate(zip(one, two, strict=True)) if size != other)


def sizes_of(inputs: tuple[GraphInput, ...], varying: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes at twice the size, by the names of inputs that vary."""
    return {item.name: other_shape(item.shape, varying[item.name]) for item in inputs if item.name in varying}
