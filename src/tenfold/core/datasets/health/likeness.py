"""Pictures that are one and the same: by the hash of their pixels, and by what another encoding leaves of them.

Two pictures are nearly the same when one is explained by the other, moved and stretched a little, with its brightness
and contrast changed, up to a small part of its variance. To first order that is a least-squares fit of six numbers, and
a few of these lead there (Lucas and Kanade, 1981): the picture itself, 1, its two slopes, and each slope times its
place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.health.fingerprints import SIDE, area_weights
from tenfold.core.datasets.health.neighbours import Neighbours

ALIKE = 0.95
UNEXPLAINED = 0.005
UNEXPLAINED_SMALL = 0.003
WORTH_A_LOOK = 0.05
FARTHEST = 2.0
WEAKEST, STRONGEST = 0.5, 2.0
ROUNDS = 4
EDGE = 2
SOFT_CELLS = 0.8
PAIRS_AT_ONCE = 256
Hashes = npt.NDArray[np.uint8]
Pairs = npt.NDArray[np.int64]
Planes = npt.NDArray[np.floating]
Parts = npt.NDArray[np.floating]
ReadPictures = Callable[[npt.NDArray[np.int64]], npt.NDArray[Any]]
Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Likeness:
    """Which samples are alike. `exact` (N,) names the first sample with the same pixels, which may be itself.

    `group` (N,) names the first of all samples that are the same or nearly so, by way of others, too. `pairs` (P, 2)
    are the near ones of first samples.
    """

    exact: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    pairs: Pairs


def first_with_same_pixels(hashes: Hashes) -> npt.NDArray[np.int64]:
    """For every hash (N, 32) the first place where it stands."""
    keys = np.ascontiguousarray(hashes).view(np.uint64)
    order = np.lexsort(keys.T)
    is_first = np.ones(len(keys), np.bool_)
    is_first[1:] = (keys[order[1:]] != keys[order[:-1]]).any(axis=1)
    found = np.empty(len(keys), np.int64)
    found[order] = order[is_first][np.cumsum(is_first) - 1]
    return found


def alike(exact: npt.NDArray[np.int64], pairs: Pairs) -> Likeness:
    """Joins what is the same and what is nearly so."""
    parent = exact.copy()

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = int(parent[place])
        return place

    for one, other in pairs.tolist():
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    roots = {place: root(place) for place in np.unique(pairs).tolist()}
    group = exact.copy()
    if roots:
        places = np.fromiter(roots, np.int64)
        to = np.arange(len(exact))
        to[places] = np.fromiter(roots.values(), np.int64)
        group = to[exact]
    return Likeness(exact, group, pairs)


def candidates(known: Neighbours, places: npt.NDArray[np.int64]) -> Pairs:
    """Pairs of `places` whose descriptors are alike, each once, the smaller first."""
    rows, columns = np.nonzero((known.likeness >= ALIKE) & (known.indices >= 0))
    pairs = np.stack([places[rows], places[known.indices[rows, columns]]], axis=1)
    pairs.sort(axis=1)
    return np.unique(pairs, axis=0)


def confirmed(
    pairs: Pairs, read: ReadPictures, span: float, *, is_small: bool = False, report: Report = lambda _d, _t: None
) -> Pairs:
    """The pairs that are nearly the same; `read` gives stored pictures (N, H, W, C), a few hundred at a time.

    Small pictures, of at most 32 pixels a side, have less to tell them apart: a smaller part may be left of them.
    """
    limit = UNEXPLAINED_SMALL if is_small else UNEXPLAINED
    kept = [pairs[:0]]
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        chosen = pairs[start : start + PAIRS_AT_ONCE]
        one, other = (_small(read(chosen[:, side]), span) for side in (0, 1))
        near = np.flatnonzero(_fitted(_halved(one), _halved(other))[0] <= WORTH_A_LOOK)
        there, back = unexplained(one[near], other[near]), unexplained(other[near], one[near])
        kept.append(chosen[near[np.minimum(there, back) <= limit]])
        report(start + len(chosen), len(pairs))
    return np.concatenate(kept)


def unexplained(one: Planes, other: Planes) -> Parts:
    """Which part of the variance of `other` (N, C, 32, 32) is left when `one` is moved onto it; 1 where it is too far.

    Too far is more than `FARTHEST` cells at an edge, or contrast changed by more than a factor of two.
    """
    moves = np.zeros((len(one), 4))
    part: Parts = np.ones(len(one))
    gain: Parts = np.ones(len(one))
    for _ in range(ROUNDS):
        part, fit = _fitted(_moved(one, moves), other)
        gain = fit[:, 0]
        step = fit[:, 2:] / np.where(np.abs(gain) < WEAKEST, np.inf, gain)[:, None]
        moves = moves + np.clip(step, -FARTHEST, FARTHEST)
    edge = np.abs(moves[:, :2]) + np.abs(moves[:, 2:])
    is_near = (gain >= WEAKEST) & (gain <= STRONGEST) & (edge <= FARTHEST).all(axis=1)
    return np.where(is_near, part, 1.0)


def _fitted(one: Planes, other: Planes) -> tuple[Parts, npt.NDArray[np.float64]]:
    """The part that is left after the fit, and the fit: gain, brightness, shift and stretch down and to the right."""
    edge = EDGE * one.shape[2] // SIDE
    inner = (..., slice(edge, -edge), slice(edge, -edge))
    down, right = (np.gradient(one, axis=axis)[inner] for axis in (2, 3))
    at = _places(one.shape[2])[edge:-edge]
    cells = int(np.prod(down.shape[1:]))
    columns = (one[inner], np.ones_like(down), down, right, down * at[:, None], right * at)
    known = np.stack([column.reshape(len(one), cells) for column in columns], axis=1)
    known[:, 0] -= known[:, 0].mean(axis=1, keepdims=True)
    target = other[inner].reshape(len(other), cells)
    target = target - target.mean(axis=1, keepdims=True)
    squares = (known @ known.transpose(0, 2, 1)).astype(np.float64)
    squares += np.eye(known.shape[1]) * (1e-9 + 1e-6 * np.trace(squares, axis1=1, axis2=2))[:, None, None]
    fit = np.linalg.solve(squares, (known @ target[:, :, None]).astype(np.float64))[:, :, 0]
    rest = ((target - (fit[:, None, :].astype(np.float32) @ known)[:, 0]) ** 2).sum(axis=1)
    return rest / np.maximum((target**2).sum(axis=1), 1e-12), fit


def _moved(planes: Planes, moves: npt.NDArray[np.float64]) -> Planes:
    """Planes moved by `moves` (N, 4), cells: shift down and right, and stretch of these at the edges."""
    cells, places = np.arange(SIDE), _places(SIDE)
    down = _between(cells + moves[:, 0:1] + moves[:, 2:3] * places)
    right = _between(cells + moves[:, 1:2] + moves[:, 3:4] * places)
    return np.asarray(np.matmul(np.matmul(down[:, None], planes), right[:, None].transpose(0, 1, 3, 2)))


def _between(at: npt.NDArray[np.float64]) -> Planes:
    """Matrices (N, 32, 32) that take values between cells, at (N, 32), from the two nearest."""
    away = np.abs(np.clip(at, 0, SIDE - 1)[:, :, None] - np.arange(SIDE))
    return np.asarray(np.clip(1 - away, 0, None), np.float32)


def _places(size: int) -> Planes:
    """Where the cells of a row are, from -1 to 1."""
    return np.asarray((np.arange(size) + 0.5) / size * 2 - 1, np.float32)


def _halved(planes: Planes) -> Planes:
    rows = (planes[..., ::2, :] + planes[..., 1::2, :]) / 2
    return np.asarray((rows[..., ::2] + rows[..., 1::2]) / 2)


def _small(pictures: npt.NDArray[Any], span: float) -> Planes:
    """Pictures reduced and softened: what is finer than a cell does not move with it."""
    values = np.moveaxis(pictures, 3, 1).astype(np.float32) / np.float32(span)
    rows, columns = _soft_weights(values.shape[2]), _soft_weights(values.shape[3])
    return np.asarray(np.matmul(np.matmul(rows, values), columns.T))


@lru_cache(64)
def _soft_weights(size: int) -> Planes:
    """(32, size): how much of every pixel goes into each cell."""
    cells = np.arange(SIDE)
    near = np.exp(-0.5 * ((cells[:, None] - cells) / SOFT_CELLS) ** 2)
    return np.asarray((near / near.sum(axis=1, keepdims=True)) @ area_weights(size, SIDE), np.float32)
