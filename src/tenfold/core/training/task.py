"""What Tenfold needs to know of a kind of problem: the port of the folders under `tasks/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tenfold.core.datasets.model import LabelKind
from tenfold.core.events import Json
from tenfold.core.networks.graph import LayerGraph


@dataclass(frozen=True)
class Evaluation:
    """What a test split says: headline metrics (each 0 ... 1 or a loss) and the whole report as JSON."""

    metrics: dict[str, float]
    report: dict[str, Json]


class Task(Protocol):
    """One kind of problem. Everything that depends on the kind is asked here; nobody else compares task names."""

    @property
    def name(self) -> str:
        """The word used in data and addresses, as in `classification`."""

    @property
    def title(self) -> str:
        """The word for people, as in `Image classification`."""

    @property
    def heads(self) -> Mapping[str, str]:
        """By framework (`torch`, `keras`, `numpy`) the dotted name `module:attribute` of the task's half there.

        That of `onnx` makes nodes of an ONNX file; without it, PyTorch's exporter writes the file.
        """

    @property
    def label_kinds(self) -> tuple[LabelKind, ...]:
        """The kinds of label that it learns from."""

    def network_parameters(self, classes: tuple[str, ...]) -> dict[str, object]:
        """The network parameters that the dataset decides, as in `{"classes": 10}`."""

    def misfit(self, graph: LayerGraph) -> str:
        """Why a network cannot learn this, in words that follow a colon; empty where it can."""

    def evaluate(self, results: NDArray[Any], labels: NDArray[np.int64], classes: tuple[str, ...]) -> Evaluation:
        """Judges what the head gave for a whole split."""
