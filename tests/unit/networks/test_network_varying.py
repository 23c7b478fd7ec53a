"""`any(n)`: sizes that may differ at run time are marked, and what depends on one is an error at its line."""

# ruff: noqa: E501 (tables of texts)

import pytest

from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.graph import LayerGraph


def network(*lines: str, image: str = "image(3, any(32), any(64))") -> str:
    return "\n".join(["network n", f"input image = {image}", *lines, "output y", ""])


def test_every_size_derived_from_one_that_varies_is_marked():
    graph = require_graph(
        network("a = conv(8, 3)", "max_pool(2)", "p = global_avg_pool", "d = dense(4)", image="image(3, any(32), 64)")
    )
    assert graph.inputs[0].varies == (1,)
    assert [(node.shape, node.varies) for node in graph.nodes] == [
        ((8, 30, 62), (1,)), ((8, 15, 31), (1,)), ((8,), ()), ((4,), ()),
    ]  # fmt: skip


def test_marks_are_kept_in_the_graph_and_only_there_where_something_varies():
    text = network("a = conv(8, 3)")
    graph = require_graph(text)
    assert LayerGraph.from_json(graph.to_json()) == graph
    assert graph.to_json()["inputs"][0]["varies"] == [1, 2]
    fixed = require_graph(text.replace("any(32)", "32").replace("any(64)", "64"))
    assert "varies" not in str(fixed.to_json())
    assert fixed.identity() != graph.identity()
    assert (fixed.flops, fixed.parameters) == (graph.flops, graph.parameters)


def test_sizes_of_the_data_vary_all_the_same():
    graph = require_graph(network("a = conv(8, 3)"), input_shapes={"image": (3, 48, 48)})
    assert (graph.nodes[0].shape, graph.nodes[0].varies) == ((8, 46, 46), (1, 2))


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (("flatten", "d = dense(4)"), 4, "`dense` needs a fixed size, but its input varies: 6144 here, and 24576 at twice"),
        (("to_sequence", "p = position_embedding"), 4, "needs a fixed size, but its input varies: 3 x 2048 here"),
        (("reshape([3, 64, 32])",), 3, "A size of the input varies (`any`), and at twice the size: "),
        (("avg_pool(height(image))",), 3, "`window` of `avg_pool` depends on a size that varies: its input is 3 x 32 x 64 here"),
        (("max_pool(3, stride=2, pad=1)", "a = conv(3, 3, stride=16, pad=same)", "b = conv(3, 2, stride=2, pad=same)"), 5, "`pad` of `conv` depends on a size that varies"),
        (("a = conv(3, 1)", "relu when height(image) == 32"), 4, "Which layers there are depends on a size that varies"),
    ],
)  # fmt: skip
def test_a_layer_that_depends_on_a_varying_size_says_so(lines, line, message):
    (problem,) = analyse(network(*lines)).problems
    assert problem.code == "network.varies"
    assert problem.line == line
    assert message in problem.message


@pytest.mark.parametrize(
    "image", ["image(any(3), 32, 32)", "image(3, any(), 32)", "vector(any(5))", "tokens(any(9), any(5))"]
)
def test_what_decides_weights_never_varies(image):
    (problem,) = analyse(network("relu", image=image)).problems[:1]
    assert (
        problem.message
        == "`any` takes one size, as in `any(512)`, and stands for any axis but channels and features and vocabulary."
    )


def test_layers_that_only_the_other_size_has_are_noticed():
    (problem,) = analyse(network("relu when height(image) > 32")).problems
    assert "Which layers there are depends on a size that varies" in problem.message


def test_any_stands_nowhere_else():
    (problem,) = analyse(network("a = conv(any(8), 3)", image="image(3, 32, 32)")).problems
    assert "There is no function `any`" in problem.message


def test_segmentation_networks_take_pictures_of_any_size(texts):
    text = texts["unet"].replace("image(3, 512, 512)", "image(3, any(512), any(512))")
    graph = require_graph(text)
    assert all(node.varies == (1, 2) for node in graph.nodes)
