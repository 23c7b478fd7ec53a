"""The reference decoder behind the port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image

from tenfold.adapters.imaging import reference
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.ports import UInt8Array
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import BadImage

_GREY_MODES = {"1", "L", "LA", "La", "I", *reference.SIXTEEN_BIT}


class PillowDecoder:
    """The reference; needs no framework, so the server may use it too, with a lower limit of pixels."""

    name = "Pillow reference"

    def __init__(self, most_pixels: int = reference.MAX_PIXELS) -> None:
        self._most_pixels = most_pixels

    def probe(self, data: bytes) -> ImageFacts:
        with reading():
            return facts_of(reference.open_picture(data, self._most_pixels))

    def decode(self, data: bytes, preprocessing: Preprocessing) -> UInt8Array:
        with reading():
            picture = reference.open_picture(data, self._most_pixels)
            return reference.load_pixels(picture, preprocessing.to_json()["operations"])

    def decode_many(
        self, pictures: Sequence[bytes], preprocessing: Preprocessing, out: UInt8Array
    ) -> list[ImageFacts | BadImage]:
        operations = preprocessing.to_json()["operations"]
        return [decode_into(data, operations, out[row], self._most_pixels) for row, data in enumerate(pictures)]


@contextmanager
def reading() -> Iterator[None]:
    """Turns the reference's own error into the one that the port declares."""
    try:
        yield
    except reference.UnreadablePicture as error:
        raise BadImage(str(error), code=error.code) from error


def decode_into(
    data: bytes, operations: list[dict[str, Any]], out: UInt8Array, most_pixels: int = reference.MAX_PIXELS
) -> ImageFacts | BadImage:
    """One picture by the reference into `out` (H, W, C)."""
    try:
        with reading():
            picture = reference.open_picture(data, most_pixels)
            facts = facts_of(picture)
            np.copyto(out, reference.load_pixels(picture, operations))
    except BadImage as error:
        return error
    return facts


def facts_of(picture: Image.Image) -> ImageFacts:
    """Upright size and colour of an opened picture."""
    width, height = picture.size
    if reference.orientation_of(picture) >= 5:
        width, height = height, width
    return ImageFacts(width, height, is_colour=_is_colour(picture))


def _is_colour(picture: Image.Image) -> bool:
    if picture.mode != "P" or picture.palette is None:
        return picture.mode not in _GREY_MODES
    red, green, blue = (picture.palette.palette[place::3] for place in range(3))
    return not (red == green == blue) if picture.palette.mode == "RGB" else True
