"""The drawing of a network: nothing overlaps, every edge goes down, groups fold, and mistakes have their place."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.networks.analysis import Analysis, analyse
from tenfold.core.networks.drawing import CELL_WIDTH, NODE_HEIGHT, Drawing, draw, first_folded

CATALOGUE = Path(__file__).parents[3] / "src/tenfold/core/networks/catalogue"
TEXTS = {path.stem: path.read_text() for path in CATALOGUE.glob("*.network")}


@st.composite
def texts(pick: st.DrawFn) -> str:
    """Networks of branches, joins, blocks and repeats, in which everything has the same shape."""
    lines = ["network n", "input image = image(8, 16, 16)"]
    names = ["image"]
    for number in range(pick(st.integers(1, 14))):
        kind = pick(st.sampled_from(["conv(8, 3, pad=1)", "twin", "twin repeat", "add", "relu"]))
        name = f"l{number}"
        if kind == "add":
            sources = pick(st.lists(st.sampled_from(names), min_size=2, max_size=4))
            lines.append(f"{name} = add from {', '.join(sources)}")
        else:
            repeat = " repeat 2" if kind.endswith("repeat") else ""
            source = pick(st.sampled_from(names))
            lines.append(f"{name} = {kind.removesuffix(' repeat')} from {source}{repeat}")
        names.append(name)
    block = ["block twin() {", "  a = conv(8, 1)", "  b = conv(8, 1) from input", "  add from a, b", "}"]
    return "\n".join([*lines, "output out", *block])


def assert_sound(drawing: Drawing) -> None:
    """No two nodes overlap, all stand inside, and every edge goes down and through no node."""
    by_rank: dict[int, list[float]] = {}
    for node in drawing.nodes:
        by_rank.setdefault(node.rank, []).append(node.x)
        assert node.x >= 0
        assert node.x + CELL_WIDTH <= drawing.width + 1e-6
        assert node.y >= 0
        assert node.y + NODE_HEIGHT <= drawing.height
    for places in by_rank.values():
        assert all(right - left >= CELL_WIDTH - 1e-6 for left, right in pairwise(sorted(places)))
    nodes = {node.path: node for node in drawing.nodes}
    for edge in drawing.edges:
        assert nodes[edge.source].rank < nodes[edge.target].rank
        assert all(below[1] > above[1] for above, below in pairwise(edge.points))
        for (x, top), (_, bottom) in pairwise(edge.points[1:-1]):
            crossed = [node for node in drawing.nodes if top - 1 <= node.y <= bottom + 1 and bottom - top > 30]
            assert not [node for node in crossed if node.x <= x < node.x + CELL_WIDTH - 1e-6]


@given(texts(), st.booleans())
def test_nothing_overlaps_and_every_edge_goes_down(text: str, is_folded: bool) -> None:
    analysis = analyse(text)
    assert analysis.ok, analysis.problems
    drawing = draw(analysis, analysis.groups if is_folded else ())
    assert_sound(drawing)
    assert drawing == draw(analysis, analysis.groups if is_folded else ())
    assert sum(node.num_layers for node in drawing.nodes if not node.is_input) == len(analysis.sketch.nodes)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_the_catalogue_is_drawn_soundly_folded_and_unfolded(name: str) -> None:
    analysis = analyse(TEXTS[name])
    for folded in ((), first_folded(analysis), tuple(analysis.groups)[:1]):
        assert_sound(draw(analysis, folded))


def test_edges_carry_the_shapes_of_the_text() -> None:
    drawing = draw(analyse(TEXTS["lenet"]))
    carried = {(edge.source, edge.target): edge.shape for edge in drawing.edges}
    assert carried["image", "conv1"] == (1, 28, 28)
    assert carried["conv2", "conv2_max_pool"] == (50, 8, 8)
    assert carried["conv2_flatten", "ip1"] == (800,)


def test_a_skip_connection_has_its_own_lane() -> None:
    drawing = draw(analyse(TEXTS["resnet18"]))
    skip = next(e for e in drawing.edges if e.source == "bn1_max_pool" and e.target == "layer1.0.bn2_add")
    assert len(skip.points) > 2
    lanes = {x for x, _ in skip.points[1:-1]}
    assert len(lanes) == 1


def test_a_folded_group_is_one_node_and_unfolds_to_its_layers() -> None:
    analysis = analyse(TEXTS["resnet50"])
    folded = draw(analysis, first_folded(analysis))
    assert [node.path for node in folded.nodes if node.is_group] == ["layer1", "layer2", "layer3", "layer4"]
    layer1 = next(node for node in folded.nodes if node.path == "layer1")
    assert (layer1.kind, layer1.num_layers, layer1.shape) == ("bottleneck × 3", 32, (256, 56, 56))
    assert TEXTS["resnet50"][layer1.source or 0 :].startswith("layer1 = bottleneck")
    opened = draw(analysis, first_folded(analysis) - {"layer1"})
    inside = [node.path for node in opened.nodes if node.path.startswith("layer1.")]
    assert inside == ["layer1.0", "layer1.1", "layer1.2"]
    assert [group.path for group in opened.groups] == ["layer1"]
    assert len(draw(analysis).nodes) == len(analysis.sketch.nodes) + 1


def drawn(text: str) -> tuple[Analysis, Drawing]:
    analysis = analyse(text)
    return analysis, draw(analysis)


def test_a_layer_at_fault_stands_where_it_is_written_and_what_follows_is_unknown() -> None:
    analysis, drawing = drawn(TEXTS["lenet"].replace("2 in 2..4", "9 in 2..40"))
    assert not analysis.ok
    states = {node.path: node.state for node in drawing.nodes}
    assert [path for path, state in states.items() if state == "faulty"] == ["conv2"]
    assert states["conv1_max_pool"] == "known"
    assert states["ip2"] == "unknown"
    edge = next(edge for edge in drawing.edges if edge.target == "conv2")
    assert (edge.source, edge.shape, edge.is_faulty) == ("conv1_max_pool", (20, 2, 2), True)
    assert [edge.source for edge in drawing.edges if edge.target == "ip2"] == ["activation"]
    assert_sound(drawing)


def test_a_fault_inside_a_block_is_drawn_inside_it() -> None:
    _, drawing = drawn(TEXTS["resnet18"].replace("add from bn2", "add from bn1"))
    assert all(node.state == "known" for node in drawing.nodes)
    _, drawing = drawn(TEXTS["resnet18"].replace("conv2 = conv(width, 3", "conv2 = conv(width, 300"))
    faulty = [node.path for node in drawing.nodes if node.state == "faulty"]
    assert faulty == ["layer1.0.conv2"]
    folded = draw(analyse(TEXTS["resnet18"].replace("conv2 = conv(width, 3", "conv2 = conv(width, 300")), ["layer1"])
    assert [node.path for node in folded.nodes if node.state == "faulty"] == ["layer1"]
    assert_sound(folded)


def test_floods_of_mistakes_and_of_long_edges_are_drawn_in_bounds() -> None:
    lines = [f"l{number} = conv(4, 99)" for number in range(3000)]
    analysis, drawing = drawn("\n".join(["network n", "input i = image(1, 8, 8)", *lines, "output o"]))
    assert len(analysis.unplaced) == 200
    assert_sound(drawing)
    chain = [f"l{number} = relu" for number in range(400)]
    wide = [f"w{number} = add from l{number}, l399" for number in range(399)]
    _, drawing = drawn("\n".join(["network n", "input i = image(1, 8, 8)", *chain, *wide, "output o"]))
    assert all(len(edge.points) == 2 for edge in drawing.edges)


def test_an_empty_text_has_an_empty_drawing() -> None:
    _, drawing = drawn("")
    assert drawing.nodes == ()
    assert drawing.height >= 0
