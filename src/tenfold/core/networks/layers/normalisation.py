"""Layers that bring values to a common scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tenfold.core.networks.layers.kinds import (
    Argument,
    Arguments,
    LayerFault,
    LayerKind,
    Shape,
    WeightRule,
    spatial,
)
from tenfold.core.networks.values import Initialiser

_ZEROS, _ONES = Initialiser("zeros"), Initialiser("ones")


def _scale_and_shift(inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    channels = inputs[0][:1]
    return {"weight": WeightRule(channels, _ONES), "bias": WeightRule(channels, _ZEROS)}


def _batch_norm_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    channels = inputs[0][:1]
    learned = _scale_and_shift(inputs)
    state = {
        "running_mean": WeightRule(channels, _ZEROS, trainable=False),
        "running_var": WeightRule(channels, _ONES, trainable=False),
    }
    return {**learned, **state} if arguments["affine"] else state


def _affine_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    return _scale_and_shift(inputs) if arguments.get("affine", True) else {}


def _group_norm_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    groups, channels = arguments["groups"], inputs[0][0]
    if channels % groups:
        text = f"`groups` of `group_norm` is {groups}, but the input has {channels} channels: groups must divide it."
        raise LayerFault(text, code="network.groups", argument="groups")
    return inputs[0]


def _instance_norm_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    spatial("instance_norm", inputs[0])
    return inputs[0]


def _scale_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    channels = inputs[0][:1]
    weight = {"weight": WeightRule(channels, Initialiser("constant", (arguments["init_value"],)))}
    return {**weight, "bias": WeightRule(channels, _ZEROS)} if arguments["bias"] else weight


def _two_each(_arguments: Arguments, _inputs: Sequence[Shape], output: Shape) -> int:
    return 2 * math.prod(output)


def _lrn_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    spatial("lrn", inputs[0])
    return inputs[0]


def _lrn_flops(arguments: Arguments, _inputs: Sequence[Shape], output: Shape) -> int:
    return 2 * math.prod(output) * int(arguments["size"])


_EPS = Argument(name="eps", type="number", default=1e-5, minimum=1e-12, maximum=1, help="Keeps the division finite.")
_AFFINE = Argument(name="affine", type="boolean", default=True, help="Whether scale and shift are learned.")

KINDS = (
    LayerKind(
        name="batch_norm",
        help="Each channel is brought to mean 0 and deviation 1 over the batch, then scaled and shifted (Ioffe 2015).",
        arguments=(
            _EPS,
            Argument(
                name="momentum",
                type="number",
                default=0.1,
                minimum=0,
                maximum=1,
                help="Share of the newest batch in the stored statistics.",
            ),
            _AFFINE,
        ),
        weights=_batch_norm_weights,
        flops=_two_each,
    ),
    LayerKind(
        name="lrn",
        help="Divides each value by the energy of neighbouring channels (Krizhevsky 2012).",
        arguments=(
            Argument(name="size", type="integer", default=5, minimum=1, maximum=4096, help="Number of channels."),
            Argument(name="alpha", type="number", default=1e-4, minimum=0, maximum=1e6, help="Weight of the energy."),
            Argument(name="beta", type="number", default=0.75, minimum=0, maximum=100, help="Exponent."),
            Argument(name="k", type="number", default=1, minimum=1e-6, maximum=1e6, help="Added to the energy."),
            Argument(
                name="region",
                type="choice",
                default="across",
                choices=("across", "within"),
                help="Whether the neighbours are channels, or places of the same channel.",
            ),
        ),
        shape=_lrn_shape,
        flops=_lrn_flops,
    ),
    LayerKind(
        name="layer_norm",
        help="The channels of each place are brought to mean 0 and deviation 1, then scaled and shifted (Ba 2016).",
        arguments=(_EPS,),
        weights=_affine_weights,
        flops=_two_each,
    ),
    LayerKind(
        name="group_norm",
        help="Groups of channels of each sample are brought to mean 0 and deviation 1 (Wu 2018).",
        arguments=(
            Argument(name="groups", type="integer", required=True, minimum=1, maximum=65536, help="Number of groups."),
            _EPS,
            _AFFINE,
        ),
        shape=_group_norm_shape,
        weights=_affine_weights,
        flops=_two_each,
    ),
    LayerKind(
        name="instance_norm",
        help="Each channel of each sample is brought to mean 0 and deviation 1 (Ulyanov 2016).",
        arguments=(
            _EPS,
            Argument(name="affine", type="boolean", default=False, help="Whether scale and shift are learned."),
        ),
        shape=_instance_norm_shape,
        weights=_affine_weights,
        flops=_two_each,
    ),
    LayerKind(
        name="scale",
        help="A learned factor for each channel.",
        arguments=(
            Argument(name="init_value", type="number", default=1.0, minimum=-1e6, maximum=1e6, help="Where it starts."),
            Argument(name="bias", type="boolean", default=False, help="Whether a learned number is added, too."),
        ),
        weights=_scale_weights,
        flops=_two_each,
    ),
    LayerKind(
        name="normalize",
        help="The channels of each place are divided by their length.",
        arguments=(
            Argument(
                name="norm", type="choice", default="l2", choices=("l2", "l1"), help="Euclidean, or the sum of sizes."
            ),
            Argument(
                name="eps", type="number", default=1e-12, minimum=0, maximum=1, help="The least length divided by."
            ),
        ),
        flops=_two_each,
    ),
)
