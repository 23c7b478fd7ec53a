"""What a picture file would cost to read, told from its structure before a decoder is let near it.

A file of a few megabytes can keep a decoder busy for minutes or make it take gigabytes: thousands of passes over the
same pixels, millions of empty parts, tags that all point at the same bytes. Pictures as programs write them are far
below every limit here.
"""

from __future__ import annotations

import re
import struct

from PIL import ImageFile

from tenfold.adapters.imaging.reference import MAX_PIXELS, UnreadablePicture, bits_of, check_bytes

MAX_PARTS = 50_000
MAX_SEGMENTS = 10_000
MAX_EXTENSIONS = 10_000
MAX_SUB_BLOCKS = 3_000_000
MAX_SCANNED_PIXELS = 3_000_000_000
MAX_STRIPS = 500_000
MAX_SLOW_SAMPLES = 1_000_000
"""How many samples Pillow may decode in Python, at some microseconds each."""
MAX_FILL = 1000
_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1
_IMAGE, _EXTENSION = 0x2C, 0x21
_SLOW = frozenset({"ppm", "ppm_plain", "bmp_rle"})
_TIFF_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)
_STRIPS = frozenset({273, 279, 324, 325})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_FILL = re.compile(rb"\xff+")
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})


def check_cost(data: bytes) -> None:
    """Raises `UnreadablePicture` with code `image.bomb` for a file that would cost out of all proportion to read."""
    if data.startswith(b"\xff\xd8"):
        _check_jpeg(data)
    elif data.startswith(b"\x89PNG"):
        _check_png(data)
    elif data.startswith(b"GIF8"):
        _check_gif(data)
    elif data[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        check_tags(data)


def check_opened(picture: ImageFile.ImageFile, size_bytes: int, most_pixels: int) -> None:
    """As `check_cost`, for what an opened picture tells: its EXIF, its depth, and whether Pillow decodes it in Python.

    Four bytes a pixel are read of as many pixels as there may be, of more bytes fewer.
    """
    exif = picture.info.get("exif")
    if isinstance(exif, bytes):
        check_tags(exif.removeprefix(b"Exif\0\0"))
    samples = picture.width * picture.height * len(picture.getbands())
    check_bytes(samples * (bits_of(picture) // 8), most_pixels)
    if not picture.tile or picture.tile[0][0] not in _SLOW:
        return
    if max(samples, size_bytes if picture.format == "BMP" else 0) > MAX_SLOW_SAMPLES:
        text = (
            f"{picture.format} pictures of this rare kind are read up to {MAX_SLOW_SAMPLES:,} values: save it as PNG."
        )
        raise UnreadablePicture(text, "image.too-many-pixels")


def check_tags(data: bytes) -> None:
    """Refuses TIFF tags, the first directory of a file or of EXIF, that say more than there are bytes (TIFF 6.0, 2)."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return
    is_big = data[2:4] in {b"+\0", b"\0+"}
    start = int(struct.unpack_from(f"{order}Q" if is_big else f"{order}I", data, 8 if is_big else 4)[0])
    entry = struct.Struct(f"{order}HHQ8x" if is_big else f"{order}HHI4x")
    first = start + (8 if is_big else 2)
    if first > len(data):
        return
    (count,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}H", data, start)
    told = 0
    end = first + min(count, MAX_PARTS * 2) * entry.size
    for place in range(first, min(end, len(data) - entry.size + 1), entry.size):
        tag, kind, length = entry.unpack_from(data, place)
        size = length * (_TIFF_SIZES[kind] if kind < len(_TIFF_SIZES) else 0)
        if tag in _STRIPS and MAX_STRIPS < length <= len(data):
            raise _bomb(f"is cut into over {MAX_STRIPS:,} strips")
        told += size if 4 < size <= len(data) else 0
    if told > 2 * len(data) + 65536:
        raise _bomb("has tags that tell many times as much as it holds")


def _check_jpeg(data: bytes) -> None:
    """Segments before the pixels, and how often all pixels would be gone over (ITU-T T.81, B.1)."""
    place, pixels, exif, is_one_scan = 2, 0, [b""], False
    parts = 0
    for number in range(MAX_SEGMENTS + 1):
        fill = _FILL.match(data, place)
        if fill is None:
            break
        if number == MAX_SEGMENTS or fill.end() - place > MAX_FILL:
            raise _bomb(f"has over {MAX_SEGMENTS:,} segments before its pixels, or empty ones")
        place = fill.end()
        marker, body = data[place] if place < len(data) else _SCAN, data[place + 3 : place + 9]
        if marker in _FRAMES and len(body) > 5:
            parts = 0 if marker in _PROGRESSIVE else body[5]
            pixels = max(pixels, int.from_bytes(body[1:3], "big") * int.from_bytes(body[3:5], "big"))
        following = place + 1 + int.from_bytes(data[place + 1 : place + 3], "big")
        if marker == _APP1 and body == b"Exif\0\0":
            exif.append(data[place + 9 : following])
        if marker in {_SCAN, _END}:
            is_one_scan = body[:1] == bytes([parts])  # all components at once: what follows is not read
            break
        place = following
    check_tags(b"".join(exif))
    scans = 1 if is_one_scan else data.count(b"\xff\xda")
    if min(pixels, MAX_PIXELS) * scans > MAX_SCANNED_PIXELS:
        raise _bomb(f"goes over its pixels {scans:,} times")


def _check_png(data: bytes) -> None:
    """The number of chunks (ISO/IEC 15948, 5.3)."""
    place = 8
    for _ in range(MAX_PARTS):
        if place + 8 > len(data) or data[place + 4 : place + 8] == b"IEND":
            return
        place += 12 + int.from_bytes(data[place : place + 4], "big")
    raise _bomb(f"has over {MAX_PARTS:,} parts")


def _check_gif(data: bytes) -> None:
    """Blocks beside pixels, up to the second frame (GIF89a, 18 to 26)."""
    place = 13 + _colours_bytes(data[10]) if len(data) > 10 else len(data)
    frames = num_beside = 0
    while place < len(data) and frames < 2 and data[place] != 0x3B:
        kind = data[place]
        if kind == _IMAGE:
            place, _ = _after_blocks(
                data, place + 11 + (_colours_bytes(data[place + 9]) if place + 9 < len(data) else 0)
            )
            frames += 1
            num_beside = 0
        elif kind == _EXTENSION:
            place, num_blocks = _after_blocks(data, place + 2)
            num_beside += num_blocks
        else:
            place += 1
            num_beside += 1
        if num_beside > MAX_EXTENSIONS:
            raise _bomb(f"has over {MAX_EXTENSIONS:,} blocks beside its pixels")


def _colours_bytes(flags: int) -> int:
    """The bytes of a colour table, as the flags before it tell."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, place: int) -> tuple[int, int]:
    """Where a row of sub-blocks ends, and how many there were."""
    for number in range(MAX_SUB_BLOCKS):
        if place >= len(data):
            return place, number
        size = data[place]
        place += 1 + size
        if not size:
            return place, number
    raise _bomb(f"has over {MAX_SUB_BLOCKS:,} blocks in a row")


def _bomb(why: str) -> UnreadablePicture:
    return UnreadablePicture(f"The file {why}: it is taken for a bomb.", "image.bomb")
