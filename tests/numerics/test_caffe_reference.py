"""Imported Caffe networks compute what OpenCV's reader of the same files computes."""

import cv2
import numpy as np
import pytest
import torch
from unit.caffe.caffe_texts import Chain, alexnet_trunk, inception, layer, lenet, picture
from unit.caffe.caffe_weights import caffemodel

from tenfold.adapters.formats.caffe.blobs import Floats
from tenfold.adapters.formats.caffe.caffemodel import place_blobs, read_caffemodel
from tenfold.adapters.formats.caffe.network_import import CaffeNetwork, import_network
from tenfold.adapters.frameworks.torch.builder import load_module

TOLERANCE = 1e-4


def drawn_blobs(network: CaffeNetwork, seed: int = 5) -> dict[str, list[Floats]]:
    """Random blobs for every layer of a network, small enough that values neither grow nor vanish."""
    random = np.random.default_rng(seed)
    shapes = {
        f"{node.path}.{name}": weight.shape for node in network.graph.nodes for name, weight in node.weights.items()
    }
    blobs: dict[str, list[Floats]] = {}
    for recipe in network.recipes:
        tensors = []
        for path in recipe.tensors:
            shape = shapes[path][::-1] if recipe.form == "transposed" and len(shapes[path]) == 2 else shapes[path]
            wide = np.sqrt(2 / max(1, np.prod(shape[1:]))) if len(shape) > 1 else 0.5
            values = random.normal(0, wide, shape).astype(np.float32)
            tensors.append(np.abs(values) + 0.5 if path.endswith("running_var") else values)
        if recipe.form == "statistics":
            tensors = [tensor * np.float32(3) for tensor in tensors] + [np.array([3], np.float32)]
        blobs[recipe.layer] = [tensors[0][:1]] if recipe.form == "filled" else tensors
    return blobs


def both(text: str) -> tuple[list[Floats], list[Floats]]:
    """The outputs of a network of ours and of OpenCV's, on the same random pictures."""
    network = import_network(text)
    assert network.unsupported == ()
    content = caffemodel({"data": (), **drawn_blobs(network)})
    weights = place_blobs(network, read_caffemodel(content))
    assert (weights.missing, weights.unfit) == ((), ())
    module = load_module(network.graph, weights.tensors).eval()
    pictures = np.random.default_rng(8).normal(size=(2, *network.graph.inputs[0].shape)).astype(np.float32)
    with torch.no_grad():
        found = module(torch.from_numpy(pictures))
    ours = list(found.values()) if isinstance(found, dict) else [found]
    reference = cv2.dnn.readNetFromCaffe(np.frombuffer(text.encode(), np.uint8), np.frombuffer(content, np.uint8))
    reference.setInput(pictures)
    named = {ours: caffe for caffe, ours in network.names.items()}
    outputs = [named.get(item.source, item.name) for item in network.graph.outputs]
    results = reference.forward(outputs if len(outputs) > 1 else reference.getUnconnectedOutLayersNames())
    return [item.numpy() for item in ours], list(results)


def assert_equal(text: str) -> None:
    ours, reference = both(text)
    assert len(ours) == len(reference)
    for own, other in zip(ours, reference, strict=True):
        assert own.size == other.size
        assert np.abs(own).max() > 1e-3
        assert np.abs(own.reshape(-1) - other.reshape(-1)).max() <= TOLERANCE


def test_lenet_gives_the_reference_s_logits() -> None:
    assert_equal(lenet(picture(1, 28)).text)


def test_alexnet_s_groups_and_normalisation_give_the_reference_s_values() -> None:
    narrow = alexnet_trunk("narrow", picture(3, 99)).dense("fc8", 7).text
    for wide, small in ((384, 12), (256, 8), (96, 6)):
        narrow = narrow.replace(f"num_output: {wide} ", f"num_output: {small} ")
    assert_equal(narrow)


def test_an_inception_module_gives_the_reference_s_values() -> None:
    chain = Chain("one", picture(6, 14))
    inception(inception(chain, "3a", (4, 3, 5, 2, 3, 2)), "3b", (3, 2, 4, 2, 2, 3))
    assert_equal(chain.pool("p", 7, 1).text.replace("pool: MAX kernel_size: 7", "pool: AVE kernel_size: 7"))


def test_a_residual_block_with_batch_norm_gives_the_reference_s_values() -> None:
    chain = Chain("res", picture(4, 9))
    for name in ("a", "b"):
        own = "convolution_param { num_output: 4 kernel_size: 3 pad: 1 bias_term: false }"
        chain.add(name, "Convolution", own).add(f"bn_{name}", "BatchNorm", in_place=True)
        chain.add(f"sc_{name}", "Scale", "scale_param { bias_term: true }", in_place=True)
        chain.relu(f"relu_{name}")
    assert_equal(chain.join("sum", "Eltwise", ["b", "data"]).add("last", "TanH").text)


def test_upscaling_and_cropping_give_the_reference_s_values() -> None:
    chain = Chain("up", picture(3, 12)).conv("c", 4, 3, "stride: 2 pad: 1")
    own = "convolution_param { num_output: 6 group: 2 kernel_size: 5 stride: 2 pad: 1 }"
    chain.add("up", "Deconvolution", own)
    assert_equal(chain.join("cut", "Crop", ["up", "data"], "crop_param { axis: 2 offset: 1 offset: 0 }").text)


ONE_LAYER = {
    "relu slope": ("ReLU", "relu_param { negative_slope: 0.1 }"),
    "prelu": ("PReLU", ""),
    "elu": ("ELU", ""),
    "abs": ("AbsVal", ""),
    "bnll": ("BNLL", ""),
    "sigmoid": ("Sigmoid", ""),
    "tanh": ("TanH", ""),
    "lrn across": ("LRN", "lrn_param { local_size: 3 alpha: 2 beta: 0.6 }"),
    "lrn within": ("LRN", "lrn_param { local_size: 3 alpha: 2 beta: 0.6 norm_region: WITHIN_CHANNEL }"),
    "max, rounded up": ("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }"),
    "mean, rounded up": ("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }"),
    "mean, padded": ("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }"),
    "mean of all": ("Pooling", "pooling_param { pool: AVE global_pooling: true }"),
    "oblong": ("Pooling", "pooling_param { kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 }"),
    "batch norm alone": ("BatchNorm", "batch_norm_param { eps: 0.001 }"),
    "scale": ("Scale", "scale_param { bias_term: true }"),
    "power": ("Power", "power_param { scale: 0.5 shift: -2 }"),
    "normalize": ("Normalize", "norm_param { across_spatial: false channel_shared: false }"),
    "normalize all": ("Normalize", "norm_param { across_spatial: true channel_shared: true }"),
    "permute": ("Permute", "permute_param { order: [0, 2, 3, 1] }"),
    "reshape": ("Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 4 } }"),
    "flatten": ("Flatten", ""),
    "mvn": ("MVN", "mvn_param { eps: 1e-06 }"),
    "dropout": ("Dropout", ""),
    "dilated": ("Convolution", "convolution_param { num_output: 4 kernel_size: 3 dilation: 2 }"),
    "oblong window": ("Convolution", "convolution_param { num_output: 4 kernel_h: 1 kernel_w: 3 pad_h: 0 pad_w: 1 }"),
}


@pytest.mark.parametrize("name", ONE_LAYER)
def test_a_layer_gives_the_reference_s_values(name: str) -> None:
    kind, body = ONE_LAYER[name]
    chain = Chain("one", picture(3, 8, 10))
    chain.add("c", "Convolution", "convolution_param { num_output: 4 kernel_size: 1 }")
    assert_equal(chain.add("it", kind, body).text)


@pytest.mark.parametrize("body", ["operation: PROD", "operation: MAX", "coeff: [1, -1]", "coeff: [0.5, 0.5]"])
def test_joins_give_the_reference_s_values(body: str) -> None:
    chain = Chain("join", picture(4, 6)).add("t", "TanH")
    assert_equal(chain.join("it", "Eltwise", ["t", "data"], f"eltwise_param {{ {body} }}").text)


def test_cut_channels_joined_in_another_order_give_the_reference_s_values() -> None:
    cut = layer("cut", "Slice", ["data"], ["one", "two", "three"], "slice_param { slice_point: 1 slice_point: 3 }")
    chain = Chain("cut", picture(5, 6) + cut)
    assert_equal(chain.join("it", "Concat", ["three", "one", "two"]).text)


def test_a_softmax_over_pairs_gives_the_reference_s_values() -> None:
    chain = Chain("pairs", picture(4, 3)).add("r", "Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 2 } }")
    chain.add("s", "Softmax", "softmax_param { axis: 2 }").add("f", "Flatten")
    assert_equal(chain.text)
