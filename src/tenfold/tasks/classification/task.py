"""Image classification: one class a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.core.datasets.model import ONE_CLASS, LabelKind
from tenfold.core.evaluation.classification import classification_report
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.training_factors import main_output
from tenfold.core.training.task import Evaluation


class Classification:
    """Fulfils `tenfold.core.training.task.Task`."""

    name = "classification"
    title = "Image classification"
    label_kinds: tuple[LabelKind, ...] = ONE_CLASS
    heads: Mapping[str, str] = {
        "torch": "tenfold.tasks.classification.torch:ClassificationHead",
        "keras": "tenfold.tasks.classification.keras:ClassificationHead",
        "numpy": "tenfold.tasks.classification.numpy:ClassificationHead",
        "onnx": "tenfold.tasks.classification.onnx:ClassificationHead",
    }

    def network_parameters(self, classes: tuple[str, ...]) -> dict[str, object]:
        return {"classes": len(classes)}

    def misfit(self, graph: LayerGraph) -> str:
        if len(graph.inputs) != 1:
            return f"it takes {len(graph.inputs)} inputs at a time, not one picture"
        if graph.inputs[0].kind != "image":
            return f"it takes {graph.inputs[0].kind}, not pictures"
        output = main_output(graph)
        shape = graph.shapes[output.source]
        if len(shape) != 1:
            sizes = " x ".join(str(size) for size in shape)
            return f"its output `{output.name}` is {sizes}, not one number for each class"
        return "" if shape[0] > 1 else f"its output `{output.name}` is one number, not one for each class"

    def evaluate(self, results: NDArray[Any], labels: NDArray[np.int64], classes: tuple[str, ...]) -> Evaluation:
        report = classification_report(results, labels, classes)
        metrics = {"accuracy": report.accuracy, "top5_accuracy": report.top5_accuracy, "loss": report.loss}
        return Evaluation(metrics, asdict(report))
