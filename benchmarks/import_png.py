"""60,000 small PNG files in ten class folders to a ready dataset, against plain scripts, in one run.

    python -m benchmarks.import_png [NUM_PICTURES]

Opponents: threaded Pillow into a memory-mapped array, as a careful engineer writes it (it neither hashes, splits,
verifies nor syncs, which the product does within its time), and the build of NVIDIA DIGITS: Pillow bicubic, PNG,
one LMDB transaction an image, mean image.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.core.datasets.spec import DatasetSpec

ROUNDS = 3
THREADS = 2
SIDE = 28


def write_digits(root: Path, count: int) -> None:
    """Grey pictures with strokes, about as large as MNIST's when packed."""
    random = np.random.default_rng(0)
    for label in range(10):
        (root / str(label)).mkdir(parents=True)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    for number in range(count):
        pixels = np.zeros((SIDE, SIDE))
        points = random.uniform(6, 22, (4, 2))
        for start, end in pairwise(points):
            for part in np.linspace(0, 1, 6):
                centre = start + part * (end - start)
                pixels += np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / 2.5)
        image = Image.fromarray((pixels.clip(0, 1) * 255).astype(np.uint8))
        image.save(root / str(number % 10) / f"{number:05d}.png")


def build_tenfold(root: Path, target: Path) -> None:
    places = BuildPlaces(work=target.with_name(f"{target.name}.work"), destination=target)
    for folder in (places.work, places.destination):
        folder.mkdir()
    manifest = build_revision(
        ImageFolder(root), DatasetSpec(), places, decoder=FastDecoder(), report=lambda *_: None, threads=THREADS
    )
    assert manifest is not None


def build_threaded_pillow(root: Path, target: Path) -> None:
    target.mkdir()
    files = sorted(root.glob("*/*.png"))
    classes = sorted({file.parent.name for file in files})
    images = np.lib.format.open_memmap(target / "images.npy", "w+", np.uint8, (len(files), SIDE, SIDE))

    def load(start: int) -> None:
        for place in range(start, min(start + 500, len(files))):
            with Image.open(files[place]) as image:
                images[place] = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(load, range(0, len(files), 500)))
    images.flush()
    np.save(target / "labels.npy", np.array([classes.index(file.parent.name) for file in files]))


def build_like_digits(root: Path, target: Path) -> None:
    import lmdb

    files = sorted(root.glob("*/*.png"))
    mean = np.zeros((SIDE, SIDE))
    with lmdb.open(str(target), map_size=4 << 30) as database:
        for place, file in enumerate(files):
            with Image.open(file) as image:
                resized = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            mean += np.asarray(resized)
            buffer = io.BytesIO()
            resized.save(buffer, "PNG")
            with database.begin(write=True) as transaction:
                transaction.put(f"{place:08d}".encode(), buffer.getvalue())


def timed(build: Callable[[Path, Path], None], root: Path, target: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one build."""
    wall, cpu = time.perf_counter(), time.process_time()
    build(root, target)
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(num_pictures: int = 60_000, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """The figures, each opponent interleaved with the product, the best round of each."""
    seconds: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pictures"
        write_digits(root, num_pictures)
        for number in range(rounds):
            for build in (build_tenfold, build_threaded_pillow):
                target = Path(folder) / f"{build.__name__}-{number}"
                seconds.setdefault(build.__name__, []).append(timed(build, root, target))
        seconds["build_like_digits"] = [timed(build_like_digits, root, Path(folder) / "lmdb")]
    best = {name: (min(wall for wall, _ in runs), min(cpu for _, cpu in runs)) for name, runs in seconds.items()}
    ours, plain, digits = (best[name] for name in ("build_tenfold", "build_threaded_pillow", "build_like_digits"))
    about = f"{num_pictures} PNG of {SIDE} x {SIDE}, load {os.getloadavg()[0]:.1f}"

    def figure(name: str, value: float, unit: str, opponent: str, goal: str) -> dict[str, Any]:
        holds = value >= float(goal.removeprefix(">= ")) if goal else None
        return {
            "name": name,
            "value": round(value, 2),
            "unit": unit,
            "opponent": opponent,
            "goal": goal,
            "holds": holds,
        }

    return [
        figure("import_png_wall", plain[0] / ours[0], "times", f"threaded Pillow into a memmap; {about}", ">= 1.5"),
        figure("import_png_cpu", plain[1] / ours[1], "times", f"threaded Pillow into a memmap; {about}", ""),
        figure("import_png_digits", digits[0] / ours[0], "times", f"the build of DIGITS; {about}", ""),
        figure("import_png_rate", num_pictures / ours[0], "pictures/s", f"none; {about}", ""),
    ]


if __name__ == "__main__":
    for row in measure(*map(int, sys.argv[1:2])):
        print(row)
