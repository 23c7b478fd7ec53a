"""The ONNX file of a trained network: written from its layers, or by PyTorch's exporter where that cannot be done."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from tenfold.bootstrap.tasks import ONNX, ONNX_CHECK, ONNX_EXPORT, ONNX_WRITE, OWN_FRAMEWORK, TASKS, find
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.ports import Arrays


def write_onnx(task: str, graph: LayerGraph, weights: Arrays, path: Path) -> float:
    """Writes the file and returns its largest difference from PyTorch's network on random inputs.

    A task without a half for ONNX goes by the exporter, too. Raises `Damaged` where the difference is too large,
    `BadNetwork` where ONNX has no operator for a layer, `TooLarge`.
    """
    heads = TASKS[task].heads
    head = find(heads[OWN_FRAMEWORK])()
    if ONNX in heads and find(ONNX_WRITE)(graph, weights, find(heads[ONNX])(), path):
        return cast("float", find(ONNX_CHECK)(graph, weights, head, path))
    return cast("float", find(ONNX_EXPORT)(graph, weights, head, path))
