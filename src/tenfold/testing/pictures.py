"""Small picture datasets made by code: shapes that a small network can tell apart, never quite alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHAPES = ("bar", "cross", "ring")


def write_shapes(folder: Path, *, per_class: int = 30, side: int = 28, seed: int = 1) -> Path:
    """Writes grey PNG files into a folder per class and returns the folder."""
    generator = np.random.default_rng(seed)
    for shape in SHAPES:
        (folder / shape).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            pixels = draw_shape(shape, side, generator)
            Image.fromarray(pixels).save(folder / shape / f"{number:04d}.png")
    return folder


def draw_shape(shape: str, side: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """One picture (side x side) of a shape at a random place, on noise."""
    rows, columns = np.mgrid[:side, :side]
    middle = side / 2 + generator.uniform(-3, 3, size=2)
    down, right = rows - middle[0], columns - middle[1]
    if shape == "bar":
        lit = (abs(right) < 2) & (abs(down) < side * 0.35)
    elif shape == "cross":
        lit = ((abs(right) < 1.5) | (abs(down) < 1.5)) & (abs(right) < side * 0.3) & (abs(down) < side * 0.3)
    else:
        lit = abs(np.hypot(down, right) - side * 0.28) < 1.5
    noise = generator.normal(0, 18, size=(side, side))
    pixels: NDArray[np.uint8] = np.clip(lit * 200 + 25 + noise, 0, 255).astype(np.uint8)
    return pixels
