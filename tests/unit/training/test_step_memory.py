"""Memory of a training step, on networks small enough to count by hand."""

from __future__ import annotations

import pytest

from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.preflight.memory import Bytes, step_memory

DENSE = """language 1
network two "two layers"
input x = vector(100)
fc1 = dense(50)
{activation}
fc2 = dense(10)
output logits
"""


def graph_with(activation: str = "", *, text: str = DENSE) -> LayerGraph:
    return require_graph(text.format(activation=activation))


def test_weights_gradients_and_what_the_optimizer_remembers() -> None:
    numbers = 100 * 50 + 50 + 50 * 10 + 10

    sgd = step_memory(graph_with(), optimizer="sgd")
    adam = step_memory(graph_with(), optimizer="adam")

    assert (sgd.weight_bytes, sgd.gradient_bytes, sgd.optimizer_bytes) == (4 * numbers,) * 3
    assert adam.optimizer_bytes == 8 * numbers


def test_frozen_layers_have_no_gradients_and_keep_nothing() -> None:
    text = DENSE.replace("dense(50)", "dense(50, frozen=true)")

    memory = step_memory(graph_with(text=text), optimizer="sgd")

    assert memory.gradient_bytes == 4 * (50 * 10 + 10)
    assert memory.kept == Bytes(0, 4 * 50)  # what the second layer reads; not the pictures


@pytest.mark.parametrize(
    ("activation", "numbers"), [("", 100 + 50), ("relu", 100 + 50), ("gelu", 100 + 50 + 50), ("dropout(0.5)", 200)]
)
def test_what_is_kept_for_the_backward_pass(activation: str, numbers: int) -> None:
    """A `relu` lies over its input; `gelu` needs what it read, and the layer behind it what it gave."""
    assert step_memory(graph_with(activation), optimizer="sgd").kept == Bytes(0, 4 * numbers)


def test_the_largest_batch_is_the_last_that_fits() -> None:
    memory = step_memory(graph_with("gelu"), optimizer="adam")
    available = memory.peak(37) + 5

    largest = memory.largest_batch(available)

    assert memory.peak(largest) <= available < memory.peak(largest + 1)


def test_no_batch_fits_where_the_weights_do_not() -> None:
    memory = step_memory(graph_with(), optimizer="sgd")

    assert memory.largest_batch(memory.weight_bytes) == 0


def test_a_peak_grows_with_the_batch_and_holds_weights_and_all_that_is_kept() -> None:
    memory = step_memory(graph_with("relu"), optimizer="sgd")

    peaks = [memory.peak(batch) for batch in (1, 2, 8, 64)]

    assert peaks == sorted(peaks)
    assert peaks[-1] >= memory.weight_bytes + memory.optimizer_bytes + memory.kept.at(64)
