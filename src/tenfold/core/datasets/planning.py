"""Which files become samples of which label and split: before decoding, and again over what could be decoded.

Files are known here by their rank, their place in the order of paths; what is kept of each is a few bytes, so that a
million of them need no more than a small dataset's pictures do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.group_split import NO_GROUP, Grouping, Groups, assign_groups
from tenfold.core.datasets.label_space import LabelSpace, Values, pack_sets
from tenfold.core.datasets.label_texts import split_classes
from tenfold.core.datasets.model import ONE_CLASS, SPLITS, RejectedFile
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.datasets.split import NO_SPLIT, Codes, Draws, Labels, assign_splits, open_shares, within_limits
from tenfold.core.errors import BadDataset

Ranks = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]
MAX_SET_CLASSES = 4096


@dataclass(frozen=True)
class FileRows:
    """What is known of files, a row each: label, given split or -1, the number drawn for each.

    `values`, `groups` (-1 for none) and `weights` are `None` where no file has one.
    """

    labels: Labels
    given: Codes
    draws: Draws
    values: Values | None = None
    groups: Groups | None = None
    weights: Weights | None = None

    def take(self, places: Ranks) -> Self:
        """The rows at these places."""
        return replace(self, **{name: column[places] for name, column in vars(self).items() if column is not None})


@dataclass(frozen=True)
class FoundFiles:
    """All files by rank. Labels index `classes`; of several classes these are sets, as `join_classes` writes them.

    `group_draws` are the numbers drawn for the groups.
    """

    classes: tuple[str, ...]
    rows: FileRows
    group_draws: Draws


@dataclass(frozen=True)
class Plan:
    """What is read: place `i` is the file of rank `ranks[i]`. Places go by split, by class if that is one, and by path.

    `rows` and the planned `splits` are by place. `skipped` counts what a limit left out, `notes` says it to people.
    """

    space: LabelSpace
    ranks: Ranks
    rows: FileRows
    splits: Codes
    group_draws: Draws
    skipped: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Settlement:
    """What stays: classes with samples, and by place the label and the split, -1 where the picture was rejected.

    Groups are numbered anew, in the order of places; `group_numbers` are the numbers that they were found under.
    """

    space: LabelSpace
    rows: FileRows
    splits: Codes
    group_numbers: npt.NDArray[np.int64]
    notes: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.space.classes

    def in_order(self, ranks: Ranks) -> Ranks:
        """The places that stay in the order of a plan that held no others; `ranks` are those of all places."""
        places = np.flatnonzero(self.splits != NO_SPLIT)
        places = places[np.argsort(ranks[places])]
        return places[_by_split_and_class(self.space, self.rows.take(places), self.splits[places])]

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Samples by split and class."""
        return self.space.counts(self.rows.labels, self.splits)

    def columns(self, places: Ranks) -> dict[str, npt.NDArray[Any]]:
        """What a revision's columns hold of these places, as far as the dataset has them."""
        told = {"groups": self.rows.groups, "weights": self.rows.weights, "values": self.rows.values}
        return {
            **self.space.columns(self.rows.labels[places]),
            "splits": self.splits[places],
            **{name: column[places] for name, column in told.items() if column is not None},
        }


def split_sizes(splits: Codes) -> dict[str, int]:
    """Samples by split; those without one are not counted."""
    return {split: int((splits == code).sum()) for code, split in enumerate(SPLITS)}


def count_samples(labels: npt.NDArray[np.integer], splits: Codes, num_classes: int) -> dict[str, tuple[int, ...]]:
    """Samples of one class each by split and class; those without a split are not counted."""
    return {
        split: tuple(np.bincount(labels[splits == code], minlength=num_classes).tolist())
        for code, split in enumerate(SPLITS)
    }


def plan_samples(found: FoundFiles, spec: DatasetSpec) -> Plan:
    """Classes in their order, the limits per class and the split, over all files.

    Raises `BadDataset` for fewer than two classes, when nothing is left to train on, and for an order that names not
    all classes.
    """
    space, rows = _space_of(found, spec)
    stays = np.ones(len(rows.labels), np.bool_)
    notes: list[str] = []
    if space.kind in ONE_CLASS:
        stays = within_limits(rows.labels, rows.draws, at_least=spec.min_per_class, at_most=spec.max_per_class)
        names = space.classes
        space, labels = space.kept(rows.labels, stays)
        rows = replace(rows, labels=labels)
        notes = _small_class_notes(names, space.classes, spec.min_per_class)
    notes = [*_twin_notes(space.classes), *notes]
    kept = None if stays.all() else np.flatnonzero(stays)
    rows = rows if kept is None else rows.take(kept)
    _require_something(space, rows, notes)
    splits = _split(space, rows, found.group_draws, spec)
    _require_training(splits)
    order = _by_split_and_class(space, rows, splits)
    left_out = len(stays) - len(order)
    return Plan(
        space=space,
        ranks=order if kept is None else kept[order],
        rows=rows.take(order),
        splits=splits[order],
        group_draws=found.group_draws,
        skipped={"outside the limits per class": left_out} if left_out else {},
        notes=tuple(notes),
    )


def plan_as_given(found: FoundFiles, spec: DatasetSpec) -> Plan:
    """All files, which were planned before: each has its split, and nothing is left out. Places go as in any plan."""
    space, rows = _space_of(found, spec)
    order = _by_split_and_class(space, rows, rows.given)
    placed = rows.take(order)
    return Plan(
        space=space,
        ranks=order,
        rows=placed,
        splits=placed.given,
        group_draws=found.group_draws,
        skipped={},
        notes=(),
    )


def settle(plan: Plan, is_accepted: npt.NDArray[np.bool_], spec: DatasetSpec) -> Settlement:
    """The split over what was accepted; classes that lost every picture are left out and named.

    Raises `BadDataset` if fewer than two classes, or nothing to train on, is left.
    """
    space, labels = plan.space.kept(plan.rows.labels, is_accepted)
    emptied = [name for name in plan.space.classes if name not in set(space.classes)]
    notes = tuple(f"The class {name} is left out: none of its pictures can be used." for name in emptied)
    rows = replace(plan.rows, labels=labels)
    settled = rows if is_accepted.all() else rows.take(np.flatnonzero(is_accepted))
    _require_something(space, settled, notes)
    splits = np.full(len(labels), NO_SPLIT, np.int8)
    splits[is_accepted] = _split(space, settled, plan.group_draws, spec)
    _require_training(splits)
    notes = (*notes, *_unlearnt_notes(space, labels, splits))
    rows, numbers = _with_groups_renumbered(rows, is_accepted)
    return Settlement(space, rows, splits, numbers, notes)


@dataclass(frozen=True)
class KnownSamples:
    """What a dataset has already that is added to: its classes, and the split of each of the groups that were found.

    `group_splits` are by the numbers of the found groups, -1 for those that it has not.
    """

    classes: tuple[str, ...]
    group_splits: Codes

    def splits_of(self, rows: FileRows) -> Codes:
        """The splits that files have by their groups, -1 for those of none that is known."""
        if rows.groups is None:
            return np.full(len(rows.labels), NO_SPLIT, np.int8)
        return np.where(rows.groups == NO_GROUP, np.int8(NO_SPLIT), self.group_splits[rows.groups])

    def contradicted(self, rows: FileRows) -> npt.NDArray[np.bool_]:
        """Which files are given a split that their group is not in."""
        settled = self.splits_of(rows)
        is_wrong: npt.NDArray[np.bool_] = (settled != NO_SPLIT) & (rows.given != NO_SPLIT) & (rows.given != settled)
        return is_wrong


def settle_addition(
    found: FoundFiles, stays: npt.NDArray[np.bool_], spec: DatasetSpec, *, known: KnownSamples
) -> Settlement:
    """Classes and splits of files that are added to a dataset, by rank.

    Known classes keep their numbers and new ones follow in natural order. A group that is known goes to its split;
    the other files that stay are split among themselves, and those that do not have no split. Raises `BadDataset` for
    a new class where classes have an order.
    """
    present = {name for label in np.unique(found.rows.labels[stays]).tolist() for name in _names_in(found, spec, label)}
    new = sorted(present - set(known.classes), key=_natural)
    if new and spec.label_kind == "order":
        text = f"The order of this dataset has no class {new[0]!r}: there are {_listed(known.classes)}."
        raise BadDataset(text, code="class.order")
    classes = (*known.classes, *new)
    if spec.label_kind == "classes":
        space, labels = LabelSpace("classes", classes, pack_sets(found.classes, classes)), found.rows.labels
    else:
        place = {name: label for label, name in enumerate(classes)}
        space = LabelSpace(spec.label_kind, classes)
        labels = np.array([place.get(name, 0) for name in found.classes], np.int32)[found.rows.labels]
    rows = replace(found.rows, labels=labels)
    settled = known.splits_of(rows)
    splits = np.where(stays, settled, np.int8(NO_SPLIT))
    free = np.flatnonzero(stays & (settled == NO_SPLIT))
    if len(free):
        splits[free] = _split(space, rows.take(free), found.group_draws, spec)
    rows, numbers = _with_groups_renumbered(rows, stays)
    return Settlement(space, rows, splits, numbers, tuple(_twin_notes(classes)))


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


def _space_of(found: FoundFiles, spec: DatasetSpec) -> tuple[LabelSpace, FileRows]:
    """What labels stand for, and the files with their labels in its numbering."""
    if spec.label_kind == "number":
        return LabelSpace("number", ()), found.rows
    if spec.label_kind == "classes":
        names = sorted({name for text in found.classes for name in split_classes(text)}, key=_natural)
        if len(names) > MAX_SET_CLASSES:
            text = f"There are {len(names):,} classes: at most {MAX_SET_CLASSES:,} where a picture has several."
            raise BadDataset(text, code="dataset.too-many-classes")
        return LabelSpace("classes", tuple(names), pack_sets(found.classes, names)), found.rows
    names = _ordered(found.classes, spec)
    place = {name: label for label, name in enumerate(names)}
    new_label = np.array([place[name] for name in found.classes], np.int32)
    return LabelSpace(spec.label_kind, tuple(names)), replace(found.rows, labels=new_label[found.rows.labels])


def _ordered(found: Sequence[str], spec: DatasetSpec) -> list[str]:
    """Class names in the order that was declared, else in natural order."""
    declared = spec.ordered_classes
    if not declared:
        return sorted(found, key=_natural)
    missing = sorted(set(found) - set(declared), key=_natural)
    if missing:
        text = f"The order of the classes does not name {_listed(missing)}: name every class once."
        raise BadDataset(text, code="class.order")
    return [name for name in declared if name in set(found)]


def _names_in(found: FoundFiles, spec: DatasetSpec, label: int) -> tuple[str, ...]:
    """The classes that a label of found files names."""
    if spec.label_kind == "number":
        return ()
    return split_classes(found.classes[label]) if spec.label_kind == "classes" else (found.classes[label],)


def _split(space: LabelSpace, rows: FileRows, group_draws: Draws, spec: DatasetSpec) -> Codes:
    strata = _strata(space, rows)
    shares = {"validation_share": spec.validation_share, "test_share": spec.test_share}
    if rows.groups is None:
        return assign_splits(strata, rows.given, rows.draws, **shares)
    validation, test = open_shares(rows.given, **shares)
    parts = ((100 - validation - test) / 100, validation / 100, test / 100)
    return assign_groups(strata, rows.given, rows.draws, Grouping(rows.groups, group_draws), shares=parts)


def _by_split_and_class(space: LabelSpace, rows: FileRows, splits: Codes) -> Ranks:
    """The order of places: by split, then by class where there is a single one, then as they are."""
    return np.lexsort((rows.labels, splits) if space.kind in ONE_CLASS else (splits,)).astype(np.int64, copy=False)


def _strata(space: LabelSpace, rows: FileRows) -> Labels:
    num_units = len(rows.labels)
    if rows.groups is not None:
        is_grouped = rows.groups != NO_GROUP
        num_units += len(np.unique(rows.groups[is_grouped])) - int(is_grouped.sum())
    return space.strata(rows.labels, rows.values, num_units=num_units)


def _with_groups_renumbered(rows: FileRows, stays: npt.NDArray[np.bool_]) -> tuple[FileRows, npt.NDArray[np.int64]]:
    """Files whose groups are numbered as they are met first among those that stay, and the old number of each new."""
    if rows.groups is None:
        return rows, np.zeros(0, np.int64)
    groups = np.where(stays, rows.groups, np.int32(NO_GROUP))
    old, firsts = np.unique(groups, return_index=True)
    is_group = old != NO_GROUP
    old, firsts = old[is_group], firsts[is_group]
    old = old[np.argsort(firsts)].astype(np.int64)
    number = np.full(int(old.max(initial=-1)) + 2, NO_GROUP, np.int32)  # the last place is that of no group
    number[old] = np.arange(len(old), dtype=np.int32)
    return replace(rows, groups=number[groups]), old


def _require_something(space: LabelSpace, rows: FileRows, notes: Sequence[str]) -> None:
    """Raises `BadDataset` where there is nothing to tell apart."""
    why = f" {notes[-1]}" if notes else ""
    if space.kind == "number":
        assert rows.values is not None
        if len(np.unique(rows.values)) < 2:
            text = f"All pictures have the same number, {rows.values[0]:g}: there is nothing to learn from that.{why}"
            raise BadDataset(text, code="dataset.one-number")
        return
    if not space.classes:
        raise BadDataset(f"No class is left.{why}", code="dataset.no-classes")
    if len(space.classes) < 2 and space.kind in ONE_CLASS:
        name = space.classes[0]
        text = f"There is one class only, {name!r}: put the pictures of another class into a second folder.{why}"
        raise BadDataset(text, code="dataset.one-class")


def _require_training(splits: Codes) -> None:
    if not np.any(splits == SPLITS.index("train")):
        text = "No picture is left for training: give validation and test a smaller share."
        raise BadDataset(text, code="dataset.no-training")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _twin_notes(classes: Sequence[str]) -> list[str]:
    """Class names that differ only in case or surrounding blanks are likely meant to be one: say so."""
    folded = Counter(name.strip().casefold() for name in classes)
    twins = sorted(name for name in classes if folded[name.strip().casefold()] > 1)
    return [f"Classes that look alike are kept apart: {', '.join(map(repr, twins))}."] if twins else []


def _small_class_notes(names: Sequence[str], kept: Sequence[str], at_least: int) -> list[str]:
    left = sorted(set(names) - set(kept))
    return [f"Classes with fewer than {at_least} pictures are left out: {_listed(left)}."] if left else []


def _unlearnt_notes(space: LabelSpace, labels: Labels, splits: Codes) -> list[str]:
    """Classes whose pictures all stand in validation or testing are never learnt: say so."""
    if space.kind not in ONE_CLASS:
        return []
    learnt = np.unique(labels[splits == SPLITS.index("train")])
    left = [name for label, name in enumerate(space.classes) if label not in set(learnt.tolist())]
    return [f"No picture is for training in the classes {_listed(left)}: they cannot be learnt."] if left else []


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts `class 2` before `class 10`; ends with the name itself, so that no two are equal."""
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]
    return [*parts, (2, 0, name)]
