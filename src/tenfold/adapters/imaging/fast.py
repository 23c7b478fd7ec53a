"""The fast decoder, for workers only: small PNG in batches, JPEG by simplejpeg, resizing by torch.

It is used with a certificate (`tests/numerics/test_imaging_certificate.py`): at least 70 dB PSNR against the reference
on photos, and equal to it wherever nothing is resized. What it cannot do, or doubts, goes to the reference.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import simplejpeg
from PIL import Image

from tenfold.adapters.imaging import reference, small_png
from tenfold.adapters.imaging.pillow import PillowDecoder, decode_into
from tenfold.adapters.imaging.small_png import Scanlines
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.ports import PixelArray, UInt8Array
from tenfold.core.datasets.preprocessing import Preprocessing, Resize
from tenfold.core.errors import BadImage

_PGM = re.compile(rb"P5 (\d{1,5}) (\d{1,5}) 255\n")
_ORIENTED = (b"Exif\0", b"ns.adobe.com/xap")


class FastDecoder:
    """The reference's pixels, sooner."""

    name = "simplejpeg and torch, certified against the Pillow reference"

    def __init__(self) -> None:
        self._reference = PillowDecoder()

    def probe(self, data: bytes) -> ImageFacts:
        return self._reference.probe(data)

    def value_range(self, data: bytes) -> tuple[float, float]:
        return self._reference.value_range(data)

    def decode(self, data: bytes, preprocessing: Preprocessing) -> PixelArray:
        out = np.empty((1, *preprocessing.shape), preprocessing.dtype)
        found = self.decode_many([data], preprocessing, out)[0]
        if isinstance(found, BadImage):
            raise found
        pixels: PixelArray = out[0]
        return pixels

    def decode_many(
        self, pictures: Sequence[bytes], preprocessing: Preprocessing, out: PixelArray
    ) -> list[ImageFacts | BadImage]:
        if not preprocessing.is_plain:
            return self._reference.decode_many(pictures, preprocessing, out)
        found: dict[int, ImageFacts | BadImage] = {}
        for rows, pixels in _decode_in_groups(pictures):
            out[rows] = _finish(pixels, preprocessing)
            _, height, width, channels = pixels.shape
            found |= dict.fromkeys(rows, ImageFacts(width, height, channels == 3, channels))
        for row, data in enumerate(pictures):
            if row not in found:
                found[row] = _decode_one(data, preprocessing, out[row]) or decode_into(data, preprocessing, out[row])
        return [found[row] for row in range(len(pictures))]


def _decode_in_groups(pictures: Sequence[bytes]) -> Iterator[tuple[list[int], UInt8Array]]:
    """Small PNG and plain grey PPM pictures by size: their rows and pixels (N, H, W, C)."""
    lines: dict[tuple[int, int, int], dict[int, Scanlines]] = defaultdict(dict)
    plain: dict[tuple[int, int], dict[int, bytes]] = defaultdict(dict)
    for row, data in enumerate(pictures):
        if data.startswith(b"P5"):
            size = _pgm_size(data)
            if size is not None:
                plain[size][row] = data[-size[0] * size[1] :]
            continue
        scanlines = small_png.inflate(data)
        if scanlines is not None:
            lines[scanlines.width, scanlines.height, scanlines.channels][row] = scanlines
    for group in lines.values():
        pixels = small_png.unfilter(list(group.values()))
        if pixels is not None:
            yield list(group), pixels
    for (width, height), contents in plain.items():
        joined = np.frombuffer(b"".join(contents.values()), np.uint8)
        yield list(contents), joined.reshape(len(contents), height, width, 1)


def _decode_one(data: bytes, preprocessing: Preprocessing, out: UInt8Array) -> ImageFacts | None:
    """A JPEG picture into `out`; `None` if the reference is to decide."""
    if not data.startswith(b"\xff\xd8") or (preprocessing.decode.profile == "srgb" and b"ICC_PROFILE" in data):
        return None
    decoded = _decode_jpeg(data, preprocessing)
    if decoded is None:
        return None
    pixels, facts = decoded
    out[:] = _finish(pixels[None], preprocessing)[0]
    return facts


def _pgm_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a complete 8-bit binary PGM file."""
    header = _PGM.match(data)
    if header is None:
        return None
    width, height = int(header[1]), int(header[2])
    is_whole = 0 < width * height <= reference.MAX_PIXELS and len(data) == header.end() + width * height
    return (width, height) if is_whole else None


def _decode_jpeg(data: bytes, preprocessing: Preprocessing) -> tuple[UInt8Array, ImageFacts] | None:
    try:
        height, width, colourspace, _ = simplejpeg.decode_jpeg_header(data)
        if width * height > reference.MAX_PIXELS or colourspace not in {"YCbCr", "RGB", "Gray"}:
            return None
        orientation = 1
        if any(mark in data for mark in _ORIENTED):
            orientation = reference.orientation_of(reference.open_picture(data))
        upright = (height, width) if orientation >= 5 else (width, height)
        colours = "GRAY" if colourspace == "Gray" else "RGB"
        factor = 1
        if preprocessing.decode.scaling == "dct":
            factor = reference.dct_factor(*upright, vars(preprocessing.resize))
        least = {"min_width": -(-width // factor), "min_height": -(-height // factor)} if factor > 1 else {}
        pixels = simplejpeg.decode_jpeg(data, colours, strict=True, **least)
    except ValueError:  # both libraries' errors are
        return None
    channels = pixels.shape[2]
    return _upright(pixels, orientation), ImageFacts(*upright, channels == 3, channels)


def _upright(pixels: UInt8Array, orientation: int) -> UInt8Array:
    """(H, W, C) pixels as EXIF orientation 1 to 8 says they are meant (CIPA DC-008, tag 274)."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _finish(pixels: UInt8Array, preprocessing: Preprocessing) -> UInt8Array:
    """(N, H, W, C) pixels in the declared colour and size."""
    pixels = _in_colour(pixels, preprocessing.channels)
    resize = preprocessing.resize
    height, width = pixels.shape[1:3]
    if (width, height) == (resize.width, resize.height):
        return pixels
    (left, upper, right, lower), inner = reference.placement(width, height, vars(resize))
    scaled = _interpolate(pixels[:, upper:lower, left:right], *inner)
    return scaled if inner == (resize.width, resize.height) else _padded(scaled, resize)


def _in_colour(pixels: UInt8Array, channels: int) -> UInt8Array:
    if pixels.shape[3] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=3)
    red, green, blue = (pixels[..., place].astype(np.uint32) for place in range(3))
    grey = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16  # ITU-R 601-2 as Pillow rounds it
    return grey.astype(np.uint8)[..., None]


def _padded(scaled: UInt8Array, resize: Resize) -> UInt8Array:
    count, height, width, channels = scaled.shape
    colour = _in_colour(np.array(resize.background, np.uint8).reshape(1, 1, 1, 3), channels)
    canvas = np.broadcast_to(colour, (count, resize.height, resize.width, channels)).copy()
    left, upper = (resize.width - width) // 2, (resize.height - height) // 2
    canvas[:, upper : upper + height, left : left + width] = scaled
    return canvas


def _interpolate(pixels: UInt8Array, width: int, height: int) -> UInt8Array:
    if pixels.shape[1:3] == (height, width):
        return pixels
    if width > pixels.shape[2] or height > pixels.shape[1]:  # torch's 16-bit weights are too coarse to enlarge with
        size = (width, height)
        squeezed = pixels[..., 0] if pixels.shape[3] == 1 else pixels
        enlarged = [Image.fromarray(one).resize(size, Image.Resampling.BILINEAR) for one in squeezed]
        return np.stack([np.asarray(one) for one in enlarged]).reshape(len(pixels), height, width, -1)
    import torch  # noqa: PLC0415 - two seconds that pictures of the right size need not wait for

    images = torch.from_numpy(np.require(pixels, requirements=["C", "W"])).permute(0, 3, 1, 2)
    scaled = torch.nn.functional.interpolate(images, size=(height, width), mode="bilinear", antialias=True)
    result: UInt8Array = scaled.permute(0, 2, 3, 1).numpy()
    return result
