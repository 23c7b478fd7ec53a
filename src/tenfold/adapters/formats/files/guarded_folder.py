"""The one place where a file of a source is opened: inside the allowed folder, whatever a path or a link says."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from tenfold.core.datasets.model import InPlace
from tenfold.core.datasets.ports import FileState, PlacedFiles
from tenfold.core.errors import BadDataset, BadImage

MAX_FILE_BYTES = 512 * 1024 * 1024
_BLOCK = 1 << 16


class GuardedFolder:
    """Files named relative to `root` (or absolutely), opened only if they really lie inside `allowed`. Thread-safe.

    Links are resolved when a file is opened, so one that is exchanged meanwhile leads nowhere else.
    """

    def __init__(self, root: Path, *, allowed: Path | None = None) -> None:
        self.root = os.path.realpath(root)
        self.allowed = os.path.realpath(allowed or root)
        self._glanced: set[str] = set()
        if not self.holds(self.root):
            raise BadDataset("The folder lies outside the folders that may be read.", code="dataset.outside")
        if not Path(self.root).is_dir():
            raise BadDataset("There is no such folder.", code="dataset.no-folder")

    def holds(self, real: str) -> bool:
        """Whether a path without links lies inside what may be read."""
        return real == self.allowed or real.startswith(self.allowed.rstrip("/") + "/")

    def below(self, folder: str) -> GuardedFolder:
        """The same guard over a folder inside."""
        return GuardedFolder(Path(self.root) / folder, allowed=Path(self.allowed))

    def has_file(self, path: str) -> bool:
        """Whether there is such a file inside; false for all that lies outside, so that nothing is told of it."""
        try:
            real = os.path.realpath(path if path.startswith("/") else f"{self.root}/{path}")
            return self.holds(real) and Path(real).is_file()
        except (OSError, ValueError):
            return False

    def read(self, path: str) -> bytes:
        """The bytes of a file.

        Raises `BadImage` with code `file.vanished`, `file.forbidden`, `file.link-outside`, `file.too-large` or
        `file.unreadable`.
        """
        handle = self.open(path)
        try:
            return _read_all(handle)
        except OSError as error:
            raise BadImage(f"The file cannot be read: {error.strerror}.", code="file.unreadable") from error
        finally:
            os.close(handle)

    def glance(self, path: str) -> FileState:
        """As `state` without opening the file; a folder that was inside once is taken to be so still."""
        full = path if path.startswith("/") else f"{self.root}/{path}"
        folder = full.rpartition("/")[0]
        try:
            if folder not in self._glanced and self.holds(os.path.realpath(folder)):
                self._glanced.add(folder)
            facts = os.lstat(full) if folder in self._glanced else None
        except (OSError, ValueError):
            return self.state(path)
        if facts is None or not stat.S_ISREG(facts.st_mode):
            return self.state(path)
        return FileState(facts.st_size, facts.st_mtime_ns)

    def state(self, path: str) -> FileState:
        """Size and time of the last change of a file; raises `BadImage` as `read` does."""
        handle = self.open(path)
        try:
            return _state(handle)
        finally:
            os.close(handle)

    def read_as(self, path: str, state: FileState) -> bytes:
        """The bytes of a file that still has this state.

        Raises `BadImage` as `read` does, and with code `file.changed` for another state.
        """
        handle = self.open(path)
        try:
            if _state(handle) != state:
                raise BadImage("The file was changed since it was registered.", code="file.changed")
            return _read_all(handle)
        except OSError as error:
            raise BadImage(f"The file cannot be read: {error.strerror}.", code="file.unreadable") from error
        finally:
            os.close(handle)

    def in_place(self, packed: str) -> InPlace:
        """Where its files lie, for a revision."""
        return InPlace(self.root, self.allowed, packed)

    @contextmanager
    def opened(self, path: str) -> Iterator[BinaryIO]:
        """A file as a binary stream, closed at the end; raises what `open` does."""
        with os.fdopen(self.open(path), "rb") as file:
            yield file

    def open(self, path: str) -> int:
        """An open handle of a regular file inside; raises `BadImage` as `read` does."""
        try:
            full = path if path.startswith("/") else f"{self.root}/{path}"
            handle = os.open(full, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise self._unopened(full, error) from error
        except ValueError:
            raise BadImage("The file's name has a character that no name has.", code="file.name") from None
        try:
            self._check(handle)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _unopened(self, full: str, error: OSError) -> BadImage:
        """Why a file cannot be opened; of one outside no more than that, so that nobody learns what is there."""
        if not self.holds(os.path.realpath(full)):
            return _outside()
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return BadImage("There is no such file, or it vanished during the import.", code="file.vanished")
        if isinstance(error, PermissionError):
            return BadImage("The file may not be read.", code="file.forbidden")
        return BadImage(f"The file cannot be read: {error.strerror}.", code="file.unreadable")

    def _check(self, handle: int) -> None:
        try:
            real = os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115 - a Path costs more than the read
            mode = os.fstat(handle).st_mode
        except OSError as error:
            raise BadImage(f"The file cannot be read: {error.strerror}.", code="file.unreadable") from error
        if not self.holds(real):
            raise _outside()
        if not stat.S_ISREG(mode):
            raise BadImage("This is no file.", code="file.unreadable")


def _outside() -> BadImage:
    return BadImage(
        "The file lies outside the folders that may be read, or is a link to there.", code="file.link-outside"
    )


class FilesBySplit:
    """Fulfils `PlacedFiles` over those of every split; paths begin with the split's name."""

    def __init__(self, files: Mapping[str, PlacedFiles]) -> None:
        self._files = dict(files)

    def glance(self, path: str) -> FileState:
        files, inside = self._at(path)
        return files.glance(inside)

    def read_as(self, path: str, state: FileState) -> bytes:
        files, inside = self._at(path)
        return files.read_as(inside, state)

    def in_place(self, packed: str) -> InPlace:
        places = {split: files.in_place(packed) for split, files in self._files.items()}
        apart = {split: (place.folder, place.allowed) for split, place in places.items()}
        return replace(next(iter(places.values())), apart=apart)

    def _at(self, path: str) -> tuple[PlacedFiles, str]:
        split, _, inside = path.partition("/")
        if split not in self._files:
            raise BadImage(f"There is no file {path}.", code="file.vanished")
        return self._files[split], inside


def files_at(where: InPlace) -> PlacedFiles:
    """The files of a revision that is used in place; raises `BadDataset` where their folder is gone."""
    if where.apart:
        return FilesBySplit(
            {split: GuardedFolder(Path(root), allowed=Path(allowed)) for split, (root, allowed) in where.apart.items()}
        )
    return GuardedFolder(Path(where.folder), allowed=Path(where.allowed))


def _state(handle: int) -> FileState:
    facts = os.fstat(handle)
    return FileState(facts.st_size, facts.st_mtime_ns)


def _read_all(handle: int) -> bytes:
    if os.fstat(handle).st_size > MAX_FILE_BYTES:
        raise _too_large()
    first = os.read(handle, _BLOCK)
    if len(first) < _BLOCK:
        return first
    parts, total = [first], len(first)
    while part := os.read(handle, 1 << 22):
        parts.append(part)
        total += len(part)
        if total > MAX_FILE_BYTES:  # it grew, or does not tell its size
            raise _too_large()
    return b"".join(parts)


def _too_large() -> BadImage:
    limit = MAX_FILE_BYTES >> 20
    return BadImage(f"The file has over {limit} MB; at most {limit} MB are read.", code="file.too-large")
