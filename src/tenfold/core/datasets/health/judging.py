"""What models say of all samples of a revision, and who of them had not learnt from which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.folds import fold_members
from tenfold.core.datasets.ports import PixelArray, RevisionReader
from tenfold.core.errors import Invalid
from tenfold.core.events import Json

MOST_FEATURES = 128
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class JudgeSpec:
    """A model that judges. `revision_folder` is what it learnt from, relative to the data folder.

    It is empty for a model of another dataset, which has seen none of the samples. `fold` counts from 1, 0 for none.
    """

    model: str
    name: str
    task: str
    parameters: dict[str, Json]
    revision_folder: str = ""
    fold: int = 0
    folds: int = 0

    def to_json(self) -> dict[str, Json]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> JudgeSpec:
        return cls(**values)


class PictureJudge(Protocol):
    """A trained network that judges stored pictures. Used from one thread."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    def judge(self, pictures: PixelArray) -> tuple[Floats, Floats]:
        """Probabilities (N, K) by its own classes, and features (N, D): what its last layer is given.

        Takes pictures (N, H, W, C) as they are stored; raises `Invalid` where they are not as it was trained on.
        """


def require_judge(own: Sequence[str], wanted: Sequence[str], name: str) -> None:
    """Raises `Invalid` for a model that knows not all of the classes that pictures have."""
    missing = [each for each in wanted if each not in own]
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        text = (
            f"{name} does not know the class {missing[0]!r}{more} of these pictures: choose a model that learnt them."
        )
        raise Invalid(text, code="model.other-classes")


def unseen_by(spec: JudgeSpec, trained_on: RevisionReader | None, count: int) -> Mask:
    """Which of a dataset's `count` samples a model had not learnt from, by the revision that it was trained on."""
    unseen = np.ones(count, np.bool_)
    if trained_on is not None and spec.folds:
        members, folds = fold_members(trained_on, spec.folds)
        unseen[members[folds != spec.fold - 1]] = False
    elif trained_on is not None:
        unseen[trained_on.indices("train")] = False
    return unseen


def class_columns(own: Sequence[str], wanted: Sequence[str]) -> npt.NDArray[np.int64]:
    """For each of a model's classes its place among a dataset's, -1 where it has none."""
    places = {name: place for place, name in enumerate(wanted)}
    return np.array([places.get(name, -1) for name in own], np.int64)


def in_columns(probabilities: Floats, columns: npt.NDArray[np.int64], count: int) -> Floats:
    """Probabilities by a dataset's classes; what the model never heard of has none."""
    placed = np.zeros((len(probabilities), count), np.float32)
    known = columns >= 0
    placed[:, columns[known]] = probabilities[:, known]
    return placed


def shortened(features: Floats) -> Floats:
    """Features of length 1; many are projected at random on `MOST_FEATURES`, which keeps distances nearly.

    Johnson and Lindenstrauss, 1984.
    """
    if features.shape[1] > MOST_FEATURES:
        features = features @ _projection(features.shape[1])
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(length, 1e-12), np.float32)


def num_features(size: int) -> int:
    return min(size, MOST_FEATURES)


@lru_cache(4)
def _projection(size: int) -> Floats:
    chance = np.random.Generator(np.random.Philox(key=[0, size]))
    return np.asarray(chance.standard_normal((size, MOST_FEATURES)) / np.sqrt(MOST_FEATURES), np.float32)
