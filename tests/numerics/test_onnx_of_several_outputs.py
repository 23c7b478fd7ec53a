"""The ONNX file of a network that was trained with auxiliary heads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tenfold.adapters.frameworks.torch.builder import build_module
from tenfold.adapters.frameworks.torch.onnx_export import export_onnx
from tenfold.bootstrap.onnx_file import write_onnx
from tenfold.core.networks.fitting import require_fit
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.ports import Arrays
from tenfold.tasks.classification.torch import ClassificationHead

TEXT = """language 1
network helped "for tests"
param classes = 3 in 2..1000
input image = image(1, 8, 8)
conv1 = conv(4, 3)
relu
flat = flatten
logits = dense(classes)
helper = dense(classes) from flat
output logits from logits
output helper(training_only=true, loss_weight=0.3)
"""


def traced(graph: LayerGraph, weights: Arrays, path: Path) -> float:
    return export_onnx(graph, weights, ClassificationHead(), path)


def written(graph: LayerGraph, weights: Arrays, path: Path) -> float:
    return write_onnx("classification", graph, weights, path)


@pytest.mark.parametrize("export", [written, traced])
def test_the_file_gives_the_main_output_alone(export: Callable[..., float], tmp_path: Path) -> None:
    graph = require_fit(TEXT, {"classes": 3}, (1, 8, 8))
    module = build_module(graph, seed=1)
    weights = {name: tensor.detach().numpy() for name, tensor in module.state_dict().items()}

    assert export(graph, weights, tmp_path / "model.onnx") <= 1e-4

    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    assert [each.name for each in session.get_outputs()] == ["probabilities"]
    (given,) = session.run(None, {"input": np.zeros((2, 1, 8, 8), np.float32)})
    assert np.allclose(given.sum(axis=1), 1)
