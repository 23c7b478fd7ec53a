"""What can be seen in the graph of a foreign model: its one input, its one output, and how it ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from tenfold.core.errors import BadModel, InvalidFields, Problem
from tenfold.core.inference.importing import MAX_SIDE, ModelImport, told

INPUT_TYPES = {
    TensorProto.FLOAT: "float32",
    TensorProto.FLOAT16: "float16",
    TensorProto.DOUBLE: "float64",
    TensorProto.UINT8: "uint8",
}
_PASS_ON = frozenset({"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast", "Dropout"})
_AXES = {"nchw": (1, 2, 3), "nhwc": (3, 1, 2)}
"""Where channels, height and width stand."""
_WORDS = ("channels", "height", "width")


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The input and output of a graph. `sizes` are channels, height and width; `batch` is 0 where any will do."""

    input: str
    input_type: int
    output: str
    layout: Literal["nchw", "nhwc"]
    sizes: tuple[int, int, int]
    batch: int
    ends_in: str


def look(model: ModelProto, wanted: ModelImport) -> Ends:
    """Raises `BadModel` for what takes no pictures, `InvalidFields` for what the file leaves open and nobody said."""
    graph = model.graph
    held = {each.name for each in graph.initializer} | {each.values.name for each in graph.sparse_initializer}
    source = _only([each for each in graph.input if each.name not in held], "input")
    target = _only([*graph.output], "output")
    kind = source.type.tensor_type.elem_type
    _require_type(source, wanted)
    dims = _dims(source)
    layout = _layout(dims, wanted)
    batch = dims[0] or 0
    if batch > 1:
        text = (
            f"It takes {batch} pictures at a time, no more and no fewer: export it with a batch of any size, or of 1."
        )
        raise BadModel(text, code="model.batch")
    return Ends(
        input=source.name,
        input_type=kind,
        output=target.name,
        layout=layout,
        sizes=_sizes(dims, layout, wanted),
        batch=batch,
        ends_in=_last_operator(graph, target.name),
    )


def num_parameters(model: ModelProto) -> int:
    """How many numbers its initialisers hold."""
    return sum(math.prod(each.dims) for each in model.graph.initializer)


def _only(values: list[ValueInfoProto], word: str) -> ValueInfoProto:
    if len(values) == 1:
        return values[0]
    if not values:
        raise BadModel(f"It has no {word}.", code=f"model.{word}s")
    names = ", ".join(told(each.name) for each in values[:5]) + (", ..." if len(values) > 5 else "")
    meant = "the picture" if word == "input" else "the classes"
    text = f"It has {len(values)} {word}s: {names}. Export it with one, {meant}."
    raise BadModel(text, code=f"model.{word}s")


def _require_type(source: ValueInfoProto, wanted: ModelImport) -> None:
    kind = source.type.tensor_type.elem_type
    if kind not in INPUT_TYPES:
        name = TensorProto.DataType.Name(kind) if kind in TensorProto.DataType.values() else "no tensor"
        text = f"Its input {told(source.name)} is {name}; pictures are given as {', '.join(INPUT_TYPES.values())}."
        raise BadModel(text, code="model.input-type")
    if kind == TensorProto.UINT8:
        said = {"range": wanted.range == "0-1", "mean": bool(wanted.mean), "std": bool(wanted.std)}
        text = "Its input takes whole numbers from 0 to 255: choose these values, and neither mean nor deviation."
        problems = [Problem(name, text, "range") for name, is_said in said.items() if is_said]
        if problems:
            raise InvalidFields(problems)


def _dims(source: ValueInfoProto) -> list[int | None]:
    """Four sizes, nothing where one is left open."""
    about = source.type.tensor_type
    if not about.HasField("shape"):
        return [None] * 4
    dims = [each.dim_value if each.HasField("dim_value") and each.dim_value > 0 else None for each in about.shape.dim]
    if len(dims) != 4:
        shown = " x ".join("?" if size is None else str(size) for size in dims[:8])
        text = f"Its input {told(source.name)} has {len(dims)} axes ({shown}); a batch of pictures has four."
        raise BadModel(text, code="model.no-picture")
    return dims


def _layout(dims: list[int | None], wanted: ModelImport) -> Literal["nchw", "nhwc"]:
    if wanted.layout != "auto":
        return wanted.layout
    first, last = dims[1] in {1, 3}, dims[3] in {1, 3}
    if first and not last:
        return "nchw"
    if last and not first:
        return "nhwc"
    text = "The file does not show where its channels stand: say whether they come first or last."
    raise InvalidFields([Problem("layout", text, "required")])


def _sizes(dims: list[int | None], layout: Literal["nchw", "nhwc"], wanted: ModelImport) -> tuple[int, int, int]:
    problems, sizes = [], []
    for word, axis in zip(_WORDS, _AXES[layout], strict=True):
        stated, said = dims[axis], getattr(wanted, word)
        size = stated or said
        most = 3 if word == "channels" else MAX_SIDE
        if size is None:
            problems.append(Problem(word, f"The file leaves the {word} of its input open: say it.", "required"))
        elif said is not None and said != size:
            problems.append(Problem(word, f"The model takes pictures whose {word} is {stated}, not {said}.", "range"))
        elif size > most or (word == "channels" and size == 2):
            allowed = "1 for grey and 3 for colour" if word == "channels" else f"at most {most}"
            problems.append(Problem(word, f"The {word} of its input is {size}; allowed is {allowed}.", "range"))
        sizes.append(size or 0)
    if problems:
        raise InvalidFields(problems)
    return (sizes[0], sizes[1], sizes[2])


def _last_operator(graph: GraphProto, output: str) -> str:
    """The operator that makes the output, apart from those that only pass it on."""
    makers: dict[str, NodeProto] = {name: node for node in graph.node for name in node.output if name}
    for _ in range(len(graph.node)):
        node = makers.get(output)
        if node is None or node.op_type not in _PASS_ON or not node.input:
            return node.op_type if node is not None else ""
        output = node.input[0]
    return ""
