"""Layers that rearrange, cut or enlarge values."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tenfold.core.networks.layers.kinds import (
    Argument,
    Arguments,
    LayerFault,
    LayerKind,
    Shape,
    per_axis,
    shape_text,
    spatial,
)
from tenfold.core.networks.limits import MAX_AXIS

_MAX_AXES = 8  # as many as `permute` can name


def _flatten_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return (math.prod(inputs[0]),)


def _reshape_resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    given = arguments["shape"]
    sizes = [given] if isinstance(given, int) else list(given)
    if len(sizes) > _MAX_AXES:
        text = f"`reshape` has {len(sizes)} sizes; at most {_MAX_AXES} are allowed."
        raise LayerFault(text, code="network.axes", argument="shape")
    values, known = math.prod(inputs[0]), math.prod(size for size in sizes if size > 0)
    open_axes = [index for index, size in enumerate(sizes) if size == -1]
    fits = 0 not in sizes and len(open_axes) <= 1 and (values % known == 0 if open_axes else values == known)
    if not fits:
        text = f"`reshape` to {shape_text(tuple(sizes))} does not fit the {values} values of {shape_text(inputs[0])}."
        advice = "The product of all sizes must be the same; one of them may be -1, which is then worked out."
        raise LayerFault(f"{text} {advice}", code="network.reshape", argument="shape")
    if open_axes:
        sizes[open_axes[0]] = values // known
    return {"shape": tuple(sizes)}


def _reshape_shape(arguments: Arguments, _inputs: Sequence[Shape]) -> Shape:
    return tuple(arguments["shape"])


def _permute_resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    given = arguments["axes"]
    axes = (given,) if isinstance(given, int) else tuple(given)
    if sorted(axes) != list(range(len(inputs[0]))):
        wanted = ", ".join(str(axis) for axis in range(len(inputs[0])))
        text = f"`axes` of `permute` names each axis of {shape_text(inputs[0])} once: {wanted}, in any order."
        raise LayerFault(text, code="network.axes", argument="axes")
    return {"axes": axes}


def _permute_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return tuple(inputs[0][axis] for axis in arguments["axes"])


def _to_sequence_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return (inputs[0][0], math.prod(spatial("to_sequence", inputs[0])))


def _to_image_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    height, width = arguments["height"], arguments["width"]
    if len(inputs[0]) != 2:
        text = f"`to_image` needs a sequence (channels x length), but its input is {shape_text(inputs[0])}."
        raise LayerFault(text, code="network.rank")
    if height * width != inputs[0][1]:
        text = f"`to_image` of {height} x {width} needs a length of {height * width}, but it is {inputs[0][1]}."
        raise LayerFault(text, code="network.reshape", argument="height")
    return (inputs[0][0], height, width)


def _upsample_resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    axes = len(spatial("upsample", inputs[0]))
    return {**arguments, "factor": per_axis("upsample", "factor", arguments["factor"], axes)}


def _upsample_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    sizes = zip(inputs[0][1:], arguments["factor"], strict=True)
    return (inputs[0][0], *(size * factor for size, factor in sizes))


def _pad_resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    sizes = spatial("pad", inputs[0])
    border = per_axis("pad", "size", arguments["size"], len(sizes))
    for size, wide in zip(sizes, border, strict=True):
        if arguments["mode"] == "reflect" and wide >= size:
            text = f"`size` of `pad` is {wide}, but only {size - 1} values can be reflected: use at most {size - 1}."
            raise LayerFault(text, code="network.pad", argument="size")
    return {"size": border, "mode": arguments["mode"]}


def _pad_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return (inputs[0][0], *(size + 2 * wide for size, wide in zip(inputs[0][1:], arguments["size"], strict=True)))


def _slice_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    start, stop, channels = arguments["start"], arguments["stop"], inputs[0][0]
    if not start < stop <= channels:
        text = f"`slice` takes channels {start} to {stop} of {channels}: the end lies after the start,"
        raise LayerFault(f"{text} and is at most {channels}.", code="network.slice", argument="stop")
    return (stop - start, *inputs[0][1:])


def _select_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    if len(inputs[0]) != 2:
        text = f"`select` needs a sequence (channels x length), but its input is {shape_text(inputs[0])}."
        raise LayerFault(text, code="network.rank")
    length = inputs[0][1]
    if not -length <= arguments["index"] < length:
        text = f"`index` of `select` is {arguments['index']}, but the sequence has {length} places: 0 to {length - 1},"
        raise LayerFault(f"{text} or -1 for the last.", code="network.select", argument="index")
    return inputs[0][:1]


_HEIGHT = Argument(name="height", type="integer", required=True, minimum=1, maximum=MAX_AXIS, help="Rows.")
_WIDTH = Argument(name="width", type="integer", required=True, minimum=1, maximum=MAX_AXIS, help="Columns.")

KINDS = (
    LayerKind(name="flatten", help="All values in one vector, in channels-first order.", shape=_flatten_shape),
    LayerKind(
        name="reshape",
        help="The same values in another shape, in channels-first order.",
        arguments=(
            Argument(
                name="shape",
                type="sizes",
                required=True,
                minimum=-1,
                maximum=MAX_AXIS,
                help="Sizes, channels first, without the batch; one may be -1 and is worked out.",
            ),
        ),
        resolve=_reshape_resolve,
        shape=_reshape_shape,
    ),
    LayerKind(
        name="permute",
        help="The axes in another order.",
        arguments=(
            Argument(
                name="axes",
                type="sizes",
                required=True,
                minimum=0,
                maximum=8,
                help="Which axis comes first, second and so on; 0 is the channels.",
            ),
        ),
        resolve=_permute_resolve,
        shape=_permute_shape,
    ),
    LayerKind(
        name="to_sequence",
        help="The places of an image or volume, row by row, as a sequence of their channels.",
        shape=_to_sequence_shape,
    ),
    LayerKind(
        name="to_image",
        help="A sequence as the rows of an image.",
        arguments=(_HEIGHT, _WIDTH),
        shape=_to_image_shape,
    ),
    LayerKind(
        name="upsample",
        help="Enlarges every axis by a whole factor.",
        arguments=(
            Argument(name="factor", type="sizes", required=True, minimum=1, maximum=4096, help="How many times."),
            Argument(
                name="mode",
                type="choice",
                default="nearest",
                choices=("nearest", "linear"),
                help="Repeats values, or interpolates between them.",
            ),
        ),
        resolve=_upsample_resolve,
        shape=_upsample_shape,
    ),
    LayerKind(
        name="pad",
        help="A border around every axis.",
        arguments=(
            Argument(name="size", type="sizes", required=True, minimum=0, maximum=4096, help="Width of the border."),
            Argument(
                name="mode",
                type="choice",
                default="zeros",
                choices=("zeros", "reflect", "edge"),
                help="Zeros, the values mirrored at the edge, or the value of the edge.",
            ),
        ),
        resolve=_pad_resolve,
        shape=_pad_shape,
    ),
    LayerKind(
        name="slice",
        help="Some of the channels.",
        arguments=(
            Argument(name="start", type="integer", required=True, minimum=0, maximum=MAX_AXIS, help="The first."),
            Argument(
                name="stop", type="integer", required=True, minimum=1, maximum=MAX_AXIS, help="The one after the last."
            ),
        ),
        shape=_slice_shape,
    ),
    LayerKind(
        name="select",
        help="One place of a sequence, as a vector.",
        arguments=(
            Argument(
                name="index",
                type="integer",
                required=True,
                minimum=-MAX_AXIS,
                maximum=MAX_AXIS,
                help="The place, from 0; -1 is the last.",
            ),
        ),
        shape=_select_shape,
    ),
)
