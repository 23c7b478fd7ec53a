"""Our own extractor for zip, and tar as it is or packed by gzip, bzip2 or xz: every byte counted as it is written.

The standard library's `extractall`, its `data` filter included, has let members escape (CVE-2025-4517), so paths are
made here from checked parts, and no link, device or absolute name is ever created.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tenfold.core.errors import BadArchive, StorageFull, TooLarge, is_disk_full

_BLOCK = 1 << 20
MAX_NAME_BYTES = 200
MAX_DEPTH = 32
HEADER_ROOM = 32 << 20
XZ_MEMORY = 256 << 20


@dataclass(frozen=True, kw_only=True)
class ArchiveLimits:
    """What an archive may hold. `max_ratio` is bytes written to bytes of the archive, asked from `ratio_from` on."""

    max_bytes: int = 200 * 1000**3
    max_entries: int = 5_000_000
    max_ratio: float = 200.0
    ratio_from: int = 100 * 1000**2


DEFAULT_LIMITS = ArchiveLimits()


@dataclass(frozen=True)
class Extracted:
    """What was written."""

    num_files: int
    size_bytes: int


Member = tuple[str, Callable[[], IO[bytes]]]


def extract_archive(
    archive: Path,
    destination: Path,
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    report: Callable[[int], object] = int,
    should_stop: Callable[[], bool] = lambda: False,
) -> Extracted | None:
    """Unpacks into `destination`, which must not exist yet; `None` if it was stopped.

    Raises `BadArchive` naming the member (`archive.unsafe-name`, `archive.link`, `archive.device`,
    `archive.encrypted`, `archive.twice`, `archive.damaged`, `archive.format`), `TooLarge` over a limit and
    `StorageFull`; whatever happens, nothing is left behind but a complete folder.
    """
    destination.mkdir(mode=0o700)
    done = False
    try:
        with _disk_errors():
            extraction = _Extraction(destination, limits, archive.stat().st_size, report)
            with _members(archive, limits, extraction.allowed_to_read) as members:
                for name, open_member in members:
                    if should_stop():
                        return None
                    extraction.write(name, open_member)
        done = True
        return Extracted(extraction.num_files, extraction.written)
    finally:
        if not done:
            shutil.rmtree(destination)


class _Extraction:
    def __init__(
        self, destination: Path, limits: ArchiveLimits, archive_bytes: int, report: Callable[[int], object]
    ) -> None:
        self._destination = destination
        self._limits = limits
        self._archive_bytes = max(1, archive_bytes)
        self._report = report
        self._folders: set[tuple[str, ...]] = set()
        self._seen: set[tuple[str, ...]] = set()
        self.num_files = 0
        self.written = 0

    def write(self, name: str, open_member: Callable[[], IO[bytes]]) -> None:
        parts = safe_parts(name)
        folded = tuple(unicodedata.normalize("NFC", part) for part in parts)
        if folded in self._seen or folded in self._folders:
            raise BadArchive(f"The archive holds {name!r} twice.", code="archive.twice")
        self._seen.add(folded)
        self.num_files += 1
        if self.num_files > self._limits.max_entries:
            raise TooLarge(f"The archive holds over {self._limits.max_entries:,} files.", code="archive.entries")
        folder = self._make_folder(name, folded[:-1])
        handle = os.open(folder / folded[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as target, open_member() as content:
            while block := content.read(_BLOCK):
                self._count(len(block))
                target.write(block)

    def allowed_to_read(self) -> int:
        """How many bytes of a tar may be read by now: contents, headers of ordinary length, and some room."""
        return self.written + 4096 * self.num_files + HEADER_ROOM

    def _make_folder(self, name: str, parts: tuple[str, ...]) -> Path:
        for depth in range(1, len(parts) + 1):
            above = parts[:depth]
            if above in self._seen:
                raise BadArchive(f"In the archive {name!r} lies inside of a file.", code="archive.twice")
            if above not in self._folders:
                self._destination.joinpath(*above).mkdir(mode=0o700)
                self._folders.add(above)
        return self._destination.joinpath(*parts)

    def _count(self, size: int) -> None:
        self.written += size
        if self.written > self._limits.max_bytes:
            limit = f"{self._limits.max_bytes / 1e9:g} GB"
            raise TooLarge(f"Unpacked, the archive has over {limit}; at most {limit} are taken.", code="archive.bytes")
        if self.written > self._limits.ratio_from and self.written > self._limits.max_ratio * self._archive_bytes:
            text = f"The archive unpacks to over {self._limits.max_ratio:g} times its size: it is taken for a bomb."
            raise TooLarge(text, code="archive.ratio")
        self._report(self.written)


def safe_parts(name: str) -> tuple[str, ...]:
    """The parts of a member's name, each fit to be a file name; raises `BadArchive` naming what is not."""
    shown = f"{name[:120]!r}"
    if "\0" in name or "\\" in name or name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        raise BadArchive(
            f"The archive holds {shown}, which does not lie below it: pack the folder itself.",
            code="archive.unsafe-name",
        )
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if not parts or ".." in parts or len(parts) > MAX_DEPTH:
        raise BadArchive(f"The archive holds {shown}, which leads out of it or too deep.", code="archive.unsafe-name")
    for part in parts:
        try:
            size = len(part.encode())
        except UnicodeEncodeError:
            size = MAX_NAME_BYTES + 1
        if size > MAX_NAME_BYTES or any(unicodedata.category(char) == "Cc" for char in part):
            text = f"The archive holds {shown}: a name has at most {MAX_NAME_BYTES} bytes and no control character."
            raise BadArchive(text, code="archive.unsafe-name")
    return parts


@contextmanager
def _members(archive: Path, limits: ArchiveLimits, allowed: Callable[[], int]) -> Iterator[Iterator[Member]]:
    """The regular files of an archive, whichever kind it is."""
    with archive.open("rb") as file:
        head = file.read(512)
    try:
        if head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
            with zipfile.ZipFile(archive) as opened:
                yield _zip_members(opened, limits)
        elif head.startswith(tuple(_PACKED)) or head[257:262] == b"ustar":
            unpack = next((unpack for sign, unpack in _PACKED.items() if head.startswith(sign)), _as_it_is)
            with (
                archive.open("rb") as packed,
                unpack(packed) as unpacked,
                tarfile.open(fileobj=_Metered(unpacked, allowed), mode="r|", errorlevel=2) as opened_tar,
            ):
                yield _tar_members(opened_tar)
        else:
            raise BadArchive("This is no zip, tar, tar.gz, tar.bz2 or tar.xz archive.", code="archive.format")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError) as error:
        raise BadArchive(f"The archive is damaged or of an unknown kind: {error}.", code="archive.damaged") from error
    except (UnicodeError, ValueError, OverflowError) as error:
        raise BadArchive(f"The archive is damaged: {error}.", code="archive.damaged") from error


class _Unxz(io.RawIOBase):
    """What an xz stream holds; one that would take more memory than `XZ_MEMORY` is refused."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decompressor = lzma.LZMADecompressor(memlimit=XZ_MEMORY)

    def read(self, size: int = -1) -> bytes:
        decompressor = self._decompressor
        while not decompressor.eof:
            block = self._stream.read(_BLOCK) if decompressor.needs_input else b""
            if decompressor.needs_input and not block:
                raise EOFError("it ends too early")
            if found := decompressor.decompress(block, size):
                return found
        return b""


def _as_it_is(stream: IO[bytes]) -> IO[bytes]:
    return stream


_PACKED: Mapping[bytes, Callable[[IO[bytes]], AbstractContextManager[Any]]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": _Unxz,
}


class _Metered(io.RawIOBase):
    """A tar stream that ends when headers, which the tar reader holds in memory, grow out of proportion."""

    def __init__(self, stream: IO[bytes], allowed: Callable[[], int]) -> None:
        self._stream = stream
        self._allowed = allowed
        self._total = 0

    def read(self, size: int = -1) -> bytes:
        try:
            block = self._stream.read(size)
        except OSError as error:
            if error.errno is not None:
                raise
            raise BadArchive(f"The archive is damaged: {error}.", code="archive.damaged") from error
        self._total += len(block)
        if self._total > self._allowed() + _BLOCK:
            raise TooLarge("The archive has headers of many megabytes: it is taken for a bomb.", code="archive.ratio")
        return block


def _zip_members(opened: zipfile.ZipFile, limits: ArchiveLimits) -> Iterator[Member]:
    infos = opened.infolist()
    if len(infos) > limits.max_entries:
        raise TooLarge(f"The archive holds over {limits.max_entries:,} files.", code="archive.entries")
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        name = info.orig_filename
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            _refuse_special(name, is_link=kind == stat.S_IFLNK)
        if info.is_dir() or kind == stat.S_IFDIR:
            safe_parts(name)
            continue
        if info.flag_bits & 0x1:
            text = f"The archive is encrypted ({name!r}): unpack it with its password and pack it anew."
            raise BadArchive(text, code="archive.encrypted")
        yield name, lambda info=info: opened.open(info)  # type: ignore[misc]


def _tar_members(opened: tarfile.TarFile) -> Iterator[Member]:
    for member in opened:
        if member.isdir():
            if member.name not in {".", ""}:
                safe_parts(member.name)
        elif not member.isreg():
            _refuse_special(member.name, is_link=member.issym() or member.islnk())
        else:
            yield member.name, lambda member=member: _open_tar_member(opened, member)  # type: ignore[misc]


def _open_tar_member(opened: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = opened.extractfile(member)
    if content is None:
        raise BadArchive(f"The archive's {member.name!r} cannot be read.", code="archive.damaged")
    return content


def _refuse_special(name: str, *, is_link: bool) -> None:
    if is_link:
        text = f"The archive holds the link {name!r}: pack the files themselves."
        raise BadArchive(text, code="archive.link")
    raise BadArchive(f"The archive holds {name!r}, a device or pipe: pack files only.", code="archive.device")


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise StorageFull("There is no room left to unpack the archive: free some and start again.") from error
        raise
