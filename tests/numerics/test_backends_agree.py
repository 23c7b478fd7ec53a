"""The same weights give the same outputs and gradients in PyTorch and in numpy, for every layer of the vocabulary."""

import numpy as np
import pytest
import torch

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.frameworks.numpy.builder import NumpyNetwork
from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.initialisers import initial_weights
from tenfold.core.networks.layers.activations import FUNCTIONS

CATALOGUE = {entry.name: entry.text for entry in read_catalogue()}
TOLERANCE = 1e-4

JOINED = """network joined
input image = image(3, 11, 13)
conv1 = conv(8, 3, pad=1, bias=false)
bn1 = batch_norm(momentum=0.3)
relu
conv2 = conv(8, 3, pad=1, groups=2)
sum = add from conv2, bn1, bn1
tanh
left = conv(4, [3, 2], stride=[2, 1], dilation=[1, 2])
right = conv(6, 1, stride=2) from sum
avg_pool(2, stride=1, pad=1) from right
small = adaptive_avg_pool([3, 4])
other = adaptive_avg_pool([3, 4]) from left
concat from small, other
bn2 = batch_norm(affine=false)
pooled = global_avg_pool
fc = dense(5)
output logits
output spread(loss_weight=0.5) from other
"""


def network(body: str, shape: str = "image(3, 9, 10)") -> str:
    return f"network n\ninput x = {shape}\n{body}\noutput y\n"


LAYERS = {
    "conv same": network("c = conv(4, [2, 5], stride=[3, 2], pad=same)"),
    "conv half": network("c = conv(4, 5, dilation=2, pad=half)"),
    "permute": network("permute([2, 0, 1])\nc = conv(4, 3)"),
    "reshape": network("reshape([9, 3, -1])\nc = conv(4, 2)"),
    "conv volume": network("c = conv(4, 3, pad=1)", "volume(2, 5, 6, 4)"),
    "conv sequence": network("c = conv(4, 3, stride=2)", "sequence(3, 11)"),
    "depthwise": network("c = conv(6, 3, groups=3)"),
    "dense on a sequence": network("c = dense(4)", "sequence(3, 7)"),
    "max_pool ceil": network("max_pool(3, stride=2, ceil=true)"),
    "max_pool pad": network("max_pool(3, stride=2, pad=1)"),
    "max_pool wide pad": network("max_pool(3, stride=2, pad=2)"),
    "max_pool wide pad ceil": network("max_pool(4, stride=2, pad=3, ceil=true)", "sequence(2, 5)"),
    "max_pool same": network("max_pool(2, stride=2, pad=same)"),
    "max_pool volume": network("max_pool(2)", "volume(2, 5, 6, 4)"),
    "avg_pool": network("avg_pool(2)"),
    "avg_pool ceil": network("avg_pool(3, stride=2, ceil=true)"),
    "avg_pool ceil pad": network("avg_pool(3, stride=2, pad=1, ceil=true)"),
    "avg_pool ceil uncounted": network("avg_pool(3, stride=2, pad=1, ceil=true, count_pad=false)"),
    "avg_pool uncounted": network("avg_pool(3, stride=1, pad=1, count_pad=false)"),
    "avg_pool wide pad ceil": network("avg_pool(4, stride=2, pad=3, ceil=true)", "sequence(2, 5)"),
    "avg_pool wide pad ceil uncounted": network(
        "avg_pool(4, stride=2, pad=3, ceil=true, count_pad=false)", "sequence(2, 5)"
    ),
    "avg_pool same": network("avg_pool([2, 4], stride=2, pad=same)"),
    "avg_pool same uncounted": network("avg_pool([2, 4], stride=2, pad=same, count_pad=false)"),
    "avg_pool sequence": network("avg_pool(2)", "sequence(3, 11)"),
    "adaptive": network("adaptive_avg_pool([4, 3])"),
    "adaptive larger": network("adaptive_avg_pool([12, 12])"),
    "global kept": network("global_avg_pool(keep=true)"),
    "lrn": network("lrn(size=3, alpha=0.1, k=2)"),
    "lrn even": network("lrn(size=4, alpha=0.3)", "image(7, 4, 4)"),
    "batch_norm on a vector": network("b = batch_norm", "vector(5)"),
    "frozen batch_norm": network("b = batch_norm(frozen=true)"),
    "shared": network("a = conv(3, 3, pad=1)\nb = share(a)\nadd from a, b"),
    "leaky": network("leaky_relu(0.2)"),
    **{name: network(name) for name in FUNCTIONS},
}


def forward_and_backward(
    text: str, *, classes: int | None = None, shape: tuple[int, ...] | None = None, batch: int = 3
):
    """Outputs, gradients of weights and inputs, and state after one training pass, from both frameworks."""
    parameters = {} if classes is None else {"classes": classes}
    shapes = {} if shape is None else {"image": shape}
    graph = require_graph(text, parameters=parameters, input_shapes=shapes)
    weights = initial_weights(graph, seed=3)
    random = np.random.default_rng(0)
    x = random.normal(size=(batch, *graph.inputs[0].shape)).astype(np.float32)
    pulls = {
        item.name: random.normal(size=(batch, *graph.shapes[item.source])).astype(np.float32) for item in graph.outputs
    }

    module = load_module(graph, weights).train()
    x_torch = torch.from_numpy(x.copy()).requires_grad_()
    result = module(x_torch * 1.0)
    outputs = result if isinstance(result, dict) else {graph.outputs[0].name: result}
    sum((outputs[name] * torch.from_numpy(pull)).sum() for name, pull in pulls.items()).backward()
    found = {f"output {name}": value.detach().numpy() for name, value in outputs.items()}
    found |= {
        f"gradient {name}": value.grad.numpy() for name, value in module.named_parameters() if value.grad is not None
    }
    found |= {f"state {name}": value.numpy() for name, value in module.named_buffers()}
    found["gradient of the input"] = x_torch.grad.numpy()

    twin = NumpyNetwork(graph, weights, np.random.default_rng(0))
    outputs = twin.forward(x, is_training=True)
    of_weights, of_inputs = twin.backward(pulls)
    expected = {f"output {name}": value for name, value in outputs.items()}
    frozen = {node.path for node in graph.nodes if node.training.get("frozen")}
    trained = {name: value for name, value in of_weights.items() if name.rsplit(".", 1)[0] not in frozen}
    expected |= {f"gradient {name}": value for name, value in trained.items()}
    states = [
        f"{node.path}.{name}" for node in graph.nodes for name, weight in node.weights.items() if not weight.trainable
    ]
    expected |= {f"state {name}": twin.weights[name] for name in states}
    expected["gradient of the input"] = of_inputs[graph.inputs[0].name]
    return found, expected


def assert_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, value in found.items():
        other = expected[name]
        assert value.shape == other.shape, name
        assert other.dtype == np.float32, name
        scale = max(1.0, float(np.abs(value).max()))
        assert float(np.abs(value - other).max()) <= TOLERANCE * scale, name


@pytest.mark.parametrize("text", LAYERS.values(), ids=LAYERS.keys())
def test_each_layer_agrees(text):
    assert_equal(*forward_and_backward(text))


def test_joins_and_normalisation_agree():
    assert_equal(*forward_and_backward(JOINED))


def test_lenet_agrees():
    assert_equal(*forward_and_backward(CATALOGUE["lenet"]))


def test_small_alexnet_agrees_without_dropout():
    text = CATALOGUE["alexnet"].replace("0.5 in 0.0..0.9", "0.0 in 0.0..0.9").replace("4096 in", "32 in")
    assert_equal(*forward_and_backward(text, classes=7, shape=(3, 70, 63), batch=2))
