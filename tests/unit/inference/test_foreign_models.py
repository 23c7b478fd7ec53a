"""Models of other programs: what is seen in a file, what is asked for, what is refused, and what is written."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import foreign_models as made
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tenfold.adapters.foreign_models.taking_in import take_in
from tenfold.adapters.runtimes.trial import Trial
from tenfold.core.errors import BadModel, InvalidFields
from tenfold.core.fields import parse_spec
from tenfold.core.inference.importing import ForeignModel, ModelImport, labels_for, read_labels

HOSTILE = made.hostile()


def taken(content: bytes, folder: Path, **said: object) -> tuple[ForeignModel, onnxruntime.InferenceSession]:
    """What is found, and the graph that was written."""
    source, target = folder / "in.onnx", folder / "out.onnx"
    source.write_bytes(content)
    found = take_in(source, parse_spec(ModelImport, said), target, try_graph=Trial)
    return found, onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])


def probabilities(session: onnxruntime.InferenceSession, images: np.ndarray) -> np.ndarray:
    return session.run(None, {session.get_inputs()[0].name: images})[0]


@pytest.fixture
def images() -> np.ndarray:
    """Three images (N, C, H, W)."""
    return np.random.default_rng(3).random((3, 3, made.SIDE, made.SIDE), np.float32)


def test_size_channels_and_layout_are_seen_and_logits_get_a_softmax(tmp_path: Path, images: np.ndarray) -> None:
    found, session = taken(made.linear(), tmp_path)

    assert (found.width, found.height, found.channels, found.layout, found.classes) == (8, 8, 3, "nchw", 5)
    assert (found.output, found.says_output) == ("logits", "its numbers do not add up to 1")
    assert (found.batch, found.opset, found.parameters, found.input) == (0, 17, made.WEIGHTS.size, "x")
    assert probabilities(session, images) == pytest.approx(made.softmax(made.logits_of(images)), abs=1e-6)


def test_channels_last_are_seen_and_turned(tmp_path: Path, images: np.ndarray) -> None:
    found, session = taken(made.linear(takes=made.LAST, ends="Softmax"), tmp_path)

    assert (found.layout, found.output, found.says_output) == ("nhwc", "probabilities", "it ends in a softmax")
    known = made.softmax(made.logits_of(np.ascontiguousarray(images.transpose(0, 2, 3, 1))))
    assert probabilities(session, images) == pytest.approx(known, abs=1e-6)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.UINT8])
def test_other_numbers_are_cast(tmp_path: Path, images: np.ndarray, kind: int) -> None:
    cast = helper.make_node("Cast", ["x"], ["x32"], to=TensorProto.FLOAT)
    content = made.model([cast, *made.dense(source="x32")], kind=kind).SerializeToString()
    whole = np.round(images * 255)

    _, session = taken(content, tmp_path, range="0-255")

    assert probabilities(session, whole) == pytest.approx(made.softmax(made.logits_of(whole)), abs=1e-4)


def test_whole_numbers_are_not_divided(tmp_path: Path) -> None:
    cast = helper.make_node("Cast", ["x"], ["x32"], to=TensorProto.FLOAT)
    content = made.model([cast, *made.dense(source="x32")], kind=TensorProto.UINT8).SerializeToString()
    with pytest.raises(InvalidFields) as error:
        taken(content, tmp_path, mean="0.5")
    assert [problem.field for problem in error.value.problems] == ["range", "mean"]


def test_one_picture_at_a_time_is_found_out_where_the_file_promises_more(tmp_path: Path) -> None:
    shape = made.numpy_helper.from_array(np.array([1, made.CLASSES], np.int64), "shape")
    reshape = helper.make_node("Reshape", ["z", "shape"], ["y"])
    content = made.model([*made.dense("z"), reshape], tensors=[shape]).SerializeToString()
    found, session = taken(content, tmp_path)
    assert (found.batch, session.get_inputs()[0].shape) == (1, [1, 3, 8, 8])
    assert taken(made.linear(takes=[1, 3, 8, 8]), tmp_path)[0].batch == 1


def test_an_output_with_axes_of_one_is_flattened(tmp_path: Path, images: np.ndarray) -> None:
    axes = made.numpy_helper.from_array(np.array([2, 3], np.int64), "axes")
    unsqueeze = helper.make_node("Unsqueeze", ["z", "axes"], ["y"])
    content = made.model([*made.dense("z"), unsqueeze], tensors=[axes], gives=[None] * 4).SerializeToString()
    _, session = taken(content, tmp_path)
    assert probabilities(session, images).shape == (3, made.CLASSES)


@pytest.mark.parametrize(
    ("takes", "said", "fields"),
    [
        (["N", 3, "h", "w"], {}, ["height", "width"]),
        (["N", 3, "h", "w"], {"height": 8}, ["width"]),
        ([None] * 4, {}, ["layout"]),
        ([None] * 4, {"layout": "nchw"}, ["channels", "height", "width"]),
        (made.FIRST, {"width": 9}, ["width"]),
        (made.FIRST, {"channels": 1}, ["channels"]),
        (["N", 3, 5000, 5000], {}, ["height", "width"]),
        (["N", 4, 8, 8], {"layout": "nchw"}, ["channels"]),
    ],
)
def test_what_the_file_leaves_open_is_asked_for_field_by_field(
    tmp_path: Path, takes: made.Dims, said: dict[str, object], fields: list[str]
) -> None:
    with pytest.raises(InvalidFields) as error:
        taken(made.linear(takes=takes), tmp_path, **said)
    assert [problem.field for problem in error.value.problems] == fields


def test_what_was_asked_for_is_taken(tmp_path: Path) -> None:
    found, session = taken(made.linear(takes=[None] * 4), tmp_path, layout="nchw", channels=3, height=8, width=8)
    assert (found.width, found.channels, found.layout) == (8, 3, "nchw")
    assert session.get_inputs()[0].shape == ["N", 3, 8, 8]


def test_numbers_that_add_up_to_1_are_probabilities_however_they_were_made(tmp_path: Path) -> None:
    axis = made.numpy_helper.from_array(np.array([1], np.int64), "axis")
    nodes = [
        *made.dense("z"),
        helper.make_node("Exp", ["z"], ["e"]),
        helper.make_node("ReduceSum", ["e", "axis"], ["s"], keepdims=1),
        helper.make_node("Div", ["e", "s"], ["y"]),
    ]
    content = made.model(nodes, tensors=[axis]).SerializeToString()
    found, _ = taken(content, tmp_path)
    assert (found.output, found.says_output) == ("probabilities", "its numbers add up to 1")


def test_logits_are_not_taken_for_probabilities(tmp_path: Path) -> None:
    with pytest.raises(InvalidFields, match="not to 1") as error:
        taken(made.linear(), tmp_path, output="probabilities")
    assert [problem.field for problem in error.value.problems] == ["output"]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_used_is_refused_by_name(tmp_path: Path, name: str) -> None:
    content, code = HOSTILE[name]
    with pytest.raises(BadModel) as error:
        taken(content, tmp_path)
    assert (error.value.code, error.value.message[-1] != ":") == (code, True)
    assert not (tmp_path / "out.onnx").exists()


def test_a_loop_without_end_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "in.onnx").write_bytes(made.endless())
    with pytest.raises(BadModel, match="does not come to an end"):
        take_in(tmp_path / "in.onnx", ModelImport(), tmp_path / "out.onnx", try_graph=partial(Trial, seconds=1))


@pytest.mark.parametrize("place", range(1, 100, 7))
def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path: Path, place: int) -> None:
    whole = made.linear(ends="Softmax")
    with pytest.raises(BadModel):
        taken(whole[: len(whole) * place // 100], tmp_path)


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"mean": "a, b"}, ["mean"]),
        ({"mean": "1, 2"}, ["mean"]),
        ({"std": "0"}, ["std"]),
        ({"std": "nan"}, ["std"]),
        ({"channels": 2}, ["channels"]),
        ({"layout": "nchv"}, ["layout"]),
        ({"width": 0}, ["width"]),
        ({"colour": 1}, ["colour"]),
    ],
)
def test_what_people_say_is_checked(values: dict[str, object], fields: list[str]) -> None:
    with pytest.raises(InvalidFields) as error:
        parse_spec(ModelImport, values)
    assert [problem.field for problem in error.value.problems] == fields


def test_a_picture_is_prepared_as_was_said() -> None:
    said = {"range": "0-255", "mean": "[123.7, 116.3, 103.5]", "std": "58 57 57.4"}
    pixels = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(1, 2, 2, 3)
    found = parse_spec(ModelImport, said).preprocessing(2, 2, 3).to_arrays(pixels)
    known = (pixels - np.array([123.7, 116.3, 103.5])) / np.array([58, 57, 57.4])
    assert found == pytest.approx(known.transpose(0, 3, 1, 2), rel=1e-5)

    plain = ModelImport().preprocessing(2, 2, 3).to_arrays(pixels)
    assert plain == pytest.approx(pixels.transpose(0, 3, 1, 2) / 255)
    with pytest.raises(InvalidFields, match="3 numbers for pictures of 1 channel"):
        ModelImport(mean="1 2 3").preprocessing(2, 2, 1)


def test_labels_are_one_a_line_and_as_many_as_the_output_is_wide() -> None:
    assert read_labels("\ufeffcat\r\ndog \n\n") == ("cat", "dog")
    assert labels_for((), 3) == ("class 0", "class 1", "class 2")
    with pytest.raises(InvalidFields, match="There are 2 labels, and the model gives 3 numbers"):
        labels_for(("cat", "dog"), 3)
    for wrong in ("cat\n\ndog", "x" * 201, "a\x07b"):
        with pytest.raises(InvalidFields):
            read_labels(wrong)


def test_equal_labels_are_told_apart_by_their_number() -> None:
    assert labels_for(("crane", "cat", "crane"), 3) == ("crane (class 0)", "cat", "crane (class 2)")
    with pytest.raises(InvalidFields, match=r"Lines 2 and 3 of the labels both become 'crane \(class 2\)'"):
        labels_for(("crane", "crane (class 2)", "crane"), 3)


def test_what_a_worker_tells_is_not_believed() -> None:
    good = {"width": 8, "height": 8, "channels": 3, "layout": "nchw", "classes": 5, "output": "logits"}
    good |= {"says_output": "", "batch": 0, "parameters": 1, "num_nodes": 1, "opset": 17, "producer": "", "input": "x"}
    assert ForeignModel.from_json(good).classes == 5
    for wrong in ({"width": 0}, {"width": "8"}, {"channels": 2}, {"classes": 10**9}, {"layout": "hwc"}, {"batch": 7}):
        with pytest.raises(ValueError, match=r"."):
            ForeignModel.from_json({**good, **wrong})
    with pytest.raises(ValueError, match="no model"):
        ForeignModel.from_json({})
