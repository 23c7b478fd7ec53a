"""What a text means: shapes, counts, blocks, repeats, switches, sharing, defaults."""

import json

import pytest

from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.values import Initialiser


def network(*lines: str, shape: str = "image(3, 32, 32)") -> str:
    return "\n".join(["network n", f"input image = {shape}", *lines, "output y", ""])


def graph(*lines: str, shape: str = "image(3, 32, 32)", after: str = ""):
    return require_graph(network(*lines, shape=shape) + after)


def last_shape(line: str, shape: str) -> tuple[int, ...]:
    return graph(line, shape=shape).nodes[-1].shape


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("lenet", 431_080), ("alexnet", 61_100_840), ("resnet50", 25_557_032), ("googlenet", 13_004_888)],
)
def test_parameter_counts_equal_the_published(texts, name, parameters):
    assert require_graph(texts[name]).parameters == parameters


def test_googlenet_without_its_extra_heads(texts):
    result = require_graph(texts["googlenet"], parameters={"auxiliary": False})
    assert result.parameters == 6_624_904
    assert [output.name for output in result.outputs] == ["logits"]


@pytest.mark.parametrize(
    ("name", "multiply_adds"), [("lenet", 2_293_000), ("alexnet", 714_188_480), ("resnet50", 4_100_298_240)]
)
def test_floating_point_operations_are_twice_the_multiply_adds(texts, name, multiply_adds):
    assert require_graph(texts[name]).flops == 2 * multiply_adds


def test_lenet_layer_by_layer(lenet):
    nodes = require_graph(lenet).nodes
    assert [(node.path, node.kind, node.shape, node.parameters) for node in nodes] == [
        ("conv1", "conv", (20, 24, 24), 520),
        ("conv1_max_pool", "max_pool", (20, 12, 12), 0),
        ("conv2", "conv", (50, 8, 8), 25_050),
        ("conv2_max_pool", "max_pool", (50, 4, 4), 0),
        ("conv2_flatten", "flatten", (800,), 0),
        ("ip1", "dense", (500,), 400_500),
        ("ip1_relu", "activation", (500,), 0),
        ("ip2", "dense", (10,), 5_010),
    ]


def test_the_dataset_sets_input_shape_and_classes(lenet):
    result = require_graph(lenet, parameters={"classes": 3}, input_shapes={"image": (3, 64, 48)})
    assert result.inputs[0].shape == (3, 64, 48)
    assert result.nodes[-1].shape == (3,)


@pytest.mark.parametrize("shape", [(28, 28), (3, 28), (3, 0, 28), (3, 28.0, 28), (3, 28, True)])
def test_an_input_shape_that_cannot_be_is_a_problem(lenet, shape):
    (problem,) = analyse(lenet, input_shapes={"image": shape}).problems
    assert problem.code == "network.input-shape"
    assert "is an image (channels x height x width), but the data is" in problem.message


def test_unknown_inputs_and_parameters_are_problems(lenet):
    result = analyse(lenet, parameters={"clases": 3}, input_shapes={"picture": (1, 28, 28)})
    assert {problem.message for problem in result.problems} == {
        "The network has no parameter `clases`, perhaps `classes`.",
        "The network has no input `picture`.",
    }


@pytest.mark.parametrize(
    ("line", "shape", "expected"),
    [
        ("a = conv(8, 3)", "image(3, 32, 30)", (8, 30, 28)),
        ("a = conv(8, [3, 5], stride=[2, 1], pad=[1, 0])", "image(3, 32, 30)", (8, 16, 26)),
        ("a = conv(8, 3, pad=half, dilation=2)", "image(3, 32, 30)", (8, 32, 30)),
        ("a = conv(8, 4, stride=3, pad=same)", "image(3, 32, 31)", (8, 11, 11)),
        ("a = conv(8, 3)", "sequence(3, 32)", (8, 30)),
        ("a = conv(8, 3)", "volume(3, 8, 8, 9)", (8, 6, 6, 7)),
        ("max_pool(3, stride=2)", "image(3, 32, 32)", (3, 15, 15)),
        ("max_pool(3, stride=2, ceil=true)", "image(3, 32, 32)", (3, 16, 16)),
        ("max_pool(2, stride=2, pad=1, ceil=true)", "image(3, 5, 5)", (3, 3, 3)),
        ("avg_pool(2)", "volume(1, 4, 6, 8)", (1, 2, 3, 4)),
        ("global_avg_pool", "image(3, 32, 32)", (3,)),
        ("global_avg_pool(keep=true)", "image(3, 32, 32)", (3, 1, 1)),
        ("adaptive_avg_pool(6)", "image(3, 32, 32)", (3, 6, 6)),
        ("adaptive_avg_pool([6, 1])", "image(3, 32, 32)", (3, 6, 1)),
        ("a = dense(7)", "sequence(3, 32)", (7, 32)),
        ("a = dense(7)", "vector(12)", (7,)),
        ("concat from image, image", "image(3, 32, 32)", (6, 32, 32)),
        ("add from image, image, image", "image(3, 32, 32)", (3, 32, 32)),
        ("flatten", "volume(1, 2, 3, 4)", (24,)),
        ("lrn", "image(3, 32, 32)", (3, 32, 32)),
    ],
)
def test_shapes(line, shape, expected):
    assert last_shape(line, shape) == expected


def test_arguments_in_the_graph_are_in_their_final_form():
    (node,) = graph("a = conv(8, 3, pad=same, stride=[1, 2])").nodes
    assert node.arguments == {
        "out": 8,
        "kernel": (3, 3),
        "stride": (1, 2),
        "pad": ((1, 1), (0, 1)),
        "dilation": (1, 1),
        "groups": 1,
        "bias": True,
    }


def test_repeat_chains_copies_that_know_their_index():
    result = graph(
        "stage = conv(8 * (index + 1), 3, stride=2 if index == count - 1 else 1, pad=1) repeat 3",
        "relu from stage.1",
        "other = conv(2, 1) from stage",
    )
    assert [(node.path, node.shape, node.inputs) for node in result.nodes] == [
        ("stage.0", (8, 32, 32), ("image",)),
        ("stage.1", (16, 32, 32), ("stage.0",)),
        ("stage.2", (24, 16, 16), ("stage.1",)),
        ("stage_relu", (16, 32, 32), ("stage.1",)),
        ("other", (2, 16, 16), ("stage.2",)),
    ]


def test_what_is_switched_off_passes_its_first_input_on():
    result = graph("a = conv(4, 1)", "b = conv(9, 1) from image, a when 1 > 2", "c = conv(2, 1) from b")
    assert [(node.path, node.inputs) for node in result.nodes] == [("a", ("image",)), ("c", ("image",))]


def test_blocks_see_the_files_values_and_their_own_win():
    block = "block b(k, twice=2 * k, c=channels(input)) {\n  a = conv(w + k + twice + c, 1)\n}\n"
    result = graph("param w = 100", "param k = 7", "x = b(1)", after=block)
    assert result.nodes[0].arguments["out"] == 100 + 1 + 2 + 3


def test_blocks_have_several_inputs_and_results():
    block = (
        "block b() from deep, skip {\n  a = conv(5, 1) from deep\n  output box from skip\n  output deep_box from a\n}\n"
    )
    result = graph("c = conv(4, 1)", "x = b() from c, image", "relu from x.box", "tanh from x.deep_box", after=block)
    assert [(node.path, node.inputs) for node in result.nodes] == [
        ("c", ("image",)),
        ("x.a", ("c",)),
        ("x_relu", ("image",)),
        ("x_tanh", ("x.a",)),
    ]


def test_values_of_a_block_are_its_own():
    block = "block b() {\n  let v = channels(input)\n  a = conv(2 * v, 1)\n}\n"
    result = graph("let v = 50", "x = b() repeat 2", "y = conv(v, 1)", after=block)
    assert [node.arguments["out"] for node in result.nodes] == [6, 12, 50]


def test_sharing_applies_the_same_weights_to_other_inputs():
    block = "block tower(n) {\n  c = conv(n, 3, pad=1)\n  relu\n  d = conv(3, 1) repeat 2\n}\n"
    result = graph(
        "left = tower(4) from image",
        "right = share(left) from image",
        "third = share(right)",
        "add from left, right, third",
        after=block,
    )
    paths = [(node.path, node.weights_from, node.parameters) for node in result.nodes if node.kind == "conv"]
    assert paths == [
        ("left.c", "", 112),
        ("left.d.0", "", 15),
        ("left.d.1", "", 12),
        ("right.c", "left.c", 0),
        ("right.d.0", "left.d.0", 0),
        ("right.d.1", "left.d.1", 0),
        ("third.c", "left.c", 0),
        ("third.d.0", "left.d.0", 0),
        ("third.d.1", "left.d.1", 0),
    ]
    assert result.node("right.c").flops == result.node("left.c").flops > 0
    assert result.node("third.c").inputs == ("right.d.1",)


def test_repeated_layers_are_shared_copy_by_copy():
    result = graph("a = conv(3, 2 * index + 1, pad=half) repeat 3", "b = share(a)")
    assert [(node.path, node.weights_from, node.arguments["kernel"]) for node in result.nodes[3:]] == [
        ("b.0", "a.0", (1, 1)),
        ("b.1", "a.1", (3, 3)),
        ("b.2", "a.2", (5, 5)),
    ]


def test_defaults_hold_for_the_whole_file_and_calls_win():
    result = graph("a = conv(4, 1)", "b = conv(4, 1, bias=true)", "default conv(bias=w > 0, lr_mult=2)", "param w = 0")
    assert [(node.arguments["bias"], node.training) for node in result.nodes] == [
        (False, {"lr_mult": 2.0}),
        (True, {"lr_mult": 2.0}),
    ]


def test_common_arguments_of_blocks_hold_inside_and_multiply():
    block = "block b() {\n  c = conv(4, 1, lr_mult=0.5)\n  n = batch_norm\n  relu\n}\n"
    result = graph("x = b(frozen=true, lr_mult=0.1, init=normal(0.02))", "d = conv(2, 1)", after=block)
    conv, norm, relu, last = result.nodes
    assert conv.training == {"frozen": True, "lr_mult": 0.05}
    assert conv.weights["weight"].initialiser == Initialiser("normal", (0.02,))
    assert norm.weights["weight"].initialiser == Initialiser("ones")
    assert (relu.training, last.training) == ({}, {})


def test_names_of_unnamed_layers_do_not_collide():
    result = graph("a = conv(3, 1)", "relu", "relu from a", "a_relu_2 = conv(3, 1)")
    assert [node.path for node in result.nodes] == ["a", "a_relu", "a_relu_3", "a_relu_2"]


def test_an_activation_chosen_by_a_parameter_is_the_same_layer_as_its_short_form():
    one = graph("param act = relu in [relu, tanh]", "activation(act)")
    assert one.identity() == graph("relu").identity()


def test_layout_comments_and_parameter_names_do_not_change_the_identity(lenet):
    changed = lenet.replace("width1", "first").replace(
        "conv1 = conv(first, 5, bias=bias)", "# c\nconv1 = conv(first,\n  5, bias=bias)"
    )
    assert require_graph(changed).identity() == require_graph(lenet).identity()
    assert require_graph(lenet, parameters={"hidden": 499}).identity() != require_graph(lenet).identity()


def test_graphs_survive_json(texts):
    for name in ("lenet", "googlenet", "resnet50"):
        before = require_graph(texts[name])
        after = type(before).from_json(json.loads(json.dumps(before.to_json())))
        assert after.identity() == before.identity()
        assert after.nodes[3].arguments == before.nodes[3].arguments
        assert (after.parameters, after.flops, after.shapes) == (before.parameters, before.flops, before.shapes)


def test_outputs_carry_what_the_task_needs(texts):
    result = require_graph(texts["googlenet"])
    assert [(output.name, output.source, dict(output.arguments)) for output in result.outputs] == [
        ("logits", "fc", {}),
        ("logits_aux1", "aux1.fc2", {"training_only": True, "loss_weight": 0.3}),
        ("logits_aux2", "aux2.fc2", {"training_only": True, "loss_weight": 0.3}),
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("round_to(10, 8)", 16),
        ("round_to(33, 8)", 32),
        ("round(2.5)", 3),
        ("floor(2.9) + ceil(2.1)", 5),
        ("max([3, 9, 4]) + min(3, 2)", 11),
        ("sum([1, 2, 3]) * len([1, 2])", 12),
        ("7 // 2 + 7 % 4", 6),
        ("6 / 2", 3),
        ("4 if not (1 == 2) and relu == relu else 5", 4),
        ("channels(image) + height(image) + width(image)", 67),
        ("size(image)[1]", 32),
        ("- -3", 3),
        ("2 if none == none else 1", 2),
        ("2 if 1 == true else 1", 1),
    ],
)
def test_expressions(expression, value):
    assert graph(f"let v = {expression}", "a = conv(v, 1)").nodes[0].arguments["out"] == value
