"""Differences of two network texts: lines, layers, weights that still fit."""

from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.difference import MAX_COMPARED, Line, layer_difference, line_difference, weights_kept

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d = conv(1, 3)"]), max_size=30).map("\n".join)


def whole(before: str, after: str) -> list[Line]:
    """The difference with what is left out filled in."""
    lines, old = [], before.splitlines()
    at_old = at_new = 0
    for line in line_difference(before, after):
        for _ in range(line.left_out):
            lines.append(Line(old[at_old], at_old + 1, at_new + 1))
            at_old, at_new = at_old + 1, at_new + 1
        if not line.left_out:
            lines.append(line)
            at_old, at_new = line.old or at_old, line.new or at_new
    return lines


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_from_their_difference(before, after):
    lines = whole(before, after)
    assert [line.text for line in lines if line.old] == before.splitlines()
    assert [line.text for line in lines if line.new] == after.splitlines()
    assert [line.old for line in lines if line.old] == list(range(1, len(before.splitlines()) + 1))
    assert [line.new for line in lines if line.new] == list(range(1, len(after.splitlines()) + 1))


def test_equal_texts_have_no_difference_and_far_lines_are_left_out(lenet):
    assert line_difference(lenet, lenet) == (Line("", left_out=21),)
    lines = line_difference(lenet, lenet.replace("width2, 5", "width2, 3"))
    assert lines[0].left_out == 10
    assert [line.text for line in lines if line.old and not line.new] == ["conv2 = conv(width2, 5, bias=bias)"]
    assert [(line.text, line.new) for line in lines if line.new and not line.old] == [
        ("conv2 = conv(width2, 3, bias=bias)", 14)
    ]


def test_a_flood_of_lines_counts_as_replaced():
    before = "\n".join(f"a{number}" for number in range(MAX_COMPARED))
    after = "\n".join(f"b{number}" for number in range(MAX_COMPARED))
    lines = line_difference(f"same\n{before}", f"same\n{after}")
    assert lines[0].text == "same"
    assert len(lines) == 1 + 2 * MAX_COMPARED


def test_layers_that_are_added_removed_and_changed_are_told(lenet):
    other = lenet.replace("width2, 5", "width2, 3").replace("ip2 =", "extra = dense(20)\nip2 =")
    other = other.replace("flatten\n", "dropout(0.5)\nflatten\n")
    changes = {change.path: change.what for change in layer_difference(require_graph(lenet), require_graph(other))}
    assert changes["conv2"] == "changed"
    assert changes["extra"] == "added"
    assert changes["conv2_dropout"] == "added"
    assert "conv1" not in changes
    back = {change.path: change.what for change in layer_difference(require_graph(other), require_graph(lenet))}
    assert back["extra"] == "removed"
    assert layer_difference(require_graph(lenet), require_graph(lenet)) == ()


def test_weights_that_still_fit_are_found_also_under_a_new_name(lenet):
    other = lenet.replace("width2, 5", "width2, 3").replace("conv1 =", "first =")
    meaning = analyse(f"{other}renamed conv1 to first\n")
    kept = weights_kept(require_graph(lenet), meaning.graph, meaning.renamed)
    assert set(kept.loaded) == {"first.weight", "first.bias", "conv2.bias", "ip1.bias", "ip2.weight", "ip2.bias"}
    assert {unfit.path for unfit in kept.unfit} == {"conv2.weight", "ip1.weight"}
