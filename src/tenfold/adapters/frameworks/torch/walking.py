"""The outputs of a network's layers, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch

from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.core.networks.graph import LayerGraph


def walk_layers(
    graph: LayerGraph, weights: Mapping[str, npt.NDArray[np.float32]], sample: npt.NDArray[np.float32]
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Fulfils `tenfold.core.inference.inside.LayerWalker` on the CPU; every input is given the sample."""
    module = load_module(graph, weights, in_place=False).eval()
    given = torch.from_numpy(sample)
    with torch.inference_mode():
        for path, value in module.walk(*(given for _ in graph.inputs)):
            yield path, value[0].float().numpy()
