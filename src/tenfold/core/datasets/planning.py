"""Which files become samples of which class and split: before decoding, and again over what could be decoded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.model import SPLITS, RejectedFile, SampleRecord, Split
from tenfold.core.datasets.ports import SourceFile
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.datasets.split import SplitItem, choose_at_most, group_by_split, split_samples
from tenfold.core.errors import BadDataset


@dataclass(frozen=True, slots=True)
class PlannedSample:
    """A file on its way to be a sample; `given` is the split that its source wants it in."""

    path: str
    label: int
    split: Split
    given: Split | None


@dataclass(frozen=True)
class Plan:
    """Samples by split, class and path, in the order in which they are read."""

    classes: tuple[str, ...]
    samples: tuple[PlannedSample, ...]
    num_over_limit: int


@dataclass(frozen=True)
class Settlement:
    """What stays: classes with samples, records in their final order, and `order[place]`, the row that goes there."""

    classes: tuple[str, ...]
    records: tuple[SampleRecord, ...]
    order: npt.NDArray[np.int64]
    notes: tuple[str, ...]

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Samples by split and class."""
        tally = {split: [0] * len(self.classes) for split in SPLITS}
        for record in self.records:
            tally[record.split][record.label] += 1
        return {split: tuple(counts) for split, counts in tally.items()}


def plan_samples(files: Sequence[SourceFile], spec: DatasetSpec) -> Plan:
    """Classes, the limit per class and the split, over all files; raises `BadDataset` for fewer than two classes."""
    classes = sorted({file.class_name for file in files}, key=_natural)
    _require_two(classes)
    label_of = {name: label for label, name in enumerate(classes)}
    items = [SplitItem(file.path, label_of[file.class_name], file.split) for file in files]
    if spec.max_per_class is not None:
        chosen = choose_at_most(items, seed=spec.seed, limit=spec.max_per_class)
        items = [item for item in items if item.key in chosen]
    planned = [
        PlannedSample(item.key, item.label, split, item.given)
        for item, split in zip(items, _split(items, spec), strict=True)
    ]
    planned.sort(key=lambda sample: (SPLITS.index(sample.split), sample.label, sample.path))
    return Plan(tuple(classes), tuple(planned), len(files) - len(items))


def settle(
    plan: Plan,
    accepted: Sequence[tuple[PlannedSample, SampleRecord]],
    rejected: Sequence[RejectedFile],
    spec: DatasetSpec,
) -> Settlement:
    """The split over what was accepted; classes that lost every picture are left out and named.

    Raises `BadDataset` if fewer than two classes, or nothing to train on, is left.
    """
    if not accepted:
        raise _nothing_readable(rejected)
    if len(accepted) == len(plan.samples):
        records = tuple(record for _, record in accepted)
        return Settlement(plan.classes, _with_training(records), np.arange(len(records)), ())
    labels = sorted({sample.label for sample, _ in accepted})
    emptied = [name for label, name in enumerate(plan.classes) if label not in set(labels)]
    classes = tuple(plan.classes[label] for label in labels)
    _require_two(classes)
    new_label = {label: place for place, label in enumerate(labels)}
    items = [SplitItem(sample.path, new_label[sample.label], sample.given) for sample, _ in accepted]
    splits = _split(items, spec)
    order = group_by_split(splits)
    records = tuple(replace(accepted[row][1], label=items[row].label, split=splits[row]) for row in order.tolist())
    notes = tuple(f"The class {name} is left out: none of its pictures can be used." for name in emptied)
    return Settlement(classes, _with_training(records), order, notes)


def _split(items: Sequence[SplitItem], spec: DatasetSpec) -> list[Split]:
    return split_samples(items, seed=spec.seed, validation_share=spec.validation_share, test_share=spec.test_share)


def _with_training(records: tuple[SampleRecord, ...]) -> tuple[SampleRecord, ...]:
    if not any(record.split == "train" for record in records):
        text = "No picture is left for training: give validation and test a smaller share."
        raise BadDataset(text, code="dataset.no-training")
    return records


def _require_two(classes: Sequence[str]) -> None:
    if len(classes) == 1:
        text = f"There is one class only, {classes[0]!r}: put the pictures of another class into a second folder."
        raise BadDataset(text, code="dataset.one-class")


def _nothing_readable(rejected: Sequence[RejectedFile]) -> BadDataset:
    first = f" The first is {rejected[0].path}: {rejected[0].message}" if rejected else ""
    return BadDataset(f"None of {len(rejected)} files can be used.{first}", code="dataset.unreadable")


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts `class 2` before `class 10`; ends with the name itself, so that no two are equal."""
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]
    return [*parts, (2, 0, name)]
