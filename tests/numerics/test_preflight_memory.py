"""What pre-flight says is kept for the backward pass is what PyTorch keeps."""

from __future__ import annotations

import pytest
import torch

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.frameworks.torch.builder import build_module
from tenfold.core.networks.fitting import require_fit
from tenfold.core.training.preflight.memory import step_memory

TEXTS = {entry.name: entry.text for entry in read_catalogue()}
SIZES = (
    ("lenet", (1, 28, 28)),
    ("alexnet", (3, 224, 224)),
    ("googlenet", (3, 224, 224)),
    ("vgg11", (3, 64, 64)),
    ("resnet18", (3, 64, 64)),
    ("resnet50", (3, 64, 64)),
    ("mobilenet_v3_small", (3, 96, 96)),
    ("efficientnet_lite0", (3, 64, 64)),
    ("convnext_tiny", (3, 64, 64)),
    ("vit_tiny", (3, 96, 96)),
)
BATCH = 3


@pytest.mark.parametrize(("name", "shape"), SIZES, ids=[name for name, _ in SIZES])
def test_kept_memory_is_what_pytorch_saves(name: str, shape: tuple[int, int, int]) -> None:
    graph = require_fit(TEXTS[name], {"classes": 10}, shape)
    module = build_module(graph, seed=1).train().to(memory_format=torch.channels_last)
    held = {tensor.untyped_storage().data_ptr() for tensor in module.state_dict().values()}
    saved: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in held:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    pictures = torch.zeros(BATCH, *shape).to(memory_format=torch.channels_last)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = module(pictures)
    assert result is not None

    kept = step_memory(graph, optimizer="sgd").kept.at(BATCH)

    assert kept == pytest.approx(sum(saved.values()), rel=0.05)
