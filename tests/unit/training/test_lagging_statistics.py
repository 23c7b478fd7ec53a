"""Pre-flight says where a run is too short for the running statistics of its network."""

from __future__ import annotations

import pytest

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.core.networks.analysis import require_graph
from tenfold.core.training.preflight.statistics import lagging_statistics

TEXT = """language 1
network small
param classes = 4 in 2..10
input image = image(1, 8, 8)
first = conv(4, 3)
bn1 = batch_norm{first}
second = conv(4, 3)
bn2 = batch_norm{second}
flatten
fc = dense(classes)
output logits
"""


@pytest.mark.parametrize(
    ("first", "second", "steps", "told"),
    [
        ("", "", 99, "A training of 99 steps is short"),
        ("", "", 100, ""),
        ("", "(momentum=0.01)", 999, "follow by a share of 0.01 a step, and lag behind for about 1,000 steps"),
        ("", "(momentum=0.01)", 1000, ""),
        ("(momentum=0)", "", 100, ""),
        ("", "", 1, "A training of 1 step is short"),
    ],
)
def test_steps_that_are_too_few_are_told(first: str, second: str, steps: int, told: str) -> None:
    graph = require_graph(TEXT.format(first=first, second=second))
    said = lagging_statistics(graph, num_steps=steps)
    assert told in said
    assert bool(said) == bool(told)


def test_networks_without_running_statistics_say_nothing() -> None:
    lenet = next(entry for entry in read_catalogue() if entry.name == "lenet")
    assert lagging_statistics(require_graph(lenet.text), num_steps=1) == ""
