"""The layers of Caffe's SSD: boxes to begin with, and the boxes that are found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tenfold.adapters.formats.caffe.layers import CaffeLayer
from tenfold.adapters.formats.caffe.network_text import Placed
from tenfold.adapters.formats.caffe.prototxt import Message
from tenfold.adapters.formats.caffe.translation import Translation, Unsayable
from tenfold.core.networks.limits import MAX_NUMBERS
from tenfold.core.networks.values import Word

_CODES = {"CORNER": "corner", "CENTER_SIZE": "center", "CORNER_SIZE": "corner_size"}
_UNKNOWN_CANDIDATES = 100_000


def _prior_box(work: Translation, layer: CaffeLayer) -> None:
    parameters, sources = layer.parameters("prior_box"), work.inputs(layer)
    if len(sources) != 2:
        raise Unsayable("it needs two inputs, a layer and the picture.")
    if parameters.has("width") or parameters.has("height"):
        raise Unsayable("it gives `width` and `height` of its boxes, which only some programs read.")
    for name, size in zip(("img_h", "img_w"), sources[1].shape[1:], strict=False):
        if parameters.integer(name, parameters.integer("img_size", size)) != size:
            raise Unsayable(f"its picture is not as large as its second input, whose `{name}` is {size}.")
    if not parameters.has("min_size"):
        raise Unsayable("it has no `min_size`.")
    names = {"min_size": "min_size", "max_size": "max_size", "ratios": "aspect_ratio", "variance": "variance"}
    given: dict[str, object] = {"variance": [0.1]}
    for ours, name in names.items():
        numbers = parameters.numbers(name)
        if len(numbers) > MAX_NUMBERS:
            raise Unsayable(f"it has {len(numbers):,} numbers `{name}`, at most {MAX_NUMBERS} are read.")
        given |= {ours: numbers} if numbers else {}
    given |= {"flip": parameters.flag("flip", True), "clip": parameters.flag("clip", False)}
    step = parameters.number("step", 0.0)
    given["step"] = [parameters.number("step_h", step), parameters.number("step_w", step)]
    given["offset"] = parameters.number("offset", 0.5)
    placed = work.place(layer, "prior_box", sources, given)
    work.priors.add(placed)
    work.gives(layer, placed)


def joined_priors(work: Translation, layer: CaffeLayer, sources: Sequence[Placed], axis: int) -> Placed:
    """Prior boxes one after the other, which Caffe has along its last axis; raises `Unsayable`."""
    if axis != 2 or not all(source in work.priors for source in sources):
        raise Unsayable("it joins prior boxes with something else, or along another axis than 2.")
    joined = work.place(layer, "concat", sources) if len(sources) > 1 else sources[0]
    work.priors.add(joined)
    return joined


def _detection_output(work: Translation, layer: CaffeLayer) -> None:
    parameters, sources = layer.parameters("detection_output"), work.inputs(layer)
    if len(sources) != 3 or sources[2] not in work.priors:
        raise Unsayable("it needs three inputs: offsets, scores and prior boxes.")
    for name, usual in (("normalized_bbox", True), ("loc_pred_transposed", False)):
        if parameters.flag(name, usual) != usual:
            raise Unsayable(f"its `{name}` is {str(not usual).lower()}.")
    classes = _classes(parameters, sources)
    suppression, count = parameters.message("nms_param"), sources[2].shape[0]
    if suppression.number("eta", 1.0) != 1:
        raise Unsayable("its `eta` is not 1: an overlap that changes on the way is not understood.")
    top_k, keep = suppression.integer("top_k", -1), parameters.integer("keep_top_k", -1)
    candidates = min(top_k if top_k > 0 else count, _UNKNOWN_CANDIDATES)
    given: dict[str, object] = {"keep": keep if keep > 0 else min(candidates * classes, _UNKNOWN_CANDIDATES)}
    given["candidates"] = candidates
    given["threshold"] = max(parameters.number("confidence_threshold", 0.0), 0.0)
    given["overlap"] = suppression.number("nms_threshold", 0.3)
    given["background"] = parameters.integer("background_label_id", 0)
    code = parameters.choice("code_type", ("CORNER", *_CODES))
    given["code"] = Word(_CODES[code])
    given["scaled"] = not parameters.flag("variance_encoded_in_target", False)
    given["clip"] = parameters.flag("clip", False)
    if keep <= 0:
        work.note(layer, f"keeps all it finds; here {given['keep']:,} rows at most.")
    if parameters.message("save_output_param").fields:
        work.note(layer, "writes files of what it finds, which is not done here.")
    work.gives(layer, work.place(layer, "detection_output", sources, given))


def _classes(parameters: Message, sources: Sequence[Placed]) -> int:
    """The number of classes; raises `Unsayable` where scores or offsets are of other numbers."""
    classes, count = parameters.integer("num_classes", 0), sources[2].shape[0]
    if math.prod(sources[1].shape) != classes * count:
        raise Unsayable(f"its scores are not those of {classes} classes for {count} boxes.")
    is_shared = parameters.flag("share_location", True)
    if math.prod(sources[0].shape) != 4 * count * (1 if is_shared else classes):
        raise Unsayable(f"its offsets are not 4 for each of {count} boxes.")
    return classes


TRANSLATORS: dict[str, Callable[[Translation, CaffeLayer], None]] = {
    "PriorBox": _prior_box,
    "DetectionOutput": _detection_output,
}
