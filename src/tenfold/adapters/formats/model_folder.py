"""Writes a trained model as a folder: the files that a download holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.export.contents import NETWORK_FILE, PYTHON_FILE
from tenfold.core.export.model_card import model_card
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.networks.custom import is_python

NUM_FILES = 10
WEIGHTS, ONNX, FIGURES = "model.safetensors", "model.onnx", "metrics.json"
LICENCE = Path(__file__).with_name("apache-2.0.txt")
TERMS = """predict.py is part of Tenfold and comes under the Apache License, Version 2.0, which follows.
The weights, the network's text, the classes and the figures belong to whoever trained this model; Tenfold claims no
rights to them and gives no warranty for what the model says.


"""


@dataclass(frozen=True, kw_only=True)
class ModelFolderWriter:
    """Fulfils `tenfold.core.export.trained_model.ModelWriter`.

    `export_network` writes the ONNX file and returns its largest difference from the network; `predict_script` gives
    the text of `predict.py`. Of a network of Python the texts but `metrics.json` are left out: the server writes them,
    see `seal_model`.
    """

    export_network: Callable[[TrainedModel, Path], float]
    predict_script: Callable[[Preprocessing], str]

    def __call__(self, model: TrainedModel, folder: Path, *, report: Callable[[int, int], None]) -> None:
        weights = {name: np.asarray(array, order="C") for name, array in model.weights.items()}
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
        report(1, NUM_FILES)
        difference = self.export_network(model, folder / ONNX)
        report(2, NUM_FILES)
        (folder / FIGURES).write_text(as_json(figures_of(model, difference)), "utf-8")
        if not is_python(model.network_text):
            write_texts(model, folder, self.predict_script)
        report(NUM_FILES, NUM_FILES)


def write_texts(model: TrainedModel, folder: Path, predict_script: Callable[[Preprocessing], str]) -> None:
    """Writes all that a model's folder holds besides tensors and figures; the model's weights are not looked at."""
    texts = {
        PYTHON_FILE if is_python(model.network_text) else NETWORK_FILE: model.network_text,
        "labels.txt": "".join(f"{name}\n" for name in model.classes),
        "preprocessing.json": as_json(model.preprocessing),
        "versions.json": as_json(model.versions),
        "predict.py": predict_script(Preprocessing.from_json(model.preprocessing)),
        "MODEL_CARD.md": model_card(model),
        "LICENSE": TERMS + LICENCE.read_text("utf-8"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")


def figures_of(model: TrainedModel, difference: float) -> dict[str, object]:
    """What stands in `metrics.json`; `difference` is that of the ONNX file."""
    evaluation = model.evaluation
    return {
        "tested_on": model.tested_on,
        "metrics": evaluation.metrics if evaluation else {},
        "report": evaluation.report if evaluation else {},
        "step": model.step,
        "epochs": model.epochs_done,
        "onnx_difference": difference,
    }


def as_json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
