"""Editing operations change the fewest lines, keep every other one, and say why they are refused."""

# ruff: noqa: E501 (tables of texts)

import difflib
import random

import pytest

from tenfold.core.errors import Conflict
from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.editing.arguments import make_parameter, parameter_behind, set_argument
from tenfold.core.networks.editing.edits import Edited, apply_edits
from tenfold.core.networks.editing.layers import insert_after, move, remove, switch
from tenfold.core.networks.editing.renaming import rename
from tenfold.core.networks.parser import parse
from tenfold.core.networks.syntax import BlockStatement, LayerStatement, Statement

TOWER = """\
language 1
network tower   "Two convolutions"
param width   = 20 in 1..50   # filters
param classes = 10 in 2..1000

input image = image(3, 32, 32)
# the first one
conv1 = conv(width, 5)        # as wide as the knob says
bn1   = batch_norm(eps=0.001)
relu
conv2 = conv(2 * width, kernel=3, stride=1, pad=1)
join  = concat from conv1_pool, conv2
conv1_pool = max_pool(2) from conv1
stage = pair(8) repeat 2
flatten
head  = dense(classes)
output logits

block pair(out, kernel=3) {
  conv = conv(out, kernel, pad=half, bias=false)
  norm = batch_norm
  relu
}
# a remark at the end
""".replace("join  = concat from conv1_pool, conv2\nconv1_pool = max_pool(2) from conv1\n", "")


def at(text: str, piece: str) -> int:
    return text.index(piece)


def done(text: str, result: Edited) -> str:
    """The text after an operation; it still means a network."""
    after = apply_edits(text, result.edits)
    assert analyse(after).problems == (), after
    return after


def changed(before: str, after: str) -> list[str]:
    """Lines that went, `-`, or came, `+`."""
    found = difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")
    return [line for line in found if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("piece", "name", "value", "lines"),
    [
        ("conv1 =", "kernel", "3", ["-conv1 = conv(width, 5)        # as wide as the knob says", "+conv1 = conv(width, 3)        # as wide as the knob says"]),
        ("conv1 =", "pad", "same", ["-conv1 = conv(width, 5)        # as wide as the knob says", "+conv1 = conv(width, 5, pad=same)        # as wide as the knob says"]),
        ("conv1 =", "out", "64", ["-conv1 = conv(width, 5)        # as wide as the knob says", "+conv1 = conv(64, 5)        # as wide as the knob says"]),
        ("conv2 =", "stride", "1", ["-conv2 = conv(2 * width, kernel=3, stride=1, pad=1)", "+conv2 = conv(2 * width, kernel=3, pad=1)"]),
        ("conv2 =", "pad", "0", ["-conv2 = conv(2 * width, kernel=3, stride=1, pad=1)", "+conv2 = conv(2 * width, kernel=3, stride=1)"]),
        ("bn1 ", "eps", "0.00001", ["-bn1   = batch_norm(eps=0.001)", "+bn1   = batch_norm"]),
        ("flatten", "frozen", "false", []),
        ("norm =", "eps", "0.01", ["-  norm = batch_norm", "+  norm = batch_norm(eps=0.01)"]),
        ("input image", "height", "64", ["-input image = image(3, 32, 32)", "+input image = image(3, 64, 32)"]),
        ("stage =", "kernel", "5", ["-stage = pair(8) repeat 2", "+stage = pair(8, kernel=5) repeat 2"]),
        ("stage =", "kernel", "3", []),
    ],
)  # fmt: skip
def test_an_argument_changes_its_line_alone(piece, name, value, lines):
    after = done(TOWER, set_argument(parse(TOWER), at(TOWER, piece), name, value))
    assert sorted(changed(TOWER, after)) == sorted(lines)


def test_a_value_that_is_a_parameter_changes_there_or_only_here():
    definition = parse(TOWER)
    offset = at(TOWER, "conv1 =")
    parameter = parameter_behind(definition, offset, "out")
    assert parameter is not None
    assert parameter.name.text == "width"
    everywhere = done(TOWER, set_argument(definition, offset, "out", "32", of_parameter=True))
    assert changed(TOWER, everywhere) == [
        "-param width   = 20 in 1..50   # filters",
        "+param width   = 32 in 1..50   # filters",
    ]
    assert parameter_behind(definition, offset, "kernel") is None
    assert parameter_behind(definition, at(TOWER, "  conv = conv(out"), "out") is None  # the block's own `out`


def test_a_default_of_the_file_is_what_an_argument_is_compared_with():
    text = TOWER.replace("param width", "default conv(bias=false)\nparam width", 1)
    set_true = done(text, set_argument(parse(text), at(text, "conv1 ="), "bias", "true"))
    assert "conv1 = conv(width, 5, bias=true)" in set_true
    again = set_argument(parse(set_true), at(set_true, "conv1 ="), "bias", "false")
    assert done(set_true, again) == text


def test_a_stride_equal_to_its_window_is_left_out():
    text = TOWER.replace("flatten\n", "max_pool(2, stride=1)\nflatten\n")
    assert "max_pool(2)\n" in done(text, set_argument(parse(text), at(text, "max_pool"), "stride", "2"))


def test_brackets_and_comments_of_an_argument_survive():
    text = TOWER.replace(
        "conv(2 * width, kernel=3, stride=1, pad=1)", "conv((2 * width), # twice\n  kernel=(3),  # small\n  pad=(1))"
    )
    after = done(text, set_argument(parse(text), at(text, "conv2 ="), "pad", "0"))
    assert changed(text, after) == ["-  pad=(1))", "+  )"]
    after = done(text, set_argument(parse(text), at(text, "conv2 ="), "out", "7"))
    assert "conv(7, # twice" in after


@pytest.mark.parametrize(
    ("piece", "name", "value", "reason"),
    [
        ("conv1 =", "biass", "true", "`conv` has no `biass`. It has: out, kernel, stride, pad, dilation, groups, bias."),
        ("conv1 =", "kernel", "3) # x", "`3) # x` is no value"),
        ("conv1 =", "kernel", "3 # x", "`3 # x` is no value"),
        ("output", "stride", "3", "has no arguments to set"),
        ("# a remark", "stride", "3", "No statement stands there (line 22)"),
    ],
)  # fmt: skip
def test_an_argument_that_cannot_be_set_says_why(piece, name, value, reason):
    with pytest.raises(Conflict) as error:
        set_argument(parse(TOWER), at(TOWER, piece), name, value)
    assert reason in error.value.message
    assert error.value.code == "network.edit-refused"


def test_a_parameter_outside_its_range_is_refused():
    with pytest.raises(Conflict, match=r"`width` would be 64, allowed are 1 to 50"):
        set_argument(parse(TOWER), at(TOWER, "conv1 ="), "out", "64", of_parameter=True)
    with pytest.raises(Conflict, match="no parameter of the network"):
        set_argument(parse(TOWER), at(TOWER, "conv1 ="), "kernel", "3", of_parameter=True)


@pytest.mark.parametrize(
    ("piece", "layer", "lines"),
    [
        ("conv2 =", "conv(64, 3)", ["+conv3 = conv(64, 3)"]),
        ("conv2 =", "dropout(0.5)", ["+dropout(0.5)"]),
        ("input image", "batch_norm", ["+batch_norm1 = batch_norm"]),
        ("norm =", "conv(9, 1)", ["+  conv1 = conv(9, 1)"]),
        ("bn1 ", "pair(4)", ["+pair1 = pair(4)"]),
    ],
)  # fmt: skip
def test_an_inserted_layer_is_one_line(piece, layer, lines):
    after = done(TOWER, insert_after(parse(TOWER), at(TOWER, piece), layer))
    assert changed(TOWER, after) == lines


def test_a_follower_by_name_reads_the_inserted_layer():
    text = TOWER.replace("relu\nconv2 = conv(2 * width", "relu from bn1\nconv2 = conv(2 * width", 1)
    after = done(text, insert_after(parse(text), at(text, "bn1 "), "identity"))
    assert changed(text, after) == ["-relu from bn1", "+identity1 = identity", "+relu from identity1"]


@pytest.mark.parametrize(
    ("piece", "layer", "reason"),
    [
        ("conv2 =", "convv(64, 3)", "There is no layer or block `convv`"),
        ("conv2 =", "conv(64, 3", "is no layer"),
        ("conv2 =", "relu\nrelu", "is no layer"),
        ("conv2 =", "conv1 = conv(64, 3)", "`conv1` is taken"),
        ("param width", "relu", "after a layer or an input"),
    ],
)
def test_what_cannot_be_inserted_says_why(piece, layer, reason):
    with pytest.raises(Conflict) as error:
        insert_after(parse(TOWER), at(TOWER, piece), layer)
    assert reason in error.value.message


def test_a_removed_layer_takes_its_comment_and_leaves_the_one_above():
    after = done(TOWER, remove(parse(TOWER), at(TOWER, "conv1 =")))
    assert changed(TOWER, after) == ["-conv1 = conv(width, 5)        # as wide as the knob says"]


def test_what_read_a_removed_layer_reads_its_input():
    text = TOWER.replace("flatten\n", "add from conv2, conv2\nflatten\n").replace("stage = pair(8) repeat 2\n", "")
    after = done(text, remove(parse(text), at(text, "conv2 =")))
    assert changed(text, after) == [
        "-relu", "-conv2 = conv(2 * width, kernel=3, stride=1, pad=1)", "-add from conv2, conv2",
        "+relu1 = relu", "+add from relu1, relu1",
    ]  # fmt: skip


def test_followers_of_a_removed_layer_read_what_it_read():
    text = TOWER.replace("conv2 = conv(2 * width, kernel=3, stride=1, pad=1)", "conv2 = conv(7, 3) from conv1")
    after = done(text, remove(parse(text), at(text, "conv2 =")))
    assert changed(text, after) == [
        "-conv2 = conv(7, 3) from conv1", "-stage = pair(8) repeat 2", "+stage = pair(8) from conv1 repeat 2",
    ]  # fmt: skip


def test_a_removed_last_layer_gives_its_output_its_input():
    text = TOWER.replace("flatten\nhead  = dense(classes)\n", "flatten\nhead = dense(classes) from deep\n").replace(
        "conv2 =", "deep = global_avg_pool\nconv2 = conv(1, 1) from bn1\nold ="
    )
    assert "output logits from deep\n" in done(text, remove(parse(text), at(text, "head =")))


def test_a_layer_in_use_as_more_than_an_input_stays():
    text = TOWER.replace("flatten\n", "flatten from stage.0\n")
    with pytest.raises(Conflict, match=r"`stage` is used on line 13 \(`flatten from stage.0`\)"):
        remove(parse(text), at(text, "stage ="))
    with pytest.raises(Conflict, match="Only a layer can be removed"):
        remove(parse(text), at(text, "output"))


def test_a_switch_is_one_line_and_goes_back():
    off = done(TOWER, switch(parse(TOWER), at(TOWER, "bn1 "), is_on=False))
    assert changed(TOWER, off) == ["-bn1   = batch_norm(eps=0.001)", "+bn1   = batch_norm(eps=0.001) when false"]
    assert done(off, switch(parse(off), at(off, "bn1 "), is_on=True)) == TOWER
    assert switch(parse(off), at(off, "bn1 "), is_on=False).edits == ()


@pytest.mark.parametrize("condition", ["width > 3 or classes > 5", "(width > 3)", "true", "(width) > (3)"])
def test_a_condition_is_kept_beside_the_switch(condition):
    text = TOWER.replace("(eps=0.001)", f"(eps=0.001) when {condition}  # why")
    off = done(text, switch(parse(text), at(text, "bn1 "), is_on=False))
    assert f"when false and ({condition})  # why" in off
    assert "bn1" not in [node.path for node in require_graph(off).nodes]
    assert done(off, switch(parse(off), at(off, "bn1 "), is_on=True)) == text
    with pytest.raises(Conflict, match="Its condition decides"):
        switch(parse(text), at(text, "bn1 "), is_on=True)


def test_a_renamed_layer_is_renamed_wherever_it_is_named():
    text = TOWER.replace("flatten\n", "add from conv2, conv2\nscale from conv2 when channels(conv2) == 7\nflatten\n")
    text = text.replace("stage = pair(8) repeat 2\n", "").replace("scale from conv2 when", "s = scale from conv2 when")
    result = rename(parse(text), at(text, "conv2 ="), "deep", graph=require_graph(text))
    after = done(text, result)
    assert result.renames == (("conv2", "deep"),)
    assert "conv2" not in after.replace("renamed conv2 to deep", "")
    assert "}\nrenamed conv2 to deep\n# a remark" in after
    without = done(text, rename(parse(text), at(text, "conv2 ="), "deep", graph=None, records=False))
    assert "renamed" not in without


def test_a_layer_of_a_block_is_renamed_under_every_use():
    result = rename(parse(TOWER), at(TOWER, "norm ="), "bn", graph=require_graph(TOWER))
    assert result.renames == (("stage.0.norm", "stage.0.bn"), ("stage.1.norm", "stage.1.bn"))
    after = done(TOWER, result)
    assert [node.path for node in require_graph(after).nodes if node.path.endswith(".bn")] == [
        "stage.0.bn",
        "stage.1.bn",
    ]
    back = rename(parse(after), at(after, "bn = batch"), "norm", graph=require_graph(after))
    again = done(after, back)
    assert "renamed stage.0.norm to stage.0.norm" not in again
    assert "renamed stage.1.bn to stage.1.norm" in again


def test_parameters_blocks_inputs_and_outputs_are_renamed():
    for piece, old, new in (
        ("param width", "width", "wide"), ("block pair", "pair", "twin"), ("input image", "image", "picture"),
        ("output", "logits", "scores"),
    ):  # fmt: skip
        text = TOWER.replace("conv2 = conv(2 * width, kernel=3,", "conv2 = conv(width, kernel=3,")
        after = done(text, rename(parse(text), at(text, piece), new, graph=require_graph(text)))
        assert require_graph(after).parameters == require_graph(text).parameters
        assert new in after
        assert old not in after.replace("image(3", "") or old == "pair"


def test_an_unnamed_layer_gets_a_name():
    after = done(TOWER, rename(parse(TOWER), at(TOWER, "flatten"), "flat", graph=require_graph(TOWER)))
    assert changed(TOWER, after) == ["-flatten", "+flat = flatten"]


@pytest.mark.parametrize(
    ("piece", "new", "reason"),
    [
        ("conv2 =", "conv1", "`conv1` is taken"),
        ("conv2 =", "from", "is no name"),
        ("conv2 =", "2nd", "is no name"),
        ("conv2 =", "conv2", "called `conv2` already"),
        ("param width", "classes", "taken by a value"),
        ("param width", "half", "taken by a value or a choice"),
        ("block pair", "conv", "a layer or block `conv` already"),
        ("language", "x", "no other name"),
    ],
)
def test_a_name_that_cannot_be_given_says_why(piece, new, reason):
    with pytest.raises(Conflict) as error:
        rename(parse(TOWER), at(TOWER, piece), new, graph=require_graph(TOWER))
    assert reason in error.value.message


def test_a_line_moves_with_its_comments():
    after = apply_edits(TOWER, move(parse(TOWER), at(TOWER, "bn1 "), up=True).edits)
    assert "bn1   = batch_norm(eps=0.001)\n# the first one\nconv1 = conv(width, 5)        # as wide" in after
    assert analyse(after).ok
    assert apply_edits(after, move(parse(after), at(after, "bn1 "), up=False).edits) == TOWER


def test_a_line_never_moves_above_what_it_reads():
    text = TOWER.replace("bn1   = batch_norm(eps=0.001)", "bn1   = batch_norm from conv1")
    for piece, up in (("bn1 ", True), ("conv1 =", False)):
        with pytest.raises(Conflict, match=r"Line 9 reads `conv1` \(line 8\)"):
            move(parse(text), at(text, piece), up=up)
    with pytest.raises(Conflict, match="There is no layer above line 8"):
        move(parse(text), at(text, "conv1 ="), up=True)
    with pytest.raises(Conflict, match="Only layers, values and outputs move"):
        move(parse(text), at(text, "param"), up=True)


@pytest.mark.parametrize(
    ("piece", "name", "value", "lines"),
    [
        ("conv1 =", "kernel", "size", ["+param size = 5 in 1..4096", "-conv1 = conv(width, 5)        # as wide as the knob says", "+conv1 = conv(width, size)        # as wide as the knob says"]),
        ("conv1 =", "bias", "biased", ["+param biased = true", "-conv1 = conv(width, 5)        # as wide as the knob says", "+conv1 = conv(width, 5, bias=biased)        # as wide as the knob says"]),
    ],
)  # fmt: skip
def test_an_argument_becomes_a_parameter(piece, name, value, lines):
    after = done(TOWER, make_parameter(parse(TOWER), at(TOWER, piece), name, value))
    assert sorted(changed(TOWER, after)) == sorted(lines)
    assert require_graph(after).identity() == require_graph(TOWER).identity()
    assert value in [field.name for field in analyse(after).parameters]


def test_what_cannot_become_a_parameter_says_why():
    for piece, name, new, reason in (
        ("conv1 =", "out", "size", "only a plain value"), ("conv1 =", "kernel", "width", "taken by a value"),
        ("conv2 =", "out", "size", "only a plain value"), ("  conv = conv", "pad", "half", "taken by a value or a choice"),
    ):  # fmt: skip
        with pytest.raises(Conflict) as error:
            make_parameter(parse(TOWER), at(TOWER, piece), name, new)
        assert reason in error.value.message


# every text


def every_layer(text: str) -> list[Statement]:
    found: list[Statement] = []
    for statement in parse(text).statements:
        found += statement.statements if isinstance(statement, BlockStatement) else [statement]
    return found


def any_operation(text: str, statement: Statement, rng: random.Random) -> Edited:
    definition, offset = parse(text), statement.span.start
    number = rng.randrange(8)
    if number == 0:
        return set_argument(
            definition, offset, rng.choice(["out", "kernel", "pad", "eps", "rate"]), rng.choice(["3", "0", "half"])
        )
    if number == 1:
        return insert_after(definition, offset, rng.choice(["relu", "conv(8, 1)", "batch_norm"]))
    if number == 2:
        return remove(definition, offset)
    if number == 3:
        return switch(definition, offset, is_on=rng.random() < 0.3)
    if number == 4:
        return rename(definition, offset, "another", graph=analyse(text).graph)
    if number == 5:
        return make_parameter(definition, offset, rng.choice(["out", "kernel", "bias", "window"]), "knob")
    return move(definition, offset, up=number == 6)


def test_every_operation_leaves_a_text_that_parses_and_all_other_lines(texts):
    rng = random.Random(3)
    count = 0
    for text in texts.values():
        for _ in range(12):
            statement = rng.choice(every_layer(text))
            try:
                result = any_operation(text, statement, rng)
            except Conflict:
                continue
            after = apply_edits(text, result.edits)
            count += 1
            assert parse(after).problems == (), after
            touched = {parse_line(text, offset) for edit in result.edits for offset in range(edit.start, edit.end + 1)}
            kept = [line for number, line in enumerate(text.split("\n"), 1) if number not in touched]
            rest = iter(after.split("\n"))
            assert all(line in rest for line in kept), after
    assert count > 100


def parse_line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def test_removing_any_layer_leaves_no_dangling_name(texts):
    for name in ("lenet", "resnet50", "googlenet", "unet", "vit_tiny"):
        for statement in every_layer(texts[name]):
            if not isinstance(statement, LayerStatement):
                continue
            try:
                after = apply_edits(texts[name], remove(parse(texts[name]), statement.span.start).edits)
            except Conflict:
                continue
            codes = {problem.code for problem in analyse(after).problems}
            assert not codes & {"network.unknown-reference", "network.name-taken"}, after
