"""Layers that rearrange, join or drop values."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tenfold.core.networks.layers.kinds import Argument, Arguments, LayerFault, LayerKind, Shape, shape_text

MAX_JOINED = 4096


def _flatten_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return (math.prod(inputs[0]),)


def _add_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    for index, shape in enumerate(inputs[1:], 1):
        if shape != inputs[0]:
            raise _unequal(inputs[0], shape, index)
    return inputs[0]


def _unequal(first: Shape, other: Shape, index: int) -> LayerFault:
    low, high = ((first, 0), (other, index)) if first[0] <= other[0] else ((other, index), (first, 0))
    text = f"`add` needs inputs of equal shape, but {{{low[1]}}} gives {shape_text(low[0])}"
    text = f"{text} and {{{high[1]}}} gives {shape_text(high[0])}."
    if first[1:] == other[1:] and len(first) > 1:
        advice = f"Only the channels differ: pass {{name{low[1]}}} through `conv({high[0][0]}, 1)`, or use `concat`."
        return LayerFault(f"{text} {advice}", code="network.shapes")
    return LayerFault(f"{text} Bring them to one shape first.", code="network.shapes")


def _concat_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    for index, shape in enumerate(inputs[1:], 1):
        if shape[1:] != inputs[0][1:]:
            text = f"`concat` joins channels, so all else must be equal, but {{0}} gives {shape_text(inputs[0])}"
            raise LayerFault(f"{text} and {{{index}}} gives {shape_text(shape)}.", code="network.shapes")
    return (sum(shape[0] for shape in inputs), *inputs[0][1:])


KINDS = (
    LayerKind(name="flatten", help="All values in one vector, in channels-first order.", shape=_flatten_shape),
    LayerKind(
        name="add", help="The sum of layers of equal shape.", min_inputs=2, max_inputs=MAX_JOINED, shape=_add_shape
    ),
    LayerKind(
        name="concat",
        help="The channels of several layers, one after the other.",
        min_inputs=2,
        max_inputs=MAX_JOINED,
        shape=_concat_shape,
    ),
    LayerKind(
        name="dropout",
        help="While training, drops each value with the given probability and scales the rest up (Srivastava 2014).",
        arguments=(
            Argument(
                name="rate", type="number", default=0.5, minimum=0, below=1, help="Share of values that are dropped."
            ),
        ),
    ),
)
