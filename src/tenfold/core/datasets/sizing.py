"""What size and colour a dataset is stored in when a person leaves it open."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.preprocessing import Depth, Preprocessing, image_preprocessing
from tenfold.core.datasets.spec import DatasetSpec

KEEP_UP_TO = 256
SIDE_OF_PHOTOS = 224
WHITE = 65_535
DIM = 0.25


@dataclass(frozen=True)
class Sizing:
    """Size, channels and depth that were decided, with one sentence for each decision."""

    width: int
    height: int
    channels: int
    notes: tuple[str, ...]
    depth: Depth = "scale"

    def within(self, side: int) -> Sizing:
        """The same proportions with no side longer than this."""
        longer = max(self.width, self.height, side)
        return replace(self, width=max(1, self.width * side // longer), height=max(1, self.height * side // longer))


def decide_size(facts: Sequence[ImageFacts], spec: DatasetSpec) -> Sizing:
    """The stored size of a dataset from the specification and from pictures that were looked at (at least one)."""
    width, height, size_note = _decide_sides(facts, spec)
    channels, colour_note = _decide_channels(facts, spec)
    depth, depth_note = _decide_depth(facts, spec)
    return Sizing(width, height, channels, (size_note, colour_note, *depth_note), depth)


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
    if spec.colour == "all":
        [(channels, count)] = Counter(fact.channels for fact in facts).most_common(1)
        return (
            channels,
            f"Channels {channels}, as {count} of {len(facts)} pictures looked at have; others are left out.",
        )
    if spec.colour != "auto":
        return (1, "Grey, as asked for.") if spec.colour == "grey" else (3, "Colour, as asked for.")
    coloured = sum(fact.is_colour for fact in facts)
    if coloured:
        return 3, f"Colour: {coloured} of {len(facts)} pictures looked at have it."
    return 1, f"Grey: all {len(facts)} pictures looked at are grey."


def _decide_depth(facts: Sequence[ImageFacts], spec: DatasetSpec) -> tuple[Depth, tuple[str, ...]]:
    if spec.depth == "8bit":
        return "scale", ()
    bits = max(fact.bits for fact in facts)
    count = sum(fact.bits == bits for fact in facts)
    depth: Depth = {8: "scale", 16: "uint16"}.get(bits, "float32")  # type: ignore[assignment]
    return depth, (f"Depth {bits} bits: {count} of {len(facts)} pictures looked at have it, and none has more.",)


def scaled_note(low: float, high: float) -> str:
    """What becomes of 16-bit pictures with these values that are stored in 8 bits."""
    text = f"The files have 16 bits and are stored in 8: their values go from {low:,.0f} to {high:,.0f} of {WHITE:,}."
    if high > DIM * WHITE:
        return text
    return (
        f"{text} So they are nearly black, {max(1, round(high / 257)):,} of 255 at most: import them again with the "
        "depth As in the files to keep their steps apart."
    )


def prepare(sizing: Sizing, spec: DatasetSpec, value_range: tuple[float, float] | None = None) -> Preprocessing:
    """The preprocessing that a specification means at this size; `value_range` is that of the data, for 32 bits."""
    decode: dict[str, Any] = {"depth": sizing.depth, "profile": spec.profile, "scaling": spec.scaling}
    if value_range is not None:
        decode["range"] = value_range if value_range[0] < value_range[1] else (0.0, 1.0)
    if spec.colour == "all":
        decode["mode"] = "all"
    return image_preprocessing(
        width=sizing.width,
        height=sizing.height,
        channels=sizing.channels,
        resize=spec.resize,
        background=spec.background_rgb,
        **decode,
    )
