"""What is seen inside a layer: facts of its values, and its values as one picture of tiles.

A picture holds 8-bit steps of one scale for all its tiles, so that their brightness can be compared: from the lowest
value to the highest or, where there are both signs, from -m to m with 0 in the middle.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from tenfold.core.events import Json

BINS = 32
MOST_PIXELS = 2**21
GAP = 1
WIDER = 4  # than high
STEPS = 254  # one of 255 is the gap
Values = npt.NDArray[Any]
Scale = Literal["from-low", "around-zero"]


@dataclass(frozen=True, kw_only=True)
class ValueFacts:
    """Facts of an array; `histogram` counts in equal steps from `low` to `high`, `zeros` is a share.

    All but `shape` and `strange`, the number of values that are no finite numbers, are of the finite ones.
    """

    shape: tuple[int, ...]
    mean: float
    std: float
    low: float
    high: float
    zeros: float
    strange: int
    histogram: tuple[int, ...]

    def to_json(self) -> dict[str, Json]:
        return cast("dict[str, Json]", {**asdict(self), "shape": [*self.shape], "histogram": [*self.histogram]})


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How a picture is laid out: `shown` of `total` tiles, each of `height` by `width` values, `columns` in a row.

    `every` tells that of each axis of a tile only every so manieth value is shown.
    """

    shown: int
    total: int
    height: int
    width: int
    columns: int
    every: int
    scale: Scale

    def to_json(self) -> dict[str, Json]:
        return cast("dict[str, Json]", asdict(self))


def facts_of(values: Values) -> ValueFacts:
    """Facts of an array of any shape and size from 1."""
    numbers = values.astype(np.float32, copy=False).ravel()
    finite = numbers[np.isfinite(numbers)]
    strange = numbers.size - finite.size
    if not finite.size:
        nothing = {"mean": 0.0, "std": 0.0, "low": 0.0, "high": 0.0, "zeros": 0.0}
        return ValueFacts(shape=values.shape, strange=strange, histogram=(0,) * BINS, **nothing)
    low, high = float(finite.min()), float(finite.max())
    counts, _ = np.histogram(finite, BINS, (low, high) if high > low else (low - 0.5, low + 0.5))
    return ValueFacts(
        shape=values.shape,
        mean=float(finite.mean(dtype=np.float64)),
        std=float(finite.std(dtype=np.float64)),
        low=low,
        high=high,
        zeros=1.0 - np.count_nonzero(finite) / finite.size,
        strange=strange,
        histogram=tuple(counts.tolist()),
    )


def activation_tiles(values: Values) -> Values:
    """A layer's output for one sample as tiles (T, H, W): a map a channel; a vector or a matrix is one tile."""
    if values.ndim == 3:
        return values
    if values.ndim > 3:  # a volume: its slices
        return values.reshape(-1, *values.shape[-2:])
    return _folded(values)[None] if values.ndim <= 1 else values[None]


def weight_tiles(values: Values) -> Values:
    """A layer's tensor as tiles (T, H, W): kernels one by one; what has no kernel is one tile."""
    if values.ndim >= 4:
        return values.reshape(-1, *values.shape[-2:])
    if values.ndim == 3:  # of sequences: one for each output
        return values
    return _folded(values)[None] if values.ndim <= 1 else values[None]


def tiled(tiles: Values) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], Tiling]:
    """Tiles (T, H, W) as one picture: its steps, where it is gap, and how it is laid out. Too many are cut off."""
    total = len(tiles)
    every = max(1, math.ceil(math.sqrt(tiles.shape[1] * tiles.shape[2] / MOST_PIXELS)))
    tiles = tiles[:, ::every, ::every]
    _, height, width = tiles.shape
    shown = min(total, max(1, MOST_PIXELS // ((height + GAP) * (width + GAP))))
    tiles = np.nan_to_num(tiles[:shown].astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    columns = max(1, min(shown, round(math.sqrt(shown * WIDER * (height + GAP) / (width + GAP)))))
    rows = math.ceil(shown / columns)
    steps, scale = _steps(tiles)
    picture = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP), np.uint8)
    is_gap = np.ones(picture.shape, np.bool_)
    for number, tile in enumerate(steps):
        top, left = number // columns * (height + GAP), number % columns * (width + GAP)
        picture[top : top + height, left : left + width] = tile
        is_gap[top : top + height, left : left + width] = False
    layout = Tiling(shown=shown, total=total, height=height, width=width, columns=columns, every=every, scale=scale)
    return picture, is_gap, layout


def _folded(vector: Values) -> Values:
    """A vector in rows of about equal length, filled up with nothing."""
    flat = vector.reshape(-1)
    width = math.ceil(math.sqrt(flat.size))
    if flat.size <= 64:
        width = flat.size
    return np.pad(flat.astype(np.float32), (0, -flat.size % width)).reshape(-1, width)


def _steps(tiles: Values) -> tuple[npt.NDArray[np.uint8], Scale]:
    low, high = float(tiles.min()), float(tiles.max())
    if low < 0 < high or high < 0:
        most = max(-low, high)
        return ((tiles / most + 1) * (STEPS / 2)).round().astype(np.uint8), "around-zero"
    return ((tiles - low) / max(high - low, 1e-30) * STEPS).round().astype(np.uint8), "from-low"
