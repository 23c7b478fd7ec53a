"""What the labels of a dataset stand for: classes, sets of classes, or numbers; and the strata that a split keeps.

A set of classes is a row of bits, one a class, the first class in the highest bit of the first byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.label_texts import split_classes
from tenfold.core.datasets.model import ONE_CLASS, SPLITS, LabelKind
from tenfold.core.datasets.split import Codes, Labels

Bits = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
MOST_BINS = 20
SMALLEST_BIN = 20
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class LabelSpace:
    """Classes, and for several classes a picture the distinct sets that labels stand for, N x bytes of bits."""

    kind: LabelKind
    classes: tuple[str, ...]
    sets: Bits | None = None

    def strata(self, labels: Labels, values: Values | None, *, num_units: int) -> Labels:
        """What a split has alike in all its parts: the class, the rarest of several classes, a range of numbers.

        `num_units` is how many groups and lone samples are divided: there are fewer ranges where these are few.
        """
        if self.kind == "number":
            assert values is not None
            return quantile_bins(values, num_units=num_units)
        if self.sets is None:
            return labels
        return self._rarest(np.bincount(labels, minlength=len(self.sets)))[labels]

    def counts(self, labels: Labels, splits: Codes) -> dict[str, tuple[int, ...]]:
        """Samples by split and class; one with several classes counts for each of them."""
        return {split: tuple(self._counted(labels[splits == code]).tolist()) for code, split in enumerate(SPLITS)}

    def kept(self, labels: Labels, stays: npt.NDArray[np.bool_]) -> tuple[LabelSpace, Labels]:
        """Without the classes that lose every sample, and all labels in its numbering (any where nothing stays)."""
        is_kept = self._counted(labels[stays]) > 0
        classes = tuple(name for name, kept in zip(self.classes, is_kept.tolist(), strict=True) if kept)
        if self.sets is not None:
            parts = [np.packbits(bits[:, is_kept], axis=1) for _, bits in _unpacked(self.sets, len(self.classes))]
            return LabelSpace(self.kind, classes, np.concatenate(parts)), labels
        if self.kind == "number":
            return self, labels
        new_label = (np.cumsum(is_kept) - 1).astype(np.int32)
        return LabelSpace(self.kind, classes), new_label[labels]

    def columns(self, labels: Labels) -> dict[str, npt.NDArray[Any]]:
        """What the columns `labels` and `class_sets` hold of these labels; no single class is -1."""
        if self.kind in ONE_CLASS:
            return {"labels": labels}
        sets = {"class_sets": self.sets[labels]} if self.sets is not None else {}
        return {"labels": np.full(len(labels), -1, np.int32), **sets}

    def _counted(self, labels: Labels) -> Counts:
        if self.kind == "number":
            return np.zeros(0, np.int64)
        if self.sets is None:
            return np.bincount(labels, minlength=len(self.classes)).astype(np.int64)
        return count_bits(self.sets, len(self.classes), times=np.bincount(labels, minlength=len(self.sets)))

    def _rarest(self, times: npt.NDArray[np.integer]) -> Labels:
        """The rarest class of every set; a number behind all classes for the empty one."""
        assert self.sets is not None
        num_classes = len(self.classes)
        counts = count_bits(self.sets, num_classes, times=times)
        most = np.iinfo(np.int64).max
        rarest = np.full(len(self.sets), num_classes, np.int32)
        for start, bits in _unpacked(self.sets, num_classes):
            has_any = bits.any(axis=1)
            found = np.where(bits, counts, most).argmin(axis=1)
            rarest[start : start + len(bits)] = np.where(has_any, found, num_classes)
        return rarest


def quantile_bins(values: Values, *, num_units: int) -> Labels:
    """At most `MOST_BINS` ranges with about as many numbers in each; equal ones together.

    On the average a range has at least `SMALLEST_BIN` of the units that are divided.
    """
    num_bins = min(MOST_BINS, num_units // SMALLEST_BIN)
    if num_bins < 2:
        return np.zeros(len(values), np.int32)
    edges = np.unique(np.quantile(values, np.arange(1, num_bins) / num_bins, method="lower"))
    return np.searchsorted(edges, values, side="right").astype(np.int32)


def pack_sets(texts: Sequence[str], classes: Sequence[str]) -> Bits:
    """Sets of classes, as `join_classes` writes them, as rows of bits; classes that are not known are left out."""
    place = {name: at for at, name in enumerate(classes)}
    rows = np.zeros((len(texts), -(-len(classes) // 8)), np.uint8)
    for row, text in enumerate(texts):
        for name in split_classes(text):
            at = place.get(name)
            if at is not None:
                rows[row, at >> 3] |= 128 >> (at & 7)
    return rows


def has_class(sets: Bits, label: int) -> npt.NDArray[np.bool_]:
    """Which rows of bits have a class."""
    is_set: npt.NDArray[np.bool_] = (sets[:, label >> 3] & (128 >> (label & 7))) != 0
    return is_set


def classes_in(row: Bits, num_classes: int) -> tuple[int, ...]:
    """The classes in one row of bits."""
    return tuple(np.flatnonzero(np.unpackbits(row, count=num_classes)).tolist())


def count_bits(sets: Bits, num_classes: int, *, times: npt.NDArray[np.integer] | None = None) -> Counts:
    """How often each class is in rows of bits, each counting so many times."""
    total = np.zeros(num_classes, np.int64)
    for start, bits in _unpacked(sets, num_classes):
        if times is None:
            total += bits.sum(axis=0, dtype=np.int64)
        else:
            total += times[start : start + len(bits)].astype(np.int64) @ bits.astype(np.int64)
    return total


def _unpacked(sets: Bits, num_classes: int) -> Iterator[tuple[int, Bits]]:
    """Rows of bits as rows of 0 and 1, some at a time."""
    step = max(1, _AT_ONCE // max(1, num_classes))
    for start in range(0, max(1, len(sets)), step):
        yield start, np.unpackbits(sets[start : start + step], axis=1, count=num_classes)
