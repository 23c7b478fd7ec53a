"""Training a network of Python: what a backend is told beside the plan, and the graph that stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.core.jobs.confinement import Limits
from tenfold.core.networks.graph import GraphInput, GraphOutput, LayerGraph, Node, Weight
from tenfold.core.networks.values import Initialiser
from tenfold.core.training.ports import BackendPlan
from tenfold.core.training.preflight.forecast import HEAP_FACTOR, Reading
from tenfold.core.training.preflight.memory import step_memory

LIMITS = Limits()
"""A training takes what it needs; only what it prints is cut off."""
OUTPUT = "network"
OPAQUE = "python"
"""The kind of the one node of such a network, of whose inside nothing is known."""
_MANY = 1 << 16
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True, kw_only=True)
class CustomPlan(BackendPlan):
    """A plan whose module comes from a `source`; its graph knows the input and the classes alone."""

    source: str
    parameters: Mapping[str, object]
    classes: int


def plan_of_python(
    source: str, parameters: Mapping[str, object], classes: tuple[str, ...], about: Mapping[str, Any]
) -> CustomPlan:
    """The plan for a source; `about` is what any plan has."""
    return CustomPlan(**about, source=source, parameters=dict(parameters), classes=len(classes))


def graph_of_python(input_shape: tuple[int, ...], classes: int, parameters: int = 0) -> LayerGraph:
    """A graph of one node for a network that has none: what goes in, and what comes out."""
    node = Node(
        path=OUTPUT,
        kind=OPAQUE,
        arguments={},
        inputs=("input",),
        shape=(classes,),
        weights={"all": Weight((parameters,), Initialiser("zeros"))} if parameters else {},
        parameters=parameters,
    )
    return LayerGraph(
        inputs=(GraphInput("input", "image", input_shape),), nodes=(node,), outputs=(GraphOutput("logits", OUTPUT),)
    )


def growing_as_read(graph: LayerGraph, readings: tuple[Reading, ...], *, optimizer: str) -> LayerGraph:
    """The graph with a node so large that what a step takes grows with the batch as it was read to grow.

    Nothing is reckoned of such a network, but what it is moved by is: see `forecast`. Takes readings of two batches.
    """
    (node,) = graph.nodes
    ordered = sorted(readings, key=lambda each: each.batch)
    first, last = ordered[0], ordered[-1]
    wanted = max(0.0, (last.peak_bytes - first.peak_bytes) / (last.batch - first.batch)) / HEAP_FACTOR

    def with_values(count: int) -> LayerGraph:
        return replace(graph, nodes=(replace(node, shape=(count,)),))

    def grows(count: int) -> float:
        memory = step_memory(with_values(count), optimizer=optimizer)
        return (memory.peak(_MANY) - memory.peak(_MANY // 2)) / (_MANY // 2)

    least = node.shape[0]
    by_value = (grows(least + _MANY) - grows(least)) / _MANY
    return with_values(least + max(0, round((wanted - grows(least)) / by_value)))


def num_values(weights: Mapping[str, NDArray[Any]]) -> int:
    """How many numbers were trained; the running figures of normalisations are none."""
    return sum(
        prod(array.shape)
        for name, array in weights.items()
        if np.issubdtype(array.dtype, np.floating) and not name.endswith(_BUFFERS)
    )
