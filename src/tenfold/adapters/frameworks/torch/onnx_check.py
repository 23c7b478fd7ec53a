"""Compares an ONNX file, whoever wrote it, with the network that it is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.core.errors import Damaged
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.training_factors import main_output
from tenfold.core.training.ports import Arrays, TaskHead

Array = NDArray[Any]

TOLERANCE = 1e-4
BATCHES = (1, 3)


def check_onnx(graph: LayerGraph, weights: Arrays, head: TaskHead, path: Path) -> float:
    """Runs the file against the network with the head's result on random inputs and returns the largest difference.

    Raises `Damaged` where it is over `TOLERANCE`.
    """
    return compare(result_module(graph, weights, head), graph, path)


def check_graph(graph: LayerGraph, weights: Arrays, path: Path) -> float:
    """The same for the bare network, whose inputs and outputs the file has under the names of the text."""
    return compare(outputs_module(graph, weights), graph, path)


def result_module(graph: LayerGraph, weights: Arrays, head: TaskHead) -> nn.Module:
    """What the head makes of the main output; others, as the auxiliary heads of a training, are left out."""
    return with_result(load_module(graph, weights, in_place=False), graph, head)


def with_result(module: nn.Module, graph: LayerGraph, head: TaskHead) -> nn.Module:
    """The same of a module that is there."""
    return _WithResult(module, head, main_output(graph).name).eval()


def outputs_module(graph: LayerGraph, weights: Arrays) -> nn.Module:
    """The outputs in the order of the text, those for training left out."""
    return _Outputs(load_module(graph, weights, in_place=False), output_names(graph)).eval()


def output_names(graph: LayerGraph) -> tuple[str, ...]:
    return tuple(item.name for item in graph.outputs if not item.arguments.get("training_only"))


def compare(module: nn.Module, graph: LayerGraph, file: Path | bytes) -> float:
    """The largest difference of the file at several batch sizes; raises `Damaged` where it is over `TOLERANCE`."""
    found = file if isinstance(file, bytes) else str(file)
    session = onnxruntime.InferenceSession(found, providers=["CPUExecutionProvider"])
    difference = max(_difference(module, session, examples(graph, batch)) for batch in BATCHES)
    if not difference <= TOLERANCE:
        text = f"The ONNX file differs from the network by {difference:.2g}; at most {TOLERANCE:g} is allowed."
        raise Damaged(text, code="export.differs")
    return difference


def examples(graph: LayerGraph, batch: int) -> list[Array]:
    """Random values for every input: (batch, *shape), float32 or int64 for tokens."""
    random = np.random.default_rng(0)
    return [
        random.integers(item.vocabulary, size=(batch, *item.shape))
        if item.vocabulary
        else random.normal(size=(batch, *item.shape)).astype(np.float32)
        for item in graph.inputs
    ]


def _difference(module: nn.Module, session: onnxruntime.InferenceSession, arrays: list[Array]) -> float:
    inputs = dict(zip((item.name for item in session.get_inputs()), arrays, strict=True))
    with torch.inference_mode():
        expected = module(*(torch.from_numpy(array) for array in arrays))
    given = session.run(None, inputs)
    return max(float(np.abs(mine - theirs.numpy()).max()) for mine, theirs in zip(given, expected, strict=True))


class _WithResult(nn.Module):
    def __init__(self, module: nn.Module, head: TaskHead, main: str) -> None:
        super().__init__()
        self._module = module
        self._head = head
        self._main = main

    def forward(self, *inputs: Tensor) -> tuple[Any, ...]:
        found = self._module(*inputs)
        return (self._head.result(found[self._main] if isinstance(found, dict) else found),)


class _Outputs(nn.Module):
    def __init__(self, module: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self._module = module
        self._names = names

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        found = self._module(*inputs)
        return tuple(found[name] for name in self._names) if isinstance(found, dict) else (found,)
