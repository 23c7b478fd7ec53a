"""A network on a dataset: its text with the input's shape and the parameters that the dataset decides."""

from __future__ import annotations

from collections.abc import Mapping

from tenfold.core.networks.analysis import Analysis, analyse, require_graph
from tenfold.core.networks.graph import LayerGraph


def fit(text: str, parameters: Mapping[str, object], input_shape: tuple[int, ...]) -> Analysis:
    """What the text means on inputs of a shape (channels first); one with several inputs keeps its own shapes."""
    return analyse(text, parameters=parameters, input_shapes=_shapes(text, input_shape))


def require_fit(text: str, parameters: Mapping[str, object], input_shape: tuple[int, ...]) -> LayerGraph:
    """The layer graph; raises `BadNetwork` with every problem."""
    return require_graph(text, parameters=parameters, input_shapes=_shapes(text, input_shape))


def _shapes(text: str, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    inputs = analyse(text).inputs
    return {inputs[0].name: input_shape} if len(inputs) == 1 else {}
