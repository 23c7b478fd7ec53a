"""Random batches of 64 grey pictures, 16 kB each: the reader against an array in memory and against LMDB."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import numpy as np

from tenfold.adapters.formats.revision_reader import open_revision
from tenfold.testing.revisions import write_revision

NUM_SAMPLES = 20_000
SIDE = 128
BATCH = 64
ROUNDS = 15
BATCHES = 60


def measure() -> list[dict[str, Any]]:
    """Ratios of medians, the opponents in turn; pages are in the cache for all."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "revision")
        write_revision(folder, NUM_SAMPLES, side=SIDE)
        reader = open_revision(folder)
        count = len(reader.labels("train"))
        in_memory = reader.pictures("train", np.arange(count))
        with lmdb.open(str(Path(home, "lmdb")), map_size=1 << 32) as database:
            with database.begin(write=True) as transaction:
                for number, picture in enumerate(in_memory):
                    transaction.put(b"%08d" % number, picture.tobytes())
            shape = in_memory.shape[1:]

            def from_lmdb(places: Any) -> Any:
                with database.begin(buffers=True) as transaction:
                    rows = [np.frombuffer(transaction.get(b"%08d" % place), np.uint8) for place in places.tolist()]
                return np.stack(rows).reshape(len(places), *shape)

            ways: dict[str, Callable[[Any], Any]] = {
                "reader": lambda places: reader.pictures("train", places),
                "memory": lambda places: in_memory[places],
                "lmdb": from_lmdb,
            }
            generator = np.random.default_rng(0)
            batches = [generator.integers(0, count, BATCH) for _ in range(BATCHES)]
            for way in ways.values():
                assert np.array_equal(way(batches[0]), in_memory[batches[0]])
            spent: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(ROUNDS):
                for name, way in ways.items():
                    spent[name].append(_seconds(way, batches))
    median = {name: statistics.median(each) for name, each in spent.items()}
    per_batch = median["reader"] / BATCHES * 1e6
    return [
        _figure("batch_read_memory", median["memory"] / median["reader"], f"array in memory; {per_batch:.0f} us", 0.95),
        _figure("batch_read_lmdb", median["lmdb"] / median["reader"], "LMDB, a picture a value", 4),
    ]


def _seconds(way: Callable[[Any], Any], batches: list[Any]) -> float:
    started = time.perf_counter()
    for places in batches:
        way(places)
    return time.perf_counter() - started


def _figure(name: str, value: float, opponent: str, goal: float) -> dict[str, Any]:
    told = {"name": name, "value": round(value, 2), "unit": "times", "opponent": opponent}
    return {**told, "goal": f">= {goal:g}", "holds": value >= goal}


if __name__ == "__main__":
    for row in measure():
        print(row)
