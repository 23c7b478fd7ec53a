"""Pictures that lie within other files, set aside on the disk so that any of them is read at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tenfold.core.errors import BadImage, StorageFull, is_disk_full


class Spool:
    """Contents by number, from 0, in two files of a folder. Complete or absent; reading is thread-safe.

    A killed attempt leaves a part that the next one writes anew.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._data = folder / f"{name}.data"
        self._ends = folder / f"{name}.ends"

    @contextmanager
    def writing(self) -> Iterator[SpoolWriter]:
        """Takes contents, in order; they can be read once the writer says `is_complete`. Raises `StorageFull`."""
        parts = self._data.with_suffix(".data-part"), self._ends.with_suffix(".ends-part")
        try:
            with parts[0].open("wb") as data, parts[1].open("wb") as ends:
                writer = SpoolWriter(data, ends)
                yield writer
            for part, whole in zip(parts, (self._data, self._ends), strict=True):
                if not writer.is_complete:
                    return
                part.replace(whole)
        except OSError as error:
            if not is_disk_full(error):
                raise
            text = "There is no room to set the pictures of a table aside: free some and start again."
            raise StorageFull(text) from error

    def read(self, number: int) -> bytes:
        """One content; raises `BadImage` with code `file.vanished` for a number that there is not."""
        try:
            with self._ends.open("rb") as ends:
                start = _number_at(ends.fileno(), number - 1) if number else 0
                end = _number_at(ends.fileno(), number)
            with self._data.open("rb") as data:
                return os.pread(data.fileno(), end - start, start)
        except (FileNotFoundError, IndexError, OverflowError):
            raise BadImage(f"There is no picture {number}.", code="file.vanished") from None


class SpoolWriter:
    """Appends contents to a spool."""

    def __init__(self, data: BinaryIO, ends: BinaryIO) -> None:
        self._data = data
        self._ends = ends
        self._end = 0
        self.is_complete = False

    def append(self, content: bytes) -> None:
        """The next content."""
        self._end += len(content)
        self._data.write(content)
        self._ends.write(self._end.to_bytes(8, "little"))


def _number_at(handle: int, place: int) -> int:
    stored = os.pread(handle, 8, 8 * place) if place >= 0 else b""
    if len(stored) < 8:
        raise IndexError(place)
    return int.from_bytes(stored, "little")
