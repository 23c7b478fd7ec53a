"""What a model's folder says beside its graph, and how its probabilities are told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import Damaged, Invalid
from tenfold.core.inference.ports import Prediction

GRAPH = "model.onnx"


@dataclass(frozen=True)
class About:
    """How pictures are prepared, and the classes in the order of the outputs."""

    preprocessing: Preprocessing
    labels: tuple[str, ...]


def read_about(folder: Path) -> About:
    """Raises `Damaged`."""
    try:
        preprocessing = Preprocessing.from_json(json.loads((folder / "preprocessing.json").read_text("utf-8")))
        labels = tuple((folder / "labels.txt").read_text("utf-8").rstrip("\n").split("\n"))
    except (OSError, ValueError, Invalid) as error:
        raise Damaged(f"The model in {folder.name} cannot be loaded: {error}") from error
    return About(preprocessing, labels)


def rank(probabilities: npt.NDArray[np.float32], labels: tuple[str, ...]) -> tuple[Prediction, ...]:
    """All classes of one picture, most likely first."""
    order = np.argsort(-probabilities, kind="stable")
    return tuple(Prediction(labels[place], float(probabilities[place])) for place in order)
