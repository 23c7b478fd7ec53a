"""The seeded, stratified split into train, val and test.

A sample's place depends on the seed, its key and its class alone, never on the order in which files were found. Splits
are codes: 0, 1, 2 for train, val, test (`SPLITS`), -1 for none. All functions are linear in memory, a few bytes a
sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.model import SPLITS
from tenfold.core.errors import Invalid

Codes = npt.NDArray[np.int8]
Labels = npt.NDArray[np.int32]
Draws = npt.NDArray[np.uint64]
NO_SPLIT = -1
TRAIN = 0


def draw(seed: int, key: str) -> int:
    """A uniform 64-bit number that only (seed, key) decide."""
    return int(draw_all(seed, [key])[0])


def draw_all(seed: int, keys: Iterable[str]) -> Draws:
    """The number drawn for each key."""
    seeded = blake2b(digest_size=8, key=seed.to_bytes(8, "big"))
    digests = bytearray()
    for key in keys:
        own = seeded.copy()
        own.update(key.encode("utf-8", "surrogateescape"))
        digests += own.digest()
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def assign_splits(labels: Labels, given: Codes, draws: Draws, *, validation_share: float, test_share: float) -> Codes:
    """The split of every sample, shares in percent; samples in the order of their keys, which settles equal draws.

    Samples with a given split keep it; a share is taken, class by class, from the others and from those given to train,
    and only for a split that no sample was given to. Counts follow the largest remainder; every class with at least
    three free samples has one in each split whose share is above zero.
    """
    shares = open_shares(given, validation_share=validation_share, test_share=test_share)
    result = np.where(given == NO_SPLIT, np.int8(TRAIN), given).astype(np.int8)
    for members in by_label(labels):
        free = members[given[members] <= TRAIN]
        order = free[np.argsort(draws[free], kind="stable")]
        train, validation, test = split_counts(len(order), validation_share=shares[0], test_share=shares[1])
        result[order[train : train + validation]] = SPLITS.index("val")
        result[order[len(order) - test :]] = SPLITS.index("test")
    return result


def open_shares(given: Codes, *, validation_share: float, test_share: float) -> tuple[float, float]:
    """The shares for validation and testing, 0 where samples are given to that split; raises `Invalid`."""
    validation, test = (
        0.0 if np.any(given == SPLITS.index(split)) else share
        for split, share in (("val", validation_share), ("test", test_share))
    )
    if validation < 0 or test < 0 or validation + test > 100:
        raise Invalid(f"The shares are {validation_share:g} % and {test_share:g} %; allowed are 0 to 100 % together.")
    return validation, test


def split_counts(total: int, *, validation_share: float, test_share: float) -> tuple[int, int, int]:
    """How many of `total` samples go to train, val and test, shares in percent."""
    parts = (Fraction(validation_share) / 100, Fraction(test_share) / 100)
    exact = [total * (1 - sum(parts)), total * parts[0], total * parts[1]]
    counts = [math.floor(value) for value in exact]
    by_remainder = sorted(range(3), key=lambda place: (counts[place] - exact[place], place))
    for place in by_remainder[: total - sum(counts)]:
        counts[place] += 1
    if total >= 3:
        _leave_none_empty(counts, [value > 0 for value in exact])
    return counts[0], counts[1], counts[2]


def _leave_none_empty(counts: list[int], wanted: Sequence[bool]) -> None:
    for place in range(3):
        if wanted[place] and counts[place] == 0:
            counts[counts.index(max(counts))] -= 1
            counts[place] = 1


def within_limits(labels: Labels, draws: Draws, *, at_least: int, at_most: int | None) -> npt.NDArray[np.bool_]:
    """Which samples stay: none of a class with fewer than `at_least`, and at most `at_most` of a class, drawn."""
    stays = np.ones(len(labels), np.bool_)
    if at_least <= 1 and at_most is None:
        return stays
    for members in by_label(labels):
        if len(members) < at_least:
            stays[members] = False
        elif at_most is not None:
            stays[members[np.argsort(draws[members], kind="stable")[at_most:]]] = False
    return stays


def by_label(labels: Labels) -> Iterator[npt.NDArray[np.int64]]:
    """Which samples have each label that there is, ascending; more than one label at a time is not in memory twice."""
    order = np.argsort(labels, kind="stable")
    starts, ends = runs(labels[order])
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield order[start:end]


def runs(ordered: Labels) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where each run of equal labels starts and ends."""
    is_start = np.ones(len(ordered), np.bool_)
    is_start[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(is_start).astype(np.int64)
    return starts, np.append(starts[1:], len(ordered)).astype(np.int64)[: len(starts)]
