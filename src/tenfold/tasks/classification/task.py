"""Image classification: one class a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.core.datasets.model import ONE_CLASS, LabelKind
from tenfold.core.evaluation.classification import classification_report
from tenfold.core.training.task import Evaluation


class Classification:
    """Fulfils `tenfold.core.training.task.Task`."""

    name = "classification"
    title = "Image classification"
    label_kinds: tuple[LabelKind, ...] = ONE_CLASS
    heads: Mapping[str, str] = {
        "torch": "tenfold.tasks.classification.torch:ClassificationHead",
        "numpy": "tenfold.tasks.classification.numpy:ClassificationHead",
    }

    def network_parameters(self, classes: tuple[str, ...]) -> dict[str, object]:
        return {"classes": len(classes)}

    def evaluate(self, results: NDArray[Any], labels: NDArray[np.int64], classes: tuple[str, ...]) -> Evaluation:
        report = classification_report(results, labels, classes)
        metrics = {"accuracy": report.accuracy, "top5_accuracy": report.top5_accuracy, "loss": report.loss}
        return Evaluation(metrics, asdict(report))
