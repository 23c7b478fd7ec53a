"""Arrays in IDX, NumPy and HDF5 files: what they say of themselves, and their values mapped from the disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from tenfold.adapters.formats.files.apart import ReaderApart
from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.files.named_arrays import Array, NamedArray
from tenfold.core.errors import BadDataset, BadImage, StorageFull, is_disk_full

MAX_MEMBERS = 1000
MAX_RATIO = 200
RATIO_FROM = 100 << 20
MOST_BYTES = 1 << 40
_BLOCK = 1 << 20
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_BAD = (
    OSError, EOFError, ValueError, TypeError, LookupError, SyntaxError, RuntimeError, MemoryError, OverflowError,
    NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile, tokenize.TokenError,
)  # fmt: skip


class ArrayFiles:
    """Finds arrays in files; packed ones are unpacked into `work` once, when they are loaded."""

    def __init__(self, guard: GuardedFolder, work: Path, apart: ReaderApart) -> None:
        self._guard = guard
        self._work = work
        self._apart = apart

    def idx(self, path: str) -> list[NamedArray]:
        """The one array of an IDX file, plain or gzipped; raises `BadDataset` for a file that is none."""
        is_packed = path.casefold().endswith(".gz")
        with _damage(path, "IDX"), self._guard.opened(path) as file:
            dtype, shape = _idx_header(_unzipped(file) if is_packed else file)
            start = 4 + 4 * len(shape)
            _check_length(path, file, None if is_packed else start, dtype, shape)

        def blocks() -> Iterator[bytes]:
            with _damage(path, "IDX"), self._guard.opened(path) as file:
                unpacked = _unzipped(file)
                unpacked.read(start)
                yield from _exactly(unpacked, math.prod(shape) * dtype.itemsize)

        def load() -> Array:
            return self._unpacked(path, dtype, shape, blocks) if is_packed else self._mapped(path, dtype, shape, start)

        return [NamedArray(path, "", shape, dtype, cache(load))]

    def npy(self, path: str) -> list[NamedArray]:
        """The one array of an `.npy` file, mapped."""
        with _damage(path, "NumPy"), self._guard.opened(path) as file:
            dtype, shape, is_fortran = _npy_header(file)
            start = file.tell()
            _check_length(path, file, start, dtype, shape)

        def load() -> Array:
            return self._mapped(path, dtype, shape, start, order="F" if is_fortran else "C")

        return [NamedArray(path, "", shape, dtype, cache(load))]

    def npz(self, path: str) -> list[NamedArray]:
        """The arrays of an `.npz` file, by name; those of Python objects are refused."""
        found: list[NamedArray] = []
        with _damage(path, "NumPy"), self._guard.opened(path) as file, zipfile.ZipFile(file) as opened:
            for info in opened.infolist()[:MAX_MEMBERS]:
                if info.filename.endswith(".npy") and not info.is_dir():
                    with opened.open(info) as member:
                        dtype, shape, is_fortran = _npy_header(member)
                    _check_ratio(f"{path}/{info.filename}", math.prod(shape) * dtype.itemsize, info.compress_size)
                    found.append(self._member(path, info.filename, dtype, shape, is_fortran))
        return found

    def hdf5(self, path: str) -> list[NamedArray]:
        """The arrays of an HDF5 file; values are copied out by a process of its own."""
        return [
            self._hdf5_array(path, header["name"], tuple(header["shape"]), header["dtype"])
            for header, _ in self._apart.all("hdf5-facts", self._guard, path)
        ]

    def _member(
        self, path: str, member: str, dtype: np.dtype[Any], shape: tuple[int, ...], is_fortran: bool
    ) -> NamedArray:
        name = member.removesuffix(".npy")

        def blocks() -> Iterator[bytes]:
            with (
                _damage(path, "NumPy"),
                self._guard.opened(path) as file,
                zipfile.ZipFile(file) as opened,
                opened.open(member) as content,
            ):
                _npy_header(content)
                yield from _exactly(content, math.prod(shape) * dtype.itemsize)

        def load() -> Array:
            stored = tuple(reversed(shape)) if is_fortran else shape
            array = self._unpacked(f"{path}/{name}", dtype, stored, blocks)
            return array.T if is_fortran else array

        return NamedArray(path, name, shape, dtype, cache(load))

    def _hdf5_array(self, path: str, name: str, shape: tuple[int, ...], told: str) -> NamedArray:
        if not told:
            return NamedArray(path, name, shape, None, cache(lambda: self._texts(path, name)))
        dtype = np.dtype(told)

        def blocks() -> Iterator[bytes]:
            for _, blobs in self._apart.ask("hdf5-values", self._guard, path, name=name):
                yield from blobs

        return NamedArray(
            path, name, shape, dtype, cache(lambda: self._unpacked(f"{path}/{name}", dtype, shape, blocks))
        )

    def _texts(self, path: str, name: str) -> Array:
        answers = self._apart.ask("hdf5-values", self._guard, path, name=name)
        texts = [text.encode()[:500] for header, _ in answers for text in header["texts"]]
        return np.array(texts or [b""], "S")[: len(texts)]

    def _mapped(
        self, path: str, dtype: np.dtype[Any], shape: tuple[int, ...], start: int, *, order: Any = "C"
    ) -> Array:
        with _damage(path, "array"), self._guard.opened(path) as file:
            _check_length(path, file, start, dtype, shape)
            return _map(file, dtype, shape, start, order)

    def _unpacked(
        self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], blocks: Callable[[], Iterator[bytes]]
    ) -> Array:
        target = self._work / f"array-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
        if not target.exists():
            part = target.with_suffix(".part")
            try:
                with part.open("wb") as file:
                    file.writelines(blocks())
                    size = file.tell()
            except OSError as error:
                if not is_disk_full(error):
                    raise
                raise StorageFull(f"There is no room to unpack {name}: free some and start again.") from error
            if size != math.prod(shape) * dtype.itemsize:
                raise BadDataset(f"{name} ends too early.", code="arrays.damaged")
            part.rename(target)
        with target.open("rb") as file:
            return _map(file, dtype, shape, 0, "C")


def _idx_header(file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    zero, kind, axes = struct.unpack(">HBB", _whole(file, 4))
    if zero or kind not in _IDX_TYPES or not 1 <= axes <= 4:
        raise ValueError("it does not begin as one")
    return np.dtype(_IDX_TYPES[kind]), struct.unpack(f">{axes}I", _whole(file, 4 * axes))


def _npy_header(file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    version = np.lib.format.read_magic(file)
    reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"its version is {version}")
    shape, is_fortran, dtype = reader(file)
    if dtype.hasobject or dtype.kind not in "biufSU":
        raise ValueError("it holds Python objects or other things than numbers and texts, which are not read")
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize > MOST_BYTES:
        raise ValueError("its shape is impossible")
    return dtype, tuple(map(int, shape)), bool(is_fortran)


def _check_length(path: str, file: IO[bytes], start: int | None, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Whether a file holds what it says; with `start` being `None` it is packed, and only bombs are refused."""
    needed = math.prod(shape) * dtype.itemsize
    size = file.seek(0, io.SEEK_END)
    if start is None:
        _check_ratio(path, needed, size)
    elif size < start + needed:
        raise ValueError(f"it says {needed:,} bytes and holds {max(0, size - start):,}")


def _check_ratio(name: str, needed: int, packed: int) -> None:
    if needed > RATIO_FROM and needed > MAX_RATIO * max(1, packed):
        text = f"{name} unpacks to over {MAX_RATIO} times its size: it is taken for a bomb."
        raise BadDataset(text, code="arrays.bomb")


def _unzipped(file: IO[bytes]) -> IO[bytes]:
    return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[return-value]


def _whole(file: IO[bytes], size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise EOFError("it ends too early")
    return content


def _exactly(file: IO[bytes], size: int) -> Iterator[bytes]:
    left = size
    while left:
        block = file.read(min(_BLOCK, left))
        if not block:
            raise EOFError("it ends too early")
        left -= len(block)
        yield block


def _map(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...], start: int, order: Any) -> Array:
    if not math.prod(shape) * dtype.itemsize:
        return np.empty(shape, dtype)
    return np.memmap(file, dtype, "r", start, shape, order).view(np.ndarray)


@contextmanager
def _damage(path: str, kind: str) -> Iterator[None]:
    try:
        yield
    except BadImage as error:
        raise BadDataset(f"{path} cannot be read: {error.message}", code="arrays.unreadable") from error
    except StorageFull:
        raise
    except _BAD as error:
        if isinstance(error, OSError) and is_disk_full(error):
            raise
        why = str(error).partition("\n")[0][:200] or type(error).__name__
        raise BadDataset(f"{path} is no whole {kind} file: {why}.", code="arrays.damaged") from error
