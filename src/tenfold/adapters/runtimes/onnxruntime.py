"""Classifies pictures with published models by ONNX Runtime, on the CPU."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
)

from tenfold.adapters.runtimes.ranking import GRAPH, About, rank, read_about
from tenfold.core.datasets.ports import ImageDecoder
from tenfold.core.errors import Damaged
from tenfold.core.inference.ports import Prediction

KEPT_READY = 4
BATCH = 16


@dataclass(frozen=True)
class _Ready:
    session: onnxruntime.InferenceSession
    input_name: str
    about: About


class OnnxPredictor:
    """Fulfils `tenfold.core.inference.ports.Predictor`; `decoder` is the reference or certified against it."""

    def __init__(self, decoder: ImageDecoder) -> None:
        self._decoder = decoder
        self._mutex = threading.Lock()
        self._ready: OrderedDict[Path, _Ready] = OrderedDict()

    def classify(self, folder: Path, pictures: list[bytes]) -> list[tuple[Prediction, ...]]:
        ready = self._get(folder)
        preprocessing = ready.about.preprocessing
        images = [self._decoder.decode(data, preprocessing) for data in pictures]
        ranked: list[tuple[Prediction, ...]] = []
        for start in range(0, len(images), BATCH):
            arrays = preprocessing.to_arrays(np.stack(images[start : start + BATCH]))
            ranked.extend(rank(row, ready.about.labels) for row in _run(ready, arrays, folder))
        return ranked

    def close(self) -> None:
        with self._mutex:
            self._ready.clear()

    def _get(self, folder: Path) -> _Ready:
        with self._mutex:
            if folder not in self._ready:
                self._ready[folder] = _load(folder)
            self._ready.move_to_end(folder)
            while len(self._ready) > KEPT_READY:
                self._ready.popitem(last=False)
            return self._ready[folder]


def _load(folder: Path) -> _Ready:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a waiting server burns no core
    about = read_about(folder)
    try:
        session = onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
    except (OSError, ValueError, Fail, InvalidGraph, InvalidProtobuf, NoSuchFile) as error:
        raise Damaged(f"The model in {folder.name} cannot be loaded: {error}") from error
    return _Ready(session, session.get_inputs()[0].name, about)


def _run(ready: _Ready, arrays: npt.NDArray[np.float32], folder: Path) -> npt.NDArray[np.float32]:
    try:
        probabilities: npt.NDArray[np.float32] = ready.session.run(None, {ready.input_name: arrays})[0]
    except (Fail, InvalidArgument) as error:
        raise Damaged(f"The model in {folder.name} does not take its own pictures: {error}") from error
    if probabilities.shape != (len(arrays), len(ready.about.labels)):
        found = f"{probabilities.shape} for {len(ready.about.labels)} classes"
        raise Damaged(f"The model in {folder.name} gives {found}: its files do not belong together.")
    return probabilities
