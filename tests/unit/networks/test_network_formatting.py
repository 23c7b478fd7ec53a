"""The formatter lays a text out and changes nothing that it means."""

import random

import pytest
from unit.networks.mutations import SOURCES, mutate

from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.formatting import format_text
from tenfold.core.networks.parser import parse

UNTIDY = """

   network n "A title"   \r
param   classes=10 in 2..100
param width   = 8   # aligned


# about the input
  input image=image(3, 32, 32)
stage = pair(width) repeat 2

flatten
 head =dense(classes,
  bias=true,   # of the classes
)
output y
    block pair(out) {
# in the block
conv= conv(out, [3,
      3], pad=half)

    # the last word
        relu
        # before the brace
  }
"""
TIDY = """\
language 1
network n "A title"
param   classes = 10 in 2..100
param width   = 8   # aligned

# about the input
input image = image(3, 32, 32)
stage = pair(width) repeat 2

flatten
head = dense(classes,
  bias=true,   # of the classes
)
output y
block pair(out) {
  # in the block
  conv = conv(out, [3,
        3], pad=half)

  # the last word
  relu
  # before the brace
}
"""


def test_an_untidy_text_is_laid_out():
    assert format_text(UNTIDY) == TIDY
    assert require_graph(TIDY).identity() == require_graph(UNTIDY).identity()


def test_the_catalogue_is_laid_out_already(texts):
    for name, text in texts.items():
        assert format_text(text) == text, name


def test_a_text_with_syntax_problems_stays():
    text = "network n\n  input image=image(3, 8, 8\noutput y"
    assert format_text(text) == text


@pytest.mark.parametrize("text", ["", "\n\n", "# only a remark", "relu"])
def test_a_small_text_gets_its_language(text):
    assert format_text(text) == f"language 1\n{text.strip()}\n" if text.strip() else "language 1\n"


def stretched(text: str, rng: random.Random) -> str:
    """The same text in another layout."""
    lines = []
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        lines.append(" " * (3 * indent + rng.choice((0, 0, 2))) + line.strip() + " " * rng.choice((0, 0, 3)))
        lines += [""] * rng.choice((0, 0, 0, 1, 3))
    return "\n".join(lines).replace(" = ", rng.choice(("=", " =", "= ", " = ")))


def check(text: str) -> int:
    """Whether the text has a graph, which its layout leaves alone."""
    once = format_text(text)
    assert format_text(once) == once, text
    if not parse(text).problems:
        assert parse(once).problems == (), text
    graph, after = analyse(text).graph, analyse(once).graph
    assert (graph and graph.identity()) == (after and after.identity()), text
    return graph is not None


def test_layout_is_settled_at_once_and_means_the_same():
    rng = random.Random(5)
    texts = [path.read_text() for path in SOURCES]
    mutated = sum(check(mutate(rng.choice(texts), rng)) for _ in range(120))
    assert mutated > 10
    for text in texts:
        assert check(stretched(text, rng))
