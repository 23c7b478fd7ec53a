"""The reference for pixels of 16 or 32 bits and for channels that are not grey or RGB.

It goes into a download only when the model was trained on such pictures. TIFF files that Pillow does not know are read
by tifffile where it is installed.
"""

from __future__ import annotations

import importlib
import io
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from tenfold.adapters.imaging.reference import (
    MAX_PIXELS,
    PILLOW_ERRORS,
    TRANSPOSES,
    UnreadablePicture,
    bits_of,
    check_bytes,
    check_pixels,
    decode_picture,
    open_picture,
    orientation_of,
    placement,
    wide_values,
)

Array = np.ndarray[Any, np.dtype[Any]]
MAX_CHANNELS = 64
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FULL = {"uint8": 255, "uint16": 65535}
_PLAIN_MODES = {"1": "L", "P": "RGB", "PA": "RGBA", "YCbCr": "RGB", "HSV": "RGB", "La": "LA", "RGBa": "RGBA"}


def read_pixels(data: bytes, operations: list[dict[str, Any]], most_pixels: int = MAX_PIXELS) -> Array:
    """The bytes of a picture file through `decode` and `resize`: height x width x channels in the declared depth."""
    decode, resize = operations[0], operations[1]
    values = (
        _own_channels(data, decode, most_pixels) if decode["mode"] == "all" else _colours(data, decode, most_pixels)
    )
    return resize_values(_in_depth(values, decode["depth"]), resize, decode["range"])


def _own_channels(data: bytes, decode: dict[str, Any], most_pixels: int) -> Array:
    values, _ = file_values(data, most_pixels)
    if values.shape[2] != decode["channels"]:
        text = f"The picture has {values.shape[2]} channels; the dataset has {decode['channels']}."
        raise UnreadablePicture(text, "image.channels")
    return values


def _colours(data: bytes, decode: dict[str, Any], most_pixels: int) -> Array:
    """Grey or RGB: of 8 bits as without this module, of more from the file's own numbers."""
    picture = _opened(data, most_pixels)
    if picture is not None and bits_of(picture) == 8:
        decoded = np.asarray(decode_picture(picture, decode))
        return decoded.reshape(*decoded.shape[:2], -1)
    values, has_alpha = file_values(data, most_pixels)
    return _in_colour(_opaque(values, decode["background"]) if has_alpha else values, decode["mode"])


def file_values(data: bytes, most_pixels: int = MAX_PIXELS) -> tuple[Array, bool]:
    """The file's own numbers upright, as uint8, uint16 or float32, and whether the last channel is transparency."""
    picture = _opened(data, most_pixels)
    if picture is None:
        return tiff_values(data, most_pixels), False
    try:
        orientation = orientation_of(picture)
        values, has_alpha = _pillow_values(picture)
    except UnreadablePicture:  # Pillow keeps less of this layout than the file has
        values, has_alpha = tiff_values(data, most_pixels), picture.mode in {"RGBA", "LA"}
    except PILLOW_ERRORS as error:
        raise UnreadablePicture(f"The picture is damaged: {error}.") from error
    if values.dtype == np.float32 and not np.isfinite(values).all():
        raise UnreadablePicture("The picture holds values that are no numbers (NaN or infinite).", "image.not-finite")
    return _upright(values, orientation), has_alpha


def _opened(data: bytes, most_pixels: int) -> ImageFile.ImageFile | None:
    """The opened picture; `None` for a TIFF file that Pillow does not know."""
    try:
        return open_picture(data, most_pixels)
    except UnreadablePicture as error:
        if error.code == "image.too-many-pixels" or not data.startswith(TIFF_STARTS):
            raise
        return None


def tiff_values(data: bytes, most_pixels: int = MAX_PIXELS) -> Array:
    """The first page of a TIFF file by tifffile, height x width x channels."""
    try:
        tifffile = importlib.import_module("tifffile")
    except ImportError:
        text = "This TIFF file needs the package tifffile, which is not installed: pip install tifffile."
        raise UnreadablePicture(text, "image.needs-package") from None
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            check_pixels(page.imagewidth, page.imagelength, most_pixels)
            if page.imagedepth != 1 or page.samplesperpixel > MAX_CHANNELS:
                text = f"The picture has {page.samplesperpixel} channels; at most {MAX_CHANNELS} are read."
                raise UnreadablePicture(text, "image.channels")
            width_bytes = page.dtype.itemsize if page.dtype is not None else 1
            check_bytes(page.imagewidth * page.imagelength * page.samplesperpixel * width_bytes, most_pixels)
            values = page.asarray(maxworkers=1)
            planes = values.ndim == 3 and page.axes.startswith("S")
    except UnreadablePicture:
        raise
    except (*PILLOW_ERRORS, tifffile.TiffFileError) as error:
        raise UnreadablePicture(f"The TIFF file cannot be read: {error}.") from error
    if values.ndim not in {2, 3} or not values.size:
        raise UnreadablePicture("The TIFF file holds no picture.")
    values = values[..., None] if values.ndim == 2 else np.moveaxis(values, 0, 2) if planes else values
    if values.dtype not in (np.uint8, np.uint16):
        values = values.astype(np.float32)
    return np.ascontiguousarray(values)


def resize_values(values: Array, resize: dict[str, Any], black_white: tuple[float, float]) -> Array:
    """Values at the size that operation `resize` declares; what is filled has the background's colour or brightness."""
    height, width, channels = values.shape
    size = (resize["width"], resize["height"])
    if (width, height) == size:
        return values
    (left, upper, right, lower), inner = placement(width, height, resize)
    kept = values[upper:lower, left:right]
    scaled = np.stack([_scaled(kept[..., channel], inner) for channel in range(channels)], axis=2)
    if inner == size:
        return scaled
    colour = Image.new("RGB", (1, 1), tuple(resize["background"]))
    levels = np.asarray(colour if channels == 3 else colour.convert("L"), np.float64).reshape(-1) / 255
    black, white = black_white
    filling = black + levels * (white - black)
    canvas = np.empty((size[1], size[0], channels), values.dtype)
    canvas[:] = filling if values.dtype == np.float32 else np.rint(filling).astype(values.dtype)
    left, upper = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas[upper : upper + inner[1], left : left + inner[0]] = scaled
    return canvas


def _pillow_values(picture: ImageFile.ImageFile) -> tuple[Array, bool]:
    wide = wide_values(picture)
    if wide is not None:
        return wide, wide.shape[2] in {2, 4}
    if picture.mode in {"I", "F"}:
        return np.asarray(picture).astype(np.float32)[..., None], False
    picture.load()
    mode = _PLAIN_MODES.get(picture.mode, picture.mode)
    if picture.has_transparency_data:
        mode = "LA" if mode in {"L", "LA"} else "RGBA"
    values = np.asarray(picture.convert(mode))
    return values.reshape(*values.shape[:2], -1), mode in {"LA", "RGBA"}


def _upright(values: Array, orientation: int) -> Array:
    """(H, W, C) values turned as Pillow turns a picture."""
    if orientation == 1:
        return values
    places = np.arange(values.shape[0] * values.shape[1], dtype=np.int32).reshape(values.shape[:2])
    turned = np.asarray(Image.fromarray(places).transpose(TRANSPOSES[orientation]))
    return np.take(values.reshape(-1, values.shape[2]), turned, axis=0)


def _opaque(values: Array, background: list[int]) -> Array:
    """Values whose last channel is transparency, composited; rounded where they are whole numbers."""
    full = _FULL.get(values.dtype.name, 1)
    share = values[..., -1:] / np.float64(full)
    below = np.asarray(background, np.float64) / 255 * full
    if values.shape[2] == 2:
        below = _in_colour(below.reshape(1, 1, 3), "grey")
    mixed = values[..., :-1] * share + below * (1 - share)
    return mixed.astype(values.dtype) if values.dtype == np.float32 else np.rint(mixed).astype(values.dtype)


def _in_colour(values: Array, mode: str) -> Array:
    """Grey or RGB of grey or RGB values; brightness is that of ITU-R 601-2."""
    channels = values.shape[2]
    if channels not in {1, 3}:
        text = f"The picture has {channels} channels; as grey or colour it has 1 or 3: choose all channels."
        raise UnreadablePicture(text, "image.channels")
    if mode == "rgb":
        return np.repeat(values, 3, axis=2) if channels == 1 else values
    if channels == 1:
        return values
    grey = values.astype(np.float64) @ (np.array([19595, 38470, 7471]) / 65536)
    return (grey if values.dtype.kind == "f" else np.rint(grey)).astype(values.dtype)[..., None]


def _in_depth(values: Array, depth: str) -> Array:
    if depth == "float32":
        return values.astype(np.float32)
    if values.dtype == np.float32:
        raise UnreadablePicture("The picture has 32 bits a channel; the dataset has fewer.", "image.depth")
    if depth == "uint16":
        return values.astype(np.uint16) * np.uint16(257) if values.dtype == np.uint8 else values
    return values if values.dtype == np.uint8 else ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _scaled(plane: Array, size: tuple[int, int]) -> Array:
    """One channel by the antialiased bilinear filter: 8 bits as Pillow rounds them, others through 32-bit numbers."""
    if plane.shape[::-1] == size:
        return plane
    if plane.dtype == np.uint8:
        return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR))
    scaled = np.asarray(Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    return scaled if plane.dtype == np.float32 else np.rint(scaled).clip(0, 65535).astype(np.uint16)
