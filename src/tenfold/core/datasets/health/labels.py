"""Labels that are probably wrong, by confident learning: Northcutt, Jiang and Chuang, JAIR 70 (2021).

Probabilities have to come from models that had not learnt from the sample. A sample counts for the class j that it is
most likely of among those where its probability is at least the mean probability of j over the samples labelled j; the
label is in doubt where j is another class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.health.findings import Found, Judged, found
from tenfold.core.datasets.health.wording import a_share

BLOCK = 65_536
Places = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Doubts:
    """What probabilities (N, K) say of labels (N,).

    `margin` (N,) is the probability of the label less that of the likeliest other class, -1 to 1, and orders all
    samples, the least first. `counted` (K, K) is the confident joint: labels by what they count as; a row adds up to
    the samples that count at all. `suspects` are the places that count as another class, the least margin first.
    """

    margin: npt.NDArray[np.float32]
    suspects: Places
    counted: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.float64]

    @property
    def ranking(self) -> Places:
        """All places, the most doubtful first."""
        return np.argsort(self.margin, kind="stable").astype(np.int64)


def doubts(probabilities: Probabilities, labels: npt.NDArray[np.integer]) -> Doubts:
    """Judges labels; every sample was seen by none of the models that gave its probabilities."""
    count, classes = probabilities.shape
    own = np.empty(count, np.float32)
    margin = np.empty(count, np.float32)
    for rows in _blocks(count):
        block = np.array(probabilities[rows], np.float32)
        own[rows] = np.take_along_axis(block, labels[rows, None], axis=1)[:, 0]
        np.put_along_axis(block, labels[rows, None], -1, axis=1)
        margin[rows] = own[rows] - block.max(axis=1)
    labelled = np.bincount(labels, minlength=classes)
    thresholds = np.bincount(labels, weights=own, minlength=classes) / np.maximum(labelled, 1)
    thresholds[labelled == 0] = np.inf
    counts_as = np.full(count, -1, np.int64)
    for rows in _blocks(count):
        block = np.asarray(probabilities[rows], np.float32)
        eligible = np.where(block >= thresholds.astype(np.float32), block, -1)
        best = eligible.argmax(axis=1)
        counts_as[rows] = np.where(np.take_along_axis(eligible, best[:, None], axis=1)[:, 0] >= 0, best, -1)
    does = counts_as >= 0
    joint = np.bincount(labels[does] * classes + counts_as[does], minlength=classes**2).reshape(classes, classes)
    suspects = np.flatnonzero(does & (counts_as != labels))
    suspects = suspects[np.argsort(margin[suspects], kind="stable")]
    return Doubts(margin, suspects, joint, thresholds)


def label_findings(indices: Places, judged: Doubts, by: Judged) -> Iterator[Found]:
    """Labels that are probably wrong, among the samples that were judged."""
    if len(judged.suspects):
        count = len(judged.suspects)
        yield found(
            "wrong-label",
            "warn",
            count=count,
            texts=(
                f"{count:,} label{' is' if count == 1 else 's are'} probably wrong",
                f"{_by_whom(by)} That is {a_share(count, len(indices), 'those judged')}. Go through them, the most "
                "doubtful first: give the right class, or leave it.",
            ),
            samples=indices[judged.suspects],
            fix=("exclude", f"Exclude {count:,}", None),
        )


def _by_whom(by: Judged) -> str:
    right = f"right in {100 * by.accuracy:.1f} % of them"
    if by.num_folds:
        return f"Judged by {by.num_folds} runs, each on pictures that it had not learnt from, {right}."
    whom = ", ".join(by.names)
    return f"Judged by {whom} on the {by.num_unseen:,} pictures that it had not learnt from alone, {right}."


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, count, BLOCK))
