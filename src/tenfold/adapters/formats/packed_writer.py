"""Writes a revision folder: see `packed_store` for what lies in it."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from json.encoder import encode_basestring_ascii
from pathlib import Path
from types import TracebackType

import numpy as np

from tenfold.adapters.formats.packed_store import IMAGES, LABELS, MANIFEST, OFFSETS, SAMPLES
from tenfold.core.datasets.model import RevisionManifest, SampleRecord, StoredFile
from tenfold.core.datasets.ports import Int64Array, UInt8Array
from tenfold.core.errors import StorageFull, is_disk_full


class PackedWriter:
    """Streams pictures into a folder that is there and empty, then completes it with `finish`.

    Room for `capacity` pictures of `shape` (H, W, C) is claimed first: `StorageFull` comes before the work and tells
    the bytes it needs. No more than one block of pictures is in memory.
    """

    def __init__(self, folder: Path, *, capacity: int, shape: tuple[int, int, int]) -> None:
        self._folder = folder
        self._shape = shape
        self._picture_bytes = int(np.prod(shape))
        self._header_bytes = len(_npy_header((capacity, *shape)))
        self._needed = self._header_bytes + capacity * self._picture_bytes
        self.num_pictures = 0
        with self._disk_errors():
            self._handle = os.open(folder / IMAGES, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with self._disk_errors():
                os.posix_fallocate(self._handle, 0, self._needed)
        except StorageFull:
            os.close(self._handle)
            (folder / IMAGES).unlink()
            raise

    def __enter__(self) -> PackedWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def append(self, pictures: UInt8Array) -> None:
        """Adds pictures (N, H, W, C) after those that are there."""
        if not len(pictures):
            return
        view = np.ascontiguousarray(pictures).data.cast("B")
        offset = self._header_bytes + self.num_pictures * self._picture_bytes
        with self._disk_errors():
            while view:
                written = os.pwrite(self._handle, view, offset)
                view, offset = view[written:], offset + written
        self.num_pictures += len(pictures)

    def reorder(self, order: Int64Array) -> None:
        """Brings picture `order[place]` to `place`, moving only those that stand elsewhere."""
        misplaced = np.flatnonzero(order != np.arange(len(order)))
        done: set[int] = set()
        for start in misplaced.tolist():
            if start in done:
                continue
            kept, place = self._read(start), start
            while (source := int(order[place])) != start:
                self._write(place, self._read(source))
                done.add(place)
                place = source
            self._write(place, kept)
            done.add(place)

    def finish(self, records: Sequence[SampleRecord], manifest: RevisionManifest) -> RevisionManifest:
        """Writes all other files, brings everything to the disk, and returns the manifest with hashes and sizes."""
        with self._disk_errors():
            os.pwrite(self._handle, _npy_header((self.num_pictures, *self._shape)), 0)
            os.ftruncate(self._handle, self._header_bytes + self.num_pictures * self._picture_bytes)
            os.fsync(self._handle)
            np.save(self._folder / LABELS, np.array([record.label for record in records], np.int64))
            lines = [_record_line(record) for record in records]
            np.save(self._folder / OFFSETS, np.cumsum([0, *map(len, lines)], dtype=np.int64))
            (self._folder / SAMPLES).write_bytes(b"".join(lines))
            files = tuple(_describe(self._folder / name) for name in (IMAGES, LABELS, OFFSETS, SAMPLES))
            complete = replace(manifest, files=files)
            text = json.dumps(complete.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
            (self._folder / MANIFEST).write_bytes(text.encode())
            for name in (LABELS, OFFSETS, SAMPLES, MANIFEST, "."):
                _fsync(self._folder / name)
        return complete

    def _read(self, row: int) -> bytes:
        return os.pread(self._handle, self._picture_bytes, self._header_bytes + row * self._picture_bytes)

    def _write(self, row: int, picture: bytes) -> None:
        with self._disk_errors():
            os.pwrite(self._handle, picture, self._header_bytes + row * self._picture_bytes)

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not is_disk_full(error):
                raise
            text = f"There is no room for the dataset: it needs {_megabytes(self._needed)}. Free some and start again."
            raise StorageFull(text, needed_bytes=self._needed) from error


def _npy_header(shape: tuple[int, ...]) -> bytes:
    """The header of an uint8 array file; numpy pads it so that its length does not depend on the first axis."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def _record_line(record: SampleRecord) -> bytes:
    """`json.dumps` of the record, a fifth of its time."""
    return (
        f'{{"path": {encode_basestring_ascii(record.path)}, "label": {record.label}, "split": "{record.split}", '
        f'"sha256": "{record.sha256}", "width": {record.width}, "height": {record.height}}}\n'
    ).encode("ascii")


def _describe(path: Path) -> StoredFile:
    with path.open("rb") as file:
        return StoredFile(path.name, hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"
