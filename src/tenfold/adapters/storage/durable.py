"""Files that survive: the publish protocol, and the few ways in which it touches the disk.

Own temporary folder, write, fsync, manifest with sha256 and sizes, fsync, rename, fsync the parent. After a failed
fsync nothing is known about the file, so none is tried again: the error ends the attempt.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tenfold.core.errors import Damaged, NotFound, StorageFull, is_disk_full

MANIFEST = "manifest.sha256.json"


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns a full disk or a used-up quota into `StorageFull`; other errors pass."""
    try:
        yield
    except Exception as error:
        if is_disk_full(error):
            text = f"The disk of {path.parent} has no room left for {path.name}: free some, then try again."
            raise StorageFull(text, path=str(path)) from error
        raise


def fsync_path(path: Path, *, mode: int | None = None) -> None:
    """Brings a file or folder to the disk itself, where it is given with another mode."""
    handle = os.open(path, os.O_RDONLY)
    try:
        if mode is not None and stat.S_IMODE(os.fstat(handle).st_mode) != mode:
            with suppress(PermissionError):  # a confined process may not: `settle_modes` does, from outside
                os.fchmod(handle, mode)
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replaces a file as a whole: readers see the old or the new content, also after a power cut."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with disk_errors(path):
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        fsync_path(path.parent)


def publish_folder(staged: Path, final: Path, *, before_rename: Callable[[], None] = lambda: None) -> str:
    """Makes a finished folder visible under its final name and returns the sha256 of its manifest.

    Its files get the mode that a new file gets here, whatever the library that wrote them thinks.
    `before_rename` is the last chance to refuse (a fence). Raises `FileExistsError` when `final` is there already.
    """
    with disk_errors(staged):
        manifest = json.dumps(_describe(staged), indent=1, sort_keys=True).encode()
        (staged / MANIFEST).write_bytes(manifest)
        mode = stat.S_IMODE((staged / MANIFEST).stat().st_mode)
        for folder, _, names in os.walk(staged, topdown=False):
            for name in names:
                fsync_path(Path(folder, name), mode=mode)
            fsync_path(Path(folder))
        before_rename()
        if final.exists():
            raise FileExistsError(errno.EEXIST, "is published already", str(final))
        staged.rename(final)
        fsync_path(final.parent)
    return hashlib.sha256(manifest).hexdigest()


def verify_folder(folder: Path, manifest_sha256: str | None = None) -> None:
    """Raises `NotFound` without a manifest, and `Damaged` naming the first file that is not as published."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{folder.name} is not a published folder: it has no manifest.") from None
    if manifest_sha256 is not None and hashlib.sha256(raw).hexdigest() != manifest_sha256:
        raise Damaged(f"The manifest of {folder.name} is not the one that was published.")
    try:
        described = json.loads(raw)
    except ValueError:
        raise Damaged(f"The manifest of {folder.name} is not readable.") from None
    for name, expected in described.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["bytes"] or hash_file(path) != expected["sha256"]:
            raise Damaged(f"{name} in {folder.name} is missing or not as it was published.", file=name)


def hash_file(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settle_modes(folder: Path) -> None:
    """Gives the files of a published folder the mode of its manifest, without rights to execute or for all to write."""
    mode = stat.S_IMODE((folder / MANIFEST).stat().st_mode) & 0o664
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if stat.S_IMODE(path.lstat().st_mode) != mode and path.is_file() and not path.is_symlink():
                path.chmod(mode)


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder; files that vanish meanwhile count nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(parent, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def _describe(folder: Path) -> dict[str, dict[str, str | int]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {
        path.relative_to(folder).as_posix(): {"sha256": hash_file(path), "bytes": path.stat().st_size} for path in files
    }
