"""Writes caffemodels: the wire format's fields, and layers with blobs as each of Caffe's formats nests them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def sized(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def whole(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def blob(values: Floats) -> bytes:
    """With a packed shape and packed floats, as Caffe writes today."""
    return sized(7, sized(1, b"".join(map(varint, values.shape)))) + sized(5, values.astype("<f4").tobytes())


def old_blob(values: Floats) -> bytes:
    """With four sizes and a tag for each float."""
    sizes = (1,) * (4 - values.ndim) + values.shape
    about = b"".join(whole(number, size) for number, size in enumerate(sizes, 1))
    return about + b"".join(varint(5 << 3 | 5) + struct.pack("<f", value) for value in values.reshape(-1))


def double_blob(values: Floats) -> bytes:
    return sized(7, b"".join(whole(1, size) for size in values.shape)) + sized(8, values.astype("<f8").tobytes())


def caffemodel(layers: Mapping[str, Sequence[Floats]]) -> bytes:
    return sized(1, b"net") + b"".join(
        sized(100, sized(1, name.encode()) + sized(2, b"Type") + b"".join(sized(7, blob(item)) for item in blobs))
        for name, blobs in layers.items()
    )


def second_caffemodel(layers: Mapping[str, Sequence[Floats]]) -> bytes:
    return b"".join(
        sized(2, sized(4, name.encode()) + whole(5, 4) + b"".join(sized(6, old_blob(item)) for item in blobs))
        for name, blobs in layers.items()
    )


def first_caffemodel(layers: Mapping[str, Sequence[Floats]]) -> bytes:
    return b"".join(
        sized(2, sized(1, sized(1, name.encode()) + b"".join(sized(50, double_blob(item)) for item in blobs)))
        for name, blobs in layers.items()
    )
