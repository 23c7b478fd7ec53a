"""What size and colour a dataset is stored in when a person leaves it open."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.spec import DatasetSpec

KEEP_UP_TO = 256
SIDE_OF_PHOTOS = 224


@dataclass(frozen=True)
class Sizing:
    """The size that was decided, with one sentence for each decision."""

    width: int
    height: int
    channels: int
    notes: tuple[str, ...]


def decide_size(facts: Sequence[ImageFacts], spec: DatasetSpec) -> Sizing:
    """The stored size of a dataset from the specification and from pictures that were looked at (at least one)."""
    width, height, size_note = _decide_sides(facts, spec)
    channels, colour_note = _decide_channels(facts, spec)
    return Sizing(width, height, channels, (size_note, colour_note))


def _decide_sides(facts: Sequence[ImageFacts], spec: DatasetSpec) -> tuple[int, int, str]:
    if spec.width is not None and spec.height is not None:
        return spec.width, spec.height, f"Size {spec.width} x {spec.height}, as asked for."
    sizes = {(fact.width, fact.height) for fact in facts}
    looked = f"{len(facts)} pictures looked at"
    if len(sizes) == 1:
        width, height = sizes.pop()
        if max(width, height) <= KEEP_UP_TO:
            return width, height, f"Size {width} x {height}: all {looked} have it."
    shorter = int(statistics.median_low(min(fact.width, fact.height) for fact in facts))
    side = min(shorter, SIDE_OF_PHOTOS)
    why = f"the middle one of {looked} is {shorter} px on its shorter side"
    if shorter > SIDE_OF_PHOTOS:
        why += f", and {SIDE_OF_PHOTOS} px serve most networks"
    return side, side, f"Size {side} x {side}: {why}."


def _decide_channels(facts: Sequence[ImageFacts], spec: DatasetSpec) -> tuple[int, str]:
    if spec.colour != "auto":
        return (1, "Grey, as asked for.") if spec.colour == "grey" else (3, "Colour, as asked for.")
    coloured = sum(fact.is_colour for fact in facts)
    if coloured:
        return 3, f"Colour: {coloured} of {len(facts)} pictures looked at have it."
    return 1, f"Grey: all {len(facts)} pictures looked at are grey."
