"""What an ONNX file may not hold: other files, operators of others, functions, and what is no model at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto

from tenfold.core.errors import BadModel
from tenfold.core.inference.importing import told

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Of the operators that ONNX Runtime has itself."""
LEAST_OPSET = 7
MAX_NODES = 50_000
_ONE_FILE = (
    "write it as one file: `onnx.save(onnx.load('model.onnx'), 'one.onnx', save_as_external_data=False)`, then send "
    "that one"
)


def read_model(content: bytes) -> ModelProto:
    """The model of a file; raises `BadModel` that names what keeps it from being one that can be run here."""
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise BadModel(
            "It is no ONNX file, or was cut off: nothing in it can be read.", code="model.not-onnx"
        ) from None
    if not model.ir_version or not model.graph.node:
        raise BadModel("It is no ONNX file, or was cut off: there is no graph in it.", code="model.not-onnx")
    graphs = [*_graphs(model.graph)]
    _require_one_file(graphs)
    _require_known(model, graphs)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise BadModel(f"The checker of ONNX refuses it: {told(error)}", code="model.invalid") from None
    return model


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph and those within its nodes."""
    waiting = [graph]
    while waiting:
        current = waiting.pop()
        yield current
        for node in current.node:
            for attribute in node.attribute:
                waiting += attribute.graphs
                if attribute.HasField("g"):
                    waiting.append(attribute.g)


def _require_one_file(graphs: Sequence[GraphProto]) -> None:
    for graph in graphs:
        for tensor in _tensors(graph):
            if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
                at = next((each.value for each in tensor.external_data if each.key == "location"), "another file")
                text = f"The values of {told(tensor.name) or 'a tensor'} lie in {told(at)!r}, and other files are not"
                raise BadModel(f"{text} opened: {_ONE_FILE}.", code="model.external-data")


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from _in_attribute(attribute)


def _in_attribute(attribute: AttributeProto) -> Iterator[TensorProto]:
    yield from (attribute.t, *attribute.tensors)
    for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
        yield from (sparse.values, sparse.indices)


def _require_known(model: ModelProto, graphs: Sequence[GraphProto]) -> None:
    num_nodes = sum(len(graph.node) for graph in graphs)
    if num_nodes > MAX_NODES:
        text = f"Its graph has {num_nodes:,} nodes; at most {MAX_NODES:,} are run here."
        raise BadModel(text, code="model.too-large")
    own = {(function.domain, function.name) for function in model.functions}
    for node in (node for graph in graphs for node in graph.node):
        if (node.domain, node.op_type) in own:
            text = f"It has a function of its own, {told(node.op_type)}: put its nodes in its place with"
            raise BadModel(f"{text} `onnx.inliner.inline_local_functions`, then send that.", code="model.functions")
        if node.domain not in DOMAINS:
            text = f"It needs the operator {told(node.op_type)} of {told(node.domain)!r}, which is not part of ONNX"
            raise BadModel(f"{text} Runtime: export it without operators of others.", code="model.custom-operator")
    if opset_of(model) < LEAST_OPSET:
        text = f"It is of version {opset_of(model)} of the operator set; {LEAST_OPSET} and later ones are run here"
        raise BadModel(f"{text}: bring it up with `onnx.version_converter`.", code="model.opset")


def opset_of(model: ModelProto) -> int:
    """The version of ONNX's own operators that it is written in."""
    return max((each.version for each in model.opset_import if each.domain in {"", "ai.onnx"}), default=0)
