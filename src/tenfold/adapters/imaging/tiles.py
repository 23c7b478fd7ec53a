"""Tiles of values as PNG files in colours that the eye can order."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenfold.core.events import Json
from tenfold.core.inference.layer_views import STEPS, Scale, tiled

_GAP = 255
_DARK_TO_BRIGHT = ("1b2225", "143949", "03526b", "026c88", "048cac", "2fa6c5", "5ec0d9", "8fd8ea", "bde9f2")
_NEGATIVE = ("ffe3b0", "edbb64", "c98a2b", "9a6215", "6b4210", "3f2c15", "1b2225")
_POSITIVE = ("1b2225", "14404f", "03607d", "0588a8", "2fa6c5", "7fd0e4", "bde9f2")


def write_tiles(tiles: npt.NDArray[np.float32], path: Path) -> dict[str, Json]:
    """Writes tiles (T, H, W) as one PNG, which is there whole or not at all, and says how it is laid out."""
    picture, is_gap, layout = tiled(tiles)
    picture[is_gap] = _GAP
    image = Image.fromarray(picture, "P")
    image.putpalette(_palette(layout.scale))
    part = path.with_suffix(".part")
    image.save(part, "PNG", transparency=_GAP, compress_level=1)
    part.rename(path)
    return {"file": path.name, "picture": [picture.shape[1], picture.shape[0]], **layout.to_json()}


@cache
def _palette(scale: Scale) -> bytes:
    anchors = _DARK_TO_BRIGHT if scale == "from-low" else (*_NEGATIVE[:-1], *_POSITIVE)
    colours = np.array([[int(each[at : at + 2], 16) for at in (0, 2, 4)] for each in anchors], np.float64)
    steps = np.arange(STEPS + 1) / STEPS * (len(anchors) - 1)
    mixed = np.stack([np.interp(steps, np.arange(len(anchors)), colours[:, channel]) for channel in range(3)], axis=1)
    return mixed.round().astype(np.uint8).tobytes() + bytes(3)
