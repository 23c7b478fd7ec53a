"""What inference needs from the outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Prediction:
    """A class and how likely it is, 0 ... 1."""

    label: str
    probability: float


class Predictor(Protocol):
    """Classifies pictures with published models. Thread-safe; keeps the models it used last ready.

    It runs on the model's own files: preprocessing by the reference, then the ONNX graph.
    """

    def classify(self, folder: Path, pictures: list[bytes]) -> list[tuple[Prediction, ...]]:
        """For each original picture all classes, most likely first; raises `BadImage`, `Damaged`.

        One that runs graphs of others apart raises `BadModel` where one fails, and `Busy` where it cannot begin.
        """

    def close(self) -> None:
        """Lets go of all models."""


class TrialGraph(Protocol):
    """A graph of others that was loaded, to be run for the first time."""

    def run(self, images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """The output for images (N, C, H, W); raises `BadModel` for a run that fails or comes to no end."""


class GraphTrier(Protocol):
    """Loads the content of an ONNX file to try it out."""

    def __call__(self, graph: bytes, /) -> TrialGraph:
        """Raises `BadModel` where it cannot be loaded."""


class DownloadBuilder(Protocol):
    """Makes the archive of a model's folder."""

    def __call__(self, folder: Path, name: str) -> Iterator[bytes]:
        """The zip archive in blocks; never holds the whole of it in memory. All files lie under `name/`."""
