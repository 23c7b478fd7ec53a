"""Small pictures as PNG: what a library reads of them is what was written."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tenfold.adapters.formats.files.small_png import small_png


@pytest.mark.parametrize("shape", [(28, 28, 1), (64, 3, 3), (1, 1, 1), (5, 64, 3)])
def test_every_pixel_comes_back(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    read = Image.open(io.BytesIO(small_png(pixels)))
    assert (read.format, read.mode) == ("PNG", "L" if shape[2] == 1 else "RGB")
    read.verify()
    content = np.asarray(Image.open(io.BytesIO(small_png(pixels)))).reshape(shape)
    np.testing.assert_array_equal(content, pixels)
