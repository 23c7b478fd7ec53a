"""A foreign graph in ours: nodes before it turn our input into its, nodes behind it make probabilities of its output.

So every model takes float32 images (N, C, H, W) and gives float32 probabilities (N, K), wherever it was trained, and
the server and `predict.py` need not know of layouts and types.
"""

from __future__ import annotations

from typing import Any

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from tenfold.adapters.foreign_models.seen import Ends


def with_our_input(model: ModelProto, ends: Ends, *, batch: int) -> ModelProto:
    """The same graph, which takes our input; `batch` is how many pictures at a time, 0 for any number."""
    wrapped = ModelProto()
    wrapped.CopyFrom(model)
    graph = wrapped.graph
    del wrapped.training_info[:]
    del wrapped.functions[:]  # none of them is called
    name = _free(graph, "images")
    nodes = []
    current = name
    if ends.layout == "nhwc":
        current = _free(graph, "images_nhwc")
        nodes.append(helper.make_node("Transpose", [name], [current], perm=[0, 2, 3, 1]))
    if ends.input_type != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [current], [ends.input], to=ends.input_type))
    else:
        nodes.append(helper.make_node("Identity", [current], [ends.input]))
    kept = [each for each in graph.input if each.name != ends.input]
    ours = helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch or "N", *ends.sizes])
    _replace(graph, "input", [ours, *kept])
    _replace(graph, "node", [*nodes, *graph.node])
    return wrapped


def with_our_output(wrapped: ModelProto, ends: Ends, *, classes: int, is_flat: bool, add_softmax: bool) -> None:
    """Puts behind a graph what makes probabilities (N, K) of its output; `is_flat` where that is (N, K) already."""
    graph = wrapped.graph
    current = ends.output
    nodes: list[NodeProto] = []

    def add(operator: str, **attributes: Any) -> None:
        nonlocal current
        made = _free(graph, f"{operator.lower()}_output")
        nodes.append(helper.make_node(operator, [current], [made], **attributes))
        current = made

    if not is_flat:
        add("Flatten", axis=1)
    add("Cast", to=TensorProto.FLOAT)
    if add_softmax:
        add("Softmax", axis=1)
    name = _free(graph, "probabilities")
    nodes.append(helper.make_node("Identity", [current], [name]))
    batch = graph.input[0].type.tensor_type.shape.dim[0].dim_value or "N"
    _replace(graph, "output", [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, classes])])
    _replace(graph, "node", [*graph.node, *nodes])


def _replace(graph: GraphProto, field: str, values: list[Any]) -> None:
    copies = [type(each)() for each in values]
    for copy, each in zip(copies, values, strict=True):
        copy.CopyFrom(each)
    graph.ClearField(field)
    getattr(graph, field).extend(copies)


def _free(graph: GraphProto, wish: str) -> str:
    """A name that nothing in the graph has."""
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    taken |= {each.name for each in (*graph.input, *graph.output, *graph.initializer, *graph.value_info)}
    name = f"tenfold_{wish}"
    while name in taken:
        name += "_"
    return name
