"""ONNX files written from the layer graph give PyTorch's numbers, for every layer of the vocabulary."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_texts import TEXTS, network
from onnx_parity import TOLERANCE, require_parity

from tenfold.adapters.export.onnx import writer
from tenfold.adapters.export.onnx.layers.table import KINDS
from tenfold.adapters.export.onnx.writer import write_model
from tenfold.adapters.frameworks.torch.onnx_check import check_onnx
from tenfold.bootstrap.onnx_file import write_onnx
from tenfold.core.errors import Damaged, TooLarge
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.vocabulary import LAYERS
from tenfold.tasks.classification import onnx as in_onnx
from tenfold.tasks.classification.torch import ClassificationHead

IMAGE, VOLUME, SEQUENCE = "image(6, 9, 7)", "volume(4, 5, 6, 4)", "sequence(6, 5)"
CASES = {
    **TEXTS,
    "conv in 1, 2, 3 dimensions with uneven borders": (
        f"network n\ninput a = {SEQUENCE}\ninput b = {IMAGE}\ninput c = {VOLUME}\n"
        "u = conv(4, 4, stride=2, pad=same) from a\nv = conv(4, [2, 4], pad=same, groups=2) from b\n"
        "w = conv(4, 2, pad=same, bias=false) from c\noutput first from u\noutput second from v\noutput third from w\n"
    ),
    "conv_transpose": network("c = conv_transpose(4, 3, stride=2, pad=1, output_pad=1)", IMAGE),
    "conv_transpose in groups": network("c = conv_transpose(4, [2, 3], groups=2, bias=false)", IMAGE),
    "conv_transpose sequence": network("c = conv_transpose(4, 4, stride=3, pad=1, output_pad=2)", SEQUENCE),
    "conv_transpose volume": network("c = conv_transpose(2, 2, stride=2)", VOLUME),
    "dense without bias": network("c = dense(4, bias=false)", "vector(5)"),
    "dense on a sequence without bias": network("c = dense(4, bias=false)", SEQUENCE),
    "avg_pool ceil volume": network("avg_pool(3, stride=2, pad=1, ceil=true)", VOLUME),
    "max_pool ceil sequence": network("max_pool(2, ceil=true)", SEQUENCE),
    "adaptive even": network("adaptive_avg_pool([3, 7])", IMAGE),
    "adaptive as it is": network("adaptive_avg_pool([9, 7])", IMAGE),
    "adaptive volume": network("adaptive_avg_pool([2, 4, 3])", VOLUME),
    "global max kept": network("global_max_pool(keep=true)", VOLUME),
    "batch_norm volume": network("b = batch_norm(eps=0.1, affine=false)", VOLUME),
    "layer_norm on a vector": network("l = layer_norm(eps=0.01)", "vector(5)"),
    "layer_norm volume": network("l = layer_norm", VOLUME),
    "group_norm without scale": network("g = group_norm(3, affine=false)", IMAGE),
    "group_norm on a vector": network("g = group_norm(2)", "vector(8)"),
    "instance_norm without scale": network("i = instance_norm(eps=0.2)", SEQUENCE),
    "lrn sequence": network("lrn(3, alpha=0.4)", SEQUENCE),
    "lrn volume": network("lrn(5, alpha=0.4, beta=0.5, k=3)", VOLUME),
    "lrn within, even": network("lrn(4, alpha=0.5, region=within)", IMAGE),
    "prelu shared": network("p = prelu(shared=true)", IMAGE),
    "prelu on a vector": network("p = prelu", "vector(5)"),
    "upsample sequence": network("upsample(3, linear)", SEQUENCE),
    "upsample volume": network("upsample([2, 1, 3], linear)", VOLUME),
    "upsample nearest volume": network("upsample(2)", VOLUME),
    "pad volume": network("pad([1, 2, 0], edge)", VOLUME),
    "dropping": network("dropout(0.3)\ndrop_path(0.3)\na = attention(2, dropout=0.4)", SEQUENCE),
    "multiply by channels": network("g = global_avg_pool(keep=true)\nmultiply from x, g", IMAGE),
    "add of one value": network("add from x, x, x", IMAGE),
    "recurrence": network("r = lstm(4)\ng = gru(3)", SEQUENCE),
    "stacked both ways": network("r = lstm(4, layers=3, bidirectional=true)\ng = gru(3, layers=2)", SEQUENCE),
    "last lstm": network("r = lstm(4, layers=2, bidirectional=true, result=last)", SEQUENCE),
    "last gru": network("r = gru(4, bidirectional=true, result=last)", SEQUENCE),
    "scale shared by unlike shapes": network("s = scale(0.5, bias=true)\nglobal_avg_pool\nt = share(s)", IMAGE),
    "prior boxes": network("prior_box(4) from x, x", IMAGE),
    "prior boxes of many sizes": network(
        "prior_box([4, 6], max_size=[5, 9], ratios=[2, 3], step=[1, 1.5], offset=0.4, clip=true) from x, x", IMAGE
    ),
    "an output that is an input": "network n\ninput x = vector(3)\nd = dense(2)\noutput y from d\noutput z from x\n",
    "identity alone": network("identity"),
}


def weights_of(graph: LayerGraph) -> dict[str, np.ndarray]:
    """Of some size everywhere: a bias or a class token that is zero would hide that it was forgotten."""
    draw = np.random.default_rng(1)
    found = {
        f"{node.path}.{name}": draw.normal(0, 0.6, weight.shape).astype(np.float32)
        for node in graph.nodes
        for name, weight in node.weights.items()
    }
    return {name: np.abs(each) + 0.1 if "running_var" in name else each for name, each in found.items()}


def test_every_layer_but_one_is_in_the_table():
    assert set(KINDS) == {kind.stands_for or name for name, kind in LAYERS.items()} - {"detection_output"}


def test_every_layer_stands_here():
    written = {node.kind for text in CASES.values() for node in require_graph(text).nodes}
    assert written == set(KINDS)


@pytest.mark.parametrize("text", CASES.values(), ids=CASES.keys())
def test_each_layer_gives_pytorchs_numbers(text: str, tmp_path: Path):
    graph = require_graph(text)
    require_parity(graph, weights_of(graph), tmp_path / "network.onnx")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(draw=st.data(), kind=st.sampled_from(["max_pool", "avg_pool"]), axes=st.integers(1, 3))
def test_any_window_gives_pytorchs_numbers(draw: st.DataObject, kind: str, axes: int):
    window = [draw.draw(st.integers(1, 4)) for _ in range(axes)]
    pad = [draw.draw(st.integers(0, size - 1)) for size in window]
    stride = [draw.draw(st.integers(1, 4)) for _ in range(axes)]
    sizes = [draw.draw(st.integers(size, 8)) for size in window]
    options = f"ceil={draw.draw(st.sampled_from(['true', 'false']))}"
    if kind == "avg_pool":
        options += f", count_pad={draw.draw(st.sampled_from(['true', 'false']))}"
    source = ("sequence", "image", "volume")[axes - 1]
    body = f"{kind}({window}, stride={stride}, pad={pad}, {options})"
    with TemporaryDirectory() as folder:
        shape = ", ".join(str(size) for size in (2, *sizes))
        require_parity(require_graph(network(body, f"{source}({shape})")), {}, Path(folder) / "network.onnx")


def test_a_layer_that_is_written_wrongly_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    graph = require_graph(TEXTS["lenet"])
    weights, path = weights_of(graph), tmp_path / "model.onnx"
    assert write_model(graph, weights, in_onnx.ClassificationHead(), path)
    assert check_onnx(graph, weights, ClassificationHead(), path) <= TOLERANCE
    monkeypatch.setitem(KINDS, "activation", lambda layer: layer.add("Abs", layer.inputs[0]))
    assert write_model(graph, weights, in_onnx.ClassificationHead(), path)
    with pytest.raises(Damaged, match="differs from the network by"):
        check_onnx(graph, weights, ClassificationHead(), path)


AWKWARD = """network awkward
input image = image(1, 6, 6)
input_ = conv(2, 3)
probabilities = relu
shared = share(input_) from image
add from shared, probabilities
flatten
classes = dense(3)
helper = conv(2, 1) from input_
output logits from classes
output aside(training_only=true) from helper
"""


def test_one_file_with_the_names_that_others_read(tmp_path: Path):
    graph = require_graph(AWKWARD)
    assert write_model(graph, weights_of(graph), in_onnx.ClassificationHead(), tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx", load_external_data=False)
    assert [(each.version, each.domain) for each in model.opset_import] == [(18, "")]
    assert (model.ir_version, model.producer_name) == (10, "tenfold")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("input", "tensor(float)", ["batch", 1, 6, 6])
    assert (made.name, made.type, made.shape) == ("probabilities", "tensor(float)", ["batch", 3])
    stored = [each.name for each in model.graph.initializer if not each.name.startswith("/")]
    assert sorted(stored) == ["classes.bias", "classes.weight", "input_.bias", "input_.weight"]
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_more_than_a_file_holds_is_refused_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    graph = require_graph(TEXTS["lenet"])
    monkeypatch.setattr(writer, "MOST_BYTES", 1_700_000)
    with pytest.raises(TooLarge, match="holds at most") as refused:
        write_model(graph, weights_of(graph), in_onnx.ClassificationHead(), tmp_path / "model.onnx")
    assert refused.value.code == "export.too-large"
    assert list(tmp_path.iterdir()) == []


def test_a_network_with_a_layer_that_is_not_in_the_table_goes_by_pytorchs_exporter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    graph = require_graph(TEXTS["lenet"])
    assert write_onnx("classification", graph, weights_of(graph), tmp_path / "direct.onnx") <= TOLERANCE
    monkeypatch.delitem(KINDS, "dense")
    assert not write_model(graph, weights_of(graph), in_onnx.ClassificationHead(), tmp_path / "none.onnx")
    assert write_onnx("classification", graph, weights_of(graph), tmp_path / "traced.onnx") <= TOLERANCE
    producers = {path.name: onnx.load(path).producer_name for path in tmp_path.iterdir()}
    assert producers == {"direct.onnx": "tenfold", "traced.onnx": "pytorch"}
    picture = np.random.default_rng(0).normal(size=(2, 1, 28, 28)).astype(np.float32)
    ends = [onnxruntime.InferenceSession(str(tmp_path / name)).run(None, {"input": picture})[0] for name in producers]
    assert np.abs(ends[0] - ends[1]).max() <= TOLERANCE
