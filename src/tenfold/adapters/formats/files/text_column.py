"""A column of texts: one file of UTF-8 bytes without separators, and one array of where each text begins."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.ports import Int64Array
from tenfold.core.errors import Damaged

_AT_ONCE = 65_536
_BLOCK = 4096
_STEP = 8
_SMALL = np.arange(256, dtype=np.uint8)
_SMALL[ord("A") : ord("Z") + 1] += ord("a") - ord("A")


def text_files(name: str) -> tuple[str, str]:
    """The names of the two files of a column."""
    return f"{name}.utf8", f"{name}.offsets.npy"


def write_texts(folder: Path, name: str, texts: Iterable[str]) -> None:
    """Streams texts into a column."""
    content, offsets = text_files(name)
    count, end = 0, np.int64(0)
    with (folder / content).open("wb") as file, (folder / offsets).open("wb") as places:
        places.write(_offsets_header(0))
        places.write(end.tobytes())
        for block in _blocks(texts, _BLOCK):
            encoded = [text.encode() for text in block]
            file.write(b"".join(encoded))
            ends = np.cumsum([len(text) for text in encoded], dtype=np.int64) + end
            places.write(ends.tobytes())
            count, end = count + len(block), ends[-1] if block else end
        places.seek(0)
        places.write(_offsets_header(count))


def _offsets_header(count: int) -> bytes:
    """The header of an array file of where `count` texts begin and where the last ends; as long for any number."""
    buffer = io.BytesIO()
    facts = {"descr": "<i8", "fortran_order": False, "shape": (count + 1,)}
    np.lib.format.write_array_header_1_0(buffer, facts)
    return buffer.getvalue()


def _blocks(texts: Iterable[str], size: int) -> Iterable[list[str]]:
    block: list[str] = []
    for text in texts:
        block.append(text)
        if len(block) == size:
            yield block
            block = []
    yield block


class TextColumn:
    """Reads a column, memory-mapped. Thread-safe; raises `Damaged` for files that do not fit each other.

    Searching and sorting work on the mapped bytes, some ten thousand texts at a time.
    """

    def __init__(self, folder: Path, name: str, *, num_texts: int) -> None:
        content, offsets = text_files(name)
        try:
            self._offsets: Int64Array = np.load(folder / offsets, mmap_mode="r", allow_pickle=False).view(np.ndarray)
            size = (folder / content).stat().st_size
            with (folder / content).open("rb") as file:
                self._content: bytes | mmap.mmap = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) if size else b""
        except (OSError, ValueError) as error:
            raise Damaged(f"{name} in {folder.name} cannot be read: {error}.") from error
        fits = self._offsets.shape == (num_texts + 1,) and self._offsets.dtype == np.int64
        if not fits or self._offsets[0] != 0 or self._offsets[-1] != size:
            raise Damaged(f"{name} in {folder.name} does not fit its offsets.")
        self._bytes = np.frombuffer(self._content, np.uint8) if size else np.zeros(0, np.uint8)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> str:
        start, end = self._offsets[index : index + 2].tolist()
        try:
            return bytes(self._content[start:end]).decode()
        except UnicodeDecodeError as error:
            raise Damaged(f"A text cannot be read: {error}.") from error

    def at(self, indices: npt.NDArray[np.integer]) -> Iterator[str]:
        """The texts at these places; what is mapped for them is given back block by block."""
        for first in range(0, len(indices), _BLOCK):
            block = indices[first : first + _BLOCK]
            starts, ends = self._offsets[block].tolist(), self._offsets[block + 1].tolist()
            try:
                texts = [self._content[start:end].decode() for start, end in zip(starts, ends, strict=True)]
            except UnicodeDecodeError as error:
                raise Damaged(f"A text cannot be read: {error}.") from error
            self._give_back()
            yield from texts

    def _give_back(self) -> None:
        """Unmaps for now: else the pages of a whole column count as memory of the process."""
        if isinstance(self._content, mmap.mmap):
            self._content.madvise(mmap.MADV_DONTNEED)

    def raw(self, index: int) -> bytes:
        """The bytes of a text; they are in the order of its characters."""
        start, end = self._offsets[index : index + 2].tolist()
        return bytes(self._content[start:end])

    def place_of(self, text: str) -> int | None:
        """The place of the first text that is this one; `None` where there is none."""
        wanted = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
        for first in range(0, len(self), _AT_ONCE):
            offsets = self._offsets[first : first + _AT_ONCE + 1]
            same = np.flatnonzero(np.diff(offsets) == len(wanted))
            for at, byte in enumerate(wanted.tolist()):
                same = same[self._bytes[offsets[same] + at] == byte]
            if len(same):
                return first + int(same[0])
        return None

    def containing(self, text: str) -> npt.NDArray[np.bool_]:
        """Which texts have `text` in them, small and capital letters being the same."""
        characters = [_forms(char) for char in text]
        length = sum(len(forms[0]) for forms in characters)
        found = np.zeros(len(self), np.bool_)
        for first in range(0, len(self), _AT_ONCE):
            offsets = self._offsets[first : first + _AT_ONCE + 1]
            content = _SMALL[self._bytes[offsets[0] : offsets[-1]]]
            places = _places(content, characters, length)
            holder = np.searchsorted(offsets, places + offsets[0], side="right") - 1
            is_whole = places + offsets[0] + length <= offsets[holder + 1]
            found[first + holder[is_whole]] = True
        return found

    def ranks(self, indices: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """The place of each of these texts among them, sorted; equal texts have the same."""
        ranks = np.zeros(len(indices), np.int64)
        lengths = self._offsets[indices + 1] - self._offsets[indices]
        undecided = np.arange(len(indices) if lengths.any() else 0)
        start = 0
        while len(undecided):
            keys = self._chunk(indices[undecided], start)
            order = np.lexsort((keys, ranks[undecided]))
            sorted_ones, keys, before = undecided[order], keys[order], ranks[undecided][order]
            is_first = np.ones(len(order), np.bool_)
            is_first[1:] = (before[1:] != before[:-1]) | (keys[1:] != keys[:-1])
            firsts = np.flatnonzero(is_first)
            group = np.cumsum(is_first) - 1
            ranks[sorted_ones] = before + firsts[group] - np.searchsorted(before, before)
            start += _STEP
            is_shared = np.diff(np.append(firsts, len(order))) > 1
            goes_on = np.maximum.reduceat(lengths[sorted_ones], firsts) > start
            undecided = sorted_ones[(is_shared & goes_on)[group]]
        return ranks

    def _chunk(self, indices: npt.NDArray[np.integer], start: int) -> npt.NDArray[np.uint64]:
        """Eight bytes of each text from `start` on as a number that sorts as they do; zeros after its end."""
        keys = np.empty(len(indices), ">u8")
        for first in range(0, len(indices), _AT_ONCE):
            at = indices[first : first + _AT_ONCE]
            places = (self._offsets[at] + start)[:, None] + np.arange(_STEP)
            is_inside = places < self._offsets[at + 1][:, None]
            chunk = np.where(is_inside, self._bytes[np.where(is_inside, places, 0)], np.uint8(0))
            keys[first : first + _AT_ONCE] = np.ascontiguousarray(chunk, np.uint8).view(">u8")[:, 0]
        return keys.astype(np.uint64)


def _forms(char: str) -> list[bytes]:
    """A character in small and in capital letters, as far as these have equally many bytes; ASCII in small ones."""
    small = char.lower() if char.isascii() else char
    forms = {small.encode(), *(form.encode() for form in (char.lower(), char.upper()) if not char.isascii())}
    return sorted(form for form in forms if len(form) == len(small.encode()))


def _places(content: npt.NDArray[np.uint8], characters: list[list[bytes]], length: int) -> npt.NDArray[np.int64]:
    """Where a text begins that has one form of each character in turn."""
    places = np.arange(max(0, len(content) - length + 1))
    at = 0
    for forms in characters:
        fits = np.zeros(len(places), np.bool_)
        for form in forms:
            same = np.ones(len(places), np.bool_)
            for shift, byte in enumerate(form):
                same &= content[places + at + shift] == byte
            fits |= same
        places = places[fits]
        at += len(forms[0])
    return places
