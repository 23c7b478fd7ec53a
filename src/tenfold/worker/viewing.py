"""Looking inside: one picture through a network, and every layer told as it is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tenfold.core.events import Json, LayerSeen
from tenfold.core.inference.inside import InsideJob
from tenfold.core.inference.layer_views import activation_tiles, facts_of, weight_tiles
from tenfold.core.networks.graph import LayerGraph, Node
from tenfold.worker.toolbox import JobFolder, OpenNetwork, Toolbox


def view_layers(job: InsideJob, folder: JobFolder, tools: Toolbox) -> Literal["finished", "stopped"]:
    """Tells facts of every layer's output and tensors, and leaves their tiles in the work folder."""
    network = tools.open_network(job, folder.data_folder)
    layers = _Layers(network, folder.workspace(), tools)
    sample = network.preprocessing.to_arrays(job.picture()[None])
    for number, (path, output) in enumerate(tools.walk_layers(network.graph, network.weights, sample)):
        folder.emit(
            LayerSeen(
                number=number, total=len(network.graph.nodes), path=path, facts=layers.facts(number, path, output)
            )
        )
        if folder.stop_requested():
            return "stopped"
    return "finished"


class _Layers:
    """Facts of layers, with files of their tiles."""

    def __init__(self, network: OpenNetwork, folder: Path, tools: Toolbox) -> None:
        self._graph: LayerGraph = network.graph
        self._weights = network.weights
        self._folder = folder
        self._tools = tools

    def facts(self, number: int, path: str, output: NDArray[np.float32]) -> dict[str, Json]:
        node = self._graph.node(path)
        activation = self._seen(output, activation_tiles(output), f"{number:04d}-activation.png")
        tensors: list[Json] = [
            {"name": name, **self._seen(tensor, weight_tiles(tensor), f"{number:04d}-{index}.png")}
            for index, (name, tensor) in enumerate(self._tensors(node))
        ]
        return {
            "kind": node.kind,
            "parameters": node.parameters,
            "shared_with": node.weights_from,
            "activation": activation,
            "weights": tensors,
        }

    def _tensors(self, node: Node) -> list[tuple[str, NDArray[np.float32]]]:
        return [(name, self._weights[f"{node.path}.{name}"]) for name in node.weights]

    def _seen(self, values: NDArray[Any], tiles: NDArray[Any], file: str) -> dict[str, Json]:
        return {**facts_of(values).to_json(), "tiles": self._tools.write_tiles(tiles, self._folder / file)}
