"""Findings about classes: too few pictures to learn from, or far fewer than others have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.class_names import folded_class
from tenfold.core.datasets.health.findings import Found, found
from tenfold.core.datasets.health.wording import pictures
from tenfold.core.datasets.split import TRAIN, Codes, Labels

FEWEST = 10
UNEQUAL = 5
MIXING = np.uint64(0x9E3779B97F4A7C15)
MAX_NAMED = 3
Places = npt.NDArray[np.int64]


def class_findings(indices: Places, labels: Labels, splits: Codes, classes: Sequence[str]) -> Iterator[Found]:
    """Tiny classes, and an imbalance between the others; samples that have a split."""
    training = np.bincount(labels[splits == TRAIN], minlength=len(classes))
    present = np.bincount(labels, minlength=len(classes)) > 0
    tiny = np.flatnonzero(present & (training < FEWEST))
    if len(tiny):
        named = ", ".join(f"{classes[code]} ({training[code]})" for code in tiny[:MAX_NAMED].tolist())
        more = f" and {len(tiny) - MAX_NAMED:,} more" if len(tiny) > MAX_NAMED else ""
        count = len(tiny)
        what = "1 class has" if count == 1 else f"{count:,} classes have"
        members = np.flatnonzero(np.isin(labels, tiny))
        yield found(
            "tiny-class",
            "warn",
            count=count,
            texts=(
                f"{what} fewer than {FEWEST} pictures for training",
                f"{named}{more}. So few are learnt by heart, and what is measured of them is chance: add pictures.",
            ),
            samples=indices[members[np.lexsort((members, labels[members]))]],
            fix=("exclude", f"Exclude {'it' if count == 1 else 'them'}", None) if present.sum() - count >= 2 else None,
        )
    yield from _imbalance(indices, labels, splits, classes)


def twin_class_findings(indices: Places, labels: Labels, classes: Sequence[str]) -> Iterator[Found]:
    """Classes that differ by case or blanks around them alone; the fix merges those with most pictures to merge."""
    counts = np.bincount(labels, minlength=len(classes))
    alike: dict[str, list[int]] = {}
    for code in np.flatnonzero(counts).tolist():
        alike.setdefault(folded_class(classes[code]), []).append(code)
    twins = [sorted(codes, key=lambda code: -counts[code]) for codes in alike.values() if len(codes) > 1]
    if not twins:
        return
    twins.sort(key=lambda codes: -counts[codes[1:]].sum())
    told = ["; ".join(f"{classes[code]!r} ({counts[code]:,})" for code in codes) for codes in twins[:MAX_NAMED]]
    more = f" and {len(twins) - MAX_NAMED:,} more" if len(twins) > MAX_NAMED else ""
    smaller = np.array([code for codes in twins for code in codes[1:]])
    kept, merged = twins[0][0], np.isin(labels, twins[0][1:])
    what = "1 class is" if len(twins) == 1 else f"{len(twins):,} classes are"
    then = " Those that are left then stand here once it is checked again." if len(twins) > 1 else ""
    yield found(
        "class-twin",
        "bad",
        count=len(twins),
        texts=(
            f"{what} there under two names or more, which differ by case or blanks alone",
            f"{', '.join(told)}{more}. Pictures of one thing are learnt as different ones, and each says that the "
            f"other is wrong.{then}",
        ),
        samples=indices[np.isin(labels, smaller)],
        fix=("relabel", f"Merge {int(merged.sum()):,} into {classes[kept]}", classes[kept]),
        chosen=indices[merged],
    )


def _imbalance(indices: Places, labels: Labels, splits: Codes, classes: Sequence[str]) -> Iterator[Found]:
    training = np.bincount(labels[splits == TRAIN], minlength=len(classes))
    enough = np.flatnonzero(training >= FEWEST)
    if not len(enough):
        return
    least, most = enough[training[enough].argmin()], enough[training[enough].argmax()]
    limit = UNEQUAL * int(training[least])
    if training[most] <= limit:
        return
    over = _over(labels, splits, limit)
    ratio = training[most] / training[least]
    counts = np.bincount(labels[splits >= 0], minlength=len(classes))
    always = counts[most] / counts.sum()
    yield found(
        "imbalance",
        "warn",
        count=int((training > limit).sum()),
        texts=(
            f"Classes are unequal, {ratio:.1f} : 1",
            f"{classes[most]} has {training[most]:,} pictures for training, {classes[least]} {training[least]:,}. "
            f"Who always says {classes[most]} is right in {100 * always:.0f} %: look at each class, not at accuracy "
            f"alone. Better than leaving out {pictures(len(over))} is to add to the small ones.",
        ),
        samples=indices[over],
        fix=("exclude", f"Thin out to {UNEQUAL} : 1", None),
    )


def _over(labels: Labels, splits: Codes, limit: int) -> Places:
    """Places of training samples that are over a limit for each class, chosen evenly by their place."""
    places = np.flatnonzero(splits == TRAIN)
    drawn = (places.astype(np.uint64) + np.uint64(1)) * MIXING
    order = places[np.lexsort((drawn, labels[places]))]
    sorted_labels = labels[order]
    starts = np.searchsorted(sorted_labels, sorted_labels, side="left")
    return np.sort(order[np.arange(len(order)) - starts >= limit])
