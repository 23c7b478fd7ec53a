"""The fast decoder, for workers only: small PNG in batches, JPEG by simplejpeg, resizing by torch.

It is used with a certificate (`tests/numerics/test_imaging_certificate.py`): at least 70 dB PSNR against the reference
on photos, and equal to it wherever nothing is resized. What it cannot do, or doubts, goes to the reference.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import simplejpeg
from PIL import Image

from tenfold.adapters.imaging import reference, small_png
from tenfold.adapters.imaging.cost import check_cost
from tenfold.adapters.imaging.pillow import PillowDecoder, decode_into, few_at_once
from tenfold.adapters.imaging.small_png import Scanlines
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.ports import PixelArray, UInt8Array
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import BadImage

_PGM = re.compile(rb"P5 (\d{1,5}) (\d{1,5}) 255\n")
KEPT_BYTES = 64 << 20
MOST_SMALL = 64 << 10
_LOCAL = threading.local()
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
            finished = np.empty((len(rows), *preprocessing.shape), np.uint8)
            _finish_into(pixels, preprocessing, finished)
            out[rows] = finished
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
        scanlines = small_png.inflate(data) if len(data) <= MOST_SMALL else None
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
    try:
        check_cost(data)
    except reference.UnreadablePicture:
        return None
    decoded = _decode_jpeg(data, preprocessing)
    if decoded is None:
        return None
    pixels, facts = decoded
    _finish_into(pixels[None], preprocessing, out[None])
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
        head = data[: _first_scan(data)]
        if any(mark in head for mark in _ORIENTED):
            orientation = reference.orientation_of(reference.open_picture(data))
        upright = (height, width) if orientation >= 5 else (width, height)
        colours = "GRAY" if colourspace == "Gray" else "RGB"
        factor = 1
        if preprocessing.decode.scaling == "dct":
            factor = reference.dct_factor(*upright, vars(preprocessing.resize))
        least = {"min_width": -(-width // factor), "min_height": -(-height // factor)} if factor > 1 else {}
        with few_at_once(width * height):
            pixels = simplejpeg.decode_jpeg(data, colours, strict=True, buffer=_room(width * height * 3), **least)
    except ValueError:  # both libraries' errors are
        return None
    channels = pixels.shape[2]
    return _upright(pixels, orientation), ImageFacts(*upright, channels == 3, channels)


def _room(size: int) -> bytearray:
    """Memory of this thread for the next picture; the pages of fresh memory cost a fifth of decoding."""
    room: bytearray | None = getattr(_LOCAL, "room", None)
    if room is None or len(room) < size:
        room = bytearray(size)
        if size <= KEPT_BYTES:
            _LOCAL.room = room
    return room


def _first_scan(data: bytes) -> int:
    """Where the compressed pixels of a JPEG begin: what tells about the picture stands before (ITU-T T.81, B.2)."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return place if data[place : place + 2] == b"\xff\xda" else len(data)


def _upright(pixels: UInt8Array, orientation: int) -> UInt8Array:
    """(H, W, C) pixels as EXIF orientation 1 to 8 says they are meant (CIPA DC-008, tag 274)."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _finish_into(pixels: UInt8Array, preprocessing: Preprocessing, out: PixelArray) -> None:
    """(N, H, W, C) pixels in the declared colour and size into `out`."""
    pixels = _in_colour(pixels, preprocessing.channels)
    resize = preprocessing.resize
    height, width = pixels.shape[1:3]
    if (width, height) == (resize.width, resize.height):
        np.copyto(out, pixels)
        return
    (left, upper, right, lower), (to_width, to_height) = reference.placement(width, height, vars(resize))
    target = out
    if (to_width, to_height) != (resize.width, resize.height):
        out[:] = _in_colour(np.array(resize.background, np.uint8).reshape(1, 1, 1, 3), preprocessing.channels)
        left_out, upper_out = (resize.width - to_width) // 2, (resize.height - to_height) // 2
        target = out[:, upper_out : upper_out + to_height, left_out : left_out + to_width]
    _interpolate(pixels[:, upper:lower, left:right], target)


def _in_colour(pixels: UInt8Array, channels: int) -> UInt8Array:
    if pixels.shape[3] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=3)
    red, green, blue = (pixels[..., place].astype(np.uint32) for place in range(3))
    grey = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16  # ITU-R 601-2 as Pillow rounds it
    return grey.astype(np.uint8)[..., None]


def _interpolate(pixels: UInt8Array, out: PixelArray) -> None:
    height, width = out.shape[1:3]
    if pixels.shape == out.shape:
        np.copyto(out, pixels)
    elif width > pixels.shape[2] or height > pixels.shape[1]:  # torch's 16-bit weights are too coarse to enlarge with
        squeezed = pixels[..., 0] if pixels.shape[3] == 1 else pixels
        for one, place in zip(squeezed, out, strict=True):
            enlarged = Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR)
            np.copyto(place, np.asarray(enlarged).reshape(place.shape))
    else:
        import torch  # noqa: PLC0415 - two seconds that pictures of the right size need not wait for

        images = torch.from_numpy(np.require(pixels, requirements=["C", "W"])).permute(0, 3, 1, 2)
        size = (height, width)
        if not out.flags.c_contiguous:
            scaled = torch.nn.functional.interpolate(images, size=size, mode="bilinear", antialias=True)
            np.copyto(out, scaled.permute(0, 2, 3, 1).numpy())
            return
        target = torch.from_numpy(out).permute(0, 3, 1, 2)
        torch.ops.aten._upsample_bilinear2d_aa.out(images, size, False, out=target)
