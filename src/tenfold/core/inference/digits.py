"""A drawn digit as MNIST's were made: scaled into 20 x 20, its centre of mass in the middle of 28 x 28.

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SIDE = 28
BOX = 20


def centre_digit(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Ink (H, W), 0 for none to 255, as (28, 28); all zero where nothing was drawn."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.uint8)
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float64)
    scale = BOX / max(box.shape)
    height, width = (max(1, round(side * scale)) for side in box.shape)
    small = _averaged(box.shape[0], height) @ box @ _averaged(box.shape[1], width).T
    total = small.sum()
    top = round(SIDE / 2 - 0.5 - float(small.sum(axis=1) @ np.arange(height)) / total)
    left = round(SIDE / 2 - 0.5 - float(small.sum(axis=0) @ np.arange(width)) / total)
    top, left = np.clip((top, left), 0, (SIDE - height, SIDE - width)).tolist()
    centred = np.zeros((SIDE, SIDE))
    centred[top : top + height, left : left + width] = small
    return centred.round().astype(np.uint8)


def _averaged(source: int, target: int) -> npt.NDArray[np.float64]:
    """The (target, source) matrix by which each new pixel is the mean of what it covers."""
    edges = np.linspace(0, source, target + 1)
    begins, ends = edges[:-1, None], edges[1:, None]
    places = np.arange(source)[None]
    covered = np.clip(np.minimum(ends, places + 1) - np.maximum(begins, places), 0, None)
    weights: npt.NDArray[np.float64] = covered / covered.sum(axis=1, keepdims=True)
    return weights
