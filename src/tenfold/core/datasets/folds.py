"""Folds: samples for training and validation dealt into parts, each of which is validated on once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.model import SPLITS, Split
from tenfold.core.datasets.ports import Int64Array, PixelArray, RevisionReader

Folds = npt.NDArray[np.int16]
Groups = npt.NDArray[np.integer]


def assign_folds(
    indices: Int64Array, labels: npt.NDArray[np.integer], num_folds: int, *, groups: Groups | None = None
) -> Folds:
    """The fold of every sample, from 0: every class is dealt evenly, and what has one group stays together.

    A sample's turn depends on its index alone, so that a few samples more or less move few others.
    """
    if groups is not None:
        return _deal_groups(groups, labels, num_folds)
    order = np.lexsort((_drawn(indices), labels))
    folds = np.empty(len(indices), np.int16)
    folds[order] = np.arange(len(indices)) % num_folds
    return folds


def _deal_groups(groups: Groups, labels: npt.NDArray[np.integer], num_folds: int) -> Folds:
    """Whole groups, the largest first, each to the fold that has least of its commonest class, then least of all."""
    _, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    counts = np.zeros((len(sizes), int(labels.max()) + 1), np.int64)
    np.add.at(counts, (member, labels), 1)
    filled = np.zeros((num_folds, counts.shape[1]), np.int64)
    fold_of = np.empty(len(sizes), np.int16)
    for group in np.argsort(-sizes, kind="stable").tolist():
        common = int(counts[group].argmax())
        fold = int(np.lexsort((filled.sum(axis=1), filled[:, common]))[0])
        fold_of[group] = fold
        filled[fold] += counts[group]
    return fold_of[member]


def _drawn(indices: Int64Array) -> npt.NDArray[np.uint64]:
    """Numbers that look random and that only an index decides (Steele, Lea and Flood, 2014: SplitMix64)."""
    mixed = (indices.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def fold_members(reader: RevisionReader, num_folds: int) -> tuple[Int64Array, Folds]:
    """The indices of a revision's samples for training and validation, ascending, and the fold of each."""
    indices, (groups,) = _joined(reader, ("train", "val"), reader.groups)
    if groups is not None:
        alone = groups < 0
        groups = groups.astype(np.int64)
        groups[alone] = groups.max(initial=0) + 1 + np.arange(int(alone.sum()))
    return indices, assign_folds(indices, reader.labels_at(indices), num_folds, groups=groups)


def _joined(
    reader: RevisionReader, splits: Sequence[Split], *facts: Callable[[str], npt.NDArray[Any] | None]
) -> tuple[Int64Array, list[npt.NDArray[Any] | None]]:
    """The indices of all samples of some splits, ascending, and what readers of a split tell of each."""
    indices = np.concatenate([reader.indices(split) for split in splits])
    order = np.argsort(indices)
    told: list[npt.NDArray[Any] | None] = []
    for fact in facts:
        parts = [part for part in map(fact, splits) if part is not None]
        told.append(np.concatenate(parts)[order] if parts else None)
    return indices[order], told


class FoldedSamples:
    """Fulfils `tenfold.core.training.ports.Samples`: validation is one fold, training all others, the test stays."""

    def __init__(self, reader: RevisionReader, *, fold: int, num_folds: int) -> None:
        indices, folds = fold_members(reader, num_folds)
        self._reader = reader
        self._indices = {
            "train": indices[folds != fold],
            "val": indices[folds == fold],
            "test": reader.indices("test"),
        }

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self._reader.input_shape

    @property
    def is_packed(self) -> bool:
        return self._reader.is_packed

    def pictures(self, split: str, places: Int64Array) -> PixelArray:
        return self._reader.pictures_at(self._indices[split][places])

    def labels(self, split: str) -> npt.NDArray[Any]:
        return self._reader.labels_at(self._indices[split])

    def weights(self, split: str) -> npt.NDArray[np.float32] | None:
        indices, (weights,) = _joined(self._reader, SPLITS, self._reader.weights)
        return None if weights is None else weights[np.searchsorted(indices, self._indices[split])]
