"""Every network of the catalogue: its published count, one batch learnt by heart, an ONNX file of equal numbers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_parity import require_parity
from torch.nn import functional

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.frameworks.torch.builder import NetworkModule, build_module
from tenfold.adapters.frameworks.torch.layers.normalisation import BatchNorm
from tenfold.adapters.frameworks.torch.onnx_check import examples
from tenfold.adapters.storage.job_folders import LocalJobFolders
from tenfold.bootstrap.onnx_file import write_onnx
from tenfold.bootstrap.tasks import TASKS
from tenfold.bootstrap.worker import make_toolbox
from tenfold.core.datasets.job import ImportJob
from tenfold.core.events import Ended, Event, Measured, Published
from tenfold.core.ids import JobId
from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.job import TrainJob
from tenfold.testing.picture_files import encode, make_photo
from tenfold.testing.training import InMemoryCheckpoints
from tenfold.worker.main import run_job

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


# Those that no task trains yet: their loss stands below. All others are trained by the product's own engine.
WITHOUT_TASK = {"autoencoder", "char_cnn", "fcn_alexnet", "siamese", "text_lstm", "unet"}

QUARTER = datetime.now(UTC).toordinal() % 4


def in_turn(names: Iterable[str]) -> list[object]:
    """A quarter of the catalogue each day; the campaign takes the whole."""
    today = sorted(NETWORKS)[QUARTER::4]
    return [name if name in today else pytest.param(name, marks=pytest.mark.campaign) for name in sorted(names)]


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
    """What the network's task will ask: classes of texts or pixels, the input itself, or distances of pairs."""
    outputs = module(*inputs)
    outputs = outputs if isinstance(outputs, dict) else {module.graph.outputs[0].name: outputs}
    first = next(iter(outputs.values()))
    classes = torch.arange(len(first)) % first.shape[1]
    if "reconstruction" in outputs:
        return functional.mse_loss(first, inputs[0])
    if "distance" in outputs:
        return functional.mse_loss(first, torch.arange(len(first), dtype=torch.float32).view(-1, 1))
    if "mask" in outputs:
        return functional.cross_entropy(first, classes.view(-1, 1, 1).expand(-1, *first.shape[2:]))
    return functional.cross_entropy(first, classes)


CLASSES, STEPS = 4, 50


class Workplace:
    """Does what a worker does, in this process: jobs of one data folder, begun from their `spec.json`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._folders = LocalJobFolders(data / "jobs")
        # An epoch is one step here, and each ends with a checkpoint: those of GoogLeNet would fill 6 GB.
        self._tools = replace(make_toolbox(), open_checkpoints=lambda *_, **__: InMemoryCheckpoints())
        self._datasets: dict[tuple[int, ...], str] = {}

    def work(self, name: str, job: ImportJob | TrainJob) -> list[Event]:
        """What one attempt of the job told, which has to end well."""
        job_id = JobId(f"job_{name}")
        self._folders.create(job_id, job.to_json())
        self._folders.open_attempt(job_id, 1)
        assert run_job(self._folders.path(job_id), 1, "cpu", self._tools) == 0
        events = [each.event for each in self._folders.read_events(job_id, 0)[0]]
        assert events[-1] == Ended(outcome="finished")
        return events

    def batch(self, shape: tuple[int, ...]) -> str:
        """The folder of a dataset of one batch, imported from files: a photo (C, H, W) of each class."""
        if shape not in self._datasets:
            channels, height, width = shape
            name = f"{channels}x{height}x{width}"
            folder = self._data / name
            for place in range(CLASSES):
                label = folder / f"class {place}"
                label.mkdir(parents=True)
                photo = make_photo(width, height, seed=place)
                (label / "photo.png").write_bytes(encode(photo if channels == 3 else photo[:, :, 0]))
            job = ImportJob(
                dataset="dst_0",
                dataset_name=name,
                task="classification",
                revision="rev_0",
                source={"folder": str(folder)},
                spec={"width": width, "height": height, "validation_share": 0, "test_share": 0},
                roots=[str(self._data)],
            )
            self.work(name, job)
            self._datasets[shape] = f"jobs/job_{name}/attempts/1/result"
        return self._datasets[shape]

    def train(self, name: str, **fields: object) -> list[Event]:
        """What the training of a network of the catalogue told; its files are gone."""
        parameters, shape = SMALL[name]
        job = TrainJob(
            run="run_0",
            run_name=name,
            task="classification",
            dataset_name="batch",
            revision="rev_0",
            revision_folder=self.batch(shape),
            network=name,
            network_text=NETWORKS[name].text,
            parameters=parameters,
            spec={"dataset": "batch", "batch_size": CLASSES, "steps_per_row": 1, "threads": 1, **fields},
        )
        events = self.work(name, job)
        self._folders.remove(JobId(f"job_{name}"))
        return events


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("data"))


def test_all_are_trained_by_the_engine_that_a_task_takes():
    assert {name for name in NETWORKS if TASKS["classification"].misfit(small(name))} == WITHOUT_TASK


@pytest.mark.parametrize("name", in_turn(NETWORKS.keys() - WITHOUT_TASK))
def test_a_run_learns_one_batch_by_heart(workplace: Workplace, name: str):
    events = workplace.train(name, epochs=STEPS, optimizer="adam", rate=5e-4)
    rows = [event.values for event in events if isinstance(event, Measured)]
    assert [type(event) for event in events].count(Published) == 1
    assert len(rows) == STEPS
    assert rows[-1]["train_loss"] < 0.2 * rows[0]["train_loss"]
    assert rows[-1]["train_accuracy"] == 1


@pytest.mark.parametrize("name", in_turn(WITHOUT_TASK))
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


def settled_weights(graph: LayerGraph, batch: int) -> dict[str, np.ndarray]:
    """First weights, with running statistics nearly those of one batch, as many steps bring them.

    With those that a network begins with, values become so small from layer to layer that the last bias is all that
    comes out, and an export that is wrong before it gives the same numbers.
    """
    module = build_module(graph, seed=1)
    module.use_generator(torch.Generator().manual_seed(0))
    for layer in module.modules():
        if isinstance(layer, BatchNorm):
            layer.arguments = {**layer.arguments, "momentum": 0.99}
    with torch.no_grad():
        module.train()(*(torch.from_numpy(array) for array in examples(graph, batch)))
    return {path: tensor.numpy() for path, tensor in module.state_dict().items()}


@pytest.mark.parametrize("name", in_turn(NETWORKS))
def test_its_onnx_file_gives_the_same_numbers(name: str, tmp_path: Path):
    graph = small(name)
    parity = require_parity(graph, settled_weights(graph, 16), tmp_path / "network.onnx")
    assert parity.difference < 0.01 * parity.spread


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_campaign_catalogue_onnx(name: str, tmp_path: Path):
    """At its published size: the file that a run writes where a task trains the network, and the bare one of each."""
    graph, path = require_graph(NETWORKS[name].text), tmp_path / "network.onnx"
    weights, of_a_run = settled_weights(graph, 4), ""
    try:
        if name not in WITHOUT_TASK:
            difference = write_onnx("classification", graph, weights, path)
            of_a_run = f"; a run's, {path.stat().st_size / 1e6:.1f} MB, by {difference:.1e} in a probability"
        parity = require_parity(graph, weights, path)
        told = f"{name}: {path.stat().st_size / 1e6:.1f} MB, differs by {parity.difference:.1e} of its largest number"
        print(f"\n{told}, which samples do by {parity.spread:.1e}{of_a_run}")
        assert parity.difference < 0.01 * parity.spread
    finally:
        path.unlink(missing_ok=True)
