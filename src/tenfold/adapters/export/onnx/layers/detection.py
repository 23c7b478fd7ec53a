"""Prior boxes. ONNX has no operator for the boxes that are found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product

import numpy as np

from tenfold.adapters.export.onnx.sheet import Array, LayerNodes


def _prior_box(layer: LayerNodes) -> str:
    """The same boxes for every picture, a function of sizes alone: a constant."""
    boxes = layer.sheet.constant(_boxes(layer)[np.newaxis])
    return layer.for_each_sample(boxes, layer.inputs[0])


def _boxes(layer: LayerNodes) -> Array:
    """Boxes x 8: left, top, right, bottom as parts of the picture, and the four variances."""
    about, (rows, columns), (height, width) = layer.arguments, layer.shapes[0][1:], layer.shapes[1][1:]
    (down, across), sizes = about["step"], np.array(list(_sizes(about)), np.float32)
    places = [
        ((x + about["offset"]) * across, (y + about["offset"]) * down) for y, x in product(range(rows), range(columns))
    ]
    centres = np.array(places, np.float32)[:, np.newaxis]
    whole = np.array([width, height], np.float32)
    edges = np.concatenate([(centres - sizes / 2) / whole, (centres + sizes / 2) / whole], axis=2).reshape(-1, 4)
    edges = edges.clip(0, 1) if about["clip"] else edges
    variances = np.broadcast_to(np.array(about["variance"], np.float32), edges.shape)
    return np.concatenate([edges, variances], axis=1)


def _sizes(about: Mapping[str, tuple[float, ...]]) -> Iterator[tuple[float, float]]:
    """Width and height of the boxes at one place, in pixels."""
    for index, small in enumerate(about["min_size"]):
        yield small, small
        for large in about["max_size"][index : index + 1]:
            yield math.sqrt(small * large), math.sqrt(small * large)
        for ratio in about["ratios"]:
            yield small * math.sqrt(ratio), small / math.sqrt(ratio)


KINDS: Mapping[str, Callable[[LayerNodes], str]] = {"prior_box": _prior_box}
