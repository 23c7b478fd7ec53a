"""Layers that bring values to a common scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tenfold.core.networks.layers.kinds import Argument, Arguments, LayerKind, Shape, WeightRule, spatial
from tenfold.core.networks.values import Initialiser

_ZEROS, _ONES = Initialiser("zeros"), Initialiser("ones")


def _batch_norm_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    channels = inputs[0][:1]
    learned = {"weight": WeightRule(channels, _ONES), "bias": WeightRule(channels, _ZEROS)}
    state = {
        "running_mean": WeightRule(channels, _ZEROS, trainable=False),
        "running_var": WeightRule(channels, _ONES, trainable=False),
    }
    return {**learned, **state} if arguments["affine"] else state


def _one_each(_arguments: Arguments, _inputs: Sequence[Shape], output: Shape) -> int:
    return 2 * math.prod(output)


def _lrn_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    spatial("lrn", inputs[0])
    return inputs[0]


def _lrn_flops(arguments: Arguments, _inputs: Sequence[Shape], output: Shape) -> int:
    return 2 * math.prod(output) * int(arguments["size"])


KINDS = (
    LayerKind(
        name="batch_norm",
        help="Each channel is brought to mean 0 and deviation 1 over the batch, then scaled and shifted (Ioffe 2015).",
        arguments=(
            Argument(
                name="eps", type="number", default=1e-5, minimum=1e-12, maximum=1, help="Keeps the division finite."
            ),
            Argument(
                name="momentum",
                type="number",
                default=0.1,
                minimum=0,
                maximum=1,
                help="Share of the newest batch in the stored statistics.",
            ),
            Argument(name="affine", type="boolean", default=True, help="Whether scale and shift are learned."),
        ),
        weights=_batch_norm_weights,
        flops=_one_each,
    ),
    LayerKind(
        name="lrn",
        help="Divides each value by the energy of neighbouring channels (Krizhevsky 2012).",
        arguments=(
            Argument(name="size", type="integer", default=5, minimum=1, maximum=4096, help="Number of channels."),
            Argument(name="alpha", type="number", default=1e-4, minimum=0, maximum=1e6, help="Weight of the energy."),
            Argument(name="beta", type="number", default=0.75, minimum=0, maximum=100, help="Exponent."),
            Argument(name="k", type="number", default=1, minimum=1e-6, maximum=1e6, help="Added to the energy."),
        ),
        shape=_lrn_shape,
        flops=_lrn_flops,
    ),
)
