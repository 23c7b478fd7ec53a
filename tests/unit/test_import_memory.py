"""An import of many files needs hardly more memory than one of few: some numbers a file, no objects."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tenfold.adapters.executors.local.executor import ENVIRONMENT
from tenfold.adapters.formats.files.small_png import small_png

NUM_CLASSES = 10
LINKS_A_FILE = 20_000
FEW, MANY = 4_000, 8_000
MOST_BYTES = 250
STORAGES = ("packed", "in place")
IMPORT = """
import re, sys, tracemalloc
from pathlib import Path
from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.formats.in_place.registration import RegistrationPlaces, Working, register_revision
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.core.datasets.spec import DatasetSpec

root, storage, is_traced = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "traced"
places = {"work": root.parent / f"work {storage}", "destination": root.parent / f"made {storage}"}
for folder in places.values():
    folder.mkdir()
spec, working = DatasetSpec(width=8, height=8), Working(decoder=PillowDecoder(), report=lambda *_: None, threads=2)
if is_traced:
    tracemalloc.start()
if storage == "packed":
    told = {"decoder": working.decoder, "report": working.report, "threads": working.threads}
    manifest = build_revision(ImageFolder(root), spec, BuildPlaces(**places), **told)
else:
    manifest = register_revision(ImageFolder(root), spec, RegistrationPlaces(**places, packed="packed"), working)
facts = Path("/proc/self/status").read_text()  # getrusage counts the process that started this one, too
most = int(re.search("VmHWM:[^0-9]*([0-9]+) kB", facts)[1]) * 1024
peak = tracemalloc.get_traced_memory()[1] if is_traced else most
print(manifest.num_samples, peak)
"""


def link_pictures(folder: Path, count: int) -> Path:
    """So many names of a few pictures of 8 x 8, in class folders."""
    files = folder / "files"
    files.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(1 + count // LINKS_A_FILE + 49):
        (files / f"{number}.png").write_bytes(small_png(random.integers(0, 256, (8, 8, 1), np.uint8)))
    originals = sorted(str(file) for file in files.iterdir())
    for label in range(NUM_CLASSES):
        (folder / "pictures" / f"class {label}").mkdir(parents=True)
    for number in range(count):
        link = f"{folder}/pictures/class {number % NUM_CLASSES}/picture {number:07d}.png"
        os.link(originals[number % len(originals)], link)
    return folder / "pictures"


def peak_bytes(root: Path, storage: str, count: int, *, how: str) -> int:
    """The most that an import in a process of its own held: `traced` what Python and numpy allocate, else all of it."""
    command = [sys.executable, "-c", IMPORT, str(root), storage, how]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, check=True, capture_output=True, text=True)
    num_samples, peak = map(int, done.stdout.split())
    assert num_samples == count
    return peak


def test_a_file_more_costs_an_import_some_bytes(tmp_path: Path) -> None:
    few, many = (
        peak_bytes(link_pictures(tmp_path / str(count), count), "in place", count, how="traced")
        for count in (FEW, MANY)
    )
    assert (many - few) / (MANY - FEW) < MOST_BYTES


@pytest.mark.campaign
def test_campaign_import_memory(tmp_path: Path) -> None:
    seen = {}
    for count in (10_000, 100_000, 1_000_000):
        root = link_pictures(tmp_path / str(count), count)
        seen[count] = {storage: peak_bytes(root, storage, count, how="whole") / 1e6 for storage in STORAGES}
        print(f"\n{count:,} files: {', '.join(f'{name} {peak:.0f} MB' for name, peak in seen[count].items())}")
    assert all(seen[1_000_000][storage] - seen[10_000][storage] < 100 for storage in STORAGES)
