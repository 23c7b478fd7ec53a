"""Whole Caffe networks in our language: lines, shapes and published counts of parameters."""

import contextlib
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.caffe.caffe_texts import Chain, alexnet, fcn_alexnet, googlenet, inception, layer, lenet, picture

from tenfold.adapters.formats.caffe.layers import MAX_LAYERS
from tenfold.adapters.formats.caffe.network_import import CaffeNetwork, import_network
from tenfold.core.errors import BadNetwork

DATA = layer("data", "Data", [], ["data", "label"], "transform_param { crop_size: 227 mirror: true mean_value: 104 }")


def imported(chain: Chain, **options: int) -> CaffeNetwork:
    network = import_network(chain.text, **options)  # type: ignore[arg-type]
    assert network.unsupported == ()
    return network


PAIRS = """\
layer { name: "pair_data" type: "Data" top: "pair_data" top: "sim" include { phase: TRAIN }
  transform_param { scale: 0.00390625 } data_param { source: "pairs" batch_size: 64 } }
layer { name: "apart" type: "Slice" bottom: "pair_data" top: "data" top: "data_p"
  slice_param { slice_dim: 1 POINT } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { name: "w" } param { name: "b" }
  convolution_param { num_output: 4 kernel_size: 5 } }
layer { name: "feat" type: "InnerProduct" bottom: "conv" top: "feat" param { name: "fw" } param { name: "fb" }
  inner_product_param { num_output: 2 } }
layer { name: "conv_p" type: "Convolution" bottom: "data_p" top: "conv_p" param { name: "w" } param { name: "b" }
  convolution_param { num_output: 4 kernel_size: 5 } }
layer { name: "feat_p" type: "InnerProduct" bottom: "conv_p" top: "feat_p" param { name: "fw" } param { name: "fb" }
  inner_product_param { num_output: 2 } }
layer { name: "loss" type: "ContrastiveLoss" bottom: "feat" bottom: "feat_p" bottom: "sim" top: "loss" }
"""


@pytest.mark.parametrize(
    ("point", "asked", "shape"),
    [
        ("slice_point: 1", None, (2, 224, 224)),
        ("slice_point: 1", (1, 28, 28), (2, 28, 28)),
        ("slice_point: 1", (2, 28, 28), (2, 28, 28)),
        ("slice_point: 3", (3, 32, 32), (6, 32, 32)),
        ("", (1, 28, 28), (2, 28, 28)),
    ],
)
def test_a_pair_of_pictures_in_one_blob_is_imported(
    point: str, asked: tuple[int, ...] | None, shape: tuple[int, ...]
) -> None:
    network = import_network(PAIRS.replace("POINT", point), input_shape=asked)

    assert network.unsupported == ()
    assert network.graph.inputs[0].shape == shape
    assert [node.kind for node in network.graph.nodes].count("distance") == 1
    assert len(network.notes) == (asked != shape)
    assert network.losses[0].output == "distance"


def test_a_size_that_nobody_said_and_that_cannot_be_says_what_to_do() -> None:
    with pytest.raises(BadNetwork, match="does not say how large `pair_data` is: give the size of its pictures"):
        import_network(
            PAIRS.replace("POINT", "slice_point: 1")
            .replace('top: "data_p"', 'top: "other"', 1)
            .replace('bottom: "data_p"', 'bottom: "pair_data"', 1)
        )


def test_lenet_becomes_a_few_lines_of_the_right_count() -> None:
    network = imported(lenet(picture(1, 28)))
    assert network.graph.parameters == 431_080
    assert network.text.splitlines()[4:] == [
        "",
        "conv1 = conv(20, 5)",
        "max_pool(2)",
        "conv2 = conv(50, 5)",
        "max_pool(2)",
        "flatten",
        "ip1 = dense(500)",
        "relu",
        "ip2 = dense(10)",
        "output logits",
    ]
    assert network.text.splitlines()[2:4] == ["input data = image(1, 28, 28)", "default max_pool(ceil=true)"]


def test_alexnet_with_two_groups_has_the_published_count() -> None:
    network = imported(alexnet(DATA))
    assert network.graph.parameters == 60_965_224
    assert network.preprocessing.crop_size == 227
    assert network.preprocessing.is_mirrored
    assert network.preprocessing.mean_values == (104.0,)


def test_fcn_alexnet_has_the_published_count_and_gives_its_input_s_size() -> None:
    network = imported(fcn_alexnet(256))
    values = sum(math.prod(weight.shape) for node in network.graph.nodes for weight in node.weights.values())
    assert values == 57_037_610
    assert network.graph.node(network.graph.outputs[0].source).shape == (21, 256, 256)
    assert network.graph.node("upscore").training["frozen"] is True


def test_googlenet_with_its_heads_has_the_known_count_and_three_outputs() -> None:
    network = imported(googlenet(DATA.replace("227", "224")))
    assert network.graph.parameters == 13_378_280
    assert [loss.output for loss in network.losses] == ["logits_loss_4a", "logits_loss_4d", "logits"]
    assert network.graph.node("layer_5b_1x1").shape == (384, 7, 7)


def test_an_inception_module_joins_its_four_branches() -> None:
    chain = Chain("one", picture(192, 28))
    inception(chain, "inception_3a", (64, 96, 128, 16, 32, 32))
    network = imported(chain)
    assert network.graph.parameters == 163_696
    assert network.graph.node(network.graph.outputs[0].source).shape == (256, 28, 28)
    assert network.names["inception_3a/3x3_reduce"] == "inception_3a_3x3_reduce"


def test_what_is_there_for_testing_alone_is_noted() -> None:
    chain = lenet(picture(1, 28)).add("found", "ArgMax", "include { phase: TEST }")
    assert any("`found`" in note and "testing" in note for note in import_network(chain.text).notes)


def test_auxiliary_losses_are_training_only_and_the_last_is_the_main_one() -> None:
    chain = lenet(DATA)
    chain.text += layer("loss1", "SoftmaxWithLoss", ["ip1", "label"], ["loss1"], "loss_weight: 0.3")
    chain.text += layer("watched", "EuclideanLoss", ["ip1", "label"], ["watched"], "loss_weight: 0")
    chain.text += layer("loss2", "SoftmaxWithLoss", ["ip2", "label"], ["loss2"])
    chain.text += layer("accuracy", "Accuracy", ["ip2", "label"], body="include { phase: TEST }")
    network = imported(chain)
    assert [(item.name, dict(item.arguments)) for item in network.graph.outputs] == [
        ("logits_loss1", {"training_only": True, "loss_weight": 0.3}),
        ("logits", {}),
    ]
    assert [(loss.output, loss.weight) for loss in network.losses] == [("logits_loss1", 0.3), ("logits", 1.0)]


def test_all_phases_in_one_file_give_the_training_network() -> None:
    train = layer("train", "Data", [], ["data", "label"], 'include { stage: "train" }')
    val = layer("val", "Data", [], ["data", "label"], 'include { stage: "val" }')
    deploy = picture(1, 28).replace("input_param", 'include { stage: "deploy" } input_param')
    chain = lenet(train + val + deploy, out=None)
    chain.text += layer("loss", "SoftmaxWithLoss", ["ip2", "label"], ["loss"], 'exclude { stage: "deploy" }')
    chain.text += layer("softmax", "Softmax", ["ip2"], ["softmax"], 'include { stage: "deploy" }')
    network = imported(chain, classes=7)
    assert "param classes = 7 in" in network.text
    assert "input data = image(1, 28, 28)" in network.text
    assert "softmax" not in network.text
    assert network.graph.node("ip2").shape == (7,)


def test_a_softmax_at_the_end_is_left_to_the_task_and_said_so() -> None:
    chain = lenet(picture(1, 28)).add("prob", "Softmax")
    network = imported(chain)
    assert network.graph.outputs[0].source == "ip2"
    assert any("`prob` is left out" in note for note in network.notes)


SECOND = """
name: "old" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
  convolution_param { num_output: 4 kernel_size: 3 } }
layers { name: "r" type: RELU bottom: "c" top: "c" relu_param { negative_slope: 0.2 } }
layers { name: "f" type: INNER_PRODUCT bottom: "c" top: "f" inner_product_param { num_output: 2 } }
"""
FIRST = """
name: "oldest" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { layer { name: "c" type: "conv" num_output: 4 kernelsize: 3 blobs_lr: 1 blobs_lr: 2 weight_decay: 1
  weight_decay: 0 } bottom: "data" top: "c" }
layers { layer { name: "r" type: "relu" negative_slope: 0.2 } bottom: "c" top: "c" }
layers { layer { name: "f" type: "innerproduct" num_output: 2 } bottom: "c" top: "f" }
"""


@pytest.mark.parametrize("text", [SECOND, FIRST], ids=["second", "first"])
def test_both_older_syntaxes_say_the_same(text: str) -> None:
    lines = import_network(text).text.splitlines()
    assert lines[3:] == [
        "",
        "c = conv(4, 3, bias_lr_mult=2, bias_decay_mult=0)",
        "leaky_relu(slope=0.2)",
        "flatten",
        "f = dense(2)",
        "output logits",
    ]


def test_what_cannot_be_said_is_named_with_its_line_and_the_rest_is_imported() -> None:
    chain = Chain("odd", picture(3, 8)).add("own", "Python").conv("c1", 4, 3)
    chain.add("prior", "PriorBox").add("after", "ReLU")
    chain.add("random", "Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }", bottom="c1")
    chain.add("wide", "Pooling", "pooling_param { kernel_size: 50 }", bottom="c1")
    network = import_network(chain.text)
    left_out = {item.name: item.line for item in network.unsupported}
    assert left_out == {"own": 3, "prior": 6, "after": 7, "random": 8, "wide": 9}
    assert "it needs `prior`" in network.unsupported[2].why
    assert re.search(r"`window` of `max_pool` is 50", str(network.unsupported[4]))
    assert network.graph.node("c1").inputs == ("data",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no layer"),
        ('name: "x"', "no layer"),
        ("layer: 3", "braces"),
        (layer("c", "Convolution", ["nothing"]), "no layer above it gives"),
        (picture(3, 8) + layer("c", "Convolution", ["data"], body="convolution_param: 3"), "is a value"),
        (picture(3, 8) + layer("c", "Convolution", ["data"], body="convolution_param { num_output: -1 }"), "Nothing"),
    ],
)
def test_a_file_that_is_no_network_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadNetwork, match=words):
        import_network(text)


def test_power_on_the_pictures_alone_is_preprocessing_and_elsewhere_a_layer() -> None:
    data = layer("data", "Data", [], ["data", "label"], "transform_param { scale: 2 crop_size: 8 }")
    chain = Chain("p", data).add("p", "Power", "power_param { scale: 0.5 shift: -1 }").add("c", "ReLU")
    network = imported(chain)
    assert (network.preprocessing.scale, network.preprocessing.shift) == (1.0, -1.0)
    assert "scale" not in network.text
    both = import_network(chain.join("sum", "Eltwise", ["c", "data"]).text)
    assert "p = scale(init_value=0.5, bias=true, frozen=true, bias_init=constant(-1))" in both.text.replace(
        "-1.0", "-1"
    )
    assert both.preprocessing.scale == 2


def test_factors_of_rate_and_decay_become_common_arguments() -> None:
    def factors(body: str) -> str:
        own = f"{body} convolution_param {{ num_output: 2 kernel_size: 1 }}"
        network = import_network(picture(3, 8) + layer("c", "Convolution", ["data"], body=own))
        return "; ".join([network.text.splitlines()[4], *network.notes])

    assert factors("param { lr_mult: 0 } param { lr_mult: 0 }") == "c = conv(2, 1, frozen=true)"
    assert factors("param { lr_mult: 2 } param { lr_mult: 4 }") == "c = conv(2, 1, lr_mult=2, bias_lr_mult=2)"
    assert factors("param { decay_mult: 0 } param { lr_mult: 3 }").startswith("c = conv(2, 1, bias_lr_mult=3")
    assert "its bias gets 0, too" in factors("param { lr_mult: 0 } param { lr_mult: 1 }")


@pytest.mark.parametrize(
    ("filler", "said"),
    [
        ('type: "gaussian" std: 0.01', "init=normal(0.01)"),
        ('type: "xavier"', "init=lecun_uniform"),
        ('type: "xavier" variance_norm: AVERAGE', "init=xavier_uniform"),
        ('type: "msra"', "init=kaiming_normal"),
        ('type: "msra" variance_norm: FAN_OUT', "init=kaiming_normal(fan_out)"),
        ('type: "constant" value: 0.5', "init=constant(0.5)"),
        ('type: "uniform" min: -0.1 max: 0.1', "init=uniform(0.1)"),
        ('type: "positive_unitball"', "cannot be said"),
        ('type: "gaussian" mean: 1', "cannot be said"),
    ],
)
def test_fillers_become_initialisers(filler: str, said: str) -> None:
    own = f"convolution_param {{ num_output: 2 kernel_size: 1 weight_filler {{ {filler} }} }}"
    network = import_network(picture(3, 8) + layer("c", "Convolution", ["data"], body=own))
    assert said in network.text + " ".join(network.notes)


def test_an_import_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(BadNetwork, match="too long"):
        import_network(lenet(picture(1, 28)).text, is_late=lambda: True)


FLOODS = {
    "unknown": (picture(3, 8) + layer("x", "Mystery", ["data"]) * 2000, "unknown"),
    "layers": (layer("x", "ReLU", ["data"]) * (MAX_LAYERS + 1), "4,000 layers"),
    "inputs": ('input: "a" ' * 10_000 + layer("x", "ReLU", ["a"]), "64 inputs"),
    "joins": (picture(3, 8) + layer("x", "Concat", ["data"] * 2, ["data"]) * 2000, "unknown"),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_refused_by_name(name: str) -> None:
    text, words = FLOODS[name]
    with pytest.raises(BadNetwork, match=words):
        import_network(text)


def test_layers_of_one_name_get_numbers() -> None:
    network = import_network(picture(3, 8) + layer("c", "BatchNorm", ["data"], ["data"]) * 3)
    assert [node.path for node in network.graph.nodes] == ["c", "c_2", "c_3"]


BODIES = [
    "convolution_param { num_output: 3 kernel_size: 2 }",
    "pooling_param { kernel_size: 2 }",
    "slice_param { slice_point: 1 }",
    "reshape_param { shape { dim: 0 dim: -1 } }",
    "power_param { power: 2 }",
    "concat_param { axis: 2 }",
    "permute_param { order: [0, 2, 3, 1] }",
    "inner_product_param { num_output: 4 }",
    "prior_box_param { min_size: 2 max_size: 3 aspect_ratio: 2 aspect_ratio: 0 }",
    "prior_box_param { min_size: -2 variance: 1 step: 1e30 }",
    "detection_output_param { num_classes: 2 keep_top_k: 3 }",
    "",
]
TYPES = [
    "Convolution",
    "Deconvolution",
    "Pooling",
    "Slice",
    "Reshape",
    "Power",
    "Concat",
    "Permute",
    "BatchNorm",
    "Scale",
    "Eltwise",
    "InnerProduct",
    "Crop",
    "SoftmaxWithLoss",
    "Softmax",
    "Data",
    "Split",
    "LRN",
    "Normalize",
    "MVN",
    "PReLU",
    "DetectionOutput",
    "PriorBox",
    "Flatten",
    "ReLU",
]
BLOBS = st.sampled_from(["data", "a", "b", "c", "label"])
LAYERS = st.builds(
    layer,
    st.sampled_from(["a", "b", "c", "input", "1/2", "é"]),
    st.sampled_from(TYPES),
    st.lists(BLOBS, max_size=2),
    st.lists(BLOBS, max_size=2),
    st.sampled_from(BODIES),
)


@given(st.lists(LAYERS, max_size=6))
def test_any_layers_in_any_order_are_imported_or_refused_by_name(layers: list[str]) -> None:
    text = picture(3, 8) + "".join(layers)
    with contextlib.suppress(BadNetwork):
        assert import_network(text).graph.outputs
