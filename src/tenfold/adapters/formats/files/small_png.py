"""PNG of small pictures at a fifth of a library's price: most of what that does is for large ones."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from tenfold.core.datasets.ports import UInt8Array

LARGEST = 64
_GREY, _RGB = 0, 2


def small_png(pixels: UInt8Array) -> bytes:
    """The file of a picture (H, W, C) of uint8 with one or three channels (ISO/IEC 15948, no filter)."""
    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, _GREY if channels == 1 else _RGB, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
