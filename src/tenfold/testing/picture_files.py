"""Pictures made by code: natural-looking photos and files of every kind an import meets."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tenfold.core.datasets.ports import UInt8Array


def make_photo(width: int, height: int, *, seed: int = 0) -> UInt8Array:
    """A photo-like picture, uint8 (H, W, 3): light falling off, soft shapes, edges and fine texture (1/f spectrum)."""
    random = np.random.default_rng(seed)
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    falloff = 1 / np.maximum(np.hypot(rows, columns), 1 / max(width, height))
    channels = []
    shared = random.normal(size=falloff.shape) + 1j * random.normal(size=falloff.shape)
    for _ in range(3):
        own = random.normal(size=falloff.shape) + 1j * random.normal(size=falloff.shape)
        texture = np.fft.irfft2((shared + 0.4 * own) * falloff, s=(height, width))
        channels.append(texture / max(texture.std(), 1e-9))
    picture = np.stack(channels, axis=2) * 45 + 120
    y, x = np.mgrid[0:height, 0:width]
    for _ in range(4):
        centre, radius = random.uniform(0, (height, width)), random.uniform(0.1, 0.3) * min(width, height)
        picture[np.hypot(y - centre[0], x - centre[1]) < radius] += random.uniform(-60, 60, 3)
    return picture.clip(0, 255).astype(np.uint8)


def encode(pixels: UInt8Array, format: str = "PNG", **options: Any) -> bytes:
    """Pixels (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) as the bytes of a file."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def with_orientation(data: bytes, orientation: int) -> bytes:
    """A JPEG file with an EXIF orientation written into it; the stored pixels stay as they are."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    payload = b"Exif\x00\x00" + exif.tobytes().removeprefix(b"Exif\x00\x00")
    return data[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + data[2:]


def write_class_folders(root: Path, counts: dict[str, int], *, side: int = 12, grey: bool = False) -> Path:
    """A folder with a folder of PNG pictures per class, the brightness telling the class apart."""
    for label, (name, count) in enumerate(counts.items()):
        folder = root / name
        folder.mkdir(parents=True)
        for number in range(count):
            random = np.random.default_rng([label, number])
            channels = () if grey else (3,)
            pixels = random.integers(20 * label, 20 * label + 60, (side, side, *channels), dtype=np.uint8)
            (folder / f"{number:04d}.png").write_bytes(encode(pixels))
    return root
