"""What a version has otherwise than the one before, in a few words."""

from __future__ import annotations

import pytest

from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.summary import summarise

TEXT = """language 1
network small
param classes = 10 in 2..1000
input image = image(1, 28, 28)
conv1 = conv(8, 5)
relu
max_pool(2)
flatten
fc = dense(classes)
output logits
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("conv(8, 5)", "conv(8, 3)", "1 line changed; conv1 kernel 5 to 3"),
        ("conv(8, 5)", "conv(16, [5, 3], bias=false)", "1 line changed; conv1 out 8 to 16, conv1 kernel 5 to 5 x 3"),
        ("relu\n", "relu\nconv2 = conv(8, 3)\n", "1 line added; conv2 added"),
        ("conv1 = conv(8, 5)\n", "", "1 line removed; conv1 removed"),
        ("max_pool(2)\n", "", "1 line removed"),
        ("max_pool(2)\n", "max_pool(4)\n", "1 line changed; conv1_max_pool window 2 to 4"),
        ("conv1 = conv(8, 5)", "stem = conv(8, 5)", "1 line changed; stem added, conv1 removed"),
        ("classes = 10", "classes = 20", "1 line changed; fc out 10 to 20"),
        ("relu\nmax_pool(2)", "max_pool(2)\nrelu", "lines moved"),
        ("relu\n", "relu  # as ever\n# and more\n", "1 line changed, 1 added"),
        ("relu\n", "rellu\n", "1 line changed; a draft"),
    ],
)
def test_lines_are_counted_and_layers_told(old: str, new: str, words: str) -> None:
    after = TEXT.replace(old, new)
    told = summarise(TEXT, after, old=analyse(TEXT), new=analyse(after))
    assert told == words or told.startswith(f"{words}, ")


def test_a_rename_is_told_as_one() -> None:
    after = TEXT.replace("conv1 = ", "stem = ") + "renamed conv1 to stem\n"
    told = summarise(TEXT, after, old=analyse(TEXT), new=analyse(after))
    assert told == "1 line changed, 1 added; conv1 renamed to stem"


def test_many_changes_are_counted() -> None:
    after = TEXT.replace("relu\n", "".join(f"more{number} = conv(8, 1)\n" for number in range(6)))
    told = summarise(TEXT, after, old=analyse(TEXT), new=analyse(after))
    assert told.endswith("more0 added, more1 added, more2 added, 3 more")
