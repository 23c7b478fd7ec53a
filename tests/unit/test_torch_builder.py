"""The PyTorch module of a layer graph: keys, layouts, in-place activations, sharing, several outputs."""

import numpy as np
import pytest
import torch

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.frameworks.torch.builder import build_module, load_module
from tenfold.adapters.frameworks.torch.layers.joins import Add
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.initialisers import initial_weights
from tenfold.core.networks.overwriting import overwriting

LENET = next(entry.text for entry in read_catalogue() if entry.name == "lenet")


def graph(*lines: str, shape: str = "image(3, 8, 6)", after: str = ""):
    return require_graph("\n".join(["network n", f"input x = {shape}", *lines, "output y", ""]) + after)


def test_keys_of_the_state_dictionary_are_the_paths_of_the_layers():
    module = build_module(require_graph(LENET), seed=0)
    assert list(module.state_dict()) == [
        f"{path}.{name}" for path in ("conv1", "conv2", "ip1", "ip2") for name in ("weight", "bias")
    ]


def test_names_of_module_methods_may_be_layers():
    block = "block b() {\n  half = conv(2, 1)\n  n = batch_norm\n}\n"
    module = build_module(graph("train = b() repeat 2", "type = conv(4, 1)", after=block), seed=0)
    keys = set(module.state_dict())
    assert {"train.0.half.weight", "train.1.n.running_mean", "type.bias"} <= keys
    assert module.eval()(torch.zeros(1, 3, 8, 6)).shape == (1, 4, 8, 6)


def test_first_weights_are_the_cores():
    built = require_graph(LENET)
    state = build_module(built, seed=5).state_dict()
    expected = initial_weights(built, seed=5)
    assert all(np.array_equal(state[path].numpy(), tensor) for path, tensor in expected.items())
    assert not torch.equal(state["ip1.weight"], build_module(built, seed=6).state_dict()["ip1.weight"])


def test_flatten_is_channels_first_in_every_memory_layout():
    module = build_module(require_graph(LENET), seed=0)
    x = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    plain = module(x)
    module = module.to(memory_format=torch.channels_last)
    assert torch.allclose(module(x.to(memory_format=torch.channels_last)), plain, atol=1e-5)


def test_activations_are_written_in_place_only_where_that_is_safe():
    built = graph(
        "a = conv(3, 3, pad=1)",
        "relu",
        "b = conv(3, 1)",
        "tanh",
        "max_pool(2)",
        "relu",
        "c = conv(3, 1)",
        "sigmoid",
        "relu from c",
    )
    module = build_module(built, seed=0)
    in_place = {node.path: module.layer(node.path).in_place for node in built.nodes if node.kind == "activation"}
    assert in_place == {"a_relu": True, "b_tanh": True, "b_relu": False, "c_sigmoid": False, "c_relu": False}


def test_in_place_activations_change_no_output_and_no_gradient():
    built = graph(
        "a = conv(4, 3)",
        "relu",
        "n = batch_norm",
        "sigmoid",
        "b = conv(2, 1)",
        "leaky_relu(0.3)",
        "flatten",
        "d = dense(3)",
        "tanh",
    )
    weights = initial_weights(built, seed=0)
    x = torch.randn(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    results = []
    for in_place in (True, False):
        module = load_module(built, weights, in_place=in_place)
        output = module(x)
        output.square().sum().backward()
        results.append([output.detach(), *[parameter.grad for parameter in module.parameters()]])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_a_leaky_relu_whose_output_hides_the_sign_of_its_input_is_not_written_over_it():
    built = graph("a = conv(3, 1)", "leaky_relu(-0.5)", "b = conv(3, 1)", "leaky_relu(0)")
    assert dict(overwriting(built)) == {"b_leaky_relu": 0}
    weights = initial_weights(built, seed=0)
    x = torch.randn(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    results = []
    for in_place in (True, False):
        module = load_module(built, weights, in_place=in_place)
        module(x).square().sum().backward()
        results.append([parameter.grad for parameter in module.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_sums_are_written_over_an_input_only_where_that_is_safe():
    built = graph(
        "a = conv(3, 1)",
        "b = conv(3, 1) from x",
        "left = add from a, b",
        "c = conv(3, 1)",
        "right = add from left, c",
        "d = relu from right",
        "e = conv(3, 1)",
        "both = add from d, e, e",
        "f = add from d, both",
        "long = add from d, d, f",
    )
    assert dict(overwriting(built)) == {"left": 0, "right": 1, "d": 0, "f": 1}


def test_sums_written_over_an_input_change_no_output_and_no_gradient():
    built = graph(
        "a = conv(3, 1)",
        "short = conv(3, 1) from x",
        "n = batch_norm from a",
        "one = add from short, n",
        "r = relu",
        "b = conv(3, 3, pad=1)",
        "two = add from r, b",
        "c = conv(3, 1, frozen=true)",
        "three = add from c, two, x",
    )
    assert dict(overwriting(built)) == {"one": 0, "r": 0, "two": 1, "three": 0}
    weights = initial_weights(built, seed=0)
    x = torch.randn(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    results = []
    for in_place in (True, False):
        module = load_module(built, weights, in_place=in_place)
        given = x.clone()
        output = module(given)
        output.square().sum().backward()
        assert torch.equal(given, x)
        learnt = [parameter.grad for parameter in module.parameters() if parameter.requires_grad]
        results.append([output.detach(), *learnt])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_a_sum_of_unequal_types_keeps_the_wider_one():
    one, other = torch.ones(2, dtype=torch.bfloat16), torch.full((2,), 1e-4)
    assert Add(0)(one, other).tolist() == pytest.approx([1.0001, 1.0001], abs=1e-6)
    assert one.tolist() == [1, 1]


def test_shared_layers_are_one_module_of_weights():
    block = "block tower() {\n  c = conv(2, 3)\n  n = batch_norm\n}\n"
    built = graph("a = tower()", "b = share(a) from x", "add from a, b", after=block)
    module = build_module(built, seed=0)
    assert {key.split(".")[0] for key in module.state_dict()} == {"a"}
    module(torch.ones(2, 3, 8, 6)).sum().backward()
    assert module.layer("b.c")._parameters["weight"] is module.layer("a.c")._parameters["weight"]
    assert sum(parameter.numel() for parameter in module.parameters()) == built.parameters


def test_frozen_layers_take_no_gradient_and_keep_their_statistics():
    module = build_module(graph("a = conv(2, 3, frozen=true)", "n = batch_norm(frozen=true)", "b = conv(2, 1)"), seed=0)
    module.train()
    module(torch.randn(4, 3, 8, 6)).sum().backward()
    state = module.state_dict()
    assert torch.all(state["n.running_mean"] == 0)
    assert [name for name, item in module.named_parameters() if item.grad is not None] == ["b.weight", "b.bias"]


def test_several_outputs_come_by_name_and_training_only_ones_only_while_training():
    text = "network n\ninput x = image(1, 4, 4)\na = conv(2, 1)\noutput main\noutput extra(training_only=true) from x\n"
    module = build_module(require_graph(text), seed=0)
    x = torch.zeros(1, 1, 4, 4)
    assert set(module.train()(x)) == {"main", "extra"}
    assert set(module.eval()(x)) == {"main"}


def test_several_inputs_come_in_the_order_of_the_text():
    text = "network n\ninput a = vector(2)\ninput b = vector(3)\nconcat from b, a\noutput y\n"
    module = build_module(require_graph(text), seed=0)
    assert module(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0, 5.0]])).tolist() == [[3.0, 4.0, 5.0, 1.0, 2.0]]


def test_missing_weights_are_an_error():
    weights = initial_weights(require_graph(LENET), seed=0)
    del weights["ip2.bias"]
    with pytest.raises(KeyError, match=r"ip2\.bias"):
        load_module(require_graph(LENET), weights)
