"""The nearest of every vector, in time that grows with N times the square root of N and in memory that does not.

Up to `ALL_PAIRS` vectors everything is compared with everything. Beyond, vectors are looked for among those that share
one of their `BUCKETS_EACH` nearest centres with them (an inverted file: Jegou, Douze and Schmid, 2011, without the
quantisation), which misses few of the near ones, and none that are nearly equal unless a bucket is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

ALL_PAIRS = 10_000
PER_BUCKET = 500
MOST_CENTRES = 2_048
BUCKETS_EACH = 3
LARGEST_BUCKET = 8_192
ROUNDS = 4
BLOCK = 512
Vectors = npt.NDArray[np.float16] | npt.NDArray[np.float32]
Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """For every vector its k nearest others: `indices` (N, k), -1 where there are fewer, and `likeness`, their cosine.

    The nearest stand first.
    """

    indices: npt.NDArray[np.int32]
    likeness: npt.NDArray[np.float32]


def nearest(vectors: Vectors, k: int, *, report: Report = lambda _done, _total: None, seed: int = 0) -> Neighbours:
    """The k nearest by cosine of vectors (N, D) of length 1; the same for the same vectors and seed."""
    known = _Known(len(vectors), k)
    everything = np.arange(len(vectors))
    if len(vectors) <= ALL_PAIRS:
        known.compare(vectors, everything, report=report)
        return known.sorted()
    homes = _homes(vectors, _centres(vectors, seed))
    order = np.argsort(homes, axis=None, kind="stable")
    bounds = np.searchsorted(homes.ravel()[order], np.arange(homes.max() + 2))
    for number, (start, end) in enumerate(pairwise(bounds.tolist())):
        members = order[start:end] // BUCKETS_EACH
        for first in range(0, len(members), LARGEST_BUCKET):
            known.compare(vectors, members[first : first + LARGEST_BUCKET])
        report(number + 1, len(bounds) - 1)
    return known.sorted()


class _Known:
    """The nearest that were found so far."""

    def __init__(self, count: int, k: int) -> None:
        self._k = k
        self._indices = np.full((count, k), -1, np.int32)
        self._likeness = np.full((count, k), -np.inf, np.float32)

    def compare(
        self, vectors: Vectors, members: npt.NDArray[np.intp], *, report: Report = lambda _done, _total: None
    ) -> None:
        """Compares all members with each other."""
        inside = np.asarray(vectors[members], np.float32)
        k = min(self._k, len(members) - 1)
        if k < 1:
            return
        for start in range(0, len(members), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(members)))
            likeness = inside[rows] @ inside.T
            likeness[np.arange(len(rows)), rows] = -np.inf
            best, alike = _greatest(likeness, k)
            self._take(members[rows], members[best].astype(np.int32), alike)
            report(int(rows[-1]) + 1, len(members))

    def _take(
        self, rows: npt.NDArray[np.intp], indices: npt.NDArray[np.int32], likeness: npt.NDArray[np.float32]
    ) -> None:
        both = np.concatenate([self._indices[rows], indices], axis=1)
        alike = np.concatenate([self._likeness[rows], likeness], axis=1)
        by_index = np.argsort(both, axis=1, kind="stable")
        both, alike = np.take_along_axis(both, by_index, axis=1), np.take_along_axis(alike, by_index, axis=1)
        alike[:, 1:][both[:, 1:] == both[:, :-1]] = -np.inf
        best = np.argsort(-alike, axis=1, kind="stable")[:, : self._k]
        self._indices[rows] = np.take_along_axis(both, best, axis=1)
        self._likeness[rows] = np.take_along_axis(alike, best, axis=1)

    def sorted(self) -> Neighbours:
        self._indices[np.isneginf(self._likeness)] = -1
        return Neighbours(self._indices, self._likeness)


def _centres(vectors: Vectors, seed: int) -> npt.NDArray[np.float32]:
    """Centres that lie where many vectors are: a few rounds of spherical k-means over a sample."""
    chance = np.random.Generator(np.random.Philox(key=[seed, len(vectors)]))
    count = min(MOST_CENTRES, max(2, len(vectors) // PER_BUCKET))
    sample = np.asarray(vectors[np.sort(chance.choice(len(vectors), min(len(vectors), 40 * count), False))], np.float32)
    centres = sample[chance.choice(len(sample), count, False)].copy()
    for _ in range(ROUNDS):
        home = np.concatenate([(block @ centres.T).argmax(axis=1) for block in _blocks(sample)])
        sums = np.zeros_like(centres)
        np.add.at(sums, home, sample)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(length > 1e-6, sums / np.maximum(length, 1e-6), centres)
    return centres


def _homes(vectors: Vectors, centres: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """The nearest centres of every vector, (N, BUCKETS_EACH)."""
    nearest = [_greatest(block @ centres.T, BUCKETS_EACH)[0] for block in _blocks(vectors)]
    return np.concatenate(nearest).astype(np.int32)


def _greatest(values: npt.NDArray[np.float32], count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Where the greatest of each row are and what they are, greatest first; `values` are spoilt.

    One pass for each is several times as fast as a partition, as long as they are few.
    """
    rows = np.arange(len(values))
    places, found = np.empty((len(values), count), np.intp), np.empty((len(values), count), np.float32)
    for number in range(count):
        places[:, number] = values.argmax(axis=1)
        found[:, number] = values[rows, places[:, number]]
        values[rows, places[:, number]] = -np.inf
    return places, found


def _blocks(vectors: Vectors) -> Iterator[npt.NDArray[np.float32]]:
    size = 8 * BLOCK
    return (np.asarray(vectors[start : start + size], np.float32) for start in range(0, len(vectors), size))
