"""How far pre-flight is from what training really takes: memory and time, over combinations fixed beforehand."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.loop_tax import ALLOCATOR
from tenfold.adapters.devices.own_memory import OwnMemory
from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.core.networks.fitting import require_fit
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.ports import BackendPlan, TrainingBackend
from tenfold.core.training.preflight.forecast import Reading, Room, Workload, forecast
from tenfold.core.training.preflight.probing import fewest_samples, probe
from tenfold.core.training.spec import TrainingSpec

CLASSES = 10
STEPS = 4  # at least, and for
LEAST_S = 3.0  # so that quick ones are past their first pages of memory, as nearly all of a training is
PICTURES = 5000
_PLENTY = Room(device="cpu", memory_total_bytes=2**50, memory_free_bytes=2**50, disk_free_bytes=2**50)


@dataclass(frozen=True)
class Combination:
    """A network of the catalogue on square pictures of `side` pixels, trained with this batch and optimiser."""

    network: str
    side: int
    batch: int
    optimizer: Literal["sgd", "adam"]


COMBINATIONS = (
    Combination("lenet", 28, 64, "sgd"),
    Combination("lenet", 28, 512, "adam"),
    Combination("lenet", 28, 2048, "sgd"),
    Combination("alexnet", 224, 32, "sgd"),
    Combination("alexnet", 224, 96, "adam"),
    Combination("googlenet", 224, 16, "sgd"),
    Combination("vgg11", 224, 8, "adam"),
    Combination("vgg16", 64, 32, "sgd"),
    Combination("resnet18", 224, 16, "sgd"),
    Combination("resnet18", 64, 128, "adam"),
    Combination("resnet34", 112, 24, "sgd"),
    Combination("resnet50", 96, 32, "sgd"),
    Combination("resnet50", 224, 8, "adam"),
    Combination("mobilenet_v3_small", 128, 64, "sgd"),
    Combination("mobilenet_v3_large", 160, 16, "adam"),
    Combination("efficientnet_lite0", 128, 32, "sgd"),
    Combination("efficientnet_lite1", 160, 12, "adam"),
    Combination("convnext_tiny", 96, 16, "adam"),
    Combination("vit_tiny", 224, 16, "adam"),
    Combination("vit_tiny", 224, 48, "sgd"),
)


def measure() -> list[dict[str, Any]]:
    """Probes every combination, then trains it for a few steps, each in a process of its own, and compares."""
    names = ("reckoned_memory", "memory", "time")
    errors: dict[str, list[float]] = {name: [] for name in names}
    for number, each in enumerate(COMBINATIONS):
        readings = [Reading(*values) for values in _in_process("probe", number)]
        took_bytes, took_s = _in_process("train", number)
        said, reckoned = forecast(_work(each), _PLENTY, tuple(readings)), forecast(_work(each), _PLENTY)
        steps = _work(each).steps_per_epoch
        pairs = (
            (reckoned.memory_bytes, took_bytes),
            (said.memory_bytes, took_bytes),
            ((said.epoch_s or 0.0) / steps, took_s),
        )
        for name, (before, after) in zip(names, pairs, strict=True):
            errors[name].append(100 * (before - after) / after)
        name = f"{each.network} {each.side} px, batch {each.batch}, {each.optimizer}"
        batches = " and ".join(str(reading.batch) for reading in readings)
        figures = f"{took_bytes / 1e6:8.0f} MB {took_s:7.3f} s a step"
        off = "  ".join(f"{name} {errors[name][-1]:+6.1f} %" for name in names)
        print(f"  {name:<44} {figures}  {off}  probed {batches}", flush=True)
    return [_row(name, errors[name]) for name in names]


def _row(name: str, errors: list[float]) -> dict[str, Any]:
    goal = 20 if name == "time" else 10
    worst = max(map(abs, errors))
    middle = statistics.median(map(abs, errors))
    print(f"  {name}: half within {middle:.1f} %, worst {worst:.1f} %")
    return {
        "name": f"preflight_{name}_worst",
        "value": worst,
        "unit": "%",
        "opponent": "the training itself",
        "goal": f"<= {goal}",
        "holds": worst <= goal,
    }


def _in_process(what: str, number: int) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.preflight", what, str(number)],
        env={**os.environ, **ALLOCATOR},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def _graph(each: Combination) -> LayerGraph:
    text = next(entry.text for entry in read_catalogue() if entry.name == each.network)
    return require_fit(text, {"classes": CLASSES}, (_channels(each), each.side, each.side))


def _channels(each: Combination) -> int:
    return 1 if each.network == "lenet" else 3


def _work(each: Combination) -> Workload:
    return Workload(
        graph=_graph(each),
        optimizer=each.optimizer,
        batch_size=each.batch,
        epochs=1,
        num_training=each.batch * 20,
        num_validation=0,
        num_pictures=PICTURES,
        picture_bytes=_channels(each) * each.side**2,
        is_packed=False,
    )


def probe_some(each: Combination) -> list[tuple[int, int, float]]:
    """What the probe reads: batch, bytes, seconds of a step."""
    gauge, backend = _begun(each)
    fewest = fewest_samples(_graph(each))
    return [
        (read.batch, read.peak_bytes, read.step_s)
        for read in probe(backend, each.batch, fewest=fewest, gauge=gauge, clock=time.monotonic)
    ]


def train_some(each: Combination) -> tuple[int, float]:
    """The most memory above the start of a few steps and a checkpoint's state, and the seconds of a step."""
    gauge, backend = _begun(each)
    seconds: list[float] = []
    while len(seconds) < STEPS or sum(seconds) < LEAST_S:
        started = time.perf_counter()
        backend.train_step(np.arange(each.batch), 1e-4)
        backend.take_training_totals()
        seconds.append(time.perf_counter() - started)
    backend.state()
    return gauge.peak_bytes(), statistics.median(seconds[1:])


def _begun(each: Combination) -> tuple[OwnMemory, TrainingBackend]:
    from tenfold.adapters.frameworks.torch.backend import TorchBackend
    from tenfold.adapters.frameworks.torch.warm import warm_up
    from tenfold.tasks.classification.torch import ClassificationHead

    warm_up()
    channels = _channels(each)
    plan = BackendPlan(
        graph=_graph(each),
        spec=TrainingSpec(dataset="d", batch_size=each.batch, optimizer=each.optimizer),
        head=ClassificationHead(),
        device="cpu",
        threads=len(os.sched_getaffinity(0)),
        mean=(0.5,) * channels,
        std=(0.5,) * channels,
    )
    gauge = OwnMemory()
    return gauge, TorchBackend(plan, _Noise(channels, each.side))


class _Noise:
    """Pictures that are drawn when they are asked for."""

    is_packed = False

    def __init__(self, channels: int, side: int) -> None:
        self.input_shape = (channels, side, side)

    def pictures(self, _split: str, places: Any) -> Any:
        channels, height, width = self.input_shape
        return np.random.default_rng(1).integers(0, 255, (len(places), height, width, channels), dtype=np.uint8)

    def labels(self, _split: str) -> Any:
        return np.zeros(PICTURES, np.int64)

    def weights(self, split: str) -> None:
        """All count alike."""


if __name__ == "__main__":
    act = {"probe": probe_some, "train": train_some}[sys.argv[1]]
    print(json.dumps(act(COMBINATIONS[int(sys.argv[2])])))
