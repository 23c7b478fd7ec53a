"""What models say of all pictures of a revision, in arrays that the next checkup can take over.

probabilities.npy   float32 (N, K) by the dataset's classes
features.npy        float32 (N, D) of length 1, of the first model
unseen.npy          bool (N,)
confidence.npy      float32 (N,), the probability of the sample's own class
guesses.npy         int32 (N,), the likeliest class, and sureness.npy float32 (N,), its probability
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.files.disk_room import named_disk_errors
from tenfold.adapters.formats.revisions.derived import link_file
from tenfold.adapters.formats.revisions.reader import RevisionFolder
from tenfold.core.datasets.health.checkup import Judgement
from tenfold.core.datasets.health.findings import Judged
from tenfold.core.datasets.health.judging import (
    JudgeSpec,
    PictureJudge,
    class_columns,
    in_columns,
    num_features,
    shortened,
    unseen_by,
)
from tenfold.core.datasets.ports import RevisionReader, ShouldStop

JUDGED = ("probabilities", "features", "unseen")
TOLD = ("confidence", "guesses", "sureness")
BLOCK = 256
Arrays = dict[str, npt.NDArray[Any]]
Tell = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class OpenJudge:
    """A judge with what it was asked for as, and the revision that it learnt from, if that is of this dataset."""

    spec: JudgeSpec
    judge: PictureJudge
    trained_on: RevisionReader | None


def judged_by(specs: Sequence[JudgeSpec]) -> Judged:
    """Who judges, as a report names it."""
    return Judged(
        names=tuple(spec.name for spec in specs),
        num_folds=specs[0].folds if specs and len(specs) == specs[0].folds else 0,
        judges=tuple(spec.to_json() for spec in specs),
    )


def judge_pictures(
    reader: RevisionFolder, judges: Sequence[OpenJudge], work: Path, *, report: Tell, should_stop: ShouldStop
) -> Judgement | None:
    """Lets the judges look at every sample; `None` if it was stopped. Goes on where an earlier attempt was."""
    total = reader.manifest.num_rows
    num_classes = len(reader.classes)
    unseen = [unseen_by(each.spec, each.trained_on, total) for each in judges]
    columns = [class_columns(each.judge.classes, reader.classes) for each in judges]
    mark = work / "judged"
    arrays: Arrays = _opened(work) if mark.exists() else {}
    for start in range(int(mark.read_text("ascii")) if mark.exists() else 0, total, BLOCK):
        rows = np.arange(start, min(start + BLOCK, total))
        pictures = reader.pictures_at(rows)
        weight = np.stack([each[rows] for each in unseen]).astype(np.float32)
        weight[:, weight.sum(axis=0) == 0] = 1
        probabilities = np.zeros((len(rows), num_classes), np.float32)
        for number, each in enumerate(judges):
            asked = np.flatnonzero(weight[number]) if number else np.arange(len(rows))
            if not len(asked):
                continue
            said, features = each.judge.judge(pictures[asked])
            probabilities[asked] += weight[number, asked, None] * in_columns(said, columns[number], num_classes)
            if number == 0 and not arrays:
                arrays = _made(work, total, num_classes, num_features(features.shape[1]))
            if number == 0:
                arrays["features"][rows] = shortened(features)
        arrays["probabilities"][rows] = probabilities / weight.sum(axis=0)[:, None]
        arrays["unseen"][rows] = np.stack([each[rows] for each in unseen]).any(axis=0)
        mark.write_text(str(int(rows[-1]) + 1), "ascii")
        report(int(rows[-1]) + 1, total)
        if should_stop():
            return None
    return Judgement(
        by=judged_by([each.spec for each in judges]),
        probabilities=arrays["probabilities"],
        features=arrays["features"],
        is_unseen=arrays["unseen"],
    )


def taken_over(earlier: Path, by: Judged, reader: RevisionFolder) -> Judgement | None:
    """What an earlier checkup has of the same judges; `None` where samples or classes were added since."""
    try:
        arrays = {name: np.load(earlier / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in JUDGED}
    except (OSError, ValueError):
        return None
    total = reader.manifest.num_rows
    if arrays["probabilities"].shape != (total, len(reader.classes)):
        return None
    return Judgement(
        by=by, probabilities=arrays["probabilities"], features=arrays["features"], is_unseen=arrays["unseen"]
    )


def write_judgement(judgement: Judgement, labels: npt.NDArray[np.int32], source: Path, folder: Path) -> None:
    """Keeps what was judged, whose arrays lie in `source`, and what a gallery is ordered by."""
    for name in JUDGED:
        link_file(source / f"{name}.npy", folder / f"{name}.npy")
    told = {"confidence": np.float32, "guesses": np.int32, "sureness": np.float32}
    arrays = {name: np.empty(len(labels), dtype) for name, dtype in told.items()}
    for start in range(0, len(labels), 65_536):
        rows = slice(start, start + 65_536)
        block = np.asarray(judgement.probabilities[rows])
        arrays["guesses"][rows] = block.argmax(axis=1)
        arrays["sureness"][rows] = block.max(axis=1)
        arrays["confidence"][rows] = np.take_along_axis(block, labels[rows, None].astype(np.int64), axis=1)[:, 0]
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)


def _made(work: Path, total: int, num_classes: int, size: int) -> Arrays:
    shapes = {"probabilities": (total, num_classes), "features": (total, size), "unseen": (total,)}
    dtypes = {"unseen": np.dtype(np.bool_)}
    arrays: Arrays = {}
    for name, shape in shapes.items():
        with named_disk_errors(int(np.prod(shape)) * 4):
            dtype = dtypes.get(name, np.dtype(np.float32))
            arrays[name] = np.lib.format.open_memmap(work / f"{name}.npy", "w+", dtype, shape)
    return arrays


def _opened(work: Path) -> Arrays:
    return {name: np.load(work / f"{name}.npy", mmap_mode="r+", allow_pickle=False) for name in JUDGED}
