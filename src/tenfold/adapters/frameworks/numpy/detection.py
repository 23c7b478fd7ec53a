"""Layers of detectors in plain numpy, box by box as Liu et al. (2016) and Caffe's layers describe them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tenfold.adapters.frameworks.numpy.layers import Layer
from tenfold.adapters.frameworks.numpy.windows import Floats
from tenfold.core.errors import BadNetwork

Box = tuple[float, float, float, float]


class PriorBox(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.shapes = [each.shape for each in inputs]
        about, (height, width), rows = self.about, inputs[1].shape[2:], list[list[float]]()
        for y in range(inputs[0].shape[2]):
            for x in range(inputs[0].shape[3]):
                centre = ((x + about["offset"]) * about["step"][1], (y + about["offset"]) * about["step"][0])
                for wide, high in self._sizes():
                    edges = (centre[0] - wide / 2, centre[1] - high / 2, centre[0] + wide / 2, centre[1] + high / 2)
                    parts = [edge / size for edge, size in zip(edges, (width, height) * 2, strict=True)]
                    parts = [min(max(part, 0.0), 1.0) for part in parts] if about["clip"] else parts
                    rows.append([*parts, *about["variance"]])
        return np.repeat(np.array([rows], np.float32), len(inputs[0]), axis=0)

    def _sizes(self) -> list[tuple[float, float]]:
        found = []
        for index, small in enumerate(self.about["min_size"]):
            sides = [small, *(math.sqrt(small * large) for large in self.about["max_size"][index : index + 1])]
            found += [(side, side) for side in sides]
            found += [(small * math.sqrt(ratio), small / math.sqrt(ratio)) for ratio in self.about["ratios"]]
        return found

    def backward(self, gradient: Floats) -> list[Floats]:  # noqa: ARG002  it does not depend on them
        return [np.zeros(shape, np.float32) for shape in self.shapes]


class DetectionOutput(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        return np.stack([self._of_picture(*each) for each in zip(*inputs, strict=True)])

    def backward(self, gradient: Floats) -> list[Floats]:  # noqa: ARG002  there is none
        raise BadNetwork("Nothing is learned through `detection_output`.", code="network.no-gradient")

    def _of_picture(self, places: Floats, scores: Floats, priors: Floats) -> Floats:
        about = self.about
        offsets, table = places.reshape(len(priors), -1, 4), scores.reshape(len(priors), -1)
        found: list[tuple[float, ...]] = []
        for number in set(range(about["classes"])) - {about["background"]}:
            over = [index for index in range(len(priors)) if table[index, number] > about["threshold"]]
            over = sorted(over, key=lambda index: -table[index, number])[: about["candidates"]]
            kept: list[Box] = []
            for index in over:
                box = self._moved(offsets[index, number if about["per_class"] else 0], priors[index])
                if all(overlap(box, other) <= about["overlap"] for other in kept):
                    kept.append(box)
                    found.append((number, float(table[index, number]), *box))
        best = sorted(found, key=lambda row: -row[1])[: about["keep"]]
        return np.array([*best, *[(-1, 0, 0, 0, 0, 0)] * (about["keep"] - len(best))], np.float32)

    def _moved(self, offset: Floats, prior: Floats) -> Box:
        left, top, right, bottom, *variance = (float(value) for value in prior)
        factors = variance if self.about["scaled"] else [1.0] * 4
        one, two, three, four = (float(value) * factor for value, factor in zip(offset, factors, strict=True))
        wide, high = right - left, bottom - top
        if self.about["code"] == "corner":
            box = (left + one, top + two, right + three, bottom + four)
        elif self.about["code"] == "corner_size":
            box = (left + one * wide, top + two * high, right + three * wide, bottom + four * high)
        else:
            x, y = (left + right) / 2 + one * wide, (top + bottom) / 2 + two * high
            half_wide, half_high = math.exp(three) * wide / 2, math.exp(four) * high / 2
            box = (x - half_wide, y - half_high, x + half_wide, y + half_high)
        if not self.about["clip"]:
            return box
        left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in box)
        return (left, top, right, bottom)


def overlap(one: Box, other: Box) -> float:
    """What two boxes share, as a part of both together."""
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (sum(areas) - wide * high)


KINDS: dict[str, type[Layer]] = {"prior_box": PriorBox, "detection_output": DetectionOutput}
