"""What the rules of each kind refuse, in words that name the value, what is allowed and what to do."""

# ruff: noqa: E501 (tables of texts)

import pytest

from tenfold.core.networks.analysis import analyse, require_graph

IMAGE, SEQUENCE = "image(6, 9, 7)", "sequence(6, 5)"


def messages(source: str, call: str) -> list[str]:
    text = f"network n\ninput x = {source}\ninput z = image(6, 4, 4)\nlayer = {call}\noutput y\n"
    return [problem.message for problem in analyse(text).problems]


@pytest.mark.parametrize(
    ("source", "call", "message"),
    [
        (SEQUENCE, "reshape([4, 8]) from x", "`reshape` to 4 x 8 does not fit the 30 values of 6 x 5."),
        (SEQUENCE, "reshape([-1, -1]) from x", "`reshape` to -1 x -1 does not fit the 30 values of 6 x 5."),
        (SEQUENCE, "reshape([0, 30]) from x", "`reshape` to 0 x 30 does not fit the 30 values of 6 x 5."),
        (IMAGE, "permute([0, 1]) from x", "`axes` of `permute` names each axis of 6 x 9 x 7 once: 0, 1, 2, in any order."),
        (IMAGE, "to_image(3, 3) from x", "`to_image` needs a sequence (channels x length), but its input is 6 x 9 x 7."),
        (SEQUENCE, "to_image(3, 3) from x", "`to_image` of 3 x 3 needs a length of 9, but it is 5."),
        ("vector(9)", "to_sequence from x", "`to_sequence` needs an image, volume or sequence, but its input is a vector"),
        (IMAGE, "pad(7, reflect) from x", "`size` of `pad` is 7, but only 6 values can be reflected: use at most 6."),
        (IMAGE, "slice(4, 4) from x", "`slice` takes channels 4 to 4 of 6: the end lies after the start, and is at most 6."),
        (IMAGE, "slice(0, 7) from x", "`slice` takes channels 0 to 7 of 6: the end lies after the start, and is at most 6."),
        (SEQUENCE, "select(5) from x", "`index` of `select` is 5, but the sequence has 5 places: 0 to 4, or -1 for the last."),
        (IMAGE, "group_norm(4) from x", "`groups` of `group_norm` is 4, but the input has 6 channels"),
        ("vector(6)", "instance_norm from x", "`instance_norm` needs an image, volume or sequence, but its input is a ve"),
        (IMAGE, "conv_transpose(4, 3, output_pad=1) from x", "`output_pad` of `conv_transpose` is 1, but `stride` is 1"),
        (IMAGE, "conv_transpose(4, 3, pad=6) from x", "`pad` of `conv_transpose` is 6, which leaves nothing of 9 x 7."),
        (IMAGE, "conv_transpose(4, 3, groups=4) from x", "`groups` of `conv_transpose` is 4, but the input has 6 chan"),
        (SEQUENCE, "attention(4) from x", "`heads` of `attention` is 4, but the input has 6 channels: heads must divide it (1,"),
        (IMAGE, "attention(2) from x", "`attention` needs a sequence (channels x length), but its first input is 6 x 9 x 7. P"),
        (SEQUENCE, "attention(2) from x, z", "`attention` needs a sequence (channels x length), but its second input is 6 x 4"),
        (SEQUENCE, "attention(2) from x, x, x", "`attention` takes at most 2 inputs, but 3 are given."),
        (IMAGE, "gru(4) from x", "`gru` needs a sequence (channels x length), but its input is 6 x 9 x 7. Put `to_sequence` bef"),
        (IMAGE, "embedding(4) from x", "`embedding` needs tokens, as `input text = tokens(1014, 71)` declares, but its input "),
        ("tokens(5, 11)", "conv(4, 3) from x", "`conv` computes with numbers, but `x` holds tokens:"),
        (IMAGE, "subtract from x, x, x", "`subtract` takes at most 2 inputs, but 3 are given."),
        (IMAGE, "multiply from x, z", "`multiply` needs inputs of equal shape, but `x` (line 2) gives 6"),
        (IMAGE, "distance from x, x", "`distance` compares vectors, but its inputs are 6 x 9 x 7. Put `fl"),
        (IMAGE, "crop(6) from x, z", "`crop` takes 4 x 4 out of 9 x 7 at 6 x 6: that reaches over the border."),
        (SEQUENCE, "crop from x, z", "`crop` needs inputs of as many axes, but `x` (line 2) is 6 x 5"),
        (SEQUENCE, "prior_box(4) from x, x", "`prior_box` needs images, but `x` (line 2) gives 6 x 5. Name a layer and"),
        (IMAGE, "prior_box(4, max_size=[5, 6]) from x, x", "`max_size` of `prior_box` has 2 sizes and `min_size` 1: give"),
        (IMAGE, "prior_box(4, max_size=4) from x, x", "`max_size` of `prior_box` is 4, and its `min_size` 4: it has to"),
        (IMAGE, "prior_box([]) from x, x", "`min_size` of `prior_box` has no size."),
        (IMAGE, "prior_box(4, variance=[1, 2]) from x, x", "`variance` of `prior_box` has 2 numbers: give one, or four"),
        (IMAGE, "prior_box(4, step=[1, 2, 3]) from x, x", "`step` of `prior_box` has 3 numbers: give one, or two (down,"),
        (IMAGE, "prior_box(4, ratios=[0.5, relu]) from x, x", "`ratios` of `prior_box` is a number, or a list of at most"),
        (IMAGE, "prior_box(0) from x, x", "`min_size` of `prior_box` is 0.0, allowed are 0.001 to 1"),
        (IMAGE, "detection_output from x, x, x", "`detection_output` needs prior boxes (boxes x 8) as its third input,"),
        ("sequence(4, 8)", "detection_output from z, x, x", "`detection_output` needs 4 values of `z` (line 3) for each"),
        ("sequence(7, 8)", "detection_output from x, z, x", "`detection_output` cannot use this: `z` (line 3) gives 6 x"),
        (IMAGE, "reshape([1, 1, 1, 1, 1, 1, 1, 6, 63]) from x", "`reshape` has 9 sizes; at most 8 are allowed."),
        ("tokens(5)", "one_hot from x", "`tokens` needs length, vocabulary: vocabulary missing."),
    ],
)  # fmt: skip
def test_misfits(source: str, call: str, message: str):
    found = messages(source, call)
    assert len(found) == 1
    assert found[0].startswith(message)


def test_windows_slide_along_three_axes_at_most():
    text = "network n\ninput x = image(6, 9, 7)\nreshape([2, 3, 3, 3, 7]) from x\nc = conv(4, 1)\noutput y\n"
    (problem,) = analyse(text).problems
    assert problem.line == 4
    assert problem.message.startswith("`conv` needs an image, volume or sequence, but its input has 5 axes: 2 x 3 x 3")
    assert analyse(text.replace("3, 3, 3, 7", "9, 3, 7")).ok


def test_a_number_no_one_could_read_is_told_in_short():
    assert messages(IMAGE, "conv(1e300, 3) from x") == ["`out` of `conv` is 1e+300, allowed are 1 to 16777216."]


def test_a_factor_for_each_channel_multiplies_all_its_places():
    text = "network n\ninput x = image(6, 4, 4)\nglobal_avg_pool(keep=true)\nm = multiply from x, x_global_avg_pool\n"
    assert [problem.code for problem in analyse(f"{text}output y\n").problems] == ["network.unknown-reference"]
    named = text.replace("global_avg_pool(", "s = global_avg_pool(", 1).replace("x_global_avg_pool", "s")
    assert require_graph(f"{named}output y\n").nodes[-1].shape == (6, 4, 4)


def test_initialisers_reach_every_matrix_and_biases_their_own():
    text = "network n\ninput x = sequence(4, 3)\na = attention(2, init=normal(0.5), bias_init=ones)\noutput y\n"
    weights = require_graph(text).nodes[0].weights
    assert {name: weight.initialiser.name for name, weight in weights.items()} == {
        "qkv_weight": "normal",
        "qkv_bias": "ones",
        "out_weight": "normal",
        "out_bias": "ones",
    }


def test_tokens_keep_their_vocabulary_in_the_graph_and_its_json():
    text = "network n\ninput x = tokens(9, 30)\ne = embedding(4)\noutput y\n"
    graph = require_graph(text, input_shapes={"x": (12,)})
    assert (graph.inputs[0].shape, graph.inputs[0].vocabulary) == ((12,), 30)
    assert graph.nodes[0].shape == (4, 12)
    assert graph.from_json(graph.to_json()) == graph
