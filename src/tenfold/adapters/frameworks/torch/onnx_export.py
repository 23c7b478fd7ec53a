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
from numpy.typing import NDArray
from torch import Tensor, nn

from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.adapters.frameworks.torch.custom import CustomNetwork
from tenfold.core.errors import BadNetwork, Damaged
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.training_factors import main_output
from tenfold.core.training.ports import Arrays, TaskHead

Array = NDArray[Any]

OPSET = 18
TOLERANCE = 1e-4
BATCHES = (1, 3)
NOT_EXPORTED = frozenset({"detection_output"})


def export_onnx(graph: LayerGraph, weights: Arrays, head: TaskHead, path: Path) -> float:
    """Writes the network with its weights and the head's result (for classification softmax) into one file.

    Input `input`, float32 (batch, C, H, W), any batch; output `probabilities`. The file is run against the network on
    random inputs and the largest difference returned; raises `Damaged` where it is over `TOLERANCE`.
    """
    _require_operators(graph)
    module = _WithResult(load_module(graph, weights, in_place=False), head, main_output(graph).name)
    return _export(module, graph, ("input",), ("probabilities",), path)


def export_custom(model: TrainedModel, head: TaskHead, path: Path) -> float:
    """The same of a network of Python, whose source is executed for it: so only where it may be."""
    graph = model.graph
    shape, classes = graph.inputs[0].shape, len(model.classes)
    module = CustomNetwork(model.network_text).ready(model.parameters, shape, classes)
    module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in model.weights.items()})
    return _export(_WithResult(module, head, main_output(graph).name), graph, ("input",), ("probabilities",), path)


def export_graph(graph: LayerGraph, weights: Arrays, path: Path) -> float:
    """The bare network in one file: inputs and outputs under the names of its text, those for training left out.

    Inputs are (batch, *shape), float32 or int64 for tokens, any batch. Checked as `export_onnx` does it. Raises
    `BadNetwork` that names the layers which ONNX has no operator for.
    """
    _require_operators(graph)
    outputs = tuple(item.name for item in graph.outputs if not item.arguments.get("training_only"))
    module = _Outputs(load_module(graph, weights, in_place=False), outputs)
    return _export(module, graph, tuple(item.name for item in graph.inputs), outputs, path)


def _export(
    module: nn.Module, graph: LayerGraph, inputs: tuple[str, ...], outputs: tuple[str, ...], path: Path
) -> float:
    module.eval()
    batch = torch.export.Dim("batch", min=1)
    with _quietly():
        program = torch.onnx.export(
            module,
            tuple(torch.from_numpy(array) for array in _examples(graph, 2)),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
            verbose=False,
        )
    assert program is not None
    program.save(str(path), external_data=False)
    difference = max(_difference(module, path, dict(zip(inputs, _examples(graph, n), strict=True))) for n in BATCHES)
    if not difference <= TOLERANCE:
        text = f"The ONNX file differs from the network by {difference:.2g}; at most {TOLERANCE:g} is allowed."
        raise Damaged(text, code="export.differs")
    return difference


def _require_operators(graph: LayerGraph) -> None:
    missing = [node for node in graph.nodes if node.kind in NOT_EXPORTED]
    if missing:
        names = ", ".join(f"`{node.path}` ({node.kind})" for node in missing[:6])
        before = ", ".join(dict.fromkeys(path for node in missing[:6] for path in node.inputs))
        text = f"ONNX has no operator that computes {names}. Make what it reads outputs of the network: {before}."
        raise BadNetwork(text, code="export.no-operator")


class _WithResult(nn.Module):
    """What the head makes of the main output; others, as the auxiliary heads of a training, are left out."""

    def __init__(self, module: nn.Module, head: TaskHead, main: str) -> None:
        super().__init__()
        self._module = module
        self._head = head
        self._main = main

    def forward(self, *inputs: Tensor) -> tuple[Any, ...]:
        found = self._module(*inputs)
        return (self._head.result(found[self._main] if isinstance(found, dict) else found),)


class _Outputs(nn.Module):
    """The outputs of a network in the order of their names."""

    def __init__(self, module: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self._module = module
        self._names = names

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        found = self._module(*inputs)
        return tuple(found[name] for name in self._names) if isinstance(found, dict) else (found,)


def _examples(graph: LayerGraph, batch: int) -> list[Array]:
    random = np.random.default_rng(0)
    return [
        random.integers(item.vocabulary, size=(batch, *item.shape))
        if item.vocabulary
        else random.normal(size=(batch, *item.shape)).astype(np.float32)
        for item in graph.inputs
    ]


def _difference(module: nn.Module, path: Path, inputs: dict[str, Array]) -> float:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = module(*(torch.from_numpy(array) for array in inputs.values()))
    given = session.run(None, inputs)
    return max(float(np.abs(mine - theirs.numpy()).max()) for mine, theirs in zip(given, expected, strict=True))


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
