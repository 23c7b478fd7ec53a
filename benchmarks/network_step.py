"""Forward and backward of catalogue networks against the modules that an engineer writes by hand.

Both have the same weights, precision, layout, threads and batch, and take turns in one process; each round is compared
with itself. The quality check: loss and gradients are equal.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.loop_tax import ALLOCATOR
from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.frameworks.torch.builder import build_module
from tenfold.core.networks.fitting import require_fit

GOAL = 2  # percent
CLASSES = 10
LEAST_S = 20.0  # of each network, both sides together
LEAST_ROUNDS = 21


class LeNet(nn.Module):
    """LeNet in Caffe's widths."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.ip1 = nn.Linear(800, 500)
        self.ip2 = nn.Linear(500, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(self.conv1(x), 2)
        x = functional.max_pool2d(self.conv2(x), 2)
        x = functional.relu(self.ip1(x.flatten(1)), inplace=True)
        return self.ip2(x)


class Residual(nn.Module):
    """A block of ResNet: two convolutions, or three with a narrow middle."""

    def __init__(self, before: int, width: int, stride: int, *, is_deep: bool) -> None:
        super().__init__()
        after = width * 4 if is_deep else width
        if is_deep:
            self.conv1 = nn.Conv2d(before, width, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        else:
            self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=False) if is_deep else None
        self.bn3 = nn.BatchNorm2d(after) if is_deep else None
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        short = x if self.downsample is None else self.downsample(x)
        y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        if self.conv3 is not None and self.bn3 is not None:
            y = self.bn3(self.conv3(functional.relu(y, inplace=True)))
        y += short
        return functional.relu(y, inplace=True)


class ResNet(nn.Module):
    """ResNet for pictures in colour."""

    def __init__(self, depths: tuple[int, ...], *, is_deep: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        blocks: list[nn.Module] = []
        before = 64
        for stage, depth in enumerate(depths):
            for number in range(depth):
                width = 64 * 2**stage
                blocks.append(Residual(before, width, 2 if stage and not number else 1, is_deep=is_deep))
                before = width * 4 if is_deep else width
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(before, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        x = self.blocks(functional.max_pool2d(x, 3, 2, 1))
        return self.fc(x.mean((2, 3)))


def vgg11() -> nn.Module:
    """VGG with 11 layers."""
    layers: list[nn.Module] = []
    before = 3
    for width in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)] if width else [nn.MaxPool2d(2)]
        before = width or before
    head = [nn.Linear(512 * 49, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 4096), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Flatten(), *head, nn.Linear(4096, CLASSES))


@dataclass(frozen=True)
class Case:
    """A catalogue network with parameters that both sides follow, on square pictures."""

    network: str
    side: int
    batch: int
    by_hand: Callable[[], nn.Module]
    values: tuple[tuple[str, object], ...] = ()


CASES = (
    Case("lenet", 28, 64, LeNet),
    Case("vgg11", 224, 2, vgg11, (("dropout", 0.0),)),
    Case("resnet18", 64, 32, lambda: ResNet((2, 2, 2, 2), is_deep=False)),
    Case("resnet50", 96, 8, lambda: ResNet((3, 4, 6, 3), is_deep=True)),
)


def measure() -> list[dict[str, Any]]:
    """Measures in a process of its own, so that both sides have the allocator that workers have."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.network_step"],
        env={**os.environ, **ALLOCATOR},
        check=True,
        capture_output=True,
        text=True,
    )
    return [
        {
            "name": f"network_step_{name}",
            "value": share,
            "unit": "% slower",
            "opponent": f"by hand {1000 * seconds:.2f} ms; gradients differ by {difference:.0e}",
            "goal": f"<= {GOAL}",
            "holds": share <= GOAL,
        }
        for name, share, seconds, difference in json.loads(done.stdout)
    ]


def main() -> None:
    """Prints name, percent slower, seconds by hand, and the largest difference of a gradient, of each network."""
    torch.set_num_threads(2)
    print(json.dumps([(case.network, *_compare(case)) for case in CASES]))


def _compare(case: Case) -> tuple[float, float, float]:
    text = next(entry.text for entry in read_catalogue() if entry.name == case.network)
    values = {"classes": CLASSES, **dict(case.values)}
    channels = 1 if case.network == "lenet" else 3
    ours = build_module(require_fit(text, values, (channels, case.side, case.side)), seed=1)
    by_hand = case.by_hand()
    pairs = list(zip(ours.parameters(), by_hand.parameters(), strict=True))
    with torch.no_grad():
        for source, target in pairs:
            target.copy_(source)
    modules = [module.to(memory_format=torch.channels_last).train() for module in (ours, by_hand)]
    torch.manual_seed(2)
    pictures = torch.randn(case.batch, channels, case.side, case.side).to(memory_format=torch.channels_last)
    labels = torch.randint(0, CLASSES, (case.batch,))
    losses = [_step(module, pictures, labels) for module in modules]
    scale = max(float(one.grad.abs().max()) for one, _ in pairs if one.grad is not None)
    difference = max(float((one.grad - other.grad).abs().max()) for one, other in pairs) / scale  # type: ignore[operator]
    assert abs(losses[0] - losses[1]) < 1e-4, losses
    assert difference < 1e-3, difference
    rounds: list[tuple[float, float]] = []
    started = time.perf_counter()
    while len(rounds) < LEAST_ROUNDS or time.perf_counter() - started < LEAST_S:
        order = modules if len(rounds) % 2 else modules[::-1]
        taken = {id(module): _seconds(module, pictures, labels) for module in order}
        rounds.append((taken[id(ours)], taken[id(by_hand)]))
    ratio = statistics.median(one / other for one, other in rounds)
    return 100 * (ratio - 1), statistics.median(other for _, other in rounds), difference


def _seconds(module: nn.Module, pictures: Tensor, labels: Tensor) -> float:
    started = time.perf_counter()
    _step(module, pictures, labels)
    return time.perf_counter() - started


def _step(module: nn.Module, pictures: Tensor, labels: Tensor) -> float:
    module.zero_grad(set_to_none=True)
    output = module(pictures)
    loss = functional.cross_entropy(output if isinstance(output, Tensor) else output["logits"], labels)
    loss.backward()
    return float(loss.detach())


if __name__ == "__main__":
    main()
