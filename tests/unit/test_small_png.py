"""The batch reader of small PNG files gives Pillow's pixels exactly, or nothing."""

import io
import struct
import zlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tenfold.adapters.imaging import small_png
from tenfold.testing.picture_files import encode, make_photo

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(lines, width, height, *, colour=0, depth=8, interlace=0, parts=1, extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    packed = zlib.compress(lines)
    cut = max(1, len(packed) // parts)
    body = b"".join(chunk(b"IDAT", packed[at : at + cut]) for at in range(0, len(packed), cut))
    return SIGNATURE + chunk(b"IHDR", header) + extra + body + chunk(b"IEND", b"")


@st.composite
def filtered_pictures(draw):
    """Files with arbitrary bytes under arbitrary filters, all of one size."""
    width, height, channels = draw(st.integers(1, 9)), draw(st.integers(1, 7)), draw(st.sampled_from([1, 3]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    files = []
    for _ in range(draw(st.integers(1, 5))):
        lines = random.integers(0, 256, (height, 1 + width * channels), dtype=np.uint8)
        lines[:, 0] = random.integers(0, 5, height)
        parts = draw(st.integers(1, 3))
        files.append(png(lines.tobytes(), width, height, colour=2 if channels == 3 else 0, parts=parts))
    return files


@given(filtered_pictures())
@settings(max_examples=200)
def test_every_filter_on_any_bytes_as_pillow_does(files):
    found = small_png.unfilter([small_png.inflate(data) for data in files])
    for pixels, data in zip(found, files, strict=True):
        expected = np.asarray(Image.open(io.BytesIO(data)))
        np.testing.assert_array_equal(pixels, expected.reshape(pixels.shape))


@given(st.integers(0, 10_000), st.integers(0, 255))
@settings(max_examples=300)
def test_a_changed_byte_is_never_read_wrongly(place, value):
    data = bytearray(encode(make_photo(13, 11)))
    before = bytes(data)
    data[place % len(data)] = value
    found = small_png.inflate(bytes(data))
    assert found is None or bytes(data) == before


def test_what_is_not_plain_is_left_to_the_reference():
    lines = b"\0" + b"a" * 4
    plain = png(lines, 4, 1)
    assert small_png.inflate(plain) is not None
    assert small_png.inflate(png(lines, 4, 1, extra=chunk(b"gAMA", bytes(4)))) is not None
    for other in [
        png(lines, 4, 1, extra=chunk(b"tRNS", bytes(2))),
        png(lines, 4, 1, extra=chunk(b"eXIf", b"MM")),
        png(lines, 4, 1, interlace=1),
        png(lines, 4, 1, colour=3),
        png(b"\0" + b"a" * 8, 4, 1, depth=16),
        png(lines + b"b", 4, 1),
        png(lines[:-1], 4, 1),
        png(b"\0" * 300 * 301, 300, 300),
        plain + b"behind",
        plain[:-4],
        plain[:30],
        b"",
        b"\xff\xd8\xff",
    ]:
        assert small_png.inflate(other) is None
    assert small_png.unfilter([small_png.inflate(png(b"\5abcd", 4, 1))]) is None
