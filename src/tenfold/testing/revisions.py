"""Revisions made by code, of any size, without a picture being decoded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tenfold.adapters.formats.revisions.writer import ColumnWriter, ContentHash, finish, write_paths, write_rejected
from tenfold.core.datasets.model import PixelStore, RevisionManifest, Statistics
from tenfold.core.datasets.planning import count_samples
from tenfold.core.datasets.preprocessing import image_preprocessing

AT_ONCE = 8192
CLASSES = ("ant", "Bee", "cat", "ärger")


def write_revision(
    folder: Path, num_samples: int, *, side: int = 4, channels: int = 1, seed: int = 0
) -> RevisionManifest:
    """A revision of pictures whose facts are drawn: seven tenths for training, the rest in two equal parts."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    labels = random.integers(0, len(CLASSES), num_samples).astype(np.int32)
    splits = random.choice(np.array([0, 1, 2], np.int8), num_samples, p=[0.7, 0.15, 0.15])
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.uint8, (num_samples, side, side, channels))
    light = np.zeros((2, num_samples), np.float32)
    for start in range(0, num_samples, AT_ONCE):
        part = random.integers(0, 256, pixels[start : start + AT_ONCE].shape, dtype=np.uint8)
        part //= random.integers(1, 8, (len(part), 1, 1, 1), dtype=np.uint8)
        pixels[start : start + AT_ONCE] = part
        light[:, start : start + AT_ONCE] = part.mean(axis=(1, 2, 3)) / 255, part.std(axis=(1, 2, 3)) / 255
    pixels.flush()
    hashes = np.stack([np.frombuffer(hashlib.sha256(row).digest(), np.uint8) for row in pixels])
    content = ContentHash(CLASSES, (side, side, channels))
    content.add(hashes, {"labels": labels, "splits": splits})
    with ColumnWriter(folder, num_samples) as columns:
        columns.append(
            labels=labels,
            splits=splits,
            stores=np.zeros(num_samples, np.uint16),
            rows=np.arange(num_samples),
            sha256=random.integers(0, 256, (num_samples, 32), dtype=np.uint8),
            pixel_hashes=hashes,
            widths=random.integers(20, 4000, num_samples),
            heights=random.integers(20, 3000, num_samples),
            sizes=random.integers(200, 2**33, num_samples),
            brightness=light[0],
            contrast=light[1],
        )
    write_paths(folder, (f"{CLASSES[label]}/IMG_{place:07d}.png" for place, label in enumerate(labels.tolist())))
    write_rejected(folder, [])
    manifest = RevisionManifest(
        classes=CLASSES,
        width=side,
        height=side,
        channels=channels,
        preprocessing=image_preprocessing(width=side, height=side, channels=channels, background=(0, 0, 0)),
        spec={},
        counts=count_samples(labels, splits, len(CLASSES)),
        statistics=Statistics(mean=(0.5,) * channels, std=(0.3,) * channels),
        seen=num_samples,
        pixels=(PixelStore("", num_samples),),
        content=content.hexdigest(),
        decoder="made by code",
    )
    return finish(folder, manifest, pixel_hashes=(row.tobytes() for row in hashes))
