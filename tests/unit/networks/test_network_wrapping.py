"""Layers are wrapped in blocks, repeated and connected, and their weights stay in reach."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from processor import million_additions_s

import tenfold.core.networks
from tenfold.core.errors import Conflict
from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.difference import weights_kept
from tenfold.core.networks.editing.connecting import connect, readable, repeat
from tenfold.core.networks.editing.edits import Edited, apply_edits
from tenfold.core.networks.editing.layers import remove
from tenfold.core.networks.editing.operations import carry_out
from tenfold.core.networks.editing.places import find_place
from tenfold.core.networks.editing.renaming import rename
from tenfold.core.networks.editing.wrapping import wrap
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.operation import Operation
from tenfold.core.networks.parser import parse
from tenfold.core.networks.syntax import BlockStatement, LayerStatement

CATALOGUE = Path(tenfold.core.networks.__file__).parent / "catalogue"

STEM = """\
language 1
network stem
param width = 8 in 1..64
input image = image(3, 16, 16)

# what looks first
conv1 = conv(width, 3, pad=1)  # three by three
relu
let wide = 2 * width
conv2 = conv(wide, 3, pad=1)
skip = conv(channels(conv2), 1) from image
add from conv2, skip
same = unit(8) repeat 2
head = dense(10) from pool when true
output logits

block unit(out, kernel=3) {
  let half_out = out
  conv = conv(half_out, kernel, pad=half)
  bn = batch_norm
  relu
}
""".replace("head = dense(10) from pool when true\n", "pool = global_avg_pool\nhead = dense(10) when true\n")


def graph_of(text: str) -> LayerGraph:
    return require_graph(text)


def at(text: str, piece: str) -> int:
    return text.index(piece)


def after(text: str, made: Edited) -> str:
    """The text after an operation, which means the same network with all its weights in reach."""
    result = apply_edits(text, made.edits)
    old, new = analyse(text), analyse(result)
    assert new.graph is not None, (new.problems, result)
    assert old.graph is not None
    kept = weights_kept(old.graph, new.graph, new.renamed)
    assert (kept.missing, kept.unexpected, kept.unfit) == ((), (), ()), result
    return result


def wrapped(text: str, first: str, last: str, name: str = "part") -> str:
    return after(text, wrap(parse(text), at(text, first), at(text, last), name, graph=graph_of(text)))


def test_layers_that_read_the_line_above_become_a_block_and_a_call() -> None:
    result = wrapped(STEM, "conv1 =", "relu")
    assert "\n\npart = part\nlet wide" in result
    assert result.endswith(
        "\nblock part() {\n  # what looks first\n  conv1 = conv(width, 3, pad=1)  # three by three\n  relu\n}\n"
    )
    assert "renamed conv1 to part.conv1" in result


def test_what_is_read_from_outside_becomes_inputs_and_what_is_read_later_outputs() -> None:
    result = wrapped(STEM, "conv2 =", "skip =")
    assert "relu1 = relu\nlet wide = 2 * width\npart = part from relu1, image\nadd from part.conv2, part\n" in result
    assert "block part() from relu1, image {" in result
    assert "  skip = conv(channels(conv2), 1) from image\n  output conv2 from conv2\n}" in result


def test_values_of_the_block_around_become_arguments() -> None:
    result = wrapped(STEM, "conv = conv(half_out", "bn = ")
    assert "  part = part(half_out, kernel)\n" in result.replace("part(kernel, half_out)", "part(half_out, kernel)")
    assert "renamed same.0.conv to same.0.part.conv\nrenamed same.1.conv to same.1.part.conv" in result


def test_a_block_of_one_layer_can_be_repeated_and_again_be_one() -> None:
    text = STEM.replace("same = unit(8) repeat 2", "same = unit(16)")
    twice = apply_edits(text, repeat(parse(text), at(text, "same ="), "2", graph=graph_of(text)).edits)
    assert "same = unit(16) repeat 2\n" in twice
    assert "renamed same.conv to same.0.conv" in twice or "renamed same to same.0" in twice
    new = analyse(twice)
    assert new.graph is not None
    kept = weights_kept(graph_of(text), new.graph, new.renamed)
    assert kept.unexpected == (), "the first copy has the weights of before"
    assert all(path.startswith("same.1.") for path in kept.missing)
    own = weights_kept(new.graph, new.graph, new.renamed)
    assert (own.missing, own.unexpected) == ((), ()), "weights of the new form are taken as they are"
    once = apply_edits(twice, repeat(parse(twice), at(twice, "same ="), "1", graph=new.graph).edits)
    assert once == f"{text}renamed same.0 to same\n", "also what was trained as two copies finds its first"


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_layer_goes_with_the_lines_that_say_where_its_weights_were(end: str) -> None:
    text = f"{STEM}renamed old to conv2\nrenamed older to conv2{end}"
    result = apply_edits(text, remove(parse(text), at(text, "conv2 = ")).edits)
    assert "renamed" not in result
    assert "skip = conv(channels(relu1), 1)" in result


def test_an_unnamed_layer_gets_a_name_when_it_is_repeated() -> None:
    result = apply_edits(STEM, repeat(parse(STEM), at(STEM, "relu\nlet"), "width // 4", graph=graph_of(STEM)).edits)
    assert "\nrelu1 = relu repeat width // 4\n" in result
    assert analyse(result).graph is not None


def test_a_layer_reads_what_is_chosen() -> None:
    skip, add = at(STEM, "skip ="), at(STEM, "add from")
    assert readable(find_place(parse(STEM), skip)) == ("conv2", "conv1", "image")
    result = apply_edits(STEM, connect(parse(STEM), skip, "conv1").edits)
    assert "skip = conv(channels(conv2), 1) from conv1\n" in result
    assert "(channels(conv2), 1)\n" in apply_edits(STEM, connect(parse(STEM), skip, "conv2").edits)
    assert "(channels(conv2), 1)\n" in apply_edits(STEM, connect(parse(STEM), skip, "").edits)
    assert "add from skip, conv2\n" in apply_edits(STEM, connect(parse(STEM), add, "skip, conv2").edits)
    head = apply_edits(STEM, connect(parse(STEM), at(STEM, "head ="), "conv1").edits)
    assert "head = dense(10) from conv1 when true\n" in head
    output = apply_edits(STEM, connect(parse(STEM), at(STEM, "output"), "pool").edits)
    assert "output logits from pool\n" in output


@pytest.mark.parametrize(
    ("first", "last", "name", "reason"),
    [
        ("conv1 =", "output logits", "part", "Only layers go into a block"),
        ("conv1 =", "relu\n", "conv", "There is a layer or block `conv` already"),
        ("conv1 =", "relu\n", "unit", "There is a layer or block `unit` already"),
        ("conv1 =", "relu\n", "1part", "is no name"),
        ("conv1 =", "bn = ", "part", "Both ends have to stand in the same block"),
        ("conv1 =", "conv2 = ", "part", "leave it out of the block"),
    ],
)
def test_what_cannot_be_wrapped_says_why(first: str, last: str, name: str, reason: str) -> None:
    text = STEM.replace("add from conv2, skip", "add from conv2, skip\nwider = conv(channels(conv1) * 4, 1)")
    with pytest.raises(Conflict, match=reason):
        wrap(parse(text), at(text, first), at(text, last), name, graph=graph_of(text))


@pytest.mark.parametrize("sources", ["head", "nowhere", "conv1 conv2", "conv1,", "conv1 when true", "conv1\nrelu"])
def test_what_cannot_be_read_says_why(sources: str) -> None:
    with pytest.raises(Conflict):
        connect(parse(STEM), at(STEM, "add from"), sources)


def test_copies_that_something_names_stay() -> None:
    text = STEM.replace("pool = global_avg_pool", "pool = global_avg_pool from same.0")
    with pytest.raises(Conflict, match="names a copy of `same`"):
        repeat(parse(text), at(text, "same ="), "1", graph=graph_of(text))


ENDLESS = "block b() {\n  x = b()\n  y = conv(3, 1)\n}\n"
COUNTLESS = "".join(f"block b{n}() {{\n  x = b{n + 1}()\n  z = b{n + 1}()\n}}\n" for n in range(40))
COUNTLESS += "block b40() {\n  y = conv(3, 1)\n}\n"


@pytest.mark.parametrize("blocks", [ENDLESS, COUNTLESS], ids=["endless", "countless"])
def test_blocks_that_nobody_uses_are_edited_whatever_they_use(blocks: str) -> None:
    text = f"network n\ninput image = image(3, 8, 8)\nrelu\noutput logits\n{blocks}"
    definition, graph, place = parse(text), graph_of(text), at(text, "y = conv")
    for made in (
        rename(definition, place, "new", graph=graph),
        repeat(definition, place, "3", graph=graph),
        wrap(definition, place, place, "new", graph=graph),
    ):
        assert made.renames == ()
        assert graph_of(apply_edits(text, made.edits))


def test_a_path_through_a_block_that_uses_itself_ends() -> None:
    text = f"network n\ninput image = image(3, 8, 8)\nq = b()\noutput logits\n{ENDLESS}"
    path = "q." + "x." * 4000 + "y"
    made = carry_out(Operation(action="remove", layer=path), parse(text), None)
    assert "conv(3, 1)" not in apply_edits(text, made.edits)


def test_thousands_of_layers_are_wrapped_in_time() -> None:
    head, last = "network n\ninput image = image(3, 8, 8)\n", "output logits\n"
    text = head + "".join(f"a{number} = conv(3, 1, init=normal(0.1))\n" for number in range(4000)) + last
    definition, graph = parse(text), graph_of(text)
    began = time.process_time()
    made = wrap(definition, at(text, "a0 ="), at(text, "a1999 ="), "half", graph=graph)
    spent_s = time.process_time() - began
    assert len(made.renames) == 2000
    assert spent_s < 100 * million_additions_s()  # thousands where each layer looks at all others


@pytest.mark.parametrize("name", ["googlenet", "resnet18", "unet", "siamese", "vit_tiny"])
def test_any_layers_of_the_catalogue_are_wrapped_without_losing_a_weight_or_a_shape(name: str) -> None:
    text = (CATALOGUE / f"{name}.network").read_text("utf-8")
    definition, graph, chosen = parse(text), graph_of(text), random.Random(name)
    scopes = [definition.statements, *(b.statements for b in definition.statements if isinstance(b, BlockStatement))]
    done = 0
    for _ in range(12):
        scope = chosen.choice(scopes)
        first = chosen.choice([index for index, item in enumerate(scope) if isinstance(item, LayerStatement)])
        last = min(len(scope) - 1, first + chosen.randint(0, 4))
        try:
            made = wrap(definition, scope[first].span.start, scope[last].span.start, "part", graph=graph)
        except Conflict:
            continue
        done += 1
        result = graph_of(after(text, made))
        assert [node.shape for node in result.nodes] == [node.shape for node in graph.nodes]
    assert done >= 4
