"""A trained network that tells probabilities and features of stored pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import Invalid
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.training_factors import main_output
from tenfold.core.training.ports import TaskHead


class TorchJudge:
    """Fulfils `tenfold.core.datasets.health.judging.PictureJudge` on the CPU."""

    def __init__(
        self,
        graph: LayerGraph,
        weights: Mapping[str, NDArray[np.float32]],
        head: TaskHead,
        *,
        preprocessing: Preprocessing,
        classes: tuple[str, ...],
    ) -> None:
        self.classes = classes
        self._head = head
        self._preprocessing = preprocessing
        self._main = main_output(graph)
        self._module = load_module(graph, weights, in_place=False).eval()
        self._given: list[torch.Tensor] = []
        last = _last_with_weights(graph, self._main.source)
        self._module.layer(last).register_forward_pre_hook(self._keep)

    def judge(self, pictures: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        shape, dtype = self._preprocessing.shape, self._preprocessing.dtype
        if pictures.shape[1:] != shape or pictures.dtype != dtype:
            taken, given = (" × ".join(map(str, each)) for each in (shape, pictures.shape[1:]))
            text = f"The model takes pictures of {taken} in {dtype}, not of {given} in {pictures.dtype}."
            raise Invalid(f"{text} Choose one that was trained on pictures like these.", code="model.other-pictures")
        with torch.inference_mode():
            output = self._module(torch.from_numpy(self._preprocessing.to_arrays(pictures)))
            output = output[self._main.name] if isinstance(output, dict) else output
            probabilities: NDArray[np.float32] = self._head.result(output).float().numpy()
            features: NDArray[np.float32] = self._given.pop().flatten(1).float().numpy()
        return probabilities, features

    def _keep(self, _layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self._given = [inputs[0]]


def _last_with_weights(graph: LayerGraph, output: str) -> str:
    """The layer with weights that is nearest to an output."""
    nodes = {node.path: node for node in graph.nodes}
    path = output
    while not nodes[path].weights and not nodes[path].weights_from:
        path = nodes[path].inputs[0]
    return path
