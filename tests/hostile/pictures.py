"""Hostile and odd picture files, made by code: by name their bytes, and what must become of each."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from known_images import KNOWN, png, saved, tiff
from PIL import Image, features

from tenfold.testing.picture_files import encode, make_photo

KEPT, NAMED, EITHER = "kept", "named", "either"
PHOTO = make_photo(20, 14)
NOISE = np.random.default_rng(11).integers(0, 256, (9, 7, 3), np.uint8)


@dataclass(frozen=True)
class Hostile:
    """A file; it is `KEPT`, `NAMED` among the rejected, one of both, or rejected with the code that `fate` is."""

    content: bytes
    fate: str

    def allows(self, found: str) -> bool:
        """Whether a file may have come to this: `KEPT`, or the code of its rejection."""
        if self.fate == EITHER:
            return True
        return found != KEPT if self.fate == NAMED else found == self.fate


_DECLARED: dict[str, Hostile] = {}


def hostile(name: str, content: bytes, fate: str) -> None:
    """Declares a file."""
    assert name not in _DECLARED
    _DECLARED[name] = Hostile(content, fate)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, *, bits: int = 8, colour_type: int = 0, before: bytes = b"") -> bytes:
    """A black PNG of any size that takes no room."""
    line = 1 + -(-width * bits * {0: 1, 2: 3, 3: 1, 6: 4}[colour_type] // 8)
    packer = zlib.compressobj(1)
    lines = b"".join(packer.compress(bytes(line)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def ifd(*entries: tuple[int, int, int, int], following: int = 0, start: int = 8) -> bytes:
    """A little-endian TIFF directory of (tag, type, count, value) at `start`, after the header."""
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", start) + bytes(start - 8) + body + struct.pack("<I", following)


def tiff_head(width: int, height: int, **tags: int) -> tuple[tuple[int, int, int, int], ...]:
    """Entries of a grey TIFF picture that is one strip of `size` bytes at `place`."""
    values = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 500, 277: 1, 278: height, 279: 64}
    values |= {int(name.removeprefix("t")): value for name, value in tags.items()}
    return tuple((tag, 4, 1, value) for tag, value in sorted(values.items()))


def patched(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


def scans(side: int, count: int) -> bytes:
    """A progressive JPEG of few bytes that goes `count` times over all of its blocks (ITU-T T.81, G.1)."""
    blocks = (-(-side // 8)) ** 2

    def segment(marker: int, body: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body

    def bits(text: str) -> bytes:
        text += "1" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0") if text else b""

    dc = segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\x00")
    ac = segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0")  # one symbol: EOB14, a run of 2**14 blocks and more
    runs, left = "", blocks
    while left >= 1 << 14:
        run = min(left, (1 << 15) - 1)
        runs += "0" + format(run - (1 << 14), "014b")
        left -= run
    frame = segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\x00")
    head = b"\xff\xd8" + segment(0xDB, b"\x00" + bytes([1] * 64)) + frame + dc + ac
    first = segment(0xDA, b"\x01\x01\x00\x00\x00\x00") + bits("0" * blocks)
    again = segment(0xDA, b"\x01\x01\x00\x01\x3f\x00") + bits(runs)
    return head + first + again * count + b"\xff\xd9"


def declare_truncated() -> None:
    """Whole files of every kind, cut at every tenth byte."""
    wholes = {
        "jpg": encode(PHOTO, "JPEG", quality=60),
        "progressive.jpg": encode(NOISE, "JPEG", quality=60, progressive=True),
        "png": encode(NOISE),
        "16-bit.png": png(np.random.default_rng(5).integers(0, 65536, (4, 6, 3), dtype=np.uint16), 2),
        "tiff": encode(NOISE, "TIFF"),
        "lzw.tiff": encode(NOISE, "TIFF", compression="tiff_lzw"),
        "webp": encode(PHOTO, "WEBP", quality=80),
        "lossless.webp": encode(NOISE, "WEBP", lossless=True),
        "gif": encode(NOISE[:, :, 0], "GIF"),
        "bmp": encode(NOISE, "BMP"),
        "ppm": encode(NOISE, "PPM"),
    }
    if features.check("avif"):
        wholes["avif"] = encode(PHOTO, "AVIF", quality=50)
    for kind, whole in wholes.items():
        hostile(f"whole.{kind}", whole, KEPT)
        for end in range(0, len(whole), 10):
            name = f"cut-{end:04d}.{kind}"
            fate = "image.empty" if end == 0 else NAMED if end < len(whole) // 2 else EITHER
            hostile(name, whole[:end], fate)


def declare_wrong_names() -> None:
    """Contents that are not what the extension says."""
    inside: dict[str, tuple[bytes, str]] = {
        "png": (encode(NOISE), KEPT),
        "jpg": (encode(NOISE, "JPEG"), KEPT),
        "gif": (encode(NOISE[:, :, 0], "GIF"), KEPT),
        "tiff": (encode(NOISE, "TIFF"), KEPT),
        "zip": (b"PK\x03\x04" + bytes(60), "image.format"),
        "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "image.format"),
        "html": (b"<!doctype html><script>alert(1)</script>", "image.format"),
        "elf": (b"\x7fELF" + bytes(60), "image.format"),
        "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "image.format"),
        "psd": (b"8BPS\0\1" + bytes(60), "image.format"),
        "mpo": (b"\xff\xd8\xff\xe2", "image.format"),
        "ico": (b"\0\0\1\0\1\0\x10\x10" + bytes(60), "image.format"),
        "pickle": (b"\x80\x04cposix\nsystem\n", "image.format"),
        "text": ("déjà vu\n".encode(), "image.format"),
    }
    for kind, (content, fate) in inside.items():
        for extension in ("png", "jpg", "tif", "webp"):
            hostile(f"{kind}-called.{extension}", content, NAMED if kind == "mpo" else fate)


def declare_bombs() -> None:
    """Files that are small and would be large, or would take long."""
    too_large = "image.too-many-pixels"
    hostile("wide.png", png_of(100_000, 1), KEPT)
    hostile("high.png", png_of(1, 100_000), KEPT)
    hostile("wide.tiff", tiff(np.zeros((1, 100_000), np.uint8)), KEPT)
    hostile("high.ppm", b"P5 1 100000 255\n" + bytes(100_000), KEPT)
    hostile("bomb-200-megapixels.png", png_of(20_000, 10_000), too_large)
    hostile("bomb-2-to-31.png", patched(encode(NOISE), 16, struct.pack(">II", 2**31 - 1, 2**31 - 1)), NAMED)
    hostile("bomb.bmp", patched(encode(NOISE, "BMP"), 18, struct.pack("<ii", 60_000, 60_000)), too_large)
    hostile("bomb.gif", patched(encode(NOISE[:, :, 0], "GIF"), 6, b"\xff\xff\xff\xff"), too_large)
    hostile("bomb.ppm", b"P6 60000 60000 255\n", too_large)
    hostile("bomb-digits.ppm", b"P6 " + b"9" * 4000 + b" 1 255\n", NAMED)
    hostile("bomb.tiff", ifd(*tiff_head(60_000, 60_000)) + bytes(600), too_large)
    hostile("tile-bomb.tiff", ifd(*tiff_head(10, 10, t322=40_000, t323=40_000, t324=500, t325=64)) + bytes(600), EITHER)
    hostile("tags.tiff", tags(4000, 50_000), "image.bomb")
    hostile("fill.jpg", b"\xff\xd8" + b"\xff" * 100_000, "image.bomb")
    hostile("strip-bomb.tiff", ifd(*tiff_head(9000, 9000, t259=8)) + bytes(600), NAMED)
    hostile("channels-bomb.tiff", ifd(*tiff_head(9999, 9999, t277=64)) + bytes(600), NAMED)
    wide = tiff_head(9999, 9999, t277=64, t258=64, t339=3, t279=0, t273=0)
    hostile("doubles-bomb.tiff", ifd(*wide) + bytes(600), NAMED)
    hostile("thousand-channels.tiff", ifd(*tiff_head(10, 10, t277=60_000)) + bytes(600), NAMED)
    hostile("loop.tiff", ifd(*tiff_head(4, 4), following=8) + bytes(600), EITHER)
    hostile("counts.tiff", ifd((256, 4, 2**32 - 1, 8), *tiff_head(4, 4)[1:]) + bytes(600), NAMED)
    hostile("no-tags.tiff", ifd(), NAMED)
    sof = encode(NOISE, "JPEG").index(b"\xff\xc0")
    huge = patched(encode(NOISE, "JPEG"), sof + 5, b"\xff\xdc\xff\xdc")
    hostile("bomb.jpg", huge, too_large)
    hostile("12-bit.jpg", patched(encode(NOISE, "JPEG"), sof + 4, b"\x0c"), NAMED)
    hostile("12-bit.tiff", ifd(*tiff_head(4, 4, t258=12)) + bytes(600), EITHER)
    hostile("scans.jpg", scans(2000, 1000), "image.bomb")
    webp = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xff\x3f\0" * 2
    hostile("bomb.webp", b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp, NAMED)
    hostile("profile-bomb.png", png_of(3, 3, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(80 << 20)))), EITHER)
    hostile("text-bomb.png", png_of(3, 3, before=chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(80 << 20)))), EITHER)
    hostile("chunks.png", png_of(3, 3, before=chunk(b"teSt", b"") * 60_000), "image.bomb")
    comments = b"\x21\xfe\x01x\x00"
    gif = encode(NOISE[:, :, 0], "GIF")
    start = gif.index(b"\x2c", 13 + 3 * 256 if len(gif) > 800 else 13)
    hostile("comments.gif", gif[:start] + comments * 20_000 + gif[start:], "image.bomb")
    hostile("words-short.ppm", b"P2 3 3 255\n" + b" " * 300_000 + b"7 " * 9, EITHER)


def declare_odd() -> None:
    """Files that are whole but unusual, and damage in the middle."""
    hostile("zeros.jpg", bytes(1000), "image.format")
    hostile("one-byte.png", b"\x89", "image.format")
    hostile("noise.jpg", np.random.default_rng(3).bytes(5000), "image.format")
    hostile("no-pixels.png", png_of(0, 5), NAMED)
    hostile("no-pixels.ppm", b"P5 0 5 255\n", NAMED)
    frames: dict[str, Any] = {"save_all": True, "append_images": [Image.new("RGB", (4, 4), "blue")] * 50}
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        hostile(f"animated.{kind.lower()}", saved(Image.new("RGB", (4, 4), "red"), kind, **frames), KEPT)
    whole = encode(NOISE, "JPEG")
    hostile("trailing.jpg", whole + b"PK\x03\x04" + bytes(5000), KEPT)
    hostile("twice.jpg", whole + whole, KEPT)
    hostile(
        "exif-loop.jpg",
        whole[:2] + b"\xff\xe1\0\x20Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0" + whole[2:],
        EITHER,
    )
    hostile("exif-cut.jpg", whole[:2] + b"\xff\xe1\0\x0aExif\0\0II" + whole[2:], EITHER)
    for name, (content, expected, _, decode) in KNOWN.items():
        if not set(decode) & {"depth", "channels", "profile"} and decode.get("mode") != "all":
            hostile(f"known-{name}", content, EITHER if isinstance(expected, str) else KEPT)
    random = np.random.default_rng(17)
    for kind, options in {"JPEG": {}, "PNG": {}, "TIFF": {"compression": "tiff_lzw"}, "WEBP": {}, "GIF": {}}.items():
        content = encode(NOISE if kind != "GIF" else NOISE[:, :, 0], kind, **options)
        for number in range(12):
            place = int(random.integers(4, len(content)))
            hostile(f"changed-{number:02d}.{kind.lower()}", patched(content, place, random.bytes(3)), EITHER)


def long_forms() -> dict[str, Hostile]:
    """Files that are only offered in the campaign: to make them takes long, too."""
    gif = encode(NOISE[:, :, 0], "GIF")
    start = gif.index(b"\x2c", 13)
    jpeg = encode(NOISE, "JPEG")
    eight = np.random.default_rng(4).bytes(1_200_000)
    bmp = struct.pack("<IiiHHIIiiII", 40, 1000, 1000, 1, 8, 1, 0, 0, 0, 256, 0) + bytes(1024)
    bomb, many = "image.bomb", "image.too-many-pixels"
    return {
        "texts.png": Hostile(png_of(3, 3, before=chunk(b"tEXt", b"x\0" + bytes(1 << 20)) * 70), "image.unreadable"),
        "scans-many.jpg": Hostile(scans(9000, 1000), bomb),
        "chunks-many.png": Hostile(png_of(3, 3, before=chunk(b"teSt", b"") * 2_000_000), bomb),
        "comments-many.gif": Hostile(gif[:start] + b"\x21\xfe\x01x\x00" * 2_000_000 + gif[start:], bomb),
        "comment-long.gif": Hostile(
            gif[:start] + b"\x21\xfe" + b"\xff".ljust(256) * 40_000 + b"\0" + gif[start:], bomb
        ),
        "fill.jpg": Hostile(jpeg[:2] + b"\xff" * 4_000_000 + jpeg[2:], bomb),
        "segments.jpg": Hostile(jpeg[:2] + b"\xff\xfe\0\2" * 500_000 + jpeg[2:], bomb),
        "tags.tiff": Hostile(tags(60_000, 1_000_000), bomb),
        "tags-in-exif.png": Hostile(png_of(3, 3, before=chunk(b"eXIf", tags(60_000, 1_000_000))), bomb),
        "99-megapixels.png": Hostile(png_of(9_900, 9_900, bits=1), KEPT),
        "99-megapixels-16-bit.png": Hostile(png_of(9_900, 9_900, bits=16, colour_type=6), many),
        "49-megapixels-16-bit.png": Hostile(png_of(7_000, 7_000, bits=16, colour_type=6), KEPT),
        "words.ppm": Hostile(b"P2 2500 2500 255\n" + b"7 " * 6_250_000, many),
        "twelve-bits.pgm": Hostile(b"P5 2500 2500 4095\n" + bytes(12_500_000), many),
        "runs.bmp": Hostile(b"BM" + struct.pack("<IHHI", 0, 0, 0, 1078) + bmp + eight, many),
    }


def tags(count: int, size: int) -> bytes:
    """A TIFF directory of tags that all tell of the same bytes."""
    entries = b"".join(struct.pack("<HHII", tag, 1, size, 8) for tag in range(count))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entries + bytes(4 + size)


@cache
def pictures() -> dict[str, Hostile]:
    """All of them; made when they are first asked for, since that takes long."""
    declare_truncated()
    declare_wrong_names()
    declare_bombs()
    declare_odd()
    return _DECLARED
