"""The reference decoder behind the port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageFile

from tenfold.adapters.imaging import deep, reference
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.ports import PixelArray
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import BadImage

_GREY_MODES = {"1", "L", "LA", "La", "I", "F", *reference.SIXTEEN_BIT}


class PillowDecoder:
    """The reference; needs no framework, so the server may use it too, with a lower limit of pixels."""

    name = "Pillow reference"

    def __init__(self, most_pixels: int = reference.MAX_PIXELS) -> None:
        self._most_pixels = most_pixels

    def probe(self, data: bytes) -> ImageFacts:
        with reading():
            return probe(data, self._most_pixels)

    def value_range(self, data: bytes) -> tuple[float, float]:
        with reading():
            values, _ = deep.file_values(data, self._most_pixels)
        return float(values.min()), float(values.max())

    def decode(self, data: bytes, preprocessing: Preprocessing) -> PixelArray:
        read = reference.read_pixels if preprocessing.is_plain else deep.read_pixels
        with reading():
            return read(data, preprocessing.to_json()["operations"], self._most_pixels)

    def decode_many(
        self, pictures: Sequence[bytes], preprocessing: Preprocessing, out: PixelArray
    ) -> list[ImageFacts | BadImage]:
        return [decode_into(data, preprocessing, out[row], self._most_pixels) for row, data in enumerate(pictures)]


@contextmanager
def reading() -> Iterator[None]:
    """Turns the reference's own error into the one that the port declares."""
    try:
        yield
    except reference.UnreadablePicture as error:
        raise BadImage(str(error), code=error.code) from error


def decode_into(
    data: bytes, preprocessing: Preprocessing, out: PixelArray, most_pixels: int = reference.MAX_PIXELS
) -> ImageFacts | BadImage:
    """One picture by the reference into `out` (H, W, C)."""
    operations = preprocessing.to_json()["operations"]
    try:
        with reading():
            if not preprocessing.is_plain:
                facts = probe(data, most_pixels)
                np.copyto(out, deep.read_pixels(data, operations, most_pixels))
                return facts
            picture = reference.open_picture(data, most_pixels)
            facts = facts_of(picture)
            np.copyto(out, reference.load_pixels(picture, operations))
    except BadImage as error:
        return error
    return facts


def probe(data: bytes, most_pixels: int = reference.MAX_PIXELS) -> ImageFacts:
    """What the header of a picture file tells; raises `UnreadablePicture`."""
    try:
        return facts_of(reference.open_picture(data, most_pixels))
    except reference.UnreadablePicture as error:
        if error.code == "image.too-many-pixels" or not data.startswith(deep.TIFF_STARTS):
            raise
    values = deep.tiff_values(data, most_pixels)
    height, width, channels = values.shape
    return ImageFacts(width, height, channels > 1, channels, 8 * values.dtype.itemsize)


def facts_of(picture: ImageFile.ImageFile) -> ImageFacts:
    """Upright size, colour and depth of an opened picture."""
    width, height = reference.upright_size(picture)
    return ImageFacts(
        width,
        height,
        is_colour=_is_colour(picture),
        channels=_channels(picture),
        bits=reference.bits_of(picture),
        has_more_frames=reference.has_more_frames(picture),
    )


def _channels(picture: Image.Image) -> int:
    if picture.has_transparency_data:
        return 2 if picture.mode in {"L", "LA", "La", "I;16"} else 4
    return {"CMYK": 4, "P": 3}.get(picture.mode, len(picture.getbands()))


def _is_colour(picture: Image.Image) -> bool:
    if picture.mode != "P" or picture.palette is None:
        return picture.mode not in _GREY_MODES
    red, green, blue = (picture.palette.palette[place::3] for place in range(3))
    return not (red == green == blue) if picture.palette.mode == "RGB" else True
