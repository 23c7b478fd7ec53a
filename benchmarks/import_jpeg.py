"""JPEG photos of 500 x 375 to a ready dataset of 256 x 256, against plain scripts, in one run.

    python -m benchmarks.import_jpeg [NUM_PICTURES]

Opponents: threaded Pillow into a memory-mapped array, as a careful engineer writes it (it neither hashes, splits,
measures nor syncs, which the product does within its time), and the build of NVIDIA DIGITS: one process, Pillow
bicubic, PNG, one LMDB transaction an image, mean image. The worker's own environment is set for all of them.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROUNDS = 3
THREADS = 2
WIDTH, HEIGHT, SIDE = 500, 375, 256
DISTINCT = 64


def write_photos(root: Path, count: int) -> None:
    """Windows of real photos in ten classes, quality 92, colour subsampled; each content under many names."""
    from tenfold.testing.picture_files import encode

    photos = [np.asarray(Image.open(file).convert("RGB")) for file in real_photos()]
    contents = []
    for number in range(DISTINCT):
        photo = Image.fromarray(photos[number % len(photos)])
        zoom = max(WIDTH / photo.width, HEIGHT / photo.height) * (1 + (number // len(photos)) / 10)
        photo = photo.resize((round(photo.width * zoom), round(photo.height * zoom)), Image.Resampling.BICUBIC)
        left, upper = (photo.width - WIDTH) // 2, (photo.height - HEIGHT) // 2
        window = np.asarray(photo.crop((left, upper, left + WIDTH, upper + HEIGHT)))
        contents.append(encode(window[:, ::-1] if number % 2 else window, "JPEG", quality=92, subsampling="4:2:0"))
    for number in range(count):
        folder = root / str(number % 10)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:05d}.jpg").write_bytes(contents[number % DISTINCT])


def real_photos() -> list[Path]:
    """The photos that scikit-image brings."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    return [folder / name for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg")]


def build_tenfold(root: Path, target: Path, scaling: str = "full") -> None:
    from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
    from tenfold.adapters.formats.layouts.image_folder import ImageFolder
    from tenfold.adapters.imaging.fast import FastDecoder
    from tenfold.core.datasets.spec import DatasetSpec

    places = BuildPlaces(work=target.with_name(f"{target.name}.work"), destination=target)
    for folder in (places.work, places.destination):
        folder.mkdir()
    spec = DatasetSpec(width=SIDE, height=SIDE, scaling=scaling)  # type: ignore[arg-type]
    told: dict[str, Any] = {"decoder": FastDecoder(), "report": lambda *_: None, "threads": THREADS}
    assert build_revision(ImageFolder(root), spec, places, **told) is not None


def build_threaded_pillow(root: Path, target: Path) -> None:
    target.mkdir()
    files = sorted(root.glob("*/*.jpg"))
    classes = sorted({file.parent.name for file in files})
    shape = (len(files), SIDE, SIDE, 3)
    images = np.lib.format.open_memmap(target / "images.npy", "w+", np.uint8, shape)

    def load(start: int) -> None:
        for place in range(start, min(start + 50, len(files))):
            with Image.open(files[place]) as image:
                images[place] = np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(load, range(0, len(files), 50)))
    images.flush()
    np.save(target / "labels.npy", np.array([classes.index(file.parent.name) for file in files]))


def build_like_digits(root: Path, target: Path) -> None:
    import lmdb

    files = sorted(root.glob("*/*.jpg"))
    mean = np.zeros((SIDE, SIDE, 3))
    with lmdb.open(str(target), map_size=8 << 30) as database:
        for place, file in enumerate(files):
            with Image.open(file) as image:
                resized = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            mean += np.asarray(resized)
            buffer = io.BytesIO()
            resized.save(buffer, "PNG")
            with database.begin(write=True) as transaction:
                transaction.put(f"{place:08d}".encode(), buffer.getvalue())


BUILDS: dict[str, Callable[[Path, Path], None]] = {
    "tenfold": build_tenfold,
    "tenfold-fast": lambda root, target: build_tenfold(root, target, "dct"),
    "pillow": build_threaded_pillow,
    "digits": build_like_digits,
}


def psnr() -> float:
    """PSNR in dB of the workers' decoder against the reference, over all distinct photos."""
    from tenfold.adapters.imaging.fast import FastDecoder
    from tenfold.adapters.imaging.pillow import PillowDecoder
    from tenfold.core.datasets.preprocessing import image_preprocessing

    preprocessing = image_preprocessing(width=SIDE, height=SIDE, channels=3)
    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder), DISTINCT)
        files = [file.read_bytes() for file in Path(folder).rglob("*.jpg")]
    fast, exact = (
        np.stack([decoder.decode(data, preprocessing) for data in files]).astype(np.float64)
        for decoder in (FastDecoder(), PillowDecoder())
    )
    return float(10 * np.log10(255**2 / np.mean((fast - exact) ** 2)))


def timed(name: str, root: Path, target: Path) -> float:
    """Wall seconds of one build in a process of its own, without the start of Python and of its libraries."""
    from tenfold.adapters.executors.local.executor import ENVIRONMENT

    command = [sys.executable, "-m", "benchmarks.import_jpeg", "--build", name, str(root), str(target)]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def run_build(name: str, root: Path, target: Path) -> float:
    import torch  # noqa: F401 - the template of the workers has it

    started = time.perf_counter()
    BUILDS[name](root, target)
    return time.perf_counter() - started


def measure(num_pictures: int = 2_000, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """The figures, each opponent interleaved with the product, the best round of each."""
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pictures"
        write_photos(root, num_pictures)
        for number in range(rounds):
            for name in ("tenfold", "pillow", "tenfold-fast"):
                seconds.setdefault(name, []).append(timed(name, root, Path(folder) / f"{name}-{number}"))
        few = Path(folder) / "few"  # the historic build takes its time: a part of the pictures tells its rate
        write_photos(few, num_pictures // 5)
        seconds["digits"] = [5 * timed("digits", few, Path(folder) / "lmdb")]
    best = {name: min(runs) for name, runs in seconds.items()}
    about = f"{num_pictures} JPEG of {WIDTH} x {HEIGHT}, load {os.getloadavg()[0]:.1f}"

    def figure(name: str, value: float, unit: str, opponent: str, goal: str = "") -> dict[str, Any]:
        holds = value >= float(goal.removeprefix(">= ")) if goal else None
        told = {"name": name, "value": round(value, 2), "unit": unit, "opponent": f"{opponent}; {about}"}
        return {**told, "goal": goal, "holds": holds}

    ours = best["tenfold"]
    return [
        figure("import_jpeg_wall", best["pillow"] / ours, "times", "threaded Pillow into a memmap", ">= 1.8"),
        figure("import_jpeg_digits", best["digits"] / ours, "times", "the build of DIGITS", ">= 20"),
        figure("import_jpeg_psnr", psnr(), "dB", "the reference resize", ">= 70"),
        figure(
            "import_jpeg_fast_wall", best["pillow"] / best["tenfold-fast"], "times", "threaded Pillow; decoding: fast"
        ),
        figure("import_jpeg_rate", num_pictures / ours, "pictures/s", "none"),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        print(run_build(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
    else:
        for row in measure(*map(int, sys.argv[1:2])):
            print(row)
