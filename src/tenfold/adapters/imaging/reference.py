"""The reference of preprocessing: original bytes to pixels, with nothing but Pillow and numpy.

This file is shipped inside every download, so it stands alone. It declares what a picture means: first frame, EXIF
orientation applied, 16 bits scaled to 8, CMYK and palettes converted, transparency composited on the background,
embedded colour profiles ignored; then cut or padded as declared and resized by Pillow's antialiased bilinear filter.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import (  # the plug-ins register themselves, here and not in the middle of threads
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

_PLUGINS = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    BmpImagePlugin.BmpImageFile,
    GifImagePlugin.GifImageFile,
    WebPImagePlugin.WebPImageFile,
    TiffImagePlugin.TiffImageFile,
    PpmImagePlugin.PpmImageFile,
)
FORMATS = tuple(plugin.format for plugin in _PLUGINS)
MAX_PIXELS = 100_000_000
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")


class UnreadablePicture(ValueError):
    """A picture that cannot be read; `code` says why."""

    def __init__(self, message: str, code: str = "image.unreadable") -> None:
        super().__init__(message)
        self.code = code


def open_picture(data: bytes, most_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture's header, its pixels not yet decoded; refuses more than `most_pixels`."""
    if not data:
        raise UnreadablePicture("The file is empty.", "image.empty")
    Image.MAX_IMAGE_PIXELS = None  # the limit below is ours: Pillow's own only warns
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        formats = ", ".join(FORMATS)
        raise UnreadablePicture(f"This is no picture of a known format ({formats}).", "image.format") from None
    except _PILLOW_ERRORS as error:
        raise UnreadablePicture(f"The picture cannot be read: {error}.") from error
    check_pixels(picture.width, picture.height, most_pixels)
    return picture


def check_pixels(width: int, height: int, most: int) -> None:
    """Refuses pictures of more than `most` pixels before one is decoded."""
    if width * height > most:
        size = f"{width * height // 1_000_000} megapixels ({width} x {height})"
        text = f"The picture has {size}; at most {most // 1_000_000} are read. Make it smaller first."
        raise UnreadablePicture(text, "image.too-many-pixels")


def orientation_of(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or nonsense."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except _PILLOW_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def decode_picture(picture: Image.Image, decode: dict[str, Any]) -> Image.Image:
    """An opened picture upright and opaque, in mode `L` or `RGB`, as operation `decode` declares."""
    try:
        orientation = orientation_of(picture)
        picture.load()
        picture = _eight_bit(picture)
        if orientation != 1:
            picture = picture.transpose(_TRANSPOSES[orientation])
        picture = _opaque(picture, tuple(decode["background"]))
        return picture.convert("L" if decode["mode"] == "grey" else "RGB")
    except UnreadablePicture:
        raise
    except _PILLOW_ERRORS as error:
        raise UnreadablePicture(f"The picture is damaged: {error}.") from error


def resize_picture(picture: Image.Image, resize: dict[str, Any]) -> Image.Image:
    """The picture at the size that operation `resize` declares."""
    size = (resize["width"], resize["height"])
    if picture.size == size:
        return picture
    box, inner = placement(*picture.size, resize)
    if box != (0, 0, *picture.size):
        picture = picture.crop(box)
    scaled = picture.resize(inner, Image.Resampling.BILINEAR)
    if inner == size:
        return scaled
    background = Image.new("RGB", (1, 1), tuple(resize["background"])).convert(picture.mode)
    canvas = Image.new(picture.mode, size, background.getpixel((0, 0)))
    canvas.paste(scaled, ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    return canvas


def placement(width: int, height: int, resize: dict[str, Any]) -> tuple[tuple[int, int, int, int], tuple[int, int]]:
    """The box of a picture that is kept, and the size it gets in the middle of the target.

    With a target of W x H: `squash` keeps all and takes all, `crop` cuts, `fill` leaves room, and `half` scales by the
    mean of the two ratios width / W and height / H, so that it cuts the longer side and leaves room along the other.
    """
    to_width, to_height, mode = resize["width"], resize["height"], resize["mode"]
    across, down = width * to_height, height * to_width
    kept, inner = (width, height), (to_width, to_height)
    if mode == "crop":
        kept = (_ratio(down, to_height), height) if across > down else (width, _ratio(across, to_width))
    elif mode == "fill":
        inner = (to_width, _ratio(down, width)) if across > down else (_ratio(across, height), to_height)
    elif mode == "half" and across > down:
        kept = (min(width, _ratio(across + down, 2 * to_height)), height)
        inner = (to_width, _ratio(2 * to_height * down, across + down))
    elif mode == "half" and across < down:
        kept = (width, min(height, _ratio(across + down, 2 * to_width)))
        inner = (_ratio(2 * to_width * across, across + down), to_height)
    left, upper = (width - kept[0]) // 2, (height - kept[1]) // 2
    return (left, upper, left + kept[0], upper + kept[1]), inner


def _ratio(above: int, below: int) -> int:
    """Rounded, and at least 1."""
    return max(1, (above + below // 2) // below)


def load_pixels(picture: Image.Image, operations: list[dict[str, Any]]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """An opened picture through `decode` and `resize`: uint8, height x width x channels."""
    decode, resize = operations[0], operations[1]
    pixels = np.asarray(resize_picture(decode_picture(picture, decode), resize))
    return pixels.reshape(resize["height"], resize["width"], -1)


def _eight_bit(picture: Image.Image) -> Image.Image:
    """16-bit grey scaled to 8 bits, rounded; other depths over 8 bits have no declared range."""
    if picture.mode in SIXTEEN_BIT or (picture.mode == "I" and picture.format == "PPM"):
        values = np.asarray(picture).astype(np.uint32)
        grey = Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
        hidden = picture.info.get("transparency")
        if isinstance(hidden, int):
            grey.putalpha(Image.fromarray(np.where(values == hidden, 0, 255).astype(np.uint8)))
        return grey
    if picture.mode in {"I", "F"}:
        text = "The picture has 32 bits a pixel, with no declared range: save it with 8 or 16 bits."
        raise UnreadablePicture(text, "image.depth")
    return picture


def _opaque(picture: Image.Image, background: tuple[int, ...]) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    above = picture.convert("RGBA")
    below = Image.new("RGBA", picture.size, (*background, 255))
    return Image.alpha_composite(below, above)


# What Pillow's decoders raise on damaged bytes, whatever they hold.
_PILLOW_ERRORS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
