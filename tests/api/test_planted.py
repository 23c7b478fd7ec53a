"""Copies, leaks and damaged files that were planted among photos are found by import and doctor: shares are told."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tenfold.client import Client
from tenfold.interfaces.schemas.objects import Dataset
from tenfold.testing.picture_files import encode, make_photo

from .conftest import Site

NUM_PHOTOS, NUM_COPIES, NUM_LEAKS, NUM_DAMAGED = 90, 16, 12, 20
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def planted(site: Site, client: Client) -> Dataset:
    """Photos of two classes for training and validation; a file's name tells which photo it shows."""
    folder = site.home / "planted"
    for number in range(NUM_PHOTOS):
        photo = make_photo(48, 48, seed=number)
        split, kind = "val" if number % 3 == 0 else "train", "ab"[number % 2]
        put(folder / split / kind / f"{number}.png", encode(photo))
        if split == "train" and number < 3 * NUM_COPIES // 2:
            put(folder / split / kind / f"{number} again.bmp", encode(photo, "BMP"))
        elif split == "val" and number >= NUM_PHOTOS - 3 * NUM_LEAKS:
            put(folder / "train" / kind / f"{number} leak.tiff", encode(photo, "TIFF"))
    for number in range(NUM_DAMAGED):
        kind = ("PNG", "JPEG", "GIF", "WEBP")[number % 4]
        photo = make_photo(48, 48, seed=1000 + number)
        content = encode(photo if kind != "GIF" else photo[:, :, 0], kind)
        put(folder / "train" / "ab"[number % 2] / f"damaged {number}.{kind.lower()}", content[: len(content) // 2])
    made = client.datasets.import_folder(folder, width=48, height=48, test_share=0)
    done = client.datasets.wait(made.id)
    deadline = time.monotonic() + PATIENCE_S
    while client.datasets.checkup(made.id).checked_at is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return done


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def told(name: str, found: set[str], wanted: set[str]) -> None:
    """Prints recall and precision, and holds them to what is asked for."""
    recall, precision = len(found & wanted) / len(wanted), len(found & wanted) / max(1, len(found))
    print(f"\n{name}: {len(wanted)} planted, recall {recall:.3f}, precision {precision:.3f}")
    assert recall >= 0.95
    assert precision >= 0.95


def photos_of(client: Client, dataset: Dataset, code: str) -> set[str]:
    return {Path(each.path).stem.split()[0] for each in client.datasets.samples(dataset.id, finding=code)}


def test_copies_are_found(client: Client, planted: Dataset) -> None:
    wanted = {str(number) for number in range(3 * NUM_COPIES // 2) if number % 3 != 0}
    assert len(wanted) == NUM_COPIES
    told("exact duplicates", photos_of(client, planted, "duplicate"), wanted)


def test_leaks_are_found(client: Client, planted: Dataset) -> None:
    wanted = {str(number) for number in range(NUM_PHOTOS - 3 * NUM_LEAKS, NUM_PHOTOS) if number % 3 == 0}
    assert len(wanted) == NUM_LEAKS
    told("leaks", photos_of(client, planted, "leak"), wanted)


def test_damaged_files_are_found(client: Client, planted: Dataset) -> None:
    found = {Path(each.path).stem for each in client.datasets.rejected(planted.id)}
    told("damaged files", found, {f"damaged {number}" for number in range(NUM_DAMAGED)})
