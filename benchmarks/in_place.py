"""100,000 files used in place: how soon they are usable, when the first step is trained, how fast they are verified.

The whole way is measured as a person has it: accepted by the services, done by real workers. Verification is compared
with two threads that do nothing but read and hash the same files.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.bootstrap.server import build_services
from tenfold.core.events import Measured, PhaseStarted
from tenfold.core.ids import JobId
from tenfold.core.repository import Query
from tenfold.interfaces.services import Services
from tenfold.services.datasets import ImportRequest
from tenfold.settings import Settings
from tenfold.testing.picture_files import encode

NUM_FILES = 100_000
NUM_CLASSES = 100
SIDE = 64
FILE_BYTES = 50_000
NUM_LARGE = 5_000
THREADS = 2


def write_files(root: Path, count: int, num_bytes: int = 0) -> None:
    """Small JPEG pictures in class folders, filled up to `num_bytes` behind their end."""
    noise = np.random.default_rng(0)
    pictures = [encode(noise.integers(0, 256, (SIDE, SIDE, 3), np.uint8), "JPEG", quality=90) for _ in range(50)]
    contents = [picture + bytes(max(0, num_bytes - len(picture))) for picture in pictures]
    for number in range(NUM_CLASSES):
        (root / f"class{number:03d}").mkdir(parents=True)
    for number in range(count):
        content = contents[number % len(contents)]
        (root / f"class{number % NUM_CLASSES:03d}" / f"{number:06d}.jpg").write_bytes(content)


def measure(num_files: int = NUM_FILES, num_large: int = NUM_LARGE) -> list[dict[str, Any]]:
    """Seconds and rates of one run each, after a warm start of the workers' template."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_files(home / "small", num_files)
        write_files(home / "large", num_large, FILE_BYTES)
        (home / "data").mkdir()
        services = build_services(Settings(data=home / "data", roots=[home]))
        try:
            usable, stepped = _use(services, home / "small")
            verified = _verify(services, home / "large")
        finally:
            services.close()
        plain = _hash_all(home / "large")
    about = f"{num_files:,} JPEG of {SIDE} x {SIDE}, load {os.getloadavg()[0]:.1f}"
    large = f"two threads that read and hash {num_large:,} files of {FILE_BYTES // 1000} kB"
    return [
        _figure("import_in_place_rate", num_files / usable, "files/s", about, 20_000),
        _figure("import_in_place_first_step", stepped, "s", about, 10, is_most=True),
        _figure("import_in_place_verified", plain / verified, "of the rate", large, 0.7),
    ]


def _use(services: Services, folder: Path) -> tuple[float, float]:
    """Seconds from the request to a dataset that can be used, and to the first row of a run that was asked for then."""
    services.desk.warm()
    time.sleep(15)  # until the template stands
    owner, started = services.owner, time.perf_counter()
    values = {"storage": "in place", "width": SIDE, "height": SIDE}
    request = ImportRequest(source={"folder": str(folder)}, values=values, name=folder.name)
    made = services.datasets.import_samples(owner, request)
    asked = {"dataset": made.id, "network": "lenet", "steps_per_row": 1}
    run = services.runs.start(owner, asked, {})
    _wait(lambda: services.datasets.named.get(owner, made.id).state == "ready")
    usable = time.perf_counter() - started
    _wait(lambda: any(isinstance(each.event, Measured) for each in _events(services, run.job)))
    stepped = time.perf_counter() - started
    services.runs.stop(owner, run.id)
    services.datasets.stop_import(owner, made.id)
    _wait(lambda: not services.desk.queue())
    return usable, stepped


def _verify(services: Services, folder: Path) -> float:
    """Seconds of the phase in which all files are read and hashed."""
    owner = services.owner
    values = {"storage": "in place", "width": SIDE, "height": SIDE}
    request = ImportRequest(source={"folder": str(folder)}, values=values, name=folder.name)
    made = services.datasets.import_samples(owner, request)
    with services.database.read() as tx:
        jobs = tx.jobs.page(Query(where={"subject": made.id})).items
    packing = next(job for job in jobs if job.id != made.job)
    _wait(lambda: "packing" in _phases(services, packing.id))
    phases = _phases(services, packing.id)
    services.datasets.stop_import(owner, made.id)
    _wait(lambda: not services.desk.queue())
    return phases["packing"] - phases["verifying"]


def _hash_all(root: Path) -> float:
    files = sorted(root.glob("*/*.jpg"))
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda path: hashlib.sha256(path.read_bytes()).digest(), files, chunksize=64))
    return time.perf_counter() - started


def _phases(services: Services, job: JobId) -> dict[str, float]:
    return {each.event.phase: each.time for each in _events(services, job) if isinstance(each.event, PhaseStarted)}


def _events(services: Services, job: JobId) -> list[Any]:
    return list(services.desk._folders.read_events(job, 0)[0])


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def _figure(name: str, value: float, unit: str, about: str, goal: float, *, is_most: bool = False) -> dict[str, Any]:
    holds = value <= goal if is_most else value >= goal
    told = {"name": name, "value": round(value, 2), "unit": unit, "opponent": about}
    return {**told, "goal": f"{'<=' if is_most else '>='} {goal:g}", "holds": holds}


if __name__ == "__main__":
    for row in measure():
        print(row)
