"""Convolution and dense layers: those that multiply by learned matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tenfold.core.networks.layers.kinds import (
    Argument,
    Arguments,
    LayerFault,
    LayerKind,
    Remedy,
    Shape,
    WeightRule,
    axes_text,
    shape_text,
)
from tenfold.core.networks.layers.windows import PAD, resolve_window, window_output
from tenfold.core.networks.limits import MAX_AXIS
from tenfold.core.networks.values import Initialiser

_SHOWN_DIVISORS = 6


def default_weight(fan_in: int) -> Initialiser:
    """PyTorch's default of convolutions and linear layers: uniform within 1 / sqrt(fan_in)."""
    return Initialiser("uniform", (1 / math.sqrt(fan_in),))


def _resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    return resolve_window("conv", "kernel", arguments, inputs)


def _conv_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    channels = inputs[0][0]
    _check_groups(arguments, channels)
    return (arguments["out"], *window_output("conv", "kernel", arguments, inputs[0][1:]))


def _check_groups(arguments: Arguments, channels: int) -> None:
    groups, out = arguments["groups"], arguments["out"]
    for count, words in ((channels, f"the input has {channels} channels"), (out, f"`out` is {out}")):
        if count % groups:
            divisors = [str(number) for number in range(1, min(count, 4096) + 1) if count % number == 0]
            more = ", ..." if len(divisors) > _SHOWN_DIVISORS else ""
            allowed = ", ".join(divisors[:_SHOWN_DIVISORS]) + more
            text = f"`groups` of `conv` is {groups}, but {words}: groups must divide it ({allowed})."
            raise LayerFault(text, code="network.groups", argument="groups")


def _conv_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    shape = (arguments["out"], inputs[0][0] // arguments["groups"], *arguments["kernel"])
    return _weights(shape, arguments["bias"])


def _weights(shape: Shape, has_bias: bool) -> dict[str, WeightRule]:
    initialiser = default_weight(math.prod(shape[1:]))
    weights = {"weight": WeightRule(shape, initialiser)}
    return {**weights, "bias": WeightRule(shape[:1], initialiser)} if has_bias else weights


def _conv_flops(arguments: Arguments, inputs: Sequence[Shape], output: Shape) -> int:
    products = inputs[0][0] // arguments["groups"] * math.prod(arguments["kernel"])
    return 2 * math.prod(output) * int(products)


def _dense_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    shape = inputs[0]
    if len(shape) > 2:
        where = f"its input is {shape_text(shape)} ({axes_text(shape)})"
        text = f"`dense` needs a vector, but {where}. Put `flatten` or `global_avg_pool` before it."
        raise LayerFault(text, code="network.rank", remedies=(Remedy("flatten"), Remedy("global_avg_pool")))
    return (arguments["out"], *shape[1:])


def _dense_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    return _weights((arguments["out"], inputs[0][0]), arguments["bias"])


def _dense_flops(_arguments: Arguments, inputs: Sequence[Shape], output: Shape) -> int:
    return 2 * inputs[0][0] * math.prod(output)


_OUT = Argument(
    name="out", type="integer", required=True, minimum=1, maximum=MAX_AXIS, help="Number of channels it gives."
)
_BIAS = Argument(name="bias", type="boolean", default=True, help="Whether a learned number is added to each channel.")

KINDS = (
    LayerKind(
        name="conv",
        help="Convolution over a sequence, image or volume.",
        arguments=(
            _OUT,
            Argument(
                name="kernel", type="sizes", required=True, minimum=1, maximum=4096, help="Size of the filter's window."
            ),
            Argument(name="stride", type="sizes", default=1, minimum=1, maximum=4096, help="Step of the window."),
            PAD,
            Argument(
                name="dilation",
                type="sizes",
                default=1,
                minimum=1,
                maximum=4096,
                help="Distance between the points of the window.",
            ),
            Argument(
                name="groups",
                type="integer",
                default=1,
                minimum=1,
                maximum=MAX_AXIS,
                help="Splits the channels into groups that do not see each other.",
            ),
            _BIAS,
        ),
        resolve=_resolve,
        shape=_conv_shape,
        weights=_conv_weights,
        flops=_conv_flops,
    ),
    LayerKind(
        name="dense",
        help="Every output sees every input, each with a weight of its own.",
        arguments=(_OUT, _BIAS),
        shape=_dense_shape,
        weights=_dense_weights,
        flops=_dense_flops,
    ),
)
