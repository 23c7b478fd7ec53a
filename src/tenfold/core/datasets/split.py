"""The seeded, stratified split into train, val and test.

A sample's place depends on the seed, its key and its class alone, never on the order in which files were found.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.model import SPLITS, Split
from tenfold.core.errors import Invalid


@dataclass(frozen=True, slots=True)
class SplitItem:
    """A sample to place: its stable key (its path), its class, and the split its source already gave it."""

    key: str
    label: int
    given: Split | None = None


def draw(seed: int, key: str) -> int:
    """A uniform 64-bit number that only (seed, key) decide."""
    digest = blake2b(key.encode("utf-8", "surrogateescape"), digest_size=8, key=seed.to_bytes(8, "big"))
    return int.from_bytes(digest.digest(), "big")


def split_samples(items: Sequence[SplitItem], *, seed: int, validation_share: float, test_share: float) -> list[Split]:
    """The split of every item, shares in percent.

    Items with a given split keep it; a share is taken, class by class, from the others and from those given to train,
    and only for a split that no item was given to. Counts follow the largest remainder; every class with at least
    three free samples has one in each split whose share is above zero. Keys are unique.
    """
    given = {item.given for item in items}
    shares = {
        "val": 0.0 if "val" in given else validation_share,
        "test": 0.0 if "test" in given else test_share,
    }
    if any(share < 0 for share in shares.values()) or sum(shares.values()) > 100:
        raise Invalid(f"The shares are {validation_share:g} % and {test_share:g} %; allowed are 0 to 100 % together.")
    result: list[Split] = [item.given or "train" for item in items]
    free: dict[int, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        if item.given in (None, "train"):
            free[item.label].append(index)
    for indices in free.values():
        ordered = sorted(indices, key=lambda index: (draw(seed, items[index].key), items[index].key))
        counts = split_counts(len(ordered), validation_share=shares["val"], test_share=shares["test"])
        start = counts[0]
        for split, count in zip(SPLITS[1:], counts[1:], strict=True):
            for index in ordered[start : start + count]:
                result[index] = split
            start += count
    return result


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


def choose_at_most(items: Iterable[SplitItem], *, seed: int, limit: int) -> set[str]:
    """The keys of at most `limit` items of every class, chosen by the seed."""
    by_class: dict[int, list[str]] = defaultdict(list)
    for item in items:
        by_class[item.label].append(item.key)
    chosen: set[str] = set()
    for keys in by_class.values():
        chosen.update(sorted(keys, key=lambda key: (draw(seed, key), key))[:limit])
    return chosen


def group_by_split(splits: Sequence[Split]) -> npt.NDArray[np.int64]:
    """The order of rows that makes train, val and test follow each other and moves as few rows as possible.

    `order[place]` is the row that comes to stand at `place`.
    """
    codes = np.array([SPLITS.index(split) for split in splits], np.int64)
    places = np.sort(codes)
    order = np.arange(len(codes))
    for code in range(len(SPLITS)):
        order[(places == code) & (codes != code)] = np.flatnonzero((codes == code) & (places != code))
    return order
