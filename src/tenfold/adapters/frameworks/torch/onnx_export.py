"""A trained network as one ONNX file that gives what a person is shown."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.core.errors import Damaged
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.ports import Arrays, TaskHead

OPSET = 18
TOLERANCE = 1e-4
BATCHES = (1, 3)


def export_onnx(graph: LayerGraph, weights: Arrays, head: TaskHead, path: Path) -> float:
    """Writes the network with its weights and the head's result (for classification softmax) into one file.

    Input `input`, float32 (batch, C, H, W), any batch; output `probabilities`. The file is run against the network on
    random inputs and the largest difference returned; raises `Damaged` where it is over `TOLERANCE`.
    """
    module = _WithResult(load_module(graph, weights, in_place=False), head).eval()
    example = torch.zeros(2, *graph.inputs[0].shape)
    with _quietly():
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            verbose=False,
        )
    assert program is not None
    program.save(str(path), external_data=False)
    difference = _largest_difference(module, path, graph.inputs[0].shape)
    if not difference <= TOLERANCE:
        text = f"The ONNX file differs from the network by {difference:.2g}; at most {TOLERANCE:g} is allowed."
        raise Damaged(text, code="export.differs")
    return difference


class _WithResult(nn.Module):
    def __init__(self, module: nn.Module, head: TaskHead) -> None:
        super().__init__()
        self._module = module
        self._head = head

    def forward(self, inputs: Tensor) -> Any:
        return self._head.result(self._module(inputs))


def _largest_difference(module: nn.Module, path: Path, shape: tuple[int, ...]) -> float:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    found = 0.0
    for batch in BATCHES:
        inputs = random.normal(size=(batch, *shape)).astype(np.float32)
        with torch.inference_mode():
            expected = module(torch.from_numpy(inputs)).numpy()
        found = max(found, float(np.abs(session.run(None, {"input": inputs})[0] - expected).max()))
    return found


@contextmanager
def _quietly() -> Iterator[None]:
    """The exporter warns of its own insides and reports its progress; a training's log is not the place."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
