"""Writes the ONNX file of a network from its layer graph and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper

from tenfold import __version__
from tenfold.adapters.export.onnx.layers.table import KINDS
from tenfold.adapters.export.onnx.sheet import LayerNodes, Sheet
from tenfold.core.errors import TooLarge
from tenfold.core.networks.graph import LayerGraph, Node
from tenfold.core.networks.layers.kinds import Shape
from tenfold.core.networks.training_factors import main_output

Weights = Mapping[str, NDArray[Any]]

OPSET = 18
IR_VERSION = 10
MOST_BYTES = 2_000_000_000
"""Of weights in one file: its format counts in 2 GB."""


class OnnxHead(Protocol):
    """The half of a task that stands at the end of the file: `tasks/*/onnx.py` fulfil it."""

    def result(self, output: str, name: str) -> Sequence[NodeProto]:
        """The nodes that make the value `name`, which a person is shown, of the network's value `output`."""


def write_model(graph: LayerGraph, weights: Weights, head: OnnxHead, path: Path) -> bool:
    """Writes the network with its weights and the head's result into one file.

    Input `input`, float32 (batch, C, H, W), any batch; output `probabilities`, of the main output alone. `False`, and
    nothing is written, where a layer is not in the table. Raises `TooLarge` over `MOST_BYTES`, `KeyError` where a
    weight is missing.
    """
    main, (only,) = main_output(graph), graph.inputs
    values = {only.name: "input"}
    sheet = _write_layers(graph, weights, values, [main.source])
    if sheet is None:
        return False
    sheet.nodes.extend(head.result(values[main.source], "probabilities"))
    _save(sheet, _inputs(graph, values), {"probabilities": graph.shapes[main.source]}, path)
    return True


def write_graph(graph: LayerGraph, weights: Weights, path: Path) -> bool:
    """Writes the bare network: inputs and outputs under the names of its text, those for training left out.

    Inputs are (batch, *shape), float32 or int64 for tokens, any batch. Otherwise as `write_model`.
    """
    wanted = [item for item in graph.outputs if not item.arguments.get("training_only")]
    values = {item.name: item.name for item in graph.inputs}
    sheet = _write_layers(graph, weights, values, [item.source for item in wanted])
    if sheet is None:
        return False
    sheet.nodes.extend(helper.make_node("Identity", [values[item.source]], [item.name]) for item in wanted)
    _save(sheet, _inputs(graph, values), {item.name: graph.shapes[item.source] for item in wanted}, path)
    return True


def _write_layers(graph: LayerGraph, weights: Weights, values: dict[str, str], sources: Sequence[str]) -> Sheet | None:
    """Writes the layers that `sources` come from, or nothing where one is not in the table.

    `values` has the names of values by path: of the inputs, and then of all that is written.
    """
    nodes, sheet = _needed(graph, sources), Sheet()
    if any(node.kind not in KINDS for node in nodes):
        return None
    for node in nodes:
        own = {
            name: np.asarray(weights[f"{node.weights_path}.{name}"], np.float32, order="C")
            for name in graph.node(node.weights_path).weights
        }
        layer = LayerNodes(
            sheet=sheet,
            node=node,
            inputs=tuple(values[path] for path in node.inputs),
            shapes=tuple(graph.shapes[path] for path in node.inputs),
            weights=own,
        )
        values[node.path] = KINDS[node.kind](layer)
    return sheet


def _needed(graph: LayerGraph, sources: Sequence[str]) -> list[Node]:
    wanted = set(sources)
    for node in reversed(graph.nodes):
        if node.path in wanted:
            wanted.update(node.inputs)
    return [node for node in graph.nodes if node.path in wanted]


def _inputs(graph: LayerGraph, values: Mapping[str, str]) -> list[ValueInfoProto]:
    return [
        _value(values[item.name], TensorProto.INT64 if item.vocabulary else TensorProto.FLOAT, item.shape)
        for item in graph.inputs
    ]


def _value(name: str, element: int, shape: Shape) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, element, ["batch", *shape])


def _save(sheet: Sheet, inputs: Sequence[ValueInfoProto], outputs: Mapping[str, Shape], path: Path) -> None:
    size = sum(array.nbytes for array in sheet.tensors.values())
    if size > MOST_BYTES:
        text = f"The weights take {size / 1e9:.1f} GB, and an ONNX file holds at most {MOST_BYTES / 1e9:.0f} GB"
        raise TooLarge(f"{text} of them. Make the network smaller.", code="export.too-large")
    values = [_value(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
    model = helper.make_model(
        helper.make_graph(sheet.nodes, "network", inputs, values),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="tenfold",
        producer_version=__version__,
    )
    for name, array in sheet.tensors.items():  # in place, since `make_graph` and `make_model` would copy them all
        model.graph.initializer.add(
            name=name,
            dims=array.shape,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            raw_data=np.asarray(array, array.dtype.newbyteorder("<")).tobytes(),
        )
    onnx.save_model(model, path)
