"""What a training leaves behind, before it becomes files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tenfold.core.events import Json
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.ports import Arrays
from tenfold.core.training.task import Evaluation


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """Everything a model's folder is made of.

    `weights` by state-dict key; `preprocessing` the dataset's declared operations with mean and standard deviation;
    `tested_on` is the split the evaluation is over and `evaluation` is `None` when there was nothing to test on.
    """

    name: str
    task: str
    dataset: str
    revision: str
    network: str
    network_text: str
    parameters: dict[str, Json]
    graph: LayerGraph
    weights: Arrays
    classes: tuple[str, ...]
    preprocessing: dict[str, Json]
    evaluation: Evaluation | None
    tested_on: str
    spec: dict[str, Json]
    step: int
    epochs_done: float
    versions: dict[str, str]


class ModelWriter(Protocol):
    """Writes a model's folder: the files that `architecture.md` lists for a download."""

    def __call__(self, model: TrainedModel, folder: Path, *, report: Callable[[int, int], None]) -> None:
        """`folder` is there and empty; `report(done, total)` hears of every file. Raises `StorageFull`."""
