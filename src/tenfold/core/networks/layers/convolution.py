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
    per_axis,
    shape_text,
    spatial,
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
    _check_groups("conv", arguments, inputs[0][0])
    return (arguments["out"], *window_output("conv", "kernel", arguments, inputs[0][1:]))


def _check_groups(kind: str, arguments: Arguments, channels: int) -> None:
    groups, out = arguments["groups"], arguments["out"]
    for count, words in ((channels, f"the input has {channels} channels"), (out, f"`out` is {out}")):
        if count % groups:
            divisors = [str(number) for number in range(1, min(count, 4096) + 1) if count % number == 0]
            more = ", ..." if len(divisors) > _SHOWN_DIVISORS else ""
            allowed = ", ".join(divisors[:_SHOWN_DIVISORS]) + more
            text = f"`groups` of `{kind}` is {groups}, but {words}: groups must divide it ({allowed})."
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


def _transpose_resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    axes = len(spatial("conv_transpose", inputs[0]))
    sizes = {name: per_axis("conv_transpose", name, arguments[name], axes) for name in ("kernel", "stride", "pad")}
    extra = per_axis("conv_transpose", "output_pad", arguments["output_pad"], axes)
    for step, more in zip(sizes["stride"], extra, strict=True):
        if more >= step:
            text = f"`output_pad` of `conv_transpose` is {more}, but `stride` is {step}: it must be smaller."
            raise LayerFault(text, code="network.pad", argument="output_pad")
    return {**arguments, **sizes, "output_pad": extra}


def _transpose_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    _check_groups("conv_transpose", arguments, inputs[0][0])
    about = (arguments[name] for name in ("kernel", "stride", "pad", "output_pad"))
    output = []
    for size, kernel, step, pad, more in zip(inputs[0][1:], *about, strict=True):
        places = (size - 1) * step + kernel - 2 * pad + more
        if places < 1:
            text = f"`pad` of `conv_transpose` is {pad}, which leaves nothing of {shape_text(inputs[0][1:])}."
            raise LayerFault(text, code="network.pad", argument="pad")
        output.append(places)
    return (arguments["out"], *output)


def _transpose_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    shape = (inputs[0][0], arguments["out"] // arguments["groups"], *arguments["kernel"])
    initialiser = default_weight(math.prod(shape[1:]))
    weights = {"weight": WeightRule(shape, initialiser)}
    bias = WeightRule((arguments["out"],), initialiser)
    return {**weights, "bias": bias} if arguments["bias"] else weights


def _transpose_flops(arguments: Arguments, inputs: Sequence[Shape], _output: Shape) -> int:
    products = arguments["out"] // arguments["groups"] * math.prod(arguments["kernel"])
    return 2 * math.prod(inputs[0]) * int(products)


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

_KERNEL = Argument(
    name="kernel", type="sizes", required=True, minimum=1, maximum=4096, help="Size of the filter's window."
)
_GROUPS = Argument(
    name="groups",
    type="integer",
    default=1,
    minimum=1,
    maximum=MAX_AXIS,
    help="Splits the channels into groups that do not see each other.",
)

KINDS = (
    LayerKind(
        name="conv",
        help="Convolution over a sequence, image or volume.",
        arguments=(
            _OUT,
            _KERNEL,
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
            _GROUPS,
            _BIAS,
        ),
        resolve=_resolve,
        shape=_conv_shape,
        weights=_conv_weights,
        flops=_conv_flops,
    ),
    LayerKind(
        name="conv_transpose",
        help="The reverse of a convolution's sizes: every value spreads a window, and windows add up.",
        arguments=(
            _OUT,
            _KERNEL,
            Argument(
                name="stride", type="sizes", default=1, minimum=1, maximum=4096, help="How far apart windows begin."
            ),
            Argument(
                name="pad", type="sizes", default=0, minimum=0, maximum=4096, help="What is cut off at every side."
            ),
            Argument(
                name="output_pad", type="sizes", default=0, minimum=0, maximum=4096, help="Rows added at the end."
            ),
            _GROUPS,
            _BIAS,
        ),
        resolve=_transpose_resolve,
        shape=_transpose_shape,
        weights=_transpose_weights,
        flops=_transpose_flops,
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
