"""Arrays of pictures as bytes of picture files: their axes, and the range of values that black and white stand for."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenfold.core.errors import BadDataset, BadImage

Array = npt.NDArray[Any]
BLOCK_BYTES = 16 << 20
DARK = 32


@dataclass(frozen=True)
class Axes:
    """How a row becomes a picture: reshaped to `shape`, and `is_first` if its channels come before its sides."""

    shape: tuple[int, ...]
    is_first: bool
    note: str = ""

    def picture(self, row: Array) -> Array:
        """H x W, or H x W x channels."""
        pixels = row.reshape(self.shape)
        pixels = np.moveaxis(pixels, 0, -1) if self.is_first else pixels
        return pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


@dataclass(frozen=True)
class ValueRange:
    """Values from `low` to `high` are stored as 0 to `top`, 255 or 65535."""

    low: float
    high: float
    top: int
    note: str = ""

    def stored(self, pixels: Array) -> Array:
        """Pixels as uint8 or uint16, rounded; raises `BadImage` for what is no number."""
        dtype = np.uint8 if self.top == 255 else np.uint16
        if pixels.dtype.kind != "f" and (self.low, self.high) == (0, self.top):
            return pixels.astype(dtype)
        values = pixels.astype(np.float64)
        if not np.isfinite(values).all():
            raise BadImage("The picture has values that are no finite numbers.", code="image.not-finite")
        scaled = (values - self.low) * (self.top / ((self.high - self.low) or 1))
        return np.rint(scaled).clip(0, self.top).astype(dtype)


def axes_of(shape: tuple[int, ...], name: str, *, prefer_first: bool = False) -> Axes:
    """The axes of an array of N pictures: N x H x W, with channels before or after, or N flat rows of square ones."""
    row = shape[1:]
    if len(row) == 1:
        return _flat(row[0], name)
    if len(row) == 3:
        first, last = 1 <= row[0] <= 4, 1 <= row[2] <= 4
        if not first and not last:
            text = f"{name} has the shape {_shown(shape)}: pictures have 1 to 4 channels, first or last."
            raise BadDataset(text, code="arrays.shape")
        if first and last and (row[0] in {1, 3}) != (row[2] in {1, 3}):
            return Axes(row, is_first=row[0] in {1, 3})
        return Axes(row, is_first=first and (prefer_first or not last))
    return Axes(row, is_first=False)


def picture_bytes(pixels: Array) -> bytes:
    """Pixels, uint8 or uint16, as the bytes of a PGM, PPM or PNG file."""
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if not pixels.size:
        raise BadImage("The picture has no pixel.", code="image.empty")
    if channels in {1, 3}:
        kind, top = 5 if channels == 1 else 6, 255 if pixels.itemsize == 1 else 65535
        head = f"P{kind} {pixels.shape[1]} {pixels.shape[0]} {top}\n"
        return head.encode() + np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).tobytes()
    buffer = io.BytesIO()
    eight = pixels if pixels.itemsize == 1 else (pixels // 257).astype(np.uint8)
    Image.fromarray(np.ascontiguousarray(eight)).save(buffer, "PNG")
    return buffer.getvalue()


def range_of(arrays: Sequence[Array]) -> ValueRange:
    """The range of all arrays together, so that splits are alike; whole numbers to 255 or 65535 stay as they are."""
    if all(array.dtype == np.uint8 for array in arrays):
        return ValueRange(0, 255, 255)
    low, high = _extremes(arrays)
    is_whole = all(array.dtype.kind in "biu" for array in arrays)
    if low >= 0 and high < DARK:
        top = max(1.0, high)
        return ValueRange(0, top, 255, f"Values from 0 to {top:g} are stored as 0 to 255.")
    if low >= 0 and high <= 255:
        return ValueRange(0, 255, 255)
    if low >= 0 and high <= 65535 and is_whole:
        return ValueRange(0, 65535, 65535)
    return ValueRange(low, high, 65535, f"Values from {low:g} to {high:g} are stored as 0 to 65535.")


def _extremes(arrays: Sequence[Array]) -> tuple[float, float]:
    low, high = math.inf, -math.inf
    for array in arrays:
        for block in _blocks(array):
            values = block[np.isfinite(block)] if block.dtype.kind == "f" else block
            if values.size:
                low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 255.0)


def _blocks(array: Array) -> Iterator[Array]:
    per_row = max(1, array.itemsize * array[:1].size)
    step = max(1, BLOCK_BYTES // per_row)
    yield from (array[start : start + step] for start in range(0, len(array), step))


def _flat(width: int, name: str) -> Axes:
    side = math.isqrt(width)
    if side * side == width:
        return Axes((side, side), False, f"Rows of {width} values are read as pictures of {side} x {side}.")
    side = math.isqrt(width // 3)
    if 3 * side * side == width:
        return Axes((3, side, side), True, f"Rows of {width} values are read as {side} x {side} in red, green, blue.")
    raise BadDataset(f"{name} has rows of {width} values, which are no square picture.", code="arrays.shape")


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
