"""A network on a dataset: its text with the input's shape and the parameters that the dataset decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tenfold.core.networks.analysis import Analysis, analyse, require_graph
from tenfold.core.networks.graph import LayerGraph


def fit(
    text: str,
    parameters: Mapping[str, object],
    input_shape: tuple[int, ...],
    *,
    is_late: Callable[[], bool] = lambda: False,
) -> Analysis:
    """What the text means on inputs of a shape (channels first); one with several inputs keeps its own shapes."""
    shapes = _shapes(text, input_shape, is_late)
    return analyse(text, parameters=parameters, input_shapes=shapes, is_late=is_late)


def require_fit(
    text: str,
    parameters: Mapping[str, object],
    input_shape: tuple[int, ...],
    *,
    is_late: Callable[[], bool] = lambda: False,
) -> LayerGraph:
    """The layer graph; raises `BadNetwork` with every problem."""
    shapes = _shapes(text, input_shape, is_late)
    return require_graph(text, parameters=parameters, input_shapes=shapes, is_late=is_late)


def _shapes(text: str, input_shape: tuple[int, ...], is_late: Callable[[], bool]) -> dict[str, tuple[int, ...]]:
    inputs = analyse(text, is_late=is_late).inputs
    return {inputs[0].name: input_shape} if len(inputs) == 1 else {}
