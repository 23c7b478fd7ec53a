"""Pixels and facts of an import, on the disk while it works: each file's at the place that the plan gave it.

A batch is written pixels first, facts last, so that a place whose facts are there has its pixels. After a kill the
places that were not reached have no facts, and the next attempt goes on there. Pixels are put on the disk behind the
work, so that little is left to wait for at its end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.files.disk_room import named_disk_errors
from tenfold.adapters.formats.revisions.writer import npy_header
from tenfold.core.datasets.ports import PixelArray
from tenfold.core.errors import StorageFull, is_disk_full

PIXELS = "pixels.npy"
FACTS = "facts.bin"
NOT_REACHED, ACCEPTED, REJECTED = 0, 1, 2
BLOCK = 8192
SYNC_BYTES = 32 << 20
Facts = npt.NDArray[Any]


def facts_type(channels: int, pixels: npt.DTypeLike = np.uint8) -> np.dtype[Any]:
    """What is known of a place: `sums` and `squares` are those of the stored pixels, a channel each."""
    sums = np.uint64 if np.dtype(pixels) == np.uint8 else np.float64
    return np.dtype(
        [
            ("state", np.uint8),
            ("is_colour", np.uint8),
            ("has_more_frames", np.uint8),
            ("sha256", np.uint8, 32),
            ("pixels", np.uint8, 32),
            ("width", np.int32),
            ("height", np.int32),
            ("size_bytes", np.int64),
            ("sums", sums, channels),
            ("squares", sums, channels),
        ]
    )


class ImportArrays:
    """Room for `capacity` pictures of `shape` (H, W, C) and `dtype` and their facts in a folder, there or not.

    The room is claimed first: `StorageFull` comes before the work and tells the bytes it needs.
    """

    def __init__(
        self, folder: Path, *, capacity: int, shape: tuple[int, int, int], dtype: npt.DTypeLike = np.uint8
    ) -> None:
        self._capacity = capacity
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._type = facts_type(shape[2], dtype)
        self.row_bytes = int(np.prod(shape)) * self._dtype.itemsize
        header = npy_header((capacity, *shape), self._dtype)
        self._first = len(header)
        self._needed = len(header) + capacity * (self.row_bytes + self._type.itemsize)
        self._syncer = ThreadPoolExecutor(1, thread_name_prefix="sync")
        self._syncing: Future[None] | None = None
        self._unsynced = 0
        self._path = folder / PIXELS
        if not self._path.exists():
            (folder / FACTS).unlink(missing_ok=True)  # facts of pixels that are gone are lies
        with self._disk_errors():
            self._pixels = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            self._facts = os.open(folder / FACTS, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            with self._disk_errors():
                os.posix_fallocate(self._pixels, 0, len(header) + capacity * self.row_bytes)
                os.posix_fallocate(self._facts, 0, capacity * self._type.itemsize)
                os.pwrite(self._pixels, header, 0)
        except StorageFull:
            self.close()
            for name in (PIXELS, FACTS):
                (folder / name).unlink()
            raise

    def __enter__(self) -> ImportArrays:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._syncer.shutdown()
        os.close(self._pixels)
        os.close(self._facts)

    def write(self, place: int, pictures: PixelArray, facts: Facts) -> None:
        """Stores pictures (N, H, W, C) and what is known of them from `place` on."""
        with self._disk_errors():
            _write_at(self._pixels, np.ascontiguousarray(pictures), self._first + place * self.row_bytes)
            _write_at(self._facts, np.ascontiguousarray(facts), place * self._type.itemsize)
            self._sync_behind(pictures.nbytes)

    def pictures(self, places: npt.NDArray[np.intp]) -> PixelArray:
        """The stored pictures at these places."""
        found = np.empty((len(places), *self._shape), self._dtype)
        for picture, place in zip(found, places.tolist(), strict=True):
            os.preadv(self._pixels, [memoryview(picture).cast("B")], self._first + place * self.row_bytes)
        return found

    def facts(self) -> Iterator[tuple[int, Facts]]:
        """All facts in blocks, with the place at which each begins."""
        for start in range(0, self._capacity, BLOCK):
            count = min(BLOCK, self._capacity - start)
            content = os.pread(self._facts, count * self._type.itemsize, start * self._type.itemsize)
            yield start, np.frombuffer(content, self._type)

    def num_reached(self) -> int:
        """How many places from the first on are done."""
        for start, facts in self.facts():
            open_places = np.flatnonzero(facts["state"] == NOT_REACHED)
            if len(open_places):
                return start + int(open_places[0])
        return self._capacity

    def hand_over(self, folder: Path) -> None:
        """Puts the pixels into a folder, too: should the attempt be killed before that is published, they are here."""
        with self._disk_errors():
            if self._syncing is not None:
                self._syncing.result()
            os.fsync(self._pixels)
            try:
                os.link(self._path, folder / PIXELS)
            except OSError as error:
                if is_disk_full(error):
                    raise
                self._path.rename(folder / PIXELS)

    def _sync_behind(self, written: int) -> None:
        """Begins to put on the disk what was written, now and then; raises what went wrong the last time."""
        self._unsynced += written
        if self._unsynced >= SYNC_BYTES and (self._syncing is None or self._syncing.done()):
            if self._syncing is not None:
                self._syncing.result()
            self._syncing = self._syncer.submit(os.fdatasync, self._pixels)
            self._unsynced = 0

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        with named_disk_errors(self._needed):
            yield


def _write_at(handle: int, array: npt.NDArray[Any], offset: int) -> None:
    view = memoryview(array.tobytes() if array.dtype.names else array.data).cast("B") if array.size else memoryview(b"")
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written
