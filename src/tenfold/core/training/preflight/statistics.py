"""Whether the running statistics of batch_norm have followed the training when it ends."""

from __future__ import annotations

import math

from tenfold.core.networks.graph import LayerGraph

FOLLOWED = 10
"""Time constants of 1 / momentum steps after which they have: 5e-5 of the first values is left, and layers that stand
behind others have settled after these."""


def lagging_statistics(graph: LayerGraph, *, num_steps: int) -> str:
    """A sentence where so few steps leave the running statistics behind; empty where they are enough.

    While it learns, batch_norm takes mean and deviation of the batch, and afterwards running ones, which move by
    `momentum` each step from 0 and 1 (Ioffe and Szegedy 2015): where these lag, a network that has learnt judges by
    numbers of its beginning, and may say one class for everything. Meant for weights that are drawn, not loaded.
    """
    momenta = [float(node.arguments["momentum"]) for node in graph.nodes if node.kind == "batch_norm"]
    slowest = min((momentum for momentum in momenta if momentum > 0), default=None)
    needed = math.ceil(FOLLOWED / slowest) if slowest is not None else 0
    if num_steps >= needed:
        return ""
    return (
        f"A training of {num_steps:,} {'step' if num_steps == 1 else 'steps'} is short for this network: the "
        f"statistics that its `batch_norm` judges with follow by a share of {slowest:.2g} a step, and lag behind for "
        f"about {needed:,} steps. It may judge badly though it learnt well: take more epochs or a smaller batch."
    )
