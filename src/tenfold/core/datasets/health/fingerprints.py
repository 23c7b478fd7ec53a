"""What is kept of a stored picture to find its like: a coarse description that survives another encoding.

A picture is reduced to 32 x 32 by area. Its descriptor is the low frequencies of the brightness, without its mean
(Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, keeps their signs; here they stay
numbers, for a cosine tells more than 64 bits), and of two colour differences, scaled to length 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 32
LUMA_WAVES = 8
CHROMA_WAVES = 4
CHROMA_WEIGHT = 1.0
FLAT = 1.5 / 255
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """`descriptors` (N, D) float16 of length 1, or 0 for a flat picture; `detail` (N,) and `light` (N,) float32.

    `detail` is the standard deviation over the places of a picture in the channel where it is largest, `light` the mean
    over all; both in spans, 0 to 1 for 8 and 16 bits.
    """

    descriptors: npt.NDArray[np.float16]
    detail: npt.NDArray[np.float32]
    light: npt.NDArray[np.float32]


def descriptor_size(channels: int) -> int:
    """How many numbers a descriptor has."""
    return LUMA_WAVES**2 - 1 + (2 * CHROMA_WAVES**2 if channels == 3 else 0)


def fingerprint(pictures: npt.NDArray[Any], span: float) -> Fingerprints:
    """Fingerprints of stored pictures (N, H, W, C), whose white is `span` over black."""
    values = np.moveaxis(pictures, 3, 1).astype(np.float32) / np.float32(span)
    detail = values.std(axis=(2, 3)).max(axis=1)
    small = reduced(values)
    parts = [_low_waves(small.mean(axis=1), LUMA_WAVES)[:, 1:]]
    if small.shape[1] == 3:
        red, green, blue = small[:, 0], small[:, 1], small[:, 2]
        for difference in (red - blue, green - (red + blue) / 2):
            parts.append(CHROMA_WEIGHT * _low_waves(difference, CHROMA_WAVES))
    described = np.concatenate(parts, axis=1)
    length = np.linalg.norm(described, axis=1, keepdims=True)
    is_flat = (detail < FLAT)[:, None] | (length < 1e-6)
    unit = np.where(is_flat, 0, described / np.maximum(length, 1e-6))
    return Fingerprints(unit.astype(np.float16), detail, values.mean(axis=(1, 2, 3)))


def reduced(values: Floats) -> Floats:
    """Pictures (N, C, H, W) as (N, C, 32, 32), every cell the mean over its area."""
    rows, columns = area_weights(values.shape[2], SIDE), area_weights(values.shape[3], SIDE)
    return np.asarray(np.matmul(np.matmul(rows, values), columns.T))


@lru_cache(64)
def area_weights(size: int, cells: int) -> Floats:
    """(cells, size): how much of each cell every pixel covers; rows add up to 1."""
    edges = np.linspace(0, size, cells + 1)
    pixels = np.arange(size)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(covered, 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _low_waves(planes: Floats, count: int) -> Floats:
    """The lowest cosine coefficients of planes (N, 32, 32) as (N, count * count), the mean first."""
    waves = _cosines(count)
    found = np.matmul(np.matmul(waves, planes), waves.T)
    return np.asarray(found.reshape(len(planes), -1))


@lru_cache(8)
def _cosines(count: int) -> Floats:
    """Rows of the orthonormal cosine transform (DCT-II) of length 32."""
    places = (np.arange(SIDE) + 0.5) / SIDE
    waves = np.cos(np.pi * np.arange(count)[:, None] * places) * np.sqrt(2 / SIDE)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves, np.float32)
