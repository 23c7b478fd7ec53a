"""MNIST to 99 % test accuracy: wall and CPU seconds, beside a plain three-epoch one-cycle loop.

The product's time is from submit to the published model, with validation, checkpoints, test, and ONNX export with its
check; the plain loop's is from the start of its process to the printed accuracy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tenfold.adapters.sources.samples import SampleCache
from tenfold.bootstrap.server import build_services
from tenfold.core.events import Started
from tenfold.core.jobs.model import OPEN_STATES
from tenfold.services.datasets import ImportRequest
from tenfold.settings import Settings

CACHE = Path(os.environ.get("TENFOLD_BENCH_CACHE", Path.home() / ".cache" / "tenfold-bench"))
EPOCHS = 3
GOAL = 0.99
PLAIN = """
import sys, time
import numpy as np, torch
from torch import nn
started = time.perf_counter()
folder = sys.argv[1]
def read(name, skip): return torch.from_numpy(np.fromfile(f"{folder}/{name}", np.uint8)[skip:].copy())
x, y = read("train-images-idx3-ubyte", 16).view(-1, 1, 28, 28), read("train-labels-idx1-ubyte", 8).long()
u, v = read("t10k-images-idx3-ubyte", 16).view(-1, 1, 28, 28), read("t10k-labels-idx1-ubyte", 8).long()
def prepare(pixels): return ((pixels.float() / 255 - 0.1307) / 0.3081).contiguous(memory_format=torch.channels_last)
torch.manual_seed(1)
model = nn.Sequential(nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Flatten(),
                      nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)).to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-4)
epochs, batch = 3, 64
steps = epochs * -(-len(x) // batch)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.03, total_steps=steps, pct_start=0.25, cycle_momentum=False)
for epoch in range(epochs):
    for chosen in torch.randperm(len(x)).split(batch):
        loss = nn.functional.cross_entropy(model(prepare(x[chosen])), y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
with torch.inference_mode():
    right = sum((model(prepare(u[a:a + 500])).argmax(1) == v[a:a + 500]).sum().item() for a in range(0, len(u), 500))
print(right / len(u), time.process_time())
"""


def measure() -> list[dict[str, Any]]:
    """One training each, the plain loop first."""
    folder = SampleCache(CACHE).fetch("mnist", report=print)
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", PLAIN, str(folder)], check=True, capture_output=True, text=True)
    plain_wall = time.perf_counter() - started
    plain_accuracy, plain_cpu = map(float, done.stdout.split())
    accuracy, wall, cpu = _product()
    opponent = f"plain loop: {plain_accuracy:.2%}, {plain_wall:.1f} s wall, {plain_cpu:.1f} s CPU"
    return [
        _row("mnist_test_accuracy", 100 * accuracy, "%", opponent, ">= 99", accuracy >= GOAL),
        _row("mnist_wall", wall, "s", opponent, "", None),
        _row("mnist_cpu", cpu, "s", opponent, "", None),
        _row("mnist_wall_over_plain", wall / plain_wall, "times", opponent, "", None),
    ]


def _product() -> tuple[float, float, float]:
    """Accuracy, wall seconds, CPU seconds of the worker."""
    with tempfile.TemporaryDirectory() as home:
        data = Path(home)
        (data / "cache").symlink_to(CACHE)
        services = build_services(Settings(data=data, roots=[data]))
        owner = services.owner
        try:
            made = services.datasets.import_samples(owner, ImportRequest({"sample": "mnist"}, {}, name="mnist"))
            while (state := services.datasets.named.get(owner, made.id).state) == "building":
                time.sleep(0.1)
            assert state == "ready", services.datasets.named.get(owner, made.id).message
            services.desk.warm()
            while services.desk.executor_facts()["template"] != "ready":
                time.sleep(0.05)
            started = time.perf_counter()
            run = services.runs.start(owner, {"dataset": "mnist", "network": "lenet", "epochs": EPOCHS}, {})
            cpu = 0.0
            while (now := services.runs.named.get(owner, run.id)).state in OPEN_STATES:
                cpu = _cpu_seconds(data / "jobs" / run.job / "events.jsonl", cpu)
                time.sleep(0.1)
            wall = time.perf_counter() - started
            assert now.state == "finished", now.message
            return now.metrics["test_accuracy"], wall, cpu
        finally:
            services.close()


def _cpu_seconds(events: Path, before: float) -> float:
    try:
        with events.open() as file:
            first = json.loads(file.readline())
        if first["type"] != Started.type:
            return before
        times = psutil.Process(first["pid"]).cpu_times()
        return float(times.user + times.system)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return before


def _row(name: str, value: float, unit: str, opponent: str, goal: str, holds: bool | None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "opponent": opponent, "goal": goal, "holds": holds}
