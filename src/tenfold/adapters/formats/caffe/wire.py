"""Protobuf's wire format (protobuf.dev, Encoding), read over a view of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenfold.core.errors import BadNetwork

MAX_FIELDS = 100_000
_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5
_SIZES = {_EIGHT: 8, _FOUR: 4}
_MOST_AT_ONCE = 2**20


class WireField(NamedTuple):
    """A field by number: a whole number, or the bytes that it lies in with their offset in the file.

    Numbers of four bytes that follow one another as fields of their own are one field; each then has `tag` bytes before
    it.
    """

    number: int
    value: int | memoryview
    offset: int
    tag: int = 0


class WireReader:
    """Reads messages of one file and counts their fields, so that no file can keep it busy."""

    def __init__(self) -> None:
        self._left = MAX_FIELDS

    def fields(self, content: memoryview, offset: int = 0) -> Iterator[WireField]:
        """The fields of a message that begins at an offset of its file; raises `BadNetwork` where one is damaged."""
        place = 0
        while place < len(content):
            self._left -= 1
            if self._left < 0:
                raise damaged(offset + place, f"it has more than {MAX_FIELDS:,} fields")
            begin = place
            tag, place = _varint(content, place, offset)
            wire = tag & 7
            if wire == _VARINT:
                number, place = _varint(content, place, offset)
                yield WireField(tag >> 3, number, offset + begin)
                continue
            if wire == _FOUR:
                size = _run(content, begin, place)
                yield WireField(tag >> 3, content[begin : begin + size], offset + begin, place - begin)
                place = begin + size
                continue
            size = _SIZES.get(wire, -1)
            if wire == _SIZED:
                size, place = _varint(content, place, offset)
            if size < 0:
                raise damaged(offset + begin, f"{wire} is no type of field")
            if place + size > len(content):
                raise damaged(offset + begin, f"a field of {size:,} bytes ends outside of its message")
            yield WireField(tag >> 3, content[place : place + size], offset + place)
            place += size


def damaged(offset: int, why: str) -> BadNetwork:
    """The error of a place in a file of weights."""
    return BadNetwork(f"The file is no caffemodel, or it is damaged: at byte {offset:,} {why}.", code="caffe.damaged")


def packed_integers(content: memoryview, offset: int, most: int) -> list[int]:
    """Whole numbers that lie one after the other; raises `BadNetwork` where there are more than allowed."""
    found, place = [], 0
    while place < len(content):
        number, place = _varint(content, place, offset)
        found.append(number)
        if len(found) > most:
            raise damaged(offset, f"there are more than {most} sizes")
    return found


def _varint(content: memoryview, place: int, offset: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            raise damaged(offset + place, "a number is cut off")
        byte = content[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise damaged(offset + place, "a number has no end")


def _run(content: memoryview, begin: int, place: int) -> int:
    """The bytes of equal tags with four bytes each that follow one another, as old files store floats."""
    tag = place - begin
    stride, count, window = tag + 4, 0, 16
    if len(content) - place >= 4 and content[place + 4 : place + 4 + tag] != content[begin:place]:
        return stride
    first = np.frombuffer(content[begin:place], np.uint8)
    while len(rows := _rows(content[begin + count * stride : begin + (count + window) * stride], stride)):
        other = np.flatnonzero((rows[:, :tag] != first).any(axis=1))
        count += int(other[0]) if other.size else len(rows)
        if other.size:
            break
        window = min(window * 4, _MOST_AT_ONCE)
    if not count:
        raise damaged(begin, "a number is cut off")
    return count * stride


def _rows(content: memoryview, stride: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(content[: len(content) // stride * stride], np.uint8).reshape(-1, stride)
