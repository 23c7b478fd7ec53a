"""How a value is spread over the samples of a revision, as bars for a chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_BARS = 20
WIDE_RATIO = 16
WHOLE = 2**53


@dataclass(frozen=True)
class Bar:
    """How many samples have a value from `low` to `high`, both included."""

    low: float
    high: float
    count: int


def distribution(values: npt.NDArray[Any]) -> tuple[Bar, ...]:
    """At most `MOST_BARS` bars over whole numbers, numbers from 0 to 1 or others; the first and last are not empty.

    Whole numbers whose largest is more than `WIDE_RATIO` times the smallest are parted by their ratio.
    """
    if not len(values):
        return ()
    if not np.issubdtype(values.dtype, np.integer):
        return _numbers(values) if values.dtype == np.float64 else _shares(values)
    low, high = int(values.min()), int(values.max())
    edges = _whole_edges(low, high)
    counts = np.diff(_num_below(values, edges))
    bounds = edges.tolist()
    return tuple(
        Bar(first, after - 1, count)
        for first, after, count in zip(bounds[:-1], bounds[1:], counts.tolist(), strict=True)
    )


def _whole_edges(low: int, high: int) -> npt.NDArray[np.int64]:
    """Where bars begin, and after all of them the number behind the last."""
    if high - low < MOST_BARS:
        return np.arange(low, high + 2)
    if low > 0 and high > WIDE_RATIO * low:
        between = np.round(np.geomspace(low, high + 1, MOST_BARS + 1)).astype(np.int64)
    else:
        between = np.round(np.linspace(low, high + 1, MOST_BARS + 1)).astype(np.int64)
    between[0], between[-1] = low, high + 1
    return np.unique(between)


def _num_below(values: npt.NDArray[Any], edges: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many values are below each edge."""
    return np.array([np.count_nonzero(values < edge) for edge in edges.tolist()], np.int64)


def _numbers(values: npt.NDArray[np.float64]) -> tuple[Bar, ...]:
    """Bars of equal width over any finite numbers; whole ones are counted as such where they are few."""
    low, high = float(values.min()), float(values.max())
    if high - low < MOST_BARS and max(abs(low), abs(high)) < WHOLE and not np.any(values % 1):
        return distribution(values.astype(np.int64))
    width = high / MOST_BARS - low / MOST_BARS  # not of the difference, which may be past the largest number
    inner = [low + width * at for at in range(1, MOST_BARS)]
    edges = np.unique(np.array([low, *inner, high]))
    counts = np.bincount(np.searchsorted(edges[1:-1], values, side="right"), minlength=max(1, len(edges) - 1))
    firsts, lasts = edges[:-1].tolist() or [low], edges[1:].tolist() or [high]
    return tuple(Bar(*bar) for bar in zip(firsts, lasts, counts.tolist(), strict=True))


def _shares(values: npt.NDArray[Any]) -> tuple[Bar, ...]:
    places = np.clip((values * MOST_BARS).astype(np.int64), 0, MOST_BARS - 1)
    counts = np.bincount(places, minlength=MOST_BARS)
    filled = np.flatnonzero(counts)
    return tuple(
        Bar(place / MOST_BARS, (place + 1) / MOST_BARS, int(counts[place]))
        for place in range(int(filled[0]), int(filled[-1]) + 1)
    )
