"""Imported detectors find the boxes that OpenCV's reader of the same files finds, and both backends agree on them."""

import cv2
import numpy as np
import pytest
import torch
from numerics.test_caffe_reference import drawn_blobs
from unit.caffe.caffe_weights import Floats, caffemodel
from unit.caffe.ssd_texts import PRIORS, small_ssd

from tenfold.adapters.export.onnx.writer import write_graph
from tenfold.adapters.formats.caffe.caffemodel import place_blobs, read_caffemodel
from tenfold.adapters.formats.caffe.network_import import CaffeNetwork, import_network
from tenfold.adapters.frameworks.numpy.builder import NumpyNetwork
from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.adapters.frameworks.torch.onnx_check import check_graph
from tenfold.adapters.frameworks.torch.onnx_export import export_graph
from tenfold.core.errors import BadNetwork
from tenfold.core.networks.analysis import require_graph

TOLERANCE = 1e-4
USUAL = "background_label_id: 0 nms_param { nms_threshold: 0.45 top_k: 30 } keep_top_k: 20 confidence_threshold: 0.2"
CENTER = f"{USUAL} code_type: CENTER_SIZE"


def pictures() -> Floats:
    return np.random.default_rng(8).normal(size=(1, 3, 48, 40)).astype(np.float32)


def weights_of(network: CaffeNetwork) -> bytes:
    """Drawn so that scores lie apart and boxes overlap."""
    return caffemodel({"data": (), **drawn_blobs(network, seed=3)})


def reference_of(text: str, content: bytes) -> cv2.dnn.Net:
    """OpenCV's reading of the files, with the pictures put in."""
    network = cv2.dnn.readNetFromCaffe(np.frombuffer(text.encode(), np.uint8), np.frombuffer(content, np.uint8))
    network.setInput(pictures())
    return network


def found_by_reference(text: str, content: bytes) -> Floats:
    """Rows of class, score and box, best first."""
    rows = reference_of(text, content).forward()[0, 0]
    rows = rows[rows[:, 2] > 0][:, 1:]
    return rows[np.argsort(-rows[:, 1], kind="stable")]


def found(network: CaffeNetwork, content: bytes) -> Floats:
    weights = place_blobs(network, read_caffemodel(content))
    assert (weights.missing, weights.unfit) == ((), ())
    with torch.no_grad():
        rows = load_module(network.graph, weights.tensors).eval()(torch.from_numpy(pictures()))
    assert isinstance(rows, torch.Tensor)
    assert rows.shape == (1, *network.graph.nodes[-1].shape)
    used = rows[0, :, 0] >= 0
    assert (rows[0][~used][:, 1:] == 0).all()
    return rows[0][used].numpy()


CASES = {
    "center": small_ssd(CENTER),
    "few": small_ssd(CENTER.replace("top_k: 30", "top_k: 4").replace("keep_top_k: 20", "keep_top_k: 7")),
    "corner": small_ssd(f"{USUAL} code_type: CORNER"),
    "a box for each class": small_ssd(CENTER, is_shared=False),
    "clipped": small_ssd(f"{CENTER} clip: true", priors=[each.replace("clip: false", "clip: true") for each in PRIORS]),
    "another background": small_ssd(CENTER.replace("label_id: 0", "label_id: 2")),
    "for testing": small_ssd(CENTER, ending="include { phase: TEST }"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_detector_finds_the_boxes_of_the_reference(name: str) -> None:
    network = import_network(CASES[name])
    assert network.unsupported == ()
    content = weights_of(network)
    ours, expected = found(network, content), found_by_reference(CASES[name], content)
    assert ours.shape == expected.shape
    assert len(ours) > 4
    assert np.abs(ours - expected).max() <= TOLERANCE


def test_prior_boxes_are_the_reference_s() -> None:
    text = CASES["center"]
    network = import_network(text)
    heads = network.text.replace("output found", "output priors from mbox_priors")
    content = weights_of(network)
    module = load_module(require_graph(heads), place_blobs(network, read_caffemodel(content)).tensors)
    with torch.no_grad():
        ours = module.eval()(torch.from_numpy(pictures()))
    assert isinstance(ours, torch.Tensor)
    expected = reference_of(text, content).forward("mbox_priors").reshape(2, -1, 4)
    assert np.abs(ours[0].numpy() - np.concatenate([expected[0], expected[1]], axis=1)).max() <= 1e-6


DETECTOR = """network n
input x = image(3, 12, 16)
f = conv(4, 3, stride=4)
p = prior_box([5, 7], max_size=[6, 11], ratios=[2, 3], step=[4, 3.5], offset=0.4, clip=CLIP) from f, x
l = conv(48, 1) from f
places = permute([1, 2, 0])
c = conv(36, 1) from f
permute([1, 2, 0])
rows = reshape([-1, 3])
d = detection_output(keep=30, overlap=0.3, candidates=12, threshold=0.05, code=CODE,
  clip=CLIP, scaled=SCALED) from places, rows, p
output found
"""


def detector(*, code: str = "center", clip: str = "false", scaled: str = "true") -> str:
    return DETECTOR.replace("CODE", code).replace("CLIP", clip).replace("SCALED", scaled)


@pytest.mark.parametrize("code", ["center", "corner", "corner_size"])
@pytest.mark.parametrize(("clip", "scaled"), [("true", "true"), ("false", "true"), ("true", "false")])
def test_pytorch_and_numpy_find_the_same_boxes(code: str, clip: str, scaled: str) -> None:
    graph = require_graph(detector(code=code, clip=clip, scaled=scaled))
    draw = np.random.default_rng(1)
    weights = {
        f"{node.path}.{name}": draw.normal(0, 0.6, weight.shape).astype(np.float32)
        for node in graph.nodes
        for name, weight in node.weights.items()
    }
    x = draw.normal(size=(2, 3, 12, 16)).astype(np.float32)
    with torch.no_grad():
        ours = load_module(graph, weights).eval()(torch.from_numpy(x))
    assert isinstance(ours, torch.Tensor)
    expected = NumpyNetwork(graph, weights, draw).forward(x)["found"]
    assert (expected[..., 0] >= 0).any(axis=1).all()
    assert np.abs(ours.numpy() - expected).max() <= 1e-5


def test_what_a_detector_finds_is_not_exported_and_says_so(tmp_path) -> None:
    graph = require_graph(detector())
    assert not write_graph(graph, {}, tmp_path / "n.onnx")
    with pytest.raises(BadNetwork, match=r"`d` \(detection_output\). Make what it reads outputs .*: places, rows, p\."):
        export_graph(graph, {}, tmp_path / "n.onnx")


def test_the_heads_and_prior_boxes_of_a_detector_are_exported(tmp_path) -> None:
    body = detector().partition("d = ")[0]
    graph = require_graph(f"{body}output places from places\noutput rows from rows\noutput boxes from p\n")
    weights = {
        f"{node.path}.{name}": np.full(weight.shape, 0.1, np.float32)
        for node in graph.nodes
        for name, weight in node.weights.items()
    }
    assert write_graph(graph, weights, tmp_path / "n.onnx")
    assert check_graph(graph, weights, tmp_path / "n.onnx") <= 1e-4
