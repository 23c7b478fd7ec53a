"""A column of texts: one file of UTF-8 bytes without separators, and one array of where each text begins."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tenfold.core.datasets.ports import Int64Array
from tenfold.core.errors import Damaged


def text_files(name: str) -> tuple[str, str]:
    """The names of the two files of a column."""
    return f"{name}.utf8", f"{name}.offsets.npy"


def write_texts(folder: Path, name: str, texts: Iterable[str]) -> None:
    """Streams texts into a column; 8 bytes a text are in memory."""
    content, offsets = text_files(name)
    ends = [np.zeros(1, np.int64)]
    with (folder / content).open("wb") as file:
        for block in _blocks(texts, 4096):
            encoded = [text.encode() for text in block]
            file.write(b"".join(encoded))
            ends.append(np.cumsum([len(text) for text in encoded], dtype=np.int64) + ends[-1][-1])
    np.save(folder / offsets, np.concatenate(ends))


def _blocks(texts: Iterable[str], size: int) -> Iterable[list[str]]:
    block: list[str] = []
    for text in texts:
        block.append(text)
        if len(block) == size:
            yield block
            block = []
    yield block


class TextColumn:
    """Reads a column, memory-mapped. Thread-safe; raises `Damaged` for files that do not fit each other."""

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

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> str:
        start, end = self._offsets[index : index + 2].tolist()
        try:
            return bytes(self._content[start:end]).decode()
        except UnicodeDecodeError as error:
            raise Damaged(f"A text cannot be read: {error}.") from error
