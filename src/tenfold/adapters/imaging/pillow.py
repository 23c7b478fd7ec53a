"""The reference decoder behind the port."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageFile

from tenfold.adapters.imaging import deep, reference
from tenfold.adapters.imaging.cost import check_cost, check_opened
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.ports import PixelArray
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import BadImage

MANY_PIXELS = 32_000_000
_FEW = threading.Semaphore(2)
_FINAL = frozenset({"image.too-many-pixels", "image.bomb"})
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
            probe(data, self._most_pixels)
            values, _ = deep.file_values(data, self._most_pixels)
        return float(values.min()), float(values.max())

    def decode(self, data: bytes, preprocessing: Preprocessing) -> PixelArray:
        read = reference.read_pixels if preprocessing.is_plain else deep.read_pixels
        with reading():
            probe(data, self._most_pixels)
            return read(data, preprocessing.to_json()["operations"], self._most_pixels)

    def decode_many(
        self, pictures: Sequence[bytes], preprocessing: Preprocessing, out: PixelArray
    ) -> list[ImageFacts | BadImage]:
        return [decode_into(data, preprocessing, out[row], self._most_pixels) for row, data in enumerate(pictures)]


class OneAtATime(PillowDecoder):
    """The same, which holds one picture in full at a time, however many ask: what a server may use."""

    def __init__(self, most_pixels: int) -> None:
        super().__init__(most_pixels)
        self._mutex = threading.Lock()

    def decode(self, data: bytes, preprocessing: Preprocessing) -> PixelArray:
        with self._mutex:
            return super().decode(data, preprocessing)


@contextmanager
def reading() -> Iterator[None]:
    """Turns the reference's own error into the one that the port declares."""
    try:
        yield
    except reference.UnreadablePicture as error:
        raise BadImage(str(error), code=error.code) from error


@contextmanager
def few_at_once(num_pixels: int) -> Iterator[None]:
    """Lets two threads at a time decode pictures of many pixels: memory does not grow with the processors."""
    if num_pixels <= MANY_PIXELS:
        yield
        return
    with _FEW:
        yield


def decode_into(
    data: bytes, preprocessing: Preprocessing, out: PixelArray, most_pixels: int = reference.MAX_PIXELS
) -> ImageFacts | BadImage:
    """One picture by the reference into `out` (H, W, C)."""
    operations = preprocessing.to_json()["operations"]
    try:
        with reading():
            if not preprocessing.is_plain:
                facts = probe(data, most_pixels)
                with few_at_once(facts.width * facts.height):
                    np.copyto(out, deep.read_pixels(data, operations, most_pixels))
                return facts
            picture = opened(data, most_pixels)
            facts = facts_of(picture)
            with few_at_once(facts.width * facts.height):
                np.copyto(out, reference.load_pixels(picture, operations))
    except BadImage as error:
        return error.alone()
    return facts


def probe(data: bytes, most_pixels: int = reference.MAX_PIXELS) -> ImageFacts:
    """What the header of a picture file tells; raises `UnreadablePicture`."""
    try:
        return facts_of(opened(data, most_pixels))
    except reference.UnreadablePicture as error:
        if error.code in _FINAL or not data.startswith(deep.TIFF_STARTS):
            raise
    values = deep.tiff_values(data, most_pixels)
    height, width, channels = values.shape
    return ImageFacts(width, height, channels > 1, channels, 8 * values.dtype.itemsize)


def opened(data: bytes, most_pixels: int = reference.MAX_PIXELS) -> ImageFile.ImageFile:
    """A picture's header, the costs of its pixels being in proportion; raises `UnreadablePicture`."""
    check_cost(data)
    picture = reference.open_picture(data, most_pixels)
    check_opened(picture, len(data), most_pixels)
    return picture


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
