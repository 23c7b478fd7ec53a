"""ONNX files as other programs write them, and such as nobody should: made by hand, node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto, helper, numpy_helper

SIDE, CLASSES = 8, 5
Dims = Sequence[int | str | None]
WEIGHTS = np.random.default_rng(7).normal(0, 0.02, (SIDE * SIDE * 3, CLASSES)).astype(np.float32)
LAST = ["N", SIDE, SIDE, 3]
FIRST = ["N", 3, SIDE, SIDE]


def model(
    nodes: Sequence[NodeProto],
    *,
    takes: Dims | None = None,
    gives: Dims | None = None,
    opset: int = 17,
    kind: int = TensorProto.FLOAT,
    **about: Any,
) -> ModelProto:
    """A model with the input `x` and the output `y`, which begins with `WEIGHTS` as `w`."""
    tensors = [numpy_helper.from_array(WEIGHTS, "w"), *about.pop("tensors", ())]
    inputs = [helper.make_tensor_value_info("x", kind, FIRST if takes is None else takes), *about.pop("inputs", ())]
    outputs = [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None] if gives is None else gives),
        *about.pop("outputs", ()),
    ]
    graph = helper.make_graph([*nodes], "graph", inputs, outputs, tensors)
    imports = [helper.make_opsetid("", opset), *about.pop("domains", ())]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, **about)


def dense(result: str = "y", source: str = "x") -> list[NodeProto]:
    """What flattens pictures and multiplies them by the weights."""
    return [helper.make_node("Flatten", [source], ["f"], axis=1), helper.make_node("MatMul", ["f", "w"], [result])]


def linear(*, takes: Dims | None = None, ends: str = "", **about: Any) -> bytes:
    """A model of one layer; `ends` is an operator behind it."""
    nodes = dense("z" if ends else "y")
    if ends:
        nodes.append(helper.make_node(ends, ["z"], ["y"], **({"axis": 1} if "oftmax" in ends else {})))
    return model(nodes, takes=takes, **about).SerializeToString()


def logits_of(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What `linear` gives for images, however their axes stand."""
    return images.reshape(len(images), -1) @ WEIGHTS


def softmax(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    powers = np.exp(rows - rows.max(1, keepdims=True))
    found: npt.NDArray[np.float32] = powers / powers.sum(1, keepdims=True)
    return found


def endless(condition: str = "forever") -> bytes:
    """A loop that goes on as long as `condition` says: `forever`, or `white` for pictures of nothing but white."""
    true = helper.make_tensor("forever", TensorProto.BOOL, [], [True])
    nodes = dense("z")
    if condition == "white":
        limit = helper.make_tensor("limit", TensorProto.FLOAT, [], [0.999])
        nodes += [
            helper.make_node("ReduceMin", ["x"], ["darkest"], keepdims=0),
            helper.make_node("Greater", ["darkest", "limit"], ["white"]),
        ]
        return model([*nodes, _loop("white")], tensors=[limit]).SerializeToString()
    return model([*nodes, _loop("forever")], tensors=[true]).SerializeToString()


def _loop(condition: str) -> NodeProto:
    def value(name: str, kind: int, dims: Dims | None) -> Any:
        return helper.make_tensor_value_info(name, kind, dims)

    body: GraphProto = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["on_"]), helper.make_node("Identity", ["v"], ["v_"])],
        "body",
        [
            value("i", TensorProto.INT64, []),
            value("on", TensorProto.BOOL, []),
            value("v", TensorProto.FLOAT, [None, None]),
        ],
        [value("on_", TensorProto.BOOL, []), value("v_", TensorProto.FLOAT, [None, None])],
    )
    return helper.make_node("Loop", ["", condition, "z"], ["y"], body=body)


def bomb() -> bytes:
    """A graph of a few bytes that wants 10 GB of zeros."""
    size = numpy_helper.from_array(np.array([2_500_000_000], np.int64), "size")
    nodes = [
        *dense("z"),
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Add", ["z", "sum"], ["y"]),
    ]
    return model(nodes, tensors=[size]).SerializeToString()


def outside(location: str) -> bytes:
    """A model whose weights lie in another file."""
    made = model(dense())
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return made.SerializeToString()


def outside_in_branches(location: str) -> bytes:
    """A model whose branches are nothing but sparse values that lie in another file."""
    values = TensorProto(name="s", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    entry = values.external_data.add()
    entry.key, entry.value = "location", location
    places = numpy_helper.from_array(np.arange(2), "places")
    branch = GraphProto(name="branch", output=[helper.make_tensor_value_info("s", TensorProto.FLOAT, [CLASSES])])
    branch.sparse_initializer.append(SparseTensorProto(values=values, indices=places, dims=[CLASSES]))
    chosen = helper.make_tensor("chosen", TensorProto.BOOL, [], [True])
    choice = helper.make_node("If", ["chosen"], ["t"], then_branch=branch, else_branch=branch)
    return _with(choice, helper.make_node("Add", ["z", "t"], ["y"]), tensors=[chosen])


def with_function() -> bytes:
    """A model that calls a function of its own, which calls itself."""
    domain = helper.make_opsetid("mine", 1)
    own = helper.make_function(
        "mine", "Again", ["a"], ["b"], [helper.make_node("Again", ["a"], ["b"], domain="mine")],
        [helper.make_opsetid("", 17), domain],
    )  # fmt: skip
    nodes = [*dense("z"), helper.make_node("Again", ["z"], ["y"], domain="mine")]
    return model(nodes, domains=[domain], functions=[own]).SerializeToString()


def _with(*behind: NodeProto, **about: Any) -> bytes:
    return model([*dense("z"), *behind], **about).SerializeToString()


def _of_size(*dims: int) -> bytes:
    """A model that says its weights are of another size than they are."""
    made = model(dense())
    made.graph.initializer[0].ClearField("dims")
    made.graph.initializer[0].dims.extend(dims)
    return made.SerializeToString()


def hostile() -> dict[str, tuple[bytes, str]]:
    """What is refused, and by which code; all of it at once, or within the limits of a worker."""
    node, plain = helper.make_node, linear()
    second = helper.make_tensor_value_info("x2", TensorProto.FLOAT, FIRST)
    more = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", CLASSES])
    fused = node("FusedNothing", ["z"], ["y"], domain="com.microsoft")
    shape = numpy_helper.from_array(np.array([-1], np.int64), "shape")
    one = numpy_helper.from_array(np.zeros((CLASSES, 1), np.float32), "one")
    return {
        "text": (b"this is no model", "model.not-onnx"),
        "zeros": (bytes(1000), "model.not-onnx"),
        "pickle": (b"\x80\x04cos\nsystem\n(S'true'\ntR.", "model.not-onnx"),
        **{f"cut off at {share} %": (plain[: len(plain) * share // 100], "model.not-onnx") for share in (3, 60, 90)},
        "cut off by one": (plain[:-1], "model.not-onnx"),
        "outside, above": (outside("../../../../etc/passwd"), "model.external-data"),
        "outside, absolute": (outside("/etc/passwd"), "model.external-data"),
        "outside, beside": (outside("weights.bin"), "model.external-data"),
        "outside, in branches": (outside_in_branches("weights.bin"), "model.external-data"),
        "two inputs": (_with(node("Add", ["z", "z"], ["y"]), inputs=[second]), "model.inputs"),
        "two outputs": (_with(node("Relu", ["z"], ["y"]), outputs=[more]), "model.outputs"),
        "a map": (model([node("Relu", ["x"], ["y"])], gives=[None] * 4).SerializeToString(), "model.no-vector"),
        "no batch": (_with(node("Reshape", ["z", "shape"], ["y"]), tensors=[shape], gives=[None]), "model.no-vector"),
        "one number": (_with(node("MatMul", ["z", "one"], ["y"]), tensors=[one]), "model.one-class"),
        "a batch of eight": (linear(takes=[8, *FIRST[1:]]), "model.batch"),
        "three axes": (linear(takes=["N", 3, 64]), "model.no-picture"),
        "words": (linear(kind=TensorProto.STRING), "model.input-type"),
        "of others": (_with(node("Magic", ["z"], ["y"], domain="evil")), "model.custom-operator"),
        "unknown": (_with(fused, domains=[helper.make_opsetid("com.microsoft", 1)]), "model.refused"),
        "function": (with_function(), "model.functions"),
        "not a number": (_with(node("Log", ["z"], ["y"])), "model.not-numbers"),
        "old": (linear(opset=6), "model.opset"),
        "a name from nowhere": (_with(node("Relu", ["nowhere"], ["y"])), "model.invalid"),
        "weights that are not there": (_of_size(10**9, 10**9), "model.invalid"),
        "fewer than none": (_of_size(-5, CLASSES), "model.invalid"),
        "random": (_with(node("RandomNormalLike", ["z"], ["y"])), "model.not-repeatable"),
    }  # fmt: skip
