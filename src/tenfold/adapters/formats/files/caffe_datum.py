"""Caffe's `Datum`, from the protobuf wire format (caffe.proto; protobuf.dev, Encoding)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.core.errors import BadImage

_CHANNELS, _HEIGHT, _WIDTH, _DATA, _LABEL, _FLOATS, _ENCODED = range(1, 8)
_FLOAT_TAG = _FLOATS << 3 | 5
_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5
MAX_SIDE = 100_000


@dataclass(frozen=True, kw_only=True)
class Datum:
    """A picture with its label, `None` if it has none; pixels are channels x height x width, in blue, green, red."""

    channels: int
    height: int
    width: int
    data: bytes
    label: int | None
    floats: npt.NDArray[np.float32] | None
    is_encoded: bool

    def pixels(self) -> npt.NDArray[Any]:
        """Height x width, or height x width x channels in red, green, blue; of what is not encoded."""
        stored = self.floats if self.floats is not None and not self.data else np.frombuffer(self.data, np.uint8)
        if not 1 <= self.channels <= 4:
            raise BadImage(f"The picture has {self.channels} channels; 1 to 4 are read.", code="image.channels")
        if len(stored) != self.channels * self.height * self.width:
            shape = f"{self.channels} x {self.height} x {self.width}"
            raise BadImage(f"The picture holds {len(stored)} values, not {shape}.", code="datum.damaged")
        pixels = stored.reshape(self.channels, self.height, self.width).transpose(1, 2, 0)
        if self.channels == 1:
            return pixels[:, :, 0]
        order = {2: [0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[self.channels]
        return pixels[:, :, order]


def read_datum(content: bytes) -> Datum:
    """A datum from its bytes; raises `BadImage` with code `datum.damaged` for what is none."""
    numbers: dict[int, int] = {}
    data = b""
    floats: list[npt.NDArray[np.float32]] = []
    for field, value in _fields(content):
        if field == _DATA and isinstance(value, bytes):
            data = value
        elif field == _FLOATS and isinstance(value, np.ndarray):
            floats.append(value)
        elif field == _FLOATS and isinstance(value, bytes) and len(value) % 4 == 0:
            floats.append(np.frombuffer(value, "<f4"))
        elif isinstance(value, int):
            numbers[field] = value
        elif field in range(1, 8):
            raise _damaged("a field has the wrong type")
    if not data and not floats:
        raise _damaged("it holds no picture")
    channels, height, width = (numbers.get(field, 0) for field in (_CHANNELS, _HEIGHT, _WIDTH))
    if max(height, width) > MAX_SIDE:
        raise _damaged("its sides are impossible")
    return Datum(
        channels=channels,
        height=height,
        width=width,
        data=data,
        label=_signed(numbers.get(_LABEL)),
        floats=np.concatenate(floats) if floats else None,
        is_encoded=bool(numbers.get(_ENCODED)),
    )


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes | npt.NDArray[np.float32]]]:
    place = 0
    while place < len(content):
        if content[place] == _FLOAT_TAG:
            values = _run_of_floats(content, place)
            place += 5 * len(values)
            yield _FLOATS, values
            continue
        tag, place = _varint(content, place)
        field, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            number, place = _varint(content, place)
            yield field, number
            continue
        size = {_EIGHT: 8, _FOUR: 4}.get(wire)
        if wire == _SIZED:
            size, place = _varint(content, place)
        if size is None or place + size > len(content):
            raise _damaged("a field ends outside of it")
        if wire == _SIZED:
            yield field, content[place : place + size]
        place += size


def _run_of_floats(content: bytes, place: int) -> npt.NDArray[np.float32]:
    """All floats that follow each other, each with its own tag."""
    rest = np.frombuffer(content, np.uint8, offset=place)
    rows = rest[: len(rest) // 5 * 5].reshape(-1, 5)
    other = np.flatnonzero(rows[:, 0] != _FLOAT_TAG)
    count = int(other[0]) if len(other) else len(rows)
    if not count:
        raise _damaged("a number is cut off")
    return np.ascontiguousarray(rows[:count, 1:]).view("<f4").reshape(-1)


def _varint(content: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            raise _damaged("a number is cut off")
        byte = content[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise _damaged("a number has no end")


def _signed(number: int | None) -> int | None:
    if number is None:
        return None
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number


def _damaged(why: str) -> BadImage:
    return BadImage(f"The entry is no Caffe datum: {why}.", code="datum.damaged")
