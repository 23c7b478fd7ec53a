"""Submit to the first training step on a warm machine, against a cold interpreter that imports torch and steps once."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.site import open_site

ROUNDS = 5
COLD = """
import torch
model = torch.nn.Sequential(torch.nn.Conv2d(1, 20, 5), torch.nn.MaxPool2d(2), torch.nn.Conv2d(20, 50, 5),
                            torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(800, 500), torch.nn.ReLU(),
                            torch.nn.Linear(500, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
loss = torch.nn.functional.cross_entropy(model(torch.rand(64, 1, 28, 28)), torch.randint(10, (64,)))
loss.backward()
optimizer.step()
"""


def measure() -> list[dict[str, Any]]:
    """Medians of interleaved rounds; the first step is the one whose metric row is written."""
    warm, cold = [], []
    with tempfile.TemporaryDirectory() as home, open_site(Path(home)) as site:
        site.warm()
        for number in range(ROUNDS + 1):
            seconds = site.seconds_to_first_step()
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", COLD], check=True)
            if number:  # the first round fills the page cache for both
                warm.append(seconds)
                cold.append(time.perf_counter() - started)
    ratio = statistics.median(cold) / statistics.median(warm)
    opponent = f"cold interpreter {statistics.median(cold):.2f} s"
    return [
        {
            "name": "submit_to_first_step",
            "value": statistics.median(warm) * 1000,
            "unit": "ms",
            "opponent": opponent,
            "goal": "",
            "holds": None,
        },
        {
            "name": "submit_warm_over_cold",
            "value": ratio,
            "unit": "times",
            "opponent": opponent,
            "goal": ">= 25",
            "holds": ratio >= 25,
        },
    ]
