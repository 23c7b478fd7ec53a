"""Findings about samples that are there more than once: across splits, with two classes, or for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.health.findings import Found, found
from tenfold.core.datasets.health.likeness import Likeness
from tenfold.core.datasets.health.wording import a_share, pictures
from tenfold.core.datasets.model import SPLITS
from tenfold.core.datasets.split import Codes, Labels

VAL, TEST = SPLITS.index("val"), SPLITS.index("test")
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Copies:
    """Samples that have a split: their indices, labels, splits, and which of them are alike (by place in these)."""

    indices: Places
    labels: Labels
    splits: Codes
    likeness: Likeness

    def shown(self, mask: Mask) -> Places:
        """The indices of all that are alike to those of a mask, with their like beside them."""
        group = self.likeness.group
        places = np.flatnonzero(np.isin(group, np.unique(group[mask])))
        return self.indices[places[np.lexsort((places, group[places]))]]


def copy_findings(copies: Copies) -> Iterator[Found]:
    """Leaks, contradictions, and what is there twice within a split."""
    yield from _leaks(copies)
    disputed = _disputed(copies)
    if disputed.any():
        count = int(disputed.sum())
        says = f"{pictures(count)} {'has' if count == 1 else 'have'} a twin of another class"
        why = "Of each two one is labelled wrongly at least: a network cannot learn both."
        yield found(
            "contradiction",
            "bad",
            count=count,
            texts=(says, why),
            samples=_beside(copies, disputed),
            fix=("exclude", f"Exclude {count:,}", None),
        )
    yield from _repeated(copies, disputed)


def _leaks(copies: Copies) -> Iterator[Found]:
    splits, group = copies.splits, copies.likeness.group
    has = [np.bincount(group[splits == code], minlength=len(group)) > 0 for code in range(len(SPLITS))]
    leaked = (splits > 0) & has[0][group]
    if leaked.any():
        counts = {code: int((leaked & (splits == code)).sum()) for code in (TEST, VAL)}
        words = {TEST: "test", VAL: "validation"}
        told = " and ".join(f"{count:,} of {words[code]}" for code, count in counts.items() if count)
        harm = [
            f"{words[code].capitalize()} accuracy may read up to "
            f"{a_share(count, int((splits == code).sum()))} too high."
            for code, count in counts.items()
            if count
        ]
        total = sum(counts.values())
        yield found(
            "leak",
            "bad",
            count=total,
            texts=(f"{_whole(told)} {'is' if total == 1 else 'are'} in training, too", " ".join(harm)),
            samples=copies.shown(leaked),
            fix=("move", f"Move {total:,} to training", "train"),
            chosen=copies.indices[leaked],
        )
    shared = (splits == TEST) & has[VAL][group] & ~has[0][group]
    if shared.any():
        count = int(shared.sum())
        yield found(
            "leak-val",
            "warn",
            count=count,
            texts=(
                f"{pictures(count)} of test {'is' if count == 1 else 'are'} in validation, too",
                "The best checkpoint is chosen by validation: what is chosen by it is not tested by it.",
            ),
            samples=copies.shown(shared),
            fix=("move", f"Move {count:,} to validation", "val"),
            chosen=copies.indices[shared],
        )


def _whole(told: str) -> str:
    number, _, rest = told.partition(" ")
    return f"{number} picture{'' if number == '1' else 's'} {rest}"


def _disputed(copies: Copies) -> Mask:
    """Samples whose exact or near twin has another class."""
    exact, labels, pairs = copies.likeness.exact, copies.labels, copies.likeness.pairs
    differs = np.zeros(len(exact), np.bool_)
    differs[exact[labels != labels[exact]]] = True
    near = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]
    differs[near.ravel()] = True
    return np.asarray(differs[exact], np.bool_)


def _beside(copies: Copies, mask: Mask) -> Places:
    """The indices of a mask, with their like beside them."""
    places = np.flatnonzero(mask)
    return copies.indices[places[np.lexsort((places, copies.likeness.group[places]))]]


def _repeated(copies: Copies, disputed: Mask) -> Iterator[Found]:
    """Copies within a split, all of one class: one of each is enough."""
    exact, group, splits = copies.likeness.exact, copies.likeness.group, copies.splits.astype(np.int64)
    same = ~_is_first(exact * len(SPLITS) + splits) & ~disputed
    near = ~_is_first(group * len(SPLITS) + splits) & ~same & ~disputed
    for code, extra, adverb in (("duplicate", same, "exactly"), ("near-duplicate", near, "nearly")):
        count = int(extra.sum())
        if count:
            says = f"{pictures(count)} {'is' if count == 1 else 'are'} there twice, {adverb}, within a split"
            why = f"They weigh double in {a_share(count, len(exact), 'all pictures')}: harmless, a little slower."
            yield found(
                "duplicate" if code == "duplicate" else "near-duplicate",
                "warn",
                count=count,
                texts=(says, why),
                samples=copies.shown(extra),
                fix=("exclude", "Keep one of each", None),
                chosen=copies.indices[extra],
            )


def _is_first(keys: Places) -> Mask:
    """Whether no earlier place has the same key."""
    first = np.zeros(len(keys), np.bool_)
    first[np.unique(keys, return_index=True)[1]] = True
    return first
