"""Whether the ONNX file of a layer graph gives what PyTorch's network gives, measured by the size of the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from tenfold.adapters.export.onnx.writer import write_graph
from tenfold.adapters.frameworks.torch.onnx_check import examples, outputs_module
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.ports import Arrays

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Parity:
    """Shares of an output's largest number, of all outputs: the largest by which the file differs, and the smallest by
    which samples of a batch do, without which the first tells little."""

    difference: float
    spread: float


def require_parity(graph: LayerGraph, weights: Arrays, path: Path) -> Parity:
    """The file is valid, promises the shapes of the graph, and gives PyTorch's numbers for batches of 1 and 3.

    The largest difference of an output is at most `TOLERANCE` of its largest number, however small that is.
    """
    assert write_graph(graph, weights, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    module, session = outputs_module(graph, weights), onnxruntime.InferenceSession(str(path))
    wanted = [item for item in graph.outputs if not item.arguments.get("training_only")]
    promised = [(each.name, each.shape) for each in session.get_outputs()]
    assert promised == [(item.name, ["batch", *graph.shapes[item.source]]) for item in wanted]
    differences, spreads = [], []
    for batch in (1, 3):
        arrays = examples(graph, batch)
        given = session.run(None, {item.name: array for item, array in zip(graph.inputs, arrays, strict=True)})
        with torch.inference_mode():
            expected = [each.numpy() for each in module(*(torch.from_numpy(array) for array in arrays))]
        for found, known in zip(given, expected, strict=True):
            assert found.shape == known.shape
            size = float(np.abs(known).max())
            difference = float(np.abs(found - known).max())
            assert difference <= TOLERANCE * size
            differences.append(difference / size if size else 0.0)
            if batch > 1:
                spreads.append(float(np.ptp(known, axis=0).max()) / size if size else 0.0)
    return Parity(max(differences), min(spreads))
