"""Which files become samples of which class and split: before decoding, and again over what could be decoded.

Files are known here by their rank, their place in the order of paths; what is kept of each is a few bytes, so that a
million of them need no more than a small dataset's pictures do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.model import SPLITS, RejectedFile
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.datasets.split import NO_SPLIT, Codes, Draws, Labels, assign_splits, within_limits
from tenfold.core.errors import BadDataset

Ranks = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FoundFiles:
    """All files by rank: class (an index into `classes`), given split or -1, and the number drawn for each."""

    classes: tuple[str, ...]
    labels: Labels
    given: Codes
    draws: Draws


@dataclass(frozen=True)
class Plan:
    """What is read, in which order: place `i` is the file of rank `ranks[i]`. Places go by split, class and path.

    `labels` and `given` are by place. `skipped` counts what a limit left out, `notes` says it to people.
    """

    classes: tuple[str, ...]
    ranks: Ranks
    labels: Labels
    given: Codes
    draws: Draws
    skipped: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Settlement:
    """What stays: classes with samples, and by place the label and the split, -1 where the picture was rejected."""

    classes: tuple[str, ...]
    labels: Labels
    splits: Codes
    notes: tuple[str, ...]

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Samples by split and class."""
        return count_samples(self.labels, self.splits, len(self.classes))


def count_samples(labels: npt.NDArray[np.integer], splits: Codes, num_classes: int) -> dict[str, tuple[int, ...]]:
    """Samples by split and class; those without a split are not counted."""
    return {
        split: tuple(np.bincount(labels[splits == code], minlength=num_classes).tolist())
        for code, split in enumerate(SPLITS)
    }


def plan_samples(found: FoundFiles, spec: DatasetSpec) -> Plan:
    """Classes in natural order, the limits per class and the split, over all files.

    Raises `BadDataset` for fewer than two classes.
    """
    names = sorted(found.classes, key=_natural)
    place = {name: label for label, name in enumerate(names)}
    new_label = np.array([place[name] for name in found.classes], np.int32)
    labels = new_label[found.labels]
    stays = within_limits(labels, found.draws, at_least=spec.min_per_class, at_most=spec.max_per_class)
    classes, labels = _kept_classes(names, labels, stays)
    notes = [*_twin_notes(classes), *_small_class_notes(names, classes, spec.min_per_class)]
    _require_two(classes, notes)
    ranks = np.flatnonzero(stays).astype(np.int64)
    labels, given, draws = labels[ranks], found.given[ranks], found.draws[ranks]
    order = np.lexsort((labels, _split(labels, given, draws, spec)))
    left_out = len(stays) - len(ranks)
    return Plan(
        classes=classes,
        ranks=ranks[order],
        labels=labels[order],
        given=given[order],
        draws=draws[order],
        skipped={"outside the limits per class": left_out} if left_out else {},
        notes=tuple(notes),
    )


def plan_as_given(found: FoundFiles) -> Plan:
    """All files, which were planned before: each has its split, and nothing is left out. Places go as in any plan."""
    names = sorted(found.classes, key=_natural)
    place = {name: label for label, name in enumerate(names)}
    labels = np.array([place[name] for name in found.classes], np.int32)[found.labels]
    order = np.lexsort((labels, found.given))
    return Plan(
        classes=tuple(names),
        ranks=order.astype(np.int64),
        labels=labels[order],
        given=found.given[order],
        draws=found.draws[order],
        skipped={},
        notes=(),
    )


def settle(plan: Plan, is_accepted: npt.NDArray[np.bool_], spec: DatasetSpec) -> Settlement:
    """The split over what was accepted; classes that lost every picture are left out and named.

    Raises `BadDataset` if fewer than two classes, or nothing to train on, is left.
    """
    classes, labels = _kept_classes(plan.classes, plan.labels, is_accepted)
    emptied = [name for name in plan.classes if name not in set(classes)]
    notes = tuple(f"The class {name} is left out: none of its pictures can be used." for name in emptied)
    _require_two(classes, notes)
    places = np.flatnonzero(is_accepted)
    by_rank = places[np.argsort(plan.ranks[places])]
    splits = np.full(len(labels), NO_SPLIT, np.int8)
    splits[by_rank] = _split(labels[by_rank], plan.given[by_rank], plan.draws[by_rank], spec)
    if not np.any(splits == SPLITS.index("train")):
        text = "No picture is left for training: give validation and test a smaller share."
        raise BadDataset(text, code="dataset.no-training")
    return Settlement(classes, labels, splits, notes)


def settle_addition(
    found: FoundFiles, stays: npt.NDArray[np.bool_], spec: DatasetSpec, *, known: Sequence[str]
) -> Settlement:
    """Classes and splits of files that are added to a dataset with the classes `known`, by rank.

    Known classes keep their numbers and new ones follow in natural order; the files that stay are split among
    themselves, and the others have no split.
    """
    present = {found.classes[label] for label in np.unique(found.labels[stays]).tolist()}
    classes = (*known, *sorted(present - set(known), key=_natural))
    place = {name: label for label, name in enumerate(classes)}
    labels = np.array([place.get(name, 0) for name in found.classes], np.int32)[found.labels]
    splits = np.full(len(stays), NO_SPLIT, np.int8)
    splits[stays] = _split(labels[stays], found.given[stays], found.draws[stays], spec)
    return Settlement(classes, labels, splits, tuple(_twin_notes(classes)))


def nothing_found(rejected_by_code: Mapping[str, int], first: RejectedFile | None) -> BadDataset:
    """Why a source without a single usable file cannot become a dataset."""
    if rejected_by_code.get("file.no-class"):
        text = "The pictures lie beside each other in one folder: make a folder for every class and put them there."
        return BadDataset(text, code="dataset.no-classes")
    if first is not None:
        return nothing_readable(sum(rejected_by_code.values()), first)
    text = "There is no picture in the folder: it needs a folder for every class, with pictures in it."
    return BadDataset(text, code="dataset.empty")


def nothing_readable(num_rejected: int, first: RejectedFile) -> BadDataset:
    """Why a source cannot become a dataset whose files were all rejected."""
    text = f"None of {num_rejected} files can be used. The first is {first.path}: {first.message}"
    return BadDataset(text, code="dataset.unreadable")


def _split(labels: Labels, given: Codes, draws: Draws, spec: DatasetSpec) -> Codes:
    shares = {"validation_share": spec.validation_share, "test_share": spec.test_share}
    return assign_splits(labels, given, draws, **shares)


def _kept_classes(names: Sequence[str], labels: Labels, stays: npt.NDArray[np.bool_]) -> tuple[tuple[str, ...], Labels]:
    """The classes that have samples left, and all labels in their numbering (any number where nothing stays)."""
    is_kept = np.bincount(labels[stays], minlength=len(names)) > 0
    new_label = (np.cumsum(is_kept) - 1).astype(np.int32)
    return tuple(name for name, kept in zip(names, is_kept.tolist(), strict=True) if kept), new_label[labels]


def _require_two(classes: Sequence[str], notes: Sequence[str]) -> None:
    if len(classes) >= 2:
        return
    why = f" {notes[-1]}" if notes else ""
    if not classes:
        raise BadDataset(f"No class is left.{why}", code="dataset.no-classes")
    text = f"There is one class only, {classes[0]!r}: put the pictures of another class into a second folder.{why}"
    raise BadDataset(text, code="dataset.one-class")


def _twin_notes(classes: Sequence[str]) -> list[str]:
    """Class names that differ only in case or surrounding blanks are likely meant to be one: say so."""
    folded = Counter(name.strip().casefold() for name in classes)
    twins = sorted(name for name in classes if folded[name.strip().casefold()] > 1)
    return [f"Classes that look alike are kept apart: {', '.join(map(repr, twins))}."] if twins else []


def _small_class_notes(names: Sequence[str], kept: Sequence[str], at_least: int) -> list[str]:
    left = sorted(set(names) - set(kept))
    if not left:
        return []
    shown = ", ".join(left[:10]) + (f" and {len(left) - 10} more" if len(left) > 10 else "")
    return [f"Classes with fewer than {at_least} pictures are left out: {shown}."]


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts `class 2` before `class 10`; ends with the name itself, so that no two are equal."""
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]
    return [*parts, (2, 0, name)]
