"""The split of samples that belong together: a group, such as a patient, is in one part as a whole.

Groups are drawn as single samples are, stratum by stratum. Each goes where most is wanting by then, counted in samples,
so that no part has more than its share by over one group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.split import NO_SPLIT, TRAIN, Codes, Draws, Labels, runs

Groups = npt.NDArray[np.int32]
NO_GROUP = -1
_Units = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Grouping:
    """The group of every sample, -1 for one that stands alone, and the number drawn for each group."""

    groups: Groups
    draws: Draws


def assign_groups(strata: Labels, given: Codes, draws: Draws, grouping: Grouping, *, shares: Sequence[float]) -> Codes:
    """The split of every sample; `shares` are those of train, val and test, together 1.

    A group is of the stratum that most of its samples are of, and has the split that any of them is given; those free
    or given to train are divided. Of a stratum with at least three groups every part whose share is above zero has one.
    """
    units, unit_draws = _units(draws, grouping)
    sizes = np.bincount(units)
    fixed = np.full(len(sizes), NO_SPLIT, np.int8)
    np.maximum.at(fixed, units, given)
    result = np.maximum(fixed, np.int8(TRAIN))
    of_unit = _commonest(units, strata, len(sizes))
    free = np.flatnonzero(fixed <= TRAIN)
    order = free[np.lexsort((unit_draws[free], of_unit[free]))]
    wanting = [0.0, 0.0, 0.0]
    starts, ends = runs(of_unit[order])
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        here = order[start:end]
        result[here] = _divide(sizes[here].tolist(), shares, wanting)
    return result[units]


def _divide(sizes: list[int], shares: Sequence[float], wanting: list[float]) -> list[int]:
    """The part of each unit of a stratum; `wanting` is how many samples each part lacks so far, and is kept up."""
    parts = []
    for size in sizes:
        for part, share in enumerate(shares):
            wanting[part] += share * size
        chosen = wanting.index(max(wanting))
        wanting[chosen] -= size
        parts.append(chosen)
    if len(sizes) >= 3:
        _leave_none_empty(parts, sizes, shares, wanting)
    return parts


def _leave_none_empty(parts: list[int], sizes: list[int], shares: Sequence[float], wanting: list[float]) -> None:
    """Gives a part without a unit the smallest one of the part that has most of them."""
    for part, share in enumerate(shares):
        if share > 0 and part not in parts:
            fullest = max(range(len(shares)), key=parts.count)
            moved = min((at for at, own in enumerate(parts) if own == fullest), key=sizes.__getitem__)
            parts[moved] = part
            wanting[fullest] += sizes[moved]
            wanting[part] -= sizes[moved]


def _units(draws: Draws, grouping: Grouping) -> tuple[_Units, Draws]:
    """The unit of every sample, a group or itself, numbered as they are met; and the number drawn for each unit."""
    groups = grouping.groups
    alone = np.arange(len(groups), dtype=np.int64) + len(grouping.draws)
    keys = np.where(groups == NO_GROUP, alone, groups)
    _, firsts, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    firsts = firsts[order]
    is_alone = groups[firsts] == NO_GROUP
    unit_draws = draws[firsts].copy()
    unit_draws[~is_alone] = grouping.draws[groups[firsts[~is_alone]]]
    return number[inverse], unit_draws


def _commonest(units: _Units, strata: Labels, num_units: int) -> Labels:
    """The stratum that most samples of each unit are of, of equals the first."""
    pairs, counts = np.unique(np.stack([units, strata.astype(np.int64)], axis=1), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], -counts, pairs[:, 0]))
    found, first = np.unique(pairs[order, 0], return_index=True)
    result = np.zeros(num_units, np.int32)
    result[found] = pairs[order[first], 1]
    return result
