"""What people change of a dataset's samples: another class, another split, excluded, restored or deleted.

Nothing here writes: arrays of classes and splits go in, and those of the next revision come out. An excluded sample
keeps its place, and its split as `~code`, so that it can go back where it was. A deleted one keeps its place alone: no
later change can name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.class_names import class_name_of, class_name_problems, folded_class
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.model import DELETED, ONE_CLASS, SPLITS, Difference, DifferenceKind, LabelKind, Split
from tenfold.core.datasets.split import TRAIN, Codes, Labels
from tenfold.core.errors import BadDataset, Invalid, InvalidFields, NotFound, Problem
from tenfold.core.fields import Choice, declare

Action = Literal["relabel", "move", "exclude", "restore", "delete"]
MAX_CHOSEN = 100_000
MAX_DIFFERENCES = 50
Indices = npt.NDArray[np.integer]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is done to samples. A class that the dataset has not yet is added to it."""

    action: Action = declare(
        label="Change",
        help="What is done to the chosen pictures.",
        choices=(
            Choice("relabel", "Give a class", "They get the class named."),
            Choice("move", "Move to a split", "They go to the split named; excluded ones come back there."),
            Choice("exclude", "Exclude", "They stay in the dataset and are not trained on, validated or tested."),
            Choice("restore", "Restore", "Excluded ones go back to the split that they were in."),
            Choice("delete", "Delete", "They are gone from this revision on; earlier revisions keep them."),
        ),
    )
    label: str | None = declare(None, label="Class", help="The class to give, an existing or a new one.")
    to_split: Split | None = declare(
        None,
        label="To split",
        help="The split to move to.",
        choices=(Choice("train", "Training"), Choice("val", "Validation"), Choice("test", "Test")),
    )

    def problems(self) -> list[Problem]:
        """What is missing, or given for another change."""
        needed = {"relabel": "label", "move": "to_split"}.get(self.action)
        found = []
        for name, words in (("label", "class"), ("to_split", "split")):
            is_given = getattr(self, name) is not None
            if name == needed and not is_given:
                found.append(Problem(name, f"Name the {words} for {self.action}.", "required"))
            if name != needed and is_given:
                found.append(Problem(name, f"{self.action} takes no {words}: leave it out.", "unknown"))
        return found + (class_name_problems(self.label) if self.label is not None else [])


@dataclass(frozen=True)
class Edit:
    """A change of the samples with these indices, or of all that a filter finds."""

    change: Change
    chosen: tuple[int, ...] | SampleFilter


@dataclass(frozen=True)
class Assigned:
    """The class and the split of every sample: labels index `classes`, splits are codes, below 0 for the excluded and
    `DELETED` for those that are gone.

    `groups` number what belongs together, -1 for nothing, where the dataset has that.
    """

    classes: tuple[str, ...]
    labels: Labels
    splits: Codes
    kind: LabelKind = "class"
    groups: npt.NDArray[np.int32] | None = None


def checked_indices(indices: Sequence[int], splits: Codes) -> npt.NDArray[np.int64]:
    """Indices in order, each once; raises `NotFound` for one that the dataset has not, or not any more."""
    found = np.unique(np.array(indices, np.int64))
    strange = found[(found < 0) | (found >= len(splits))]
    if len(strange):
        raise no_sample(int(strange[0]), len(splits))
    gone = found[splits[found] == DELETED]
    if len(gone):
        raise deleted_sample(int(gone[0]))
    return found


def no_sample(index: int, count: int) -> NotFound:
    return NotFound(f"There is no sample {index}; the dataset has {count}.", code="sample.not-found")


def deleted_sample(index: int) -> NotFound:
    text = f"Sample {index} was deleted: an earlier revision has it."
    return NotFound(text, code="sample.not-found")


def apply_change(change: Change, before: Assigned, chosen: Indices) -> Assigned:
    """Classes and splits after a change of the samples `chosen`.

    What is moved takes its whole group along; excluded ones of it stay excluded, and come back where the group is.
    Raises `Invalid` when nothing would be different, `InvalidFields` for a class that differs from one that is there in
    its way of writing alone, `BadDataset` when nothing to train on, or fewer than two classes, would be left.
    """
    if not len(chosen):
        raise Invalid("No picture fits: nothing would change.", code="edit.nothing")
    classes, labels, splits = before.classes, before.labels, before.splits.copy()
    if change.action == "relabel":
        assert change.label is not None
        label = class_name_of(change.label) or change.label
        classes = _with_class(before, label)
        labels = labels.copy()
        labels[chosen] = classes.index(label)
    elif change.action == "move":
        assert change.to_split is not None
        code = SPLITS.index(change.to_split)
        mates = _group_mates(before, chosen)
        splits[mates] = np.where(splits[mates] < 0, ~code, code)
        splits[chosen] = code
    elif change.action == "delete":
        splits[chosen] = DELETED
    else:
        turned = chosen[(splits[chosen] >= 0) == (change.action == "exclude")]
        splits[turned] = ~splits[turned]
    after = replace(before, classes=classes, labels=labels, splits=splits)
    _require_difference(change, before, after, len(chosen))
    _require_usable(before, after)
    return after


def differences(before: Assigned, after: Assigned) -> tuple[Difference, ...]:
    """What is otherwise, most pictures first; samples after the last of `before` were added."""
    size = len(before.labels)
    old, new = before.splits, after.splits[:size]
    found = _pairs("class", before.labels, after.labels[:size], after.classes)
    stays = (old >= 0) & (new >= 0)
    found += _pairs("split", np.where(stays, old, 0), np.where(stays, new, 0), SPLITS)
    counts: tuple[tuple[DifferenceKind, int], ...] = (
        ("excluded", int(((old >= 0) & (new < 0) & (new != DELETED)).sum())),
        ("restored", int(((old < 0) & (new >= 0)).sum())),
        ("deleted", int(((old != DELETED) & (new == DELETED)).sum())),
        ("added", len(after.labels) - size),
    )
    return (*found, *(Difference(kind, count) for kind, count in counts if count))


def _pairs(
    kind: DifferenceKind, old: npt.NDArray[np.integer], new: npt.NDArray[np.integer], names: Sequence[str]
) -> list[Difference]:
    changed = np.flatnonzero(old != new)
    pairs, counts = np.unique(np.stack([old[changed], new[changed]], axis=1), axis=0, return_counts=True)
    told = [
        Difference(kind, count, names[before], names[after])
        for (before, after), count in zip(pairs.tolist(), counts.tolist(), strict=True)
    ]
    told.sort(key=lambda each: (-each.count, each.old, each.new))
    rest = sum(each.count for each in told[MAX_DIFFERENCES:])
    return [*told[:MAX_DIFFERENCES], *([Difference(kind, rest)] if rest else [])]


def _require_difference(change: Change, before: Assigned, after: Assigned, num_chosen: int) -> None:
    if np.array_equal(before.labels, after.labels) and np.array_equal(before.splits, after.splits):
        state = {
            "relabel": f"of the class {change.label}",
            "move": f"in {change.to_split}",
            "exclude": "excluded",
            "restore": "in a split",
            "delete": "deleted",
        }[change.action]
        subject = "The picture is" if num_chosen == 1 else f"All {num_chosen:,} pictures are"
        raise Invalid(f"{subject} {state} already: nothing would change.", code="edit.nothing")


def _require_usable(before: Assigned, after: Assigned) -> None:
    """A dataset that could not be trained on is no revision: undo would be the only way on."""
    if not np.any(after.splits == TRAIN):
        text = "No picture would be left for training: leave at least one there."
        raise BadDataset(text, code="dataset.no-training")
    learnt = _learnt(after)
    if len(learnt) < 2 <= len(_learnt(before)) and after.kind in ONE_CLASS:
        name = after.classes[learnt[0]]
        text = f"One class only would be left for training, {name!r}: leave pictures of at least two there."
        raise BadDataset(text, code="dataset.one-class")


def _learnt(assigned: Assigned) -> Labels:
    """The classes that there are pictures of for training."""
    return np.unique(assigned.labels[assigned.splits == TRAIN])


def _group_mates(before: Assigned, chosen: Indices) -> Indices:
    """All samples of the groups that the chosen ones are of, but those that were deleted."""
    if before.groups is None:
        return chosen
    groups = np.unique(before.groups[chosen])
    return np.flatnonzero(np.isin(before.groups, groups[groups >= 0]) & (before.splits != DELETED))


def _with_class(before: Assigned, name: str) -> tuple[str, ...]:
    """The classes with this one; raises `Invalid` where labels are no single classes, or the classes have an order."""
    classes = before.classes
    if before.kind not in ONE_CLASS:
        what = "several classes" if before.kind == "classes" else "a number"
        text = f"A picture of this dataset has {what}, not one class: mend the labels where they came from, and import."
        raise Invalid(text, code="edit.label-kind")
    if name in classes:
        return classes
    if before.kind == "order":
        text = f"The classes of this dataset have an order, and {name!r} is not in it: there are {', '.join(classes)}."
        raise InvalidFields([Problem("label", text, "class.order")])
    twin = next((known for known in classes if folded_class(known) == folded_class(name)), None)
    if twin is not None:
        text = f"There is a class {twin!r} already, which {name!r} looks like: write it as that one."
        raise InvalidFields([Problem("label", text, "class.twin")])
    return (*classes, name)
