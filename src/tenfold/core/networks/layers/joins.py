"""Layers that make one of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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

MAX_JOINED = 4096


def _equal(kind: str) -> Callable[[Arguments, Sequence[Shape]], Shape]:
    def shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
        for index, other in enumerate(inputs[1:], 1):
            if other != inputs[0]:
                raise _unequal(kind, inputs[0], other, index)
        return inputs[0]

    return shape


def _unequal(kind: str, first: Shape, other: Shape, index: int) -> LayerFault:
    low, high = ((first, 0), (other, index)) if first[0] <= other[0] else ((other, index), (first, 0))
    text = f"`{kind}` needs inputs of equal shape, but {{{low[1]}}} gives {shape_text(low[0])}"
    text = f"{text} and {{{high[1]}}} gives {shape_text(high[0])}."
    if first[1:] == other[1:] and len(first) > 1:
        advice = f"Only the channels differ: pass {{name{low[1]}}} through `conv({high[0][0]}, 1)`, or use `concat`."
        return LayerFault(f"{text} {advice}", code="network.shapes")
    return LayerFault(f"{text} Bring them to one shape first.", code="network.shapes")


def _multiply_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    first = inputs[0]
    for index, other in enumerate(inputs[1:], 1):
        if other != first and other != first[:1] + (1,) * (len(first) - 1):
            raise _unequal("multiply", first, other, index)
    return first


def _concat_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    for index, shape in enumerate(inputs[1:], 1):
        if shape[1:] != inputs[0][1:]:
            text = f"`concat` joins channels, so all else must be equal, but {{0}} gives {shape_text(inputs[0])}"
            raise LayerFault(f"{text} and {{{index}}} gives {shape_text(shape)}.", code="network.shapes")
    return (sum(shape[0] for shape in inputs), *inputs[0][1:])


def _distance_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    shape = _equal("distance")(arguments, inputs)
    if len(shape) > 1:
        text = f"`distance` compares vectors, but its inputs are {shape_text(shape)}. Put `flatten` before each."
        raise LayerFault(text, code="network.rank")
    return (1,)


def _crop_resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    sizes, like = spatial("crop", inputs[0]), spatial("crop", inputs[1])
    if len(sizes) != len(like):
        text = f"`crop` needs inputs of as many axes, but {{0}} is {shape_text(inputs[0])}"
        raise LayerFault(f"{text} and {{1}} is {shape_text(inputs[1])}.", code="network.shapes")
    offset = arguments["offset"]
    starts = (
        tuple((size - wanted) // 2 for size, wanted in zip(sizes, like, strict=True))
        if offset == "center"
        else per_axis("crop", "offset", offset, len(sizes))
    )
    for size, wanted, start in zip(sizes, like, starts, strict=True):
        if start < 0 or start + wanted > size:
            text = f"`crop` takes {shape_text(like)} out of {shape_text(sizes)} at {shape_text(starts)}:"
            raise LayerFault(f"{text} that reaches over the border.", code="network.crop", argument="offset")
    return {"offset": starts}


def _crop_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return (inputs[0][0], *inputs[1][1:])


def _elementwise(name: str, help: str, most: int = MAX_JOINED) -> LayerKind:
    return LayerKind(name=name, help=help, min_inputs=2, max_inputs=most, shape=_equal(name))


KINDS = (
    _elementwise("add", "The sum of layers of equal shape."),
    _elementwise("subtract", "The first layer less the second, of equal shape.", 2),
    LayerKind(
        name="multiply",
        help="The product of layers of equal shape, or of one with a factor for each channel (C x 1 x 1).",
        min_inputs=2,
        max_inputs=MAX_JOINED,
        shape=_multiply_shape,
    ),
    _elementwise("maximum", "The largest value of layers of equal shape."),
    _elementwise("average", "The mean of layers of equal shape."),
    LayerKind(
        name="concat",
        help="The channels of several layers, one after the other.",
        min_inputs=2,
        max_inputs=MAX_JOINED,
        shape=_concat_shape,
    ),
    LayerKind(
        name="crop",
        help="The part of the first layer that is as large as the second.",
        arguments=(
            Argument(
                name="offset",
                type="padding",
                default=0,
                minimum=0,
                maximum=2**24,
                choices=("center",),
                help="Where the part begins: a place, one for each axis, or `center`.",
            ),
        ),
        min_inputs=2,
        max_inputs=2,
        resolve=_crop_resolve,
        shape=_crop_shape,
    ),
    LayerKind(
        name="distance",
        help="How far two vectors lie apart, one number.",
        arguments=(
            Argument(
                name="norm",
                type="choice",
                default="l2",
                choices=("l2", "l1", "cosine"),
                help="Euclidean, sum of absolute differences, or 1 - cosine of the angle.",
            ),
        ),
        min_inputs=2,
        max_inputs=2,
        shape=_distance_shape,
    ),
)
