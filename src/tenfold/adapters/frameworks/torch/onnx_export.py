"""A trained network as one ONNX file by PyTorch's exporter, which runs the network to see what it computes.

For networks of Python, and those with layers that `adapters/export/onnx` has no operators for.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tenfold.adapters.frameworks.torch.custom import CustomNetwork
from tenfold.adapters.frameworks.torch.onnx_check import (
    compare,
    examples,
    output_names,
    outputs_module,
    result_module,
    with_result,
)
from tenfold.adapters.frameworks.torch.onnx_reasons import why_not_exported
from tenfold.core.errors import BadNetwork, is_disk_full
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.inspection import SourceProblem
from tenfold.core.training.ports import Arrays, TaskHead

OPSET = 18
NOT_EXPORTED = frozenset({"detection_output"})


def export_onnx(graph: LayerGraph, weights: Arrays, head: TaskHead, path: Path) -> float:
    """Writes the network with its weights and the head's result (for classification softmax) into one file.

    Input `input`, float32 (batch, C, H, W), any batch; output `probabilities`. The file is run against the network on
    random inputs and the largest difference returned; raises `Damaged` where it is too large, and `BadNetwork` that
    names the layers which ONNX has no operator for.
    """
    _require_operators(graph)
    return _export(result_module(graph, weights, head), graph, ("input",), ("probabilities",), path)


def export_custom(model: TrainedModel, head: TaskHead, path: Path) -> float:
    """The same of a network of Python, whose source is executed for it: so only where it may be."""
    graph = model.graph
    shape, classes = graph.inputs[0].shape, len(model.classes)
    module = CustomNetwork(model.network_text).ready(model.parameters, shape, classes)
    module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in model.weights.items()})
    try:
        return _export(with_result(module, graph, head), graph, ("input",), ("probabilities",), path)
    except Exception as error:
        if isinstance(error, MemoryError) or is_disk_full(error):
            raise
        raise BadNetwork(str(why_not_exported(error, module)), code="network.python") from error


def why_not_custom(module: nn.Module, graph: LayerGraph) -> SourceProblem | None:
    """Tries to export a bare module, which is in evaluation mode, without a file; `None` where that succeeds."""
    try:
        bare = _Bare(module).eval()
        program = _program(bare, graph, ("input",), ("logits",))
        compare(bare, graph, program.model_proto.SerializeToString())
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        return why_not_exported(error, module)
    return None


def export_graph(graph: LayerGraph, weights: Arrays, path: Path) -> float:
    """The bare network in one file: inputs and outputs under the names of its text, those for training left out.

    Inputs are (batch, *shape), float32 or int64 for tokens, any batch. Otherwise as `export_onnx`.
    """
    _require_operators(graph)
    names = tuple(item.name for item in graph.inputs)
    return _export(outputs_module(graph, weights), graph, names, output_names(graph), path)


def _export(
    module: nn.Module, graph: LayerGraph, inputs: tuple[str, ...], outputs: tuple[str, ...], path: Path
) -> float:
    _program(module, graph, inputs, outputs).save(str(path), external_data=False)
    return compare(module, graph, path)


def _program(
    module: nn.Module, graph: LayerGraph, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> torch.onnx.ONNXProgram:
    batch = torch.export.Dim("batch", min=1)
    with _quietly():
        program = torch.onnx.export(
            module,
            tuple(torch.from_numpy(array) for array in examples(graph, 2)),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
            verbose=False,
        )
    assert program is not None
    return program


class _Bare(nn.Module):
    """A module as `_program` takes it."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._module = module

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor]:
        return (self._module(*inputs),)


def _require_operators(graph: LayerGraph) -> None:
    missing = [node for node in graph.nodes if node.kind in NOT_EXPORTED]
    if missing:
        names = ", ".join(f"`{node.path}` ({node.kind})" for node in missing[:6])
        before = ", ".join(dict.fromkeys(path for node in missing[:6] for path in node.inputs))
        text = f"ONNX has no operator that computes {names}. Make what it reads outputs of the network: {before}."
        raise BadNetwork(text, code="export.no-operator")


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
