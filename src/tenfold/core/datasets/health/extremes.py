"""Findings about single samples that show nothing, or are far from all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.health.codes import FindingCode
from tenfold.core.datasets.health.findings import Found, found
from tenfold.core.datasets.health.fingerprints import FLAT
from tenfold.core.datasets.health.wording import a_share, pictures

DARK, BRIGHT = 0.03, 0.97
DIM, PALE = 0.3, 0.05
NEARLY_ALL = 0.9
FEWEST_FOR_FAINT = 20
SMALLEST_PART = 1 / 3
LONGEST = 2.5
FEWEST_FOR_OUTLIERS = 50
FAR = 5.0
MOST_OUTLIERS = 0.02
Floats = npt.NDArray[np.floating]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Appearance:
    """What samples look like: their indices, detail and light of the stored pixels, and sizes of the files.

    `stored` is the width and height that all were brought to.
    """

    indices: Places
    detail: npt.NDArray[np.float32]
    light: npt.NDArray[np.float32]
    widths: npt.NDArray[np.integer]
    heights: npt.NDArray[np.integer]
    stored: tuple[int, int]


def extreme_findings(look: Appearance) -> Iterator[Found]:
    """Blank, dark, bright, tiny and long pictures."""
    total = len(look.indices)
    blank = look.detail < FLAT
    yield from _out(
        "blank",
        look,
        np.flatnonzero(blank),
        says="{} {} blank: one flat colour",
        why="They show nothing that could be learnt, and teach that the class looks like nothing.",
    )
    faint = list(_faint(look, blank))
    yield from faint
    far = np.maximum(DARK - look.light, look.light - BRIGHT)
    dim = np.flatnonzero((far > 0) & ~blank) if not faint else np.empty(0, np.int64)
    yield from _out(
        "extreme-light",
        look,
        dim[np.argsort(-far[dim], kind="stable")],
        says="{} {} nearly black or nearly white",
        why=f"Their mean is below {DARK:g} or above {BRIGHT:g} of white: little of them is to be seen.",
    )
    width, height = look.stored
    part = np.maximum(look.widths / width, look.heights / height)
    tiny = np.flatnonzero(part < SMALLEST_PART)
    yield from _out(
        "extreme-size",
        look,
        tiny[np.argsort(part[tiny], kind="stable")],
        says="{} {} blown up more than three times",
        why=f"Their files are far smaller than {width} × {height}, to which all are brought: what is shown is blurred.",
    )
    ratio = np.log(look.widths / np.maximum(look.heights, 1)) - np.log(width / height)
    stretched = np.abs(ratio - np.median(ratio)) if total else np.abs(ratio)
    long = np.flatnonzero(stretched > np.log(LONGEST))
    yield from _out(
        "extreme-shape",
        look,
        long[np.argsort(-stretched[long], kind="stable")],
        says="{} {} far longer or higher than the others",
        why=f"Their proportions differ from the usual by more than {LONGEST:g}: they are distorted or cut.",
    )


def _faint(look: Appearance, blank: npt.NDArray[np.bool_]) -> Iterator[Found]:
    """Whether nearly all pictures that show something use a small part of the values from black to white.

    The brightest part of a picture is taken as two standard deviations over its mean.
    """
    shows = np.flatnonzero(~blank)
    light, detail = look.light[shows], look.detail[shows]
    for word, is_faint, why in (
        ("dark", light + 2 * detail < DIM, f"Hardly anything in them is above {DIM:g} of white"),
        ("of low contrast", detail < PALE, f"They deviate by less than {PALE:g} of the way from black to white"),
    ):
        if len(shows) >= FEWEST_FOR_FAINT and is_faint.mean() >= NEARLY_ALL:
            count = int(is_faint.sum())
            yield found(
                "faint",
                "warn",
                count=count,
                texts=(
                    f"{a_share(count, len(shows), 'all pictures')} are {word}: the whole dataset is",
                    f"{why}: few steps of grey tell things apart, and a model that learnt from them fails on pictures "
                    "of ordinary light. Look whether files of 12 or 16 bits use their whole range, and import those "
                    "with the light that the model will meet.",
                ),
                samples=look.indices[shows[is_faint]][np.argsort(light[is_faint], kind="stable")],
            )
            return


def far_from_all(distances: Floats) -> Places:
    """The places of distances that are far out, the farthest first, at most `MOST_OUTLIERS` of them.

    Far out is `FAR` times the median distance above the median; the spread is taken from the upper half alone, since
    distances are skewed.
    """
    if len(distances) < FEWEST_FOR_OUTLIERS:
        return np.empty(0, np.int64)
    middle = np.median(distances)
    spread = max(float(np.median(distances[distances >= middle] - middle)), 1e-6)
    far = np.flatnonzero(distances > middle + FAR * spread * 1.4826)
    order = far[np.argsort(-distances[far], kind="stable")]
    return order[: max(1, int(len(distances) * MOST_OUTLIERS))] if len(order) else order


def outlier_findings(indices: Places, distances: Floats, *, features: str) -> Iterator[Found]:
    """Samples whose nearest neighbours are far away; `features` says in which features."""
    far = far_from_all(distances)
    if len(far):
        count = len(far)
        says = f"{pictures(count)} {'is' if count == 1 else 'are'} unlike all others"
        yield found(
            "outlier",
            "warn",
            count=count,
            texts=(says, f"Judged by {features}. They may not belong here, or be all there is of their kind."),
            samples=indices[far],
            fix=("exclude", f"Exclude {count:,}", None),
        )


def _out(code: FindingCode, look: Appearance, places: Places, *, says: str, why: str) -> Iterator[Found]:
    """A finding whose pictures are best left out, `places` worst first."""
    count = len(places)
    if count:
        sentence = says.format(pictures(count), "is" if count == 1 else "are")
        share = f" That is {a_share(count, len(look.indices), 'all pictures')}." if count > 1 else ""
        yield found(
            code,
            "bad" if code == "blank" else "warn",
            count=count,
            texts=(sentence, why + share),
            samples=look.indices[places],
            fix=("exclude", f"Exclude {count:,}", None),
        )
