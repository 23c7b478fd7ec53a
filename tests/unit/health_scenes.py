"""Pictures with planted faults, as they would be stored, for the tests of the doctor."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenfold.testing.picture_files import make_photo

Pictures = npt.NDArray[np.uint8]
SIDE = 64


def photo(seed: int, *, side: int = SIDE) -> Pictures:
    """A photo as it is stored: made larger, then squashed to the side."""
    return shrunk(make_photo(2 * side + 22, 2 * side, seed=seed), side)


def shrunk(pixels: Pictures, side: int = SIDE) -> Pictures:
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))


def large(seed: int, *, side: int = SIDE) -> Pictures:
    """The photo before it is made small."""
    return make_photo(2 * side + 22, 2 * side, seed=seed)


def recoded(seed: int, *, quality: int = 60) -> Pictures:
    """Saved as JPEG once more, then stored."""
    file = io.BytesIO()
    Image.fromarray(large(seed)).save(file, "JPEG", quality=quality)
    return shrunk(np.asarray(Image.open(file).convert("RGB")))


def resized(seed: int) -> Pictures:
    """Made smaller and larger again on its way."""
    picture = large(seed)
    height, width = picture.shape[:2]
    small = Image.fromarray(picture).resize((int(width * 0.6), int(height * 0.6)), Image.Resampling.BILINEAR)
    return shrunk(np.asarray(small))


def brighter(seed: int) -> Pictures:
    return np.clip(photo(seed).astype(np.int16) + 18, 0, 255).astype(np.uint8)


def cropped(seed: int, *, by: int = 4) -> Pictures:
    """Cut by a few pixels on two sides of the large one, then stored."""
    return shrunk(np.ascontiguousarray(large(seed)[by:, :-by]))


CHANGES = {"recoded": recoded, "resized": resized, "brighter": brighter, "cropped": cropped}
