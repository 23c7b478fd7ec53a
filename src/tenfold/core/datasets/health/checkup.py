"""A checkup: all that is looked for in a revision, over its columns and the fingerprints of its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.edits import Assigned
from tenfold.core.datasets.health.classes import class_findings, twin_class_findings
from tenfold.core.datasets.health.codes import CODES, FindingCode
from tenfold.core.datasets.health.copies import Copies, copy_findings
from tenfold.core.datasets.health.extremes import Appearance, extreme_findings, outlier_findings
from tenfold.core.datasets.health.findings import Found, Judged, Report, found, worst_first
from tenfold.core.datasets.health.fingerprints import SIDE, Fingerprints
from tenfold.core.datasets.health.labels import doubts, label_findings
from tenfold.core.datasets.health.likeness import (
    ReadPictures,
    alike,
    candidates,
    confirmed,
    first_with_same_pixels,
)
from tenfold.core.datasets.health.neighbours import nearest
from tenfold.core.datasets.model import RejectedKind
from tenfold.core.datasets.split import Codes, Labels

NEIGHBOURS = 6
FARTHER = 5
MOST_CAUSES = 5
Tell = Callable[[int, int], None]
BY_THE_PICTURE = "the picture itself, reduced to its coarse shapes and colours"


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """The columns of a revision that a checkup looks at, one value a sample; `stored` is width and height of all.

    `read` gives stored pictures (N, H, W, C) by index, `span` is how far white is from black in them.
    """

    classes: tuple[str, ...]
    labels: Labels
    splits: Codes
    widths: npt.NDArray[np.integer]
    heights: npt.NDArray[np.integer]
    pixel_hashes: npt.NDArray[np.uint8]
    stored: tuple[int, int]
    read: ReadPictures
    span: float
    num_seen: int = 0
    num_rejected: int = 0
    rejected: tuple[RejectedKind, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Judgement:
    """What models say of all samples: `probabilities` (N, K) by the dataset's classes, `features` (N, D) of length 1.

    `is_unseen` (N,) are those that were judged by a model that had not learnt from them.
    """

    by: Judged
    probabilities: npt.NDArray[np.floating]
    features: npt.NDArray[np.floating]
    is_unseen: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Examined:
    """A report with the samples of its findings, in the same order."""

    report: Report
    found: tuple[Found, ...]


def examine(
    subject: Subject, prints: Fingerprints, *, judgement: Judgement | None = None, report: Tell = lambda _d, _t: None
) -> Examined:
    """Looks for everything in the samples that have a split; `report` is told how many comparisons are done."""
    kept = np.flatnonzero(subject.splits >= 0)
    labels, splits = subject.labels[kept], subject.splits[kept]
    exact = first_with_same_pixels(subject.pixel_hashes[kept])
    firsts = np.unique(exact)
    known = nearest(prints.descriptors[kept[firsts]], NEIGHBOURS, report=report)
    pairs = confirmed(
        candidates(known, firsts),
        lambda places: subject.read(kept[places]),
        subject.span,
        is_small=max(subject.stored) <= SIDE,
        report=report,
    )
    look = Appearance(
        indices=kept,
        detail=prints.detail[kept],
        light=prints.light[kept],
        widths=subject.widths[kept],
        heights=subject.heights[kept],
        stored=subject.stored,
    )
    all_found = [
        *_unreadable(subject),
        *copy_findings(Copies(kept, labels, splits, alike(exact, pairs))),
        *class_findings(kept, labels, splits, subject.classes),
        *twin_class_findings(kept, labels, subject.classes),
        *extreme_findings(look),
    ]
    checked: list[FindingCode] = [code for code in CODES if code != "wrong-label"]
    by = Judged()
    if judgement is None:
        distances = _distances(known.likeness, prints.detail[kept[firsts]])
        all_found += outlier_findings(kept[firsts], distances, features=BY_THE_PICTURE)
    else:
        judged, by = _judged(judgement, kept, labels)
        all_found += judged
        all_found += _far_in_features(judgement, kept[firsts], report)
        checked.append("wrong-label")
    ordered = tuple(worst_first(all_found))
    told = Report(
        num_samples=len(kept),
        findings=tuple(each.finding for each in ordered),
        checked=tuple(code for code in CODES if code in checked),
        judged=by,
    )
    return Examined(told, ordered)


def _unreadable(subject: Subject) -> Iterator[Found]:
    count, kinds = subject.num_rejected, subject.rejected
    if count and kinds:
        says = f"{count:,} file{' was' if count == 1 else 's were'} left out"
        causes = " ".join(_cause(kind) for kind in kinds[:MOST_CAUSES])
        yield found(
            "unreadable",
            "bad" if count * 100 >= subject.num_seen else "warn",
            count=count,
            texts=(says, f"{causes} Mend the files, then add them."),
            samples=np.empty(0, np.int32),
        )


def _cause(kind: RejectedKind) -> str:
    """How many files were left out for a cause, and the first of them."""
    number = f"{kind.count:,} files, as " if kind.count > 1 else ""
    return f"{number}{kind.first.path}: {kind.first.message}"


def _distances(likeness: npt.NDArray[np.float32], detail: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How far the neighbours are; a flat picture has no descriptor and is a finding of its own."""
    place = min(FARTHER, likeness.shape[1]) - 1
    near = np.where(np.isfinite(likeness[:, place]), likeness[:, place], 1)
    distances = np.sqrt(np.clip(2 - 2 * near, 0, None))
    return np.where(detail > 0.02, distances, 0).astype(np.float32)


def _judged(judgement: Judgement, kept: npt.NDArray[np.int64], labels: Labels) -> tuple[list[Found], Judged]:
    unseen = np.flatnonzero(judgement.is_unseen[kept])
    if not len(unseen):
        return [], judgement.by
    probabilities = judgement.probabilities[kept[unseen]]
    by = _told_right(judgement.by, probabilities, labels[unseen])
    return list(label_findings(kept[unseen], doubts(probabilities, labels[unseen]), by)), by


def unseen_right(judgement: Judgement, assigned: Assigned) -> Judged:
    """Who judged, with how many samples that have a split it had not learnt from, and how many of them it got right."""
    unseen = np.flatnonzero((assigned.splits >= 0) & judgement.is_unseen)
    return _told_right(judgement.by, judgement.probabilities[unseen], assigned.labels[unseen])


def _told_right(by: Judged, probabilities: npt.NDArray[np.floating], labels: Labels) -> Judged:
    right = float((probabilities.argmax(axis=1) == labels).mean()) if len(labels) else 0.0
    return replace(by, num_unseen=len(labels), accuracy=right)


def _far_in_features(judgement: Judgement, firsts: npt.NDArray[np.int64], report: Tell) -> Iterator[Found]:
    known = nearest(judgement.features[firsts], FARTHER, report=report)
    distances = _distances(known.likeness, np.ones(len(firsts), np.float32))
    yield from outlier_findings(firsts, distances, features=f"the features of {judgement.by.names[0]}")
