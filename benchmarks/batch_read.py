"""Random batches of 64 pictures of 3 x 64 x 64: the reader against an array in memory and against LMDB.

    python -m benchmarks.batch_read

LMDB holds the bytes of a picture in a value, as a careful engineer writes it, who also reads them without a copy and
stacks them; and for history a PNG file in a value, as NVIDIA DIGITS wrote it. The worker's own environment is set.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
from PIL import Image

from tenfold.adapters.executors.local.executor import ENVIRONMENT
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.testing.revisions import write_revision

NUM_SAMPLES = 20_000
SIDE = 64
CHANNELS = 3
BATCH = 64
ROUNDS = 25
BATCHES = 60
Way = Callable[[Any], Any]


def measure() -> list[dict[str, Any]]:
    """Medians of the ratios of rounds in turn; pages are in the cache for all."""
    command = [sys.executable, "-m", "benchmarks.batch_read", "--run"]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, check=True, capture_output=True, text=True)
    spent: dict[str, list[float]] = json.loads(done.stdout)

    def figure(name: str, opponent: str, about: str, goal: float | None) -> dict[str, Any]:
        value = statistics.median(other / ours for other, ours in zip(spent[opponent], spent["reader"], strict=True))
        told = {"name": name, "value": round(value, 2), "unit": "times", "opponent": about}
        return {**told, "goal": f">= {goal:g}" if goal else "", "holds": value >= goal if goal else None}

    per_batch = statistics.median(spent["reader"]) / BATCHES * 1e6
    return [
        figure("batch_read_memory", "memory", f"array in memory; {per_batch:.0f} us", 0.95),
        figure("batch_read_lmdb", "lmdb", "LMDB, values read without a copy and stacked", 4),
        figure("batch_read_lmdb_copied", "lmdb-copied", "LMDB, values copied and stacked", None),
        figure("batch_read_lmdb_png", "lmdb-png", "LMDB, a PNG file a value, as DIGITS wrote it", None),
    ]


def run() -> dict[str, list[float]]:
    """Processor seconds of each way and round: nothing is waited for, and another job's turn does not count."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "revision")
        write_revision(folder, NUM_SAMPLES, side=SIDE, channels=CHANNELS)
        reader = open_revision(folder)
        count = len(reader.labels("train"))
        in_memory = reader.pictures("train", np.arange(count))
        with (
            lmdb.open(str(Path(home, "raw")), map_size=1 << 32) as raw,
            lmdb.open(str(Path(home, "png")), map_size=1 << 32) as png,
        ):
            fill(raw, png, in_memory)
            ways: dict[str, Way] = {
                "reader": lambda places: reader.pictures("train", places),
                "memory": lambda places: in_memory[places],
                "lmdb": lambda places: from_values(raw, places, is_copied=False),
                "lmdb-copied": lambda places: from_values(raw, places, is_copied=True),
                "lmdb-png": lambda places: from_png(png, places),
            }
            return in_turn(ways, count)


def fill(raw: Any, png: Any, pictures: Any) -> None:
    with raw.begin(write=True) as raw_values, png.begin(write=True) as png_values:
        for number, picture in enumerate(pictures):
            raw_values.put(b"%08d" % number, picture.tobytes())
            content = io.BytesIO()
            Image.fromarray(picture).save(content, "PNG", compress_level=1)
            png_values.put(b"%08d" % number, content.getvalue())


def from_values(database: Any, places: Any, *, is_copied: bool) -> Any:
    with database.begin(buffers=not is_copied) as transaction:
        values = [np.frombuffer(transaction.get(b"%08d" % place), np.uint8) for place in places.tolist()]
        return np.stack(values).reshape(len(places), SIDE, SIDE, CHANNELS)


def from_png(database: Any, places: Any) -> Any:
    with database.begin() as transaction:
        values = [transaction.get(b"%08d" % place) for place in places.tolist()]
    return np.stack([np.asarray(Image.open(io.BytesIO(value))) for value in values])


def in_turn(ways: dict[str, Way], count: int) -> dict[str, list[float]]:
    generator = np.random.default_rng(0)
    batches = [generator.integers(0, count, BATCH) for _ in range(BATCHES)]
    first = {name: way(batches[0]) for name, way in ways.items()}
    assert all(np.array_equal(pictures, first["memory"]) for pictures in first.values())
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.thread_time()
            for places in batches:
                way(places)
            spent[name].append(time.thread_time() - started)
    return spent


if __name__ == "__main__":
    if sys.argv[1:] == ["--run"]:
        print(json.dumps(run()))
    else:
        for row in measure():
            print(row)
