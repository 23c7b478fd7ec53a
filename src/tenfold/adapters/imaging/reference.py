"""The reference of preprocessing: original bytes to pixels, with nothing but Pillow and numpy.

This file is shipped inside every download, so it stands alone. It declares what a picture means: first frame, EXIF
orientation applied, 16 bits scaled to 8, CMYK, LAB and palettes converted, transparency composited on the background,
embedded colour profiles ignored or converted to sRGB; then cut or padded as declared and resized by Pillow's
antialiased bilinear filter.
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
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
    features,
)

try:
    from PIL.AvifImagePlugin import SUPPORTED as HAS_AVIF
    from PIL.AvifImagePlugin import AvifImageFile
except ImportError:  # Pillow before 11.3
    HAS_AVIF = False

_PLUGINS = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    BmpImagePlugin.BmpImageFile,
    GifImagePlugin.GifImageFile,
    WebPImagePlugin.WebPImageFile,
    TiffImagePlugin.TiffImageFile,
    PpmImagePlugin.PpmImageFile,
    *((AvifImageFile,) if HAS_AVIF else ()),
)
FORMATS = tuple(plugin.format for plugin in _PLUGINS)
MAX_PIXELS = 100_000_000
_AS_OPENED = "as opened"
_AT_ONCE = 1 << 18
_NARROWED = ((np.arange(65536, dtype=np.uint32) * 255 + 32767) // 65535).astype(np.uint8)  # 16 bits in 8, rounded
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")


class UnreadablePicture(ValueError):
    """A picture that cannot be read; `code` says why."""

    def __init__(self, message: str, code: str = "image.unreadable") -> None:
        super().__init__(message)
        self.code = code


def open_picture(data: bytes, most_pixels: int = MAX_PIXELS) -> ImageFile.ImageFile:
    """The picture's header, its pixels not yet decoded; refuses more than `most_pixels`."""
    if not data:
        raise UnreadablePicture("The file is empty.", "image.empty")
    Image.MAX_IMAGE_PIXELS = None  # the limit below is ours: Pillow's own only warns
    content = io.BytesIO(data)
    try:
        picture = Image.open(content, formats=FORMATS)
    except UnidentifiedImageError:
        raise UnreadablePicture(_what_it_is(data), "image.format") from None
    except PILLOW_ERRORS as error:
        raise UnreadablePicture(f"The picture cannot be read: {error}.") from error
    check_pixels(picture.width, picture.height, most_pixels)
    picture.info[_AS_OPENED] = (_raw_mode(picture), content)  # both are gone once the pixels are loaded
    return picture


def check_pixels(width: int, height: int, most: int) -> None:
    """Refuses pictures of more than `most` pixels before one is decoded."""
    if width * height > most:
        size = f"{width * height // 1_000_000} megapixels ({width} x {height})"
        text = f"The picture has {size}; at most {most // 1_000_000} are read. Make it smaller first."
        raise UnreadablePicture(text, "image.too-many-pixels")


def check_bytes(size: int, most_pixels: int) -> None:
    """Refuses pictures of more bytes than `most_pixels` in colour with transparency have, 8 bits each."""
    if size > 4 * most_pixels:
        text = f"The picture has {size // 1_000_000} MB of pixels; at most {4 * most_pixels // 1_000_000} MB are read."
        raise UnreadablePicture(f"{text} Make it smaller first.", "image.too-many-pixels")


def orientation_of(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or nonsense."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except PILLOW_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def decode_picture(picture: ImageFile.ImageFile, decode: dict[str, Any]) -> Image.Image:
    """An opened picture upright and opaque, in mode `L` or `RGB`, as operation `decode` declares."""
    try:
        orientation, profile = orientation_of(picture), picture.info.get("icc_profile")
        decoded = _upright(_eight_bit(picture), orientation)
        if decoded.mode == "LAB" or (profile and decode["profile"] == "srgb"):
            decoded = _in_srgb(decoded, profile if decode["profile"] == "srgb" else None)
        decoded = _opaque(decoded, tuple(decode["background"]))
        return decoded.convert("L" if decode["mode"] == "grey" else "RGB")
    except UnreadablePicture:
        raise
    except PILLOW_ERRORS as error:
        raise UnreadablePicture(f"The picture is damaged: {error}.") from error


def wide_values(picture: ImageFile.ImageFile) -> np.ndarray[Any, np.dtype[np.uint16]] | None:
    """An opened picture of 16 bits a channel, height x width x 1, 3 or, with transparency, 2, 4; else `None`.

    Pillow keeps the upper byte of each channel in colour: the lower one is had by decoding once more as if the byte
    order were the other. Of grey with transparency all four bytes are had as if they were four channels.
    """
    if picture.mode in SIXTEEN_BIT or (picture.mode == "I" and picture.format == "PPM"):
        values = np.asarray(picture)[..., None].astype(np.uint16)
        return _with_mask(values, picture.info.get("transparency"))
    raw_mode, content = picture.info[_AS_OPENED]
    kind, is_wide, order = raw_mode.rpartition(";16")
    is_mixed = _tag(picture, 284, 1) == 1
    if is_wide and is_mixed and kind in {"LA", "RGB", "RGBA"}:
        content.seek(0)
        again = Image.open(content, formats=FORMATS)
        _set_raw_mode(again, "RGBA" if kind == "LA" else f"{kind};16{'L' if order == 'B' else 'B'}")
        if kind == "LA":
            parts = np.asarray(again).astype(np.uint16)
            return (parts[..., ::2] << 8 | parts[..., 1::2]).astype(np.uint16)
        joined = np.asarray(picture).astype(np.uint16)
        joined <<= 8
        joined |= np.asarray(again)
        return _with_mask(joined, picture.info.get("transparency"))
    if picture.mode not in {"I", "F"} and max(_tag(picture, 258, (8,))) > 8:
        text = "The picture has over 8 bits a channel in an unusual layout: save it as RGB with 8 or 16 bits."
        raise UnreadablePicture(text, "image.depth")
    return None


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


def read_pixels(
    data: bytes, operations: list[dict[str, Any]], most_pixels: int = MAX_PIXELS
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The bytes of a picture file through `decode` and `resize`: uint8, height x width x channels."""
    return load_pixels(open_picture(data, most_pixels), operations)


def load_pixels(picture: ImageFile.ImageFile, operations: list[dict[str, Any]]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """An opened picture through `decode` and `resize`: uint8, height x width x channels."""
    decode, resize = operations[0], operations[1]
    if decode["scaling"] == "dct" and picture.format == "JPEG":
        factor = dct_factor(*upright_size(picture), resize)
        picture.draft(None, (picture.width // factor, picture.height // factor))
    pixels = np.asarray(resize_picture(decode_picture(picture, decode), resize))
    return pixels.reshape(resize["height"], resize["width"], -1)


def bits_of(picture: ImageFile.ImageFile) -> int:
    """The bits of one channel of an opened picture: 8, 16 or 32."""
    if picture.mode in SIXTEEN_BIT or (picture.mode == "I" and picture.format == "PPM"):
        return 16
    if picture.mode in {"I", "F"}:
        return 32
    most = max(_tag(picture, 258, (8,)))
    return 16 if ";16" in picture.info[_AS_OPENED][0] or 8 < most <= 16 else 32 if most > 16 else 8


def has_more_frames(picture: ImageFile.ImageFile) -> bool:
    """Whether only the first of several frames or pages is used; previews in a JPEG file are none."""
    try:
        return picture.format in {"GIF", "PNG", "TIFF", "WEBP", "AVIF"} and getattr(picture, "is_animated", False)
    except PILLOW_ERRORS:
        return False


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height once the orientation is applied."""
    return picture.size[::-1] if orientation_of(picture) >= 5 else picture.size


def dct_factor(width: int, height: int, resize: dict[str, Any]) -> int:
    """By how much, 1, 2, 4 or 8, a JPEG is made smaller while it is decoded, so that no side must be enlarged."""
    (left, upper, right, lower), inner = placement(width, height, resize)
    most = min((right - left) // inner[0], (lower - upper) // inner[1])
    return max(factor for factor in (1, 2, 4, 8) if factor <= max(1, most))


def _tag(picture: Image.Image, number: int, missing: Any) -> Any:
    """A tag of a TIFF file (TIFF 6.0: 258 bits a channel, 284 planes)."""
    return getattr(picture, "tag_v2", {}).get(number, missing)


def _raw_mode(picture: ImageFile.ImageFile) -> str:
    """How the bytes of a picture file lie, as Pillow calls it; empty where it does not tell."""
    first = picture.tile[0].args if picture.tile else ""
    name = first[0] if isinstance(first, tuple) and first else first
    return name if isinstance(name, str) else ""


def _set_raw_mode(picture: ImageFile.ImageFile, raw_mode: str) -> None:
    picture.tile = [
        tile._replace(args=(raw_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else raw_mode)
        for tile in picture.tile
    ]


def _with_mask(values: np.ndarray[Any, Any], hidden: Any) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """16-bit values with a channel of transparency where one colour is declared invisible."""
    if not isinstance(hidden, int | tuple):
        return values
    shown = (values != np.asarray(hidden)).any(axis=2, keepdims=True)
    return np.concatenate([values, np.where(shown, 65535, 0).astype(np.uint16)], axis=2)


def _eight_bit(picture: ImageFile.ImageFile) -> Image.Image:
    """The picture with 8 bits a channel: 16 bits divided by 257 and rounded; 32 bits have no declared range."""
    wide = wide_values(picture)
    if wide is not None:
        values = np.empty(wide.shape, np.uint8)
        step = max(1, _AT_ONCE // max(1, wide[:1].size))
        for start in range(0, len(wide), step):
            values[start : start + step] = _NARROWED[wide[start : start + step]]
        return Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)
    if picture.mode in {"I", "F"}:
        text = "The picture has 32 bits a pixel, with no declared range: save it with 8 or 16 bits, or keep its depth."
        raise UnreadablePicture(text, "image.depth")
    picture.load()
    return picture


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    return picture if orientation == 1 else picture.transpose(TRANSPOSES[orientation])


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture's colours in sRGB by LittleCMS, from its profile or from CIE LAB; transparency stays."""
    if not features.check("littlecms2"):
        text = "The picture needs its colours converted, and this Pillow is built without LittleCMS."
        raise UnreadablePicture(text, "image.needs-package")
    alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile) if profile else ImageCms.createProfile("LAB"))
        mode = _MODES_OF_PROFILES[source.profile.xcolor_space.strip()]
        opaque = picture if picture.mode == mode else picture.convert(mode)
        converted = ImageCms.profileToProfile(opaque, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError) as error:
        text = f"The picture's colour profile cannot be used ({error}): remove it, or ignore profiles."
        raise UnreadablePicture(text, "image.profile") from error
    assert converted is not None
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _what_it_is(data: bytes) -> str:
    if data[4:12] in {b"ftypavif", b"ftypavis"}:
        return "This is an AVIF picture, and this Pillow is built without AVIF: install a newer one."
    return f"This is no picture of a known format ({', '.join(FORMATS)})."


def _opaque(picture: Image.Image, background: tuple[int, ...]) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    above = picture.convert("RGBA")
    below = Image.new("RGBA", picture.size, (*background, 255))
    return Image.alpha_composite(below, above)


_MODES_OF_PROFILES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK", "Lab": "LAB"}
# What Pillow's decoders raise on damaged bytes, whatever they hold.
PILLOW_ERRORS = (
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
TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
