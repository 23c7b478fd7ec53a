"""Every network of the catalogue: its published count, one batch learnt by heart, an ONNX file of equal numbers."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from onnx_parity import require_parity
from torch.nn import functional

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.frameworks.torch.builder import NetworkModule, build_module
from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.graph import LayerGraph

NETWORKS = {entry.name: entry for entry in read_catalogue()}

# Trainable parameters. Published: Caffe's LeNet and DIGITS' FCN-AlexNet (their definitions), torchvision's model pages
# (AlexNet, VGG, ResNet, GoogLeNet with heads, MobileNetV3, ConvNeXt-T), timm's results (EfficientNet-Lite, DeiT-Ti).
PUBLISHED = {
    "lenet": 431_080,
    "alexnet": 61_100_840,
    "googlenet": 13_004_888,
    "vgg11": 132_863_336,
    "vgg16": 138_357_544,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "mobilenet_v3_small": 2_542_856,
    "mobilenet_v3_large": 5_483_032,
    "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680,
    "efficientnet_lite2": 6_092_072,
    "convnext_tiny": 28_589_128,
    "vit_tiny": 5_717_416,
    "fcn_alexnet": 57_037_610,
}


def dense(*widths: int) -> int:
    """Matrices and biases between layers of these widths."""
    return sum(a * b + b for a, b in pairwise(widths))


def conv(channels: int, out: int, places: int) -> int:
    return out * channels * places + out


def unet(classes: int, width: int = 64) -> int:
    """Pairs of 3 x 3 convolutions without bias, each followed by 2 numbers a channel; 2 x 2 upward ones with bias."""

    def pair(channels: int, out: int) -> int:
        return 9 * channels * out + 9 * out * out + 4 * out

    widths = [width * 2**step for step in range(5)]
    down = sum(pair(a, b) for a, b in zip([3, *widths], widths, strict=False))
    up = sum(conv(2 * out, out, 4) + pair(2 * out, out) for out in widths[:-1])
    return down + up + conv(width, classes, 1)


def lstm(wide: int, width: int) -> int:
    return 4 * width * (wide + width + 2)


DERIVED = {
    "autoencoder": dense(784, 1000, 500, 250, 30) + dense(30, 250, 500, 1000, 784),
    "siamese": conv(1, 20, 25) + conv(20, 50, 25) + dense(800, 500, 10, 2),  # one tower, used twice
    "unet": unet(2),
    "char_cnn": 2 * 0 + conv(71, 256, 7) + conv(256, 256, 7) + 4 * conv(256, 256, 3) + dense(34 * 256, 1024, 1024, 14),
    "text_lstm": 10_000 * 64 + 2 * lstm(64, 128) + dense(256, 2),
}


def test_counts_are_the_published_or_derived():
    counts = {name: require_graph(entry.text).parameters for name, entry in NETWORKS.items()}
    assert counts == {**PUBLISHED, **DERIVED}


# The smallest sizes at which a whole network still works, so that a step is quick.
SMALL = {
    "alexnet": ({"hidden": 64, "classes": 4, "dropout": 0}, (3, 64, 64)),
    "autoencoder": ({"width1": 64, "width2": 32, "width3": 32}, (1, 12, 12)),
    "char_cnn": ({"width": 32, "hidden": 32, "classes": 4, "dropout": 0}, (128,)),
    "convnext_tiny": ({"width": 16, "depths": [1, 1, 2, 1], "classes": 4}, (3, 32, 32)),
    "efficientnet_lite0": ({"width": 0.5, "classes": 4}, (3, 32, 32)),
    "efficientnet_lite1": ({"width": 0.5, "classes": 4}, (3, 32, 32)),
    "efficientnet_lite2": ({"width": 0.5, "classes": 4}, (3, 32, 32)),
    "fcn_alexnet": ({"classes": 3, "hidden": 32, "dropout": 0}, (3, 32, 32)),
    "googlenet": ({"classes": 4}, (3, 64, 64)),
    "lenet": ({"classes": 4}, (1, 28, 28)),
    "mobilenet_v3_large": ({"width": 0.5, "classes": 4}, (3, 32, 32)),
    "mobilenet_v3_small": ({"width": 0.5, "classes": 4}, (3, 32, 32)),
    "resnet18": ({"width": 8, "classes": 4}, (3, 32, 32)),
    "resnet34": ({"width": 8, "classes": 4}, (3, 32, 32)),
    "resnet50": ({"width": 8, "classes": 4}, (3, 32, 32)),
    "siamese": ({}, (1, 28, 28)),
    "text_lstm": ({"width": 16, "features": 16, "classes": 4}, (20,)),
    "unet": ({"width": 8, "classes": 3}, (3, 32, 32)),
    "vgg11": ({"width": 8, "hidden": 64, "classes": 4, "dropout": 0}, (3, 32, 32)),
    "vgg16": ({"width": 8, "hidden": 64, "classes": 4, "dropout": 0}, (3, 32, 32)),
    "vit_tiny": ({"width": 64, "heads": 2, "depth": 2, "patch": 8, "classes": 4}, (3, 32, 32)),
}


# A quarter of the catalogue each day; the campaign takes the whole.
QUARTER = datetime.now(UTC).toordinal() % 4
TODAY = [name for index, name in enumerate(sorted(NETWORKS)) if index % 4 == QUARTER]
REST = [pytest.param(name, marks=pytest.mark.campaign) for name in sorted(NETWORKS) if name not in TODAY]


def small(name: str) -> LayerGraph:
    text = NETWORKS[name].text
    parameters, shape = SMALL[name]
    inputs = analyse(text).inputs
    return require_graph(text, parameters=parameters, input_shapes={item.name: shape for item in inputs})


def batch_for(graph: LayerGraph, count: int = 4) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return [
        torch.randint(item.vocabulary, (count, *item.shape), generator=draw)
        if item.kind == "tokens"
        else torch.rand(count, *item.shape, generator=draw) + torch.arange(count).view(-1, *[1] * len(item.shape))
        for item in graph.inputs
    ]


def loss_of(module: NetworkModule, inputs: list[torch.Tensor]) -> torch.Tensor:
    """What the network's task will ask: classes of samples or pixels, the input itself, or distances of pairs."""
    graph, outputs = module.graph, module(*inputs)
    outputs = outputs if isinstance(outputs, dict) else {graph.outputs[0].name: outputs}
    first = next(iter(outputs.values()))
    classes = torch.arange(len(first)) % first.shape[1]
    if "reconstruction" in outputs:
        return functional.mse_loss(first, inputs[0])
    if "distance" in outputs:
        return functional.mse_loss(first, torch.arange(len(first), dtype=torch.float32).view(-1, 1))
    if "mask" in outputs:
        return functional.cross_entropy(first, classes.view(-1, 1, 1).expand(-1, *first.shape[2:]))
    weights = {item.name: item.arguments.get("loss_weight", 1.0) for item in graph.outputs}
    return sum(
        (weights[name] * functional.cross_entropy(item, classes) for name, item in outputs.items()), torch.zeros(())
    )


@pytest.mark.parametrize("name", [*TODAY, *REST])
def test_one_batch_is_learnt_by_heart(name: str):
    module = build_module(small(name), seed=1)
    module.use_generator(torch.Generator().manual_seed(0))
    inputs = batch_for(module.graph)
    optimiser = torch.optim.Adam(module.parameters(), lr=5e-4)
    first = last = loss_of(module, inputs).item()
    for _ in range(300):
        loss = loss_of(module, inputs)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        last = loss.item()
        if last < 0.3 * first:
            break
    assert last < 0.3 * first


@pytest.mark.parametrize("name", [*TODAY, *REST])
def test_its_onnx_file_gives_the_same_numbers(name: str, tmp_path: Path):
    graph = small(name)
    weights = {path: tensor.numpy() for path, tensor in build_module(graph, seed=1).state_dict().items()}
    require_parity(graph, weights, tmp_path / "network.onnx")
