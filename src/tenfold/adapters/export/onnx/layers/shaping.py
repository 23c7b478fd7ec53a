"""Layers that rearrange, cut or enlarge values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tenfold.adapters.export.onnx.layers.windows import whole_pads
from tenfold.adapters.export.onnx.sheet import LayerNodes

_BORDERS = {"zeros": "constant", "reflect": "reflect", "edge": "edge"}


def _flatten(layer: LayerNodes) -> str:
    return layer.add("Flatten", layer.inputs[0], axis=1)


def _reshaped(layer: LayerNodes) -> str:
    """Channels first, as values lie."""
    return layer.reshape(layer.inputs[0], 0, *layer.node.shape)


def _permute(layer: LayerNodes) -> str:
    return layer.add("Transpose", layer.inputs[0], perm=[0, *(axis + 1 for axis in layer.arguments["axes"])])


def _upsample(layer: LayerNodes) -> str:
    x, factors = layer.inputs[0], layer.arguments["factor"]
    if layer.arguments["mode"] == "nearest":
        about = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    else:
        about = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    is_sequence = len(factors) == 1
    if is_sequence:  # as an image of one row: runtimes interpolate those
        x, factors = layer.add("Unsqueeze", x, layer.whole(2)), (1, *factors)
    scales = layer.sheet.constant(np.array([1, 1, *factors], np.float32))
    enlarged = layer.add("Resize", x, "", scales, **about)
    return layer.add("Squeeze", enlarged, layer.whole(2)) if is_sequence else enlarged


def _pad(layer: LayerNodes) -> str:
    border = whole_pads([(wide, wide) for wide in layer.arguments["size"]])
    return layer.add("Pad", layer.inputs[0], layer.whole(*border), mode=_BORDERS[layer.arguments["mode"]])


def _slice(layer: LayerNodes) -> str:
    start, stop = (layer.whole(layer.arguments[name]) for name in ("start", "stop"))
    return layer.add("Slice", layer.inputs[0], start, stop, layer.whole(1))


def _select(layer: LayerNodes) -> str:
    place = layer.sheet.constant(np.array(layer.arguments["index"], np.int64))
    return layer.add("Gather", layer.inputs[0], place, axis=2)


KINDS: Mapping[str, Callable[[LayerNodes], str]] = {
    "flatten": _flatten,
    "reshape": _reshaped,
    "permute": _permute,
    "to_sequence": _reshaped,
    "to_image": _reshaped,
    "upsample": _upsample,
    "pad": _pad,
    "slice": _slice,
    "select": _select,
}
