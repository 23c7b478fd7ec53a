"""Layers of detectors: boxes to begin with, and the boxes that are found (Liu et al. 2016, SSD)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tenfold.core.networks.layers.kinds import (
    Argument,
    Arguments,
    LayerFault,
    LayerKind,
    Shape,
    shape_text,
)

PRIOR_VALUES = 8
"""Of a prior box: left, top, right, bottom as parts of the picture, and the four variances."""
FOUND_VALUES = 6
"""Of a found box: class, score, left, top, right, bottom; class -1 where a row is empty."""
_SAME = 1e-6


def _numbers(value: object) -> tuple[float, ...]:
    return tuple(float(each) for each in value) if isinstance(value, list | tuple) else (float(value),)  # type: ignore[arg-type]


def _prior_resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    for index, shape in enumerate(inputs):
        if len(shape) != 3:
            text = f"`prior_box` needs images, but {{{index}}} gives {shape_text(shape)}."
            raise LayerFault(f"{text} Name a layer and the picture: `from LAYER, INPUT`.", code="network.rank")
    if not _numbers(arguments["min_size"]):
        raise LayerFault("`min_size` of `prior_box` has no size.", code="network.sizes", argument="min_size")
    smallest, largest = _numbers(arguments["min_size"]), _numbers(arguments["max_size"])
    if largest and len(largest) != len(smallest):
        text = f"`max_size` of `prior_box` has {len(largest)} sizes and `min_size` {len(smallest)}:"
        raise LayerFault(f"{text} give one for each, or none.", code="network.sizes", argument="max_size")
    for small, large in zip(smallest, largest, strict=False):
        if large <= small:
            text = f"`max_size` of `prior_box` is {large:g}, and its `min_size` {small:g}: it has to be larger."
            raise LayerFault(text, code="network.sizes", argument="max_size")
    variance = _numbers(arguments["variance"])
    if len(variance) not in {1, 4}:
        text = f"`variance` of `prior_box` has {len(variance)} numbers: give one, or four (x, y, width, height)."
        raise LayerFault(text, code="network.sizes", argument="variance")
    return {
        **{name: value for name, value in arguments.items() if name != "flip"},
        "min_size": smallest,
        "max_size": largest,
        "ratios": _ratios(_numbers(arguments["ratios"]), has_flipped=arguments["flip"]),
        "variance": variance * (4 // len(variance)),
        "step": _steps(_numbers(arguments["step"]), inputs),
    }


def _ratios(given: Sequence[float], *, has_flipped: bool) -> tuple[float, ...]:
    """The ratios beside 1, each once, in the order in which Caffe makes boxes of them."""
    found: list[float] = []
    for ratio in given:
        for each in (ratio, 1 / ratio) if has_flipped else (ratio,):
            if all(abs(each - other) > _SAME for other in (1.0, *found)):
                found.append(each)
    return tuple(found)


def _steps(given: Sequence[float], inputs: Sequence[Shape]) -> tuple[float, float]:
    """Pixels from one place to the next, down and across; where 0 is given, as many as the picture has for each."""
    if len(given) not in {1, 2}:
        text = f"`step` of `prior_box` has {len(given)} numbers: give one, or two (down, across)."
        raise LayerFault(text, code="network.sizes", argument="step")
    down, across = given[0], given[-1]
    (_, rows, columns), (_, height, width) = inputs
    return down or height / rows, across or width / columns


def priors_at_a_place(arguments: Arguments) -> int:
    """How many boxes a `prior_box` with these (resolved) arguments makes at each place."""
    return len(arguments["min_size"]) * (1 + len(arguments["ratios"])) + len(arguments["max_size"])


def _prior_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return (math.prod(inputs[0][1:]) * priors_at_a_place(arguments), PRIOR_VALUES)


def _detection_resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    places, scores, priors = inputs
    if len(priors) != 2 or priors[1] != PRIOR_VALUES:
        text = f"`detection_output` needs prior boxes (boxes x {PRIOR_VALUES}) as its third input, but {{2}} gives"
        raise LayerFault(f"{text} {shape_text(priors)}. Use `prior_box`.", code="network.shapes")
    count, values = priors[0], math.prod(scores)
    if values % count:
        text = f"{{1}} gives {shape_text(scores)}, which is no whole number of classes for {count} boxes of {{2}}."
        raise LayerFault(f"`detection_output` cannot use this: {text}", code="network.shapes")
    classes = values // count
    if math.prod(places) not in {4 * count, 4 * count * classes}:
        text = f"`detection_output` needs 4 values of {{0}} for each of the {count} boxes of {{2}},"
        text = f"{text} or 4 for each class of each ({4 * count} or {4 * count * classes}), but it gives"
        raise LayerFault(f"{text} {shape_text(places)}.", code="network.shapes")
    if arguments["background"] >= classes:
        text = f"`background` of `detection_output` is {arguments['background']}, but there are {classes} classes:"
        raise LayerFault(f"{text} 0 to {classes - 1}, or -1.", code="network.class", argument="background")
    is_shared = math.prod(places) == 4 * count
    return {**arguments, "classes": classes, "per_class": not is_shared}


def _detection_shape(arguments: Arguments, _inputs: Sequence[Shape]) -> Shape:
    return (arguments["keep"], FOUND_VALUES)


def _detection_flops(_arguments: Arguments, inputs: Sequence[Shape], _output: Shape) -> int:
    """A box is moved and stretched, four values each; what is compared depends on what is found and is not counted."""
    return 2 * math.prod(inputs[0])


KINDS = (
    LayerKind(
        name="prior_box",
        help="Boxes of given sizes at every place of a layer, over the picture (`from layer, picture`): rows of left, "
        "top, right, bottom and four variances (Liu 2016).",
        arguments=(
            Argument(
                name="min_size",
                type="numbers",
                required=True,
                help="Side of a square box, in pixels.",
                minimum=0.001,
                maximum=1e6,
            ),
            Argument(
                name="max_size",
                type="numbers",
                default=(),
                help="With `min_size` the side of a second square: the root of their product.",
                minimum=0.001,
                maximum=1e6,
            ),
            Argument(
                name="ratios",
                type="numbers",
                default=(),
                minimum=0.01,
                maximum=100,
                help="Width by height of further boxes with the area of the first square.",
            ),
            Argument(
                name="flip", type="boolean", default=True, help="Whether each ratio also comes turned on its side."
            ),
            Argument(name="clip", type="boolean", default=False, help="Whether boxes end at the edges of the picture."),
            Argument(
                name="variance",
                type="numbers",
                default=(0.1, 0.1, 0.2, 0.2),
                minimum=1e-6,
                maximum=1e6,
                help="Factors of what is learned of a box: one, or four for x, y, width and height.",
            ),
            Argument(
                name="step",
                type="numbers",
                default=0,
                minimum=0,
                maximum=1e6,
                help="Pixels between places, one or two (down, across); 0 works them out from the sizes.",
            ),
            Argument(
                name="offset",
                type="number",
                default=0.5,
                minimum=0,
                maximum=1,
                help="Where in its place a box has its centre.",
            ),
        ),
        min_inputs=2,
        max_inputs=2,
        resolve=_prior_resolve,
        shape=_prior_shape,
    ),
    LayerKind(
        name="detection_output",
        help="The boxes that are found, from offsets, scores and prior boxes: rows of class, score, left, top, right, "
        "bottom, best first; rows that are left over have class -1 (Liu 2016). Nothing is learned through it.",
        arguments=(
            Argument(
                name="keep",
                type="integer",
                default=200,
                minimum=1,
                maximum=100_000,
                help="Boxes at most, of all classes: the rows.",
            ),
            Argument(
                name="threshold",
                type="number",
                default=0.01,
                minimum=0,
                maximum=1,
                help="The score that a box is over.",
            ),
            Argument(
                name="overlap",
                type="number",
                default=0.45,
                minimum=0,
                maximum=1,
                help="Part of both that two boxes of a class share at most; of more, the better one stays.",
            ),
            Argument(
                name="candidates",
                type="integer",
                default=400,
                minimum=1,
                maximum=100_000,
                help="The best of each class that are looked at.",
            ),
            Argument(
                name="background",
                type="integer",
                default=0,
                minimum=-1,
                maximum=100_000,
                help="The class that is no object; -1 is none.",
            ),
            Argument(
                name="code",
                type="choice",
                default="center",
                choices=("center", "corner", "corner_size"),
                help="Offsets of centre and size, of the corners, or of the corners in units of the box.",
            ),
            Argument(
                name="scaled",
                type="boolean",
                default=True,
                help="Whether offsets are multiplied by the variances of their box.",
            ),
            Argument(
                name="clip", type="boolean", default=False, help="Whether found boxes end at the edges of the picture."
            ),
        ),
        min_inputs=3,
        max_inputs=3,
        resolve=_detection_resolve,
        shape=_detection_shape,
        flops=_detection_flops,
    ),
)
