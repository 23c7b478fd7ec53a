"""Writes safetensors one tensor after the other, without holding them together."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Blocks = Iterable[npt.NDArray[np.float32]]
_ALIGNED = 8


def write_tensors(path: Path, shapes: Mapping[str, tuple[int, ...]], blocks: Callable[[str], Blocks]) -> None:
    """Writes float32 tensors by name; `blocks` gives the values of one in order, in as many pieces as it likes.

    Raises `ValueError` where these are not as many as its shape says.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, shape in shapes.items():
        end = place + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            written = sum(file.write(np.ascontiguousarray(block, "<f4").data) for block in blocks(name))
            if written != 4 * math.prod(shape):
                raise ValueError(f"{name} has {written // 4:,} values, not {math.prod(shape):,}")
