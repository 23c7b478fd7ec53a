"""What is wrong is said at its place, in plain words, once, with a remedy."""

# ruff: noqa: E501 (tables of texts)

import re

import pytest

from tenfold.core.errors import BadNetwork
from tenfold.core.networks.analysis import analyse, require_graph


def only(text: str, **about):
    problems = analyse(text, **about).problems
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


def where(problem) -> str:
    return f"{problem.line}:{problem.column}"


def apply(text: str, fix) -> str:
    for edit in sorted(fix.edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def network(*lines: str) -> str:
    return "\n".join(["network n", "input image = image(3, 32, 32)", *lines, "output y", ""])


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("max_pool(window)\nconv2", "maxpool(window)\nconv2", "13:1", "There is no layer or block `maxpool`, perhaps `max_pool`."),
        (
            "conv2 = conv(width2, 5, bias=bias)",
            "conv2 = conv(50, 5, biass=true)",
            "14:21",
            "`conv` has no `biass`, perhaps `bias`. It has: out, kernel, stride, pad, dilation, groups, bias.",
        ),
        (
            "conv2 = conv(width2, 5, bias=bias)",
            "conv2 = conv(50, 5",
            "14:13",
            "This bracket is never closed: put `)` at the end of its line.",
        ),
        (
            "param window     = 2",
            "param window     = 4",
            "15:10",
            "`window` of `max_pool` is 4, but the input is only 2 x 2: use at most 2.",
        ),
        (
            "flatten\n",
            "",
            "16:7",
            "`dense` needs a vector, but its input is 50 x 4 x 4 (channels x height x width)."
            " Put `flatten` or `global_avg_pool` before it.",
        ),
        (
            "flatten\n",
            "flatten\ndrop = dropout(1.5)\n",
            "17:16",
            "`rate` of `dropout` is 1.5, allowed are 0 to below 1.",
        ),
        (
            "ip2 = dense",
            "ip1 = dense",
            "19:1",
            "The name `ip1` is taken (line 17). Names are unique because weights are stored under them.",
        ),
        (
            "ip2 = dense(classes)",
            "dense(classes)",
            "19:1",
            "`dense` has weights, so it needs a name under which they are stored: `dense1 = dense(classes)`.",
        ),
        ("conv(width1, 5", "conv(widht1, 5", "12:14", "There is no value `widht1`, perhaps `width1`."),
        ("5, bias=bias)\nmax_pool(window)\nconv2", "bias=bias)\nmax_pool(window)\nconv2", "12:9", "`conv` needs `kernel`."),
        ("max_pool(window)\nflatten", "max_pool(window) from conv1, conv2\nflatten", "15:1", "`max_pool` takes one input, but 2 are given: join them by `add` or `concat` first."),
        ("activation(activation)", "activation(relue)", "18:12", "`kind` of `activation` has no choice `relue`, perhaps `relu`. Allowed: "),
        ("network lenet", "# network lenet", "1:1", "The name is missing: put `network NAME` at the top."),
        ("output logits\n", "", "20:1", "There is no `output`: put `output logits` after the last layer."),
        ("image(1, 28, 28)", "picture(1, 28, 28)", "10:15", "There is no kind of input `picture`. Allowed: image, volume, sequence, vector, tokens."),
        ("input image = image(1, 28, 28)\n", "", "11:1", "There is no input above this line: declare one, as in `input image = image(1, 28, 28)`."),
        ("language 1", "language 2", "1:1", "This text is in language 2, but this version of Tenfold reads 1."),
        ("ip1 = dense", "ip1 = lsmt", "17:7", "There is no layer or block `lsmt`, perhaps `lstm`."),
        ("width1     = 20", "width1     = 600", "7:1", "`width1` is 600, allowed are 1 to 512."),
    ],
)  # fmt: skip
def test_mistakes_in_lenet(lenet, old, new, place, message):
    assert old in lenet
    text = re.sub(r"# paper.*\n", "", lenet).replace(old, new)
    problem = only(text)
    assert problem.message.startswith(message)
    assert where(problem) == place


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "add from bn3, downsample",
            "add from bn3, input",
            "`add` needs inputs of equal shape, but `input` (line 11) gives 64 x 56 x 56 and `bn3` (line 28) gives"
            " 256 x 56 x 56. Only the channels differ: pass `input` through `conv(256, 1)`, or use `concat`.",
        ),
        (
            "add from bn3, downsample",
            "add from bn3, downsampel",
            "There is no layer `downsampel` above this line, perhaps `downsample`.",
        ),
    ],
)
def test_mistakes_in_a_block_are_reported_once_at_its_line(resnet50, old, new, message):
    problem = only(resnet50.replace(old, new))
    assert problem.message == message
    assert problem.line == 30
    assert problem.path == "layer1.0" or problem.path.startswith("layer1.0.")


def test_a_mistake_shown_in_many_places_counts_them():
    text = network("a = b()", "c = b() from image", "d = b() from image", "block b() {", "  x = conv(4, 90)", "}")
    text = text.replace(
        "block b() {\n  x = conv(4, 90)\n}\noutput y\n", "output y\nblock b() {\n  x = conv(4, 90)\n}\n"
    )
    problem = only(text)
    assert (problem.line, problem.path, problem.places) == (8, "a.x", 3)
    assert str(problem).endswith("In `a.x` and 2 more places.")


def test_recursion_names_the_way_round():
    text = network("x = b()") + "block b() {\n  y = c()\n}\nblock c() {\n  z = b()\n}\n"
    problem = only(text)
    assert (where(problem), problem.code) == ("9:3", "network.recursion")
    assert problem.message == "Block `b` uses itself (b, c, b). Use `repeat` to stack it."


def test_groups_name_the_divisors():
    problem = only(network("a = conv(96, 1)", "b = conv(100, 1, groups=5)"))
    assert where(problem) == "4:18"
    assert problem.message == (
        "`groups` of `conv` is 5, but the input has 96 channels: groups must divide it (1, 2, 3, 4, 6, 8, ...)."
    )


def test_what_depends_on_a_faulty_layer_says_nothing():
    only(network("a = conv(4, 99)", "b = conv(8, 3)", "c = dense(3)", "add from a, b", "d = conv(channels(c), 1)"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("relu when 3", "`when` is true or false, not 3."),
        ("a = relu repeat 0", "`repeat` is 0, allowed are 1 to 1000."),
        ("relu repeat 2", "What is repeated needs a name: `relu1 = ...`."),
        ("add from image", "`add` joins at least 2 layers: write `from` and their names."),
        ("a = conv(4, [3, 3, 3])", "`kernel` of `conv` has 3 sizes, but the input has 2 axes beside its channels. Give one size, or 2."),
        ("a = conv(4, 3, 1, 1, 1, 1, true, 9)", "`conv` takes at most 7 arguments. It has: out, kernel, stride, pad, dilation, groups, bias."),
        ("a = conv(4, 3, out=5)", "`out` of `conv` is given twice."),
        ("a = conv(4, 0)", "`kernel` of `conv` is 0, allowed are 1 to 4096."),
        ("a = conv(4, 2.5)", "`kernel` of `conv` is a whole number, or a list of one for each axis, not 2.5."),
        ("a = conv(4, 3, bias=1)", "`bias` of `conv` is true or false, not 1."),
        ("max_pool(2, pad=2)", "`pad` of `max_pool` is 2, but the window is only 2: pad at most 1."),
        ("a = conv(4, 1, init=normal)", "`normal` is used as `normal(std)`."),
        ("a = conv(4, 1, init=normal(-1))", "`normal` is used as `normal(std)`."),
        ("a = conv(4, 1, init=kaiming_normal(fan_inn))", "`kaiming_normal` is used as `kaiming_normal(mode=fan_in)`."),
        ("let v = 1 // 0", "`//` divides by zero here."),
        ("let v = [1, 2][2]", "The list has 2 values, counted from 0: 2 is none of their places."),
        ("let v = [[1], [2]]", "A list holds single values, no lists."),
        ("let v = minn(1, 2)", "There is no function `minn`, perhaps `min`."),
        ("let v = min(relu)", "`min` is used as `min(a, b)` or `min(list)`, of numbers."),
        ("let v = 1e300 * 1e300", "This number grows too large: at most 2^53 is allowed."),
        ("let v = length(image)", "`image` is 3 x 32 x 32: it has no length."),
        ("let v = channels(imge)", "There is no layer `imge` above this line, perhaps `image`."),
        ("let v = channels(2)", "`channels` takes the name of one layer above, as in `channels(input)`."),
        ("let v = true + 1", "`+` needs numbers, not true."),
        ("relu from image.out", "`image` has no output `out`. It has none."),
        ("relu from image.0", "`image.0` does not exist: `image` has no copies: it has no `repeat`."),
        ("a = share(b)", "There is no layer `b` above this line."),
        ("a = share(1)", "`share` takes the name of one layer above, as in `share(left)`."),
        ("a = conv(4, 1)\nb = share(a) from c\nc = relu", "There is no layer `c` above this line."),
        ("a = conv(4, 1)\nb = share(a)", "`weight` of `a` is 4 x 3 x 1 x 1, but here it would be 4 x 4 x 1 x 1: shared layers need inputs of equal size."),
        ("input image = image(1, 2, 3)", "The name `image` is taken (line 2)."),
        ("default cnov(bias=false)", "There is no layer `cnov`, perhaps `conv`."),
        ("default conv(bais=false)", "`conv` has no `bais`, perhaps `bias`."),
        ("let a = 1\nlet a = 2", "The name `a` is taken by another value."),
        ("flatten\na = max_pool(2)", "`max_pool` needs an image, volume or sequence, but its input is a vector of 3072. Put it before `flatten`."),
        ("output z(loss_wieght=1)", "`output` has no `loss_wieght`, perhaps `loss_weight`."),
        ("output y", "There is an output `y` already."),
        ("network m", "A text describes one network: there is a `network` line already."),
        ("a = conv(16777216, 1, pad=4000)", "`conv` gives 16777216 x 8032 x 8032: an axis has at most 2^24 and an output 2^31 values."),
        ("concat from image, a\na = relu", "There is no layer `a` above this line."),
    ],
)  # fmt: skip
def test_each_mistake_has_its_words(line, message):
    assert only(network(line)).message.startswith(message)


def test_calls_of_blocks_are_checked():
    block = "block b(width, kernel=1 in 1..7) from deep, skip {\n  c = conv(width, kernel) from deep\n  output box from skip\n}\n"
    cases = {
        "x = b(4)": "Block `b` takes 2 inputs (deep, skip), but 1 are given: write `from` and their names.",
        "x = b() from image, image": "Block `b` needs `width`.",
        "x = b(4, 9) from image, image": "`kernel` is 9, allowed are 1 to 7.",
        "x = b(4, kernal=9) from image, image": "`b` has no `kernal`, perhaps `kernel`. It has: width, kernel.",
        "x = b(4) from image, image\nz = relu from x.bax": "`x` has no output `bax`. It has: box.",
    }
    for line, message in cases.items():
        assert only(network(line) + block).message == message


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("maxpool(2)", "max_pool(2)"),
        ("a = conv(4, 3, biass=true)", "a = conv(4, 3, bias=true)"),
        ("a = conv(4, 40)", "a = conv(4, 32)"),
        ("a = dense(3)", "flatten\na = dense(3)"),
        ("dense(3)  # last", None),
        ("conv(4, 1)", "conv1 = conv(4, 1)"),
        ("relu from imge", "relu from image"),
    ],
)
def test_quick_fixes_mend_the_text(line, fixed):
    text = network(line)
    problem = only(text)
    mended = apply(text, problem.fixes[0])
    if fixed is not None:
        assert mended == network(fixed)
        assert analyse(mended).ok


def test_alexnet_on_small_pictures_fails_in_plain_words_at_the_pooling_layer(texts):
    problem = only(texts["alexnet"], input_shapes={"image": (1, 28, 28)})
    assert problem.message == "`window` of `max_pool` is 3, but the input is only 2 x 2: use at most 2."
    assert texts["alexnet"][problem.start : problem.end] == "window"
    assert problem.line == 21


def test_require_graph_raises_with_every_problem_in_text_and_values(lenet):
    with pytest.raises(BadNetwork, match="perhaps `max_pool`") as caught:
        require_graph(lenet.replace("max_pool", "maxpool"))
    (first, second) = caught.value.values["problems"]
    assert (first["code"], first["line"], second["line"]) == ("network.unknown-layer", 13, 15)
    assert first["fixes"][0]["edits"] == [{"start": first["start"], "end": first["end"], "text": "max_pool"}]


def test_at_most_fifty_problems_are_reported():
    assert len(analyse(network(*["unknown(1)"] * 80)).problems) == 50


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("relu\nrelu", "`relu` follows `relu` and changes nothing: remove one."),
        ("dead = conv(4, 3)\nrelu from image", "`dead` has no effect on any output."),
        ("param p = 3\nrelu", "Parameter `p` is not used."),
        ("param relu = tanh in [tanh, relu]\nactivation(relu)", "`relu` is a parameter here, though `kind` also has a choice of that name."),
    ],
)  # fmt: skip
def test_warnings_do_not_stop_a_network(line, message):
    analysis = analyse(network(line))
    assert analysis.ok
    assert [warning.message for warning in analysis.warnings] == [message]


def test_an_unused_block_is_a_warning():
    (warning,) = analyse(network("relu") + "block b() {\n  conv(1)\n}\n").warnings
    assert warning.message == "Block `b` is not used."
