"""What PyTorch gives for the texts: outputs, gradients and state after one training pass, written where Keras reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from keras_texts import TEXTS
from numpy.typing import NDArray

from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.graph import GraphInput, LayerGraph
from tenfold.core.networks.initialisers import initial_weights

BATCH = 3


def write_answers(folder: Path) -> None:
    """One file of arrays for each text: `input NAME`, `pull NAME`, `output NAME`, `gradient PATH`, `state PATH`."""
    for name, text in TEXTS.items():
        np.savez(folder / f"{name}.npz", **_answers(require_graph(text)))


def _answers(graph: LayerGraph) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(0)
    inputs = {item.name: _input(item, random) for item in graph.inputs}
    pulls = {item.name: random.normal(size=(BATCH, *graph.shapes[item.source])) for item in graph.outputs}
    module = load_module(graph, initial_weights(graph, seed=3), in_place=False).train()
    result = module(*[torch.from_numpy(value) for value in inputs.values()])
    outputs = result if isinstance(result, dict) else {graph.outputs[0].name: result}
    total = sum((outputs[name] * torch.from_numpy(pull.astype(np.float32))).sum() for name, pull in pulls.items())
    if isinstance(total, torch.Tensor) and total.requires_grad:
        total.backward()
    found: dict[str, NDArray[Any]] = {f"input {name}": value for name, value in inputs.items()}
    found |= {f"pull {name}": value.astype(np.float32) for name, value in pulls.items()}
    found |= {f"output {name}": value.detach().numpy() for name, value in outputs.items()}
    found |= {
        f"gradient {name}": value.grad.numpy() for name, value in module.named_parameters() if value.grad is not None
    }
    return found | {f"state {name}": value.numpy() for name, value in module.named_buffers()}


def _input(item: GraphInput, random: np.random.Generator) -> NDArray[Any]:
    if item.kind == "tokens":
        return random.integers(0, item.vocabulary, (BATCH, *item.shape))
    return random.normal(size=(BATCH, *item.shape)).astype(np.float32)
