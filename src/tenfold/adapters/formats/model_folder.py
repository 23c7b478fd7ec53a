"""Writes a trained model as a folder: the files that a download holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tenfold.core.export.trained_model import TrainedModel


def write_model_folder(model: TrainedModel, folder: Path) -> None:
    """Fulfils `tenfold.core.export.trained_model.ModelWriter`."""
    weights = {name: np.ascontiguousarray(array) for name, array in model.weights.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "network.network").write_text(model.network_text, "utf-8")
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in model.classes), "utf-8")
    _write_json(folder / "preprocessing.json", model.preprocessing)
    _write_json(folder / "versions.json", model.versions)
    evaluation = model.evaluation
    _write_json(
        folder / "metrics.json",
        {
            "tested_on": model.tested_on,
            "metrics": evaluation.metrics if evaluation else {},
            "report": evaluation.report if evaluation else {},
            "step": model.step,
            "epochs": model.epochs_done,
        },
    )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
