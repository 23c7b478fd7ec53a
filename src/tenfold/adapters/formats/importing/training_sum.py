"""The mean picture of the training split, added up while the pictures pass by."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.importing.arrays import ImportArrays
from tenfold.core.datasets.ports import PixelArray

BLOCK_BYTES = 16 << 20
PICTURES_AT_ONCE = 257  # so many times 255 is the most that 16 bits hold
Mask = npt.NDArray[np.bool_]


class TrainingSum:
    """The sum of the pictures for training. Which they are is settled last: what was planned is put right then.

    Whole numbers are added exactly, so in any order the same; 32-bit numbers are added in the order of their places,
    once all are there.
    """

    def __init__(self, planned: Mask, shape: tuple[int, int, int], dtype: np.dtype[np.generic]) -> None:
        is_whole = dtype.kind == "u"
        self._planned = planned if is_whole else np.zeros_like(planned)
        self._added = np.zeros_like(planned)
        self._sum: npt.NDArray[Any] = np.zeros(shape, np.int64 if is_whole else np.float64)

    def planned(self, start: int, stop: int) -> Mask:
        """Which places from start to stop are to be added as they pass by."""
        return self._planned[start:stop]

    def add(self, start: int, stop: int, total: npt.NDArray[Any]) -> None:
        """Adds the sum over the planned places from start to stop; a rejected picture counts as black."""
        self._sum += total.astype(self._sum.dtype)
        self._added[start:stop] = self._planned[start:stop]

    def mean(self, arrays: ImportArrays, *, is_training: Mask, is_accepted: Mask) -> npt.NDArray[np.float32]:
        """The mean, height x width x channels, in the values of stored pixels."""
        self._correct(arrays, np.flatnonzero(is_training & ~self._added), 1)
        self._correct(arrays, np.flatnonzero(self._added & is_accepted & ~is_training), -1)
        return (self._sum / max(1, int(is_training.sum()))).astype(np.float32)

    def _correct(self, arrays: ImportArrays, places: npt.NDArray[np.intp], sign: int) -> None:
        at_once = max(1, BLOCK_BYTES // arrays.row_bytes)
        for start in range(0, len(places), at_once):
            total = sum_pictures(arrays.pictures(places[start : start + at_once]))
            self._sum += sign * total.astype(self._sum.dtype)


def sum_pictures(pictures: PixelArray) -> npt.NDArray[Any]:
    """The sum over N pictures (N, H, W, C): of whole numbers exact, for N under 65,536."""
    total: npt.NDArray[Any] = np.zeros(pictures.shape[1:], np.uint32 if pictures.dtype.kind == "u" else np.float64)
    narrow = np.uint16 if pictures.dtype == np.uint8 else total.dtype
    for start in range(0, len(pictures), PICTURES_AT_ONCE):
        total += np.add.reduce(pictures[start : start + PICTURES_AT_ONCE], axis=0, dtype=narrow)
    return total
