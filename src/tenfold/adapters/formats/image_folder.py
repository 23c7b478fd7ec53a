"""A folder with a folder of pictures per class, perhaps within train, val and test folders."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tenfold.core.datasets.model import RejectedFile, Split
from tenfold.core.datasets.ports import ShouldStop, SourceFile, SourceListing, never
from tenfold.core.errors import BadDataset, BadImage

PICTURES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
)
OTHER_PICTURES = frozenset({".heic", ".heif", ".avif", ".jxl", ".svg", ".jp2", ".psd", ".raw", ".cr2", ".nef", ".dng"})
SPLIT_FOLDERS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
MAX_FILE_BYTES = 512 * 1024 * 1024
_SYSTEM_NAMES = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"})
_BLOCK = 1 << 16


@dataclass
class _Finds:
    files: list[SourceFile] = field(default_factory=list)
    rejected: list[RejectedFile] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def reject(self, path: str, code: str, message: str) -> None:
        self.rejected.append(RejectedFile(_printable(path), code, message))


class ImageFolder:
    """Fulfils `SampleSource` over a folder; links are followed as long as they stay inside `allowed`.

    A class is a top folder; what lies deeper in it counts to it. A folder that holds nothing but one folder of folders
    is passed through, as archives have it.
    """

    def __init__(self, root: Path, *, allowed: Path | None = None) -> None:
        self._root = os.path.realpath(root)
        self._allowed = os.path.realpath(allowed or root)
        if not self._is_allowed(self._root):
            raise BadDataset("The folder lies outside the folders that may be read.", code="dataset.outside")
        if not Path(self._root).is_dir():
            raise BadDataset("There is no such folder.", code="dataset.no-folder")

    def list_files(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> SourceListing:
        finds = _Finds()
        visited: set[tuple[int, int]] = set()
        top = self._class_level("", finds)
        for name, split in self._class_folders(top, use_splits, finds):
            before = len(finds.files)
            class_name = _class_name(name)
            if class_name is None:
                finds.reject(name, "folder.name", "A class name has no control characters and is valid UTF-8.")
                continue
            for path in self._walk(name, finds, visited):
                if should_stop():
                    break
                self._take(path, class_name, split, finds)
            if len(finds.files) == before:
                finds.notes.append(f"The folder {_printable(name)} holds no picture.")
        if not finds.files and not should_stop():
            raise _nothing_found(finds)
        return SourceListing(
            files=tuple(sorted(finds.files, key=lambda file: file.path)),
            rejected=tuple(sorted(finds.rejected, key=lambda file: file.path)),
            skipped=dict(sorted(finds.skipped.items())),
            notes=tuple(finds.notes + _twin_notes(finds.files)),
        )

    def read(self, path: str) -> bytes:
        try:
            handle = os.open(f"{self._root}/{path}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BadImage("The file vanished during the import.", code="file.vanished") from None
        except PermissionError:
            raise BadImage("The file may not be read.", code="file.forbidden") from None
        except OSError as error:
            raise BadImage(f"The file cannot be read: {error.strerror}.", code="file.unreadable") from error
        try:
            real = os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115 - a Path costs more than the read
            if not self._is_allowed(real):
                raise BadImage("The file became a link to outside during the import.", code="file.link-outside")
            return _read_all(handle)
        except OSError as error:
            raise BadImage(f"The file cannot be read: {error.strerror}.", code="file.unreadable") from error
        finally:
            os.close(handle)

    def _is_allowed(self, path: str) -> bool:
        return path == self._allowed or path.startswith(self._allowed.rstrip("/") + "/")

    def _class_level(self, folder: str, finds: _Finds) -> str:
        """The folder whose folders are classes or splits, passing through lone wrappers."""
        while True:
            entries = [entry for entry in self._scan(folder) if _skip_reason(entry.name) is None]
            folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
            if len(folders) != 1 or any(_extension(entry.name) in PICTURES for entry in entries):
                return folder
            inner = _join(folder, folders[0].name)
            if not any(entry.is_dir() and _skip_reason(entry.name) is None for entry in self._scan(inner)):
                return folder
            finds.notes.append(f"Classes are read from the folder {_printable(inner)}.")
            folder = inner

    def _class_folders(self, top: str, use_splits: bool, finds: _Finds) -> list[tuple[str, Split | None]]:
        names = self._folders(top, finds)
        splits = {name: SPLIT_FOLDERS.get(name.casefold()) for name in names}
        known = set(splits.values())
        if None in known or "train" not in known or len(known) < 2:
            return [(_join(top, name), None) for name in names]
        if not use_splits:
            splits = dict.fromkeys(splits)
        found: list[tuple[str, Split | None]] = []
        for name, split in splits.items():
            inner = _join(top, name)
            found.extend((_join(inner, deeper), split) for deeper in self._folders(inner, finds))
        return found

    def _folders(self, folder: str, finds: _Finds) -> list[str]:
        """The names of a folder's folders; pictures beside them are rejected, for they have no class."""
        names: list[str] = []
        if not self._is_inside(folder, finds):
            return names
        for entry in self._scan(folder):
            reason = _skip_reason(entry.name)
            if reason is not None:
                finds.skipped[reason] += 1
            elif entry.is_dir():
                names.append(entry.name)
            elif _extension(entry.name) in PICTURES:
                text = "It lies beside the class folders: put it into the folder of its class."
                finds.reject(_join(folder, entry.name), "file.no-class", text)
            else:
                finds.skipped["no picture"] += 1
        return names

    def _walk(self, folder: str, finds: _Finds, visited: set[tuple[int, int]]) -> Iterator[str]:
        """Paths of all files below a folder; each real folder once, so a loop of links ends."""
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            if not self._may_enter(current, finds, visited):
                continue
            try:
                entries = self._scan(current)
            except OSError as error:
                finds.reject(current, "folder.forbidden", f"The folder cannot be read: {error.strerror}.")
                continue
            for entry in entries:
                reason = _skip_reason(entry.name)
                if reason is not None:
                    finds.skipped[reason] += 1
                elif entry.is_dir():
                    if entry.is_symlink() and self._is_reached_anyway(entry.path):
                        finds.skipped["folder met before"] += 1
                    else:
                        waiting.append(_join(current, entry.name))
                elif entry.is_symlink() and not self._is_allowed(os.path.realpath(entry.path)):
                    text = "It is a link that leaves the folders that may be read."
                    finds.reject(_join(current, entry.name), "file.link-outside", text)
                elif entry.is_file():
                    yield _join(current, entry.name)
                else:
                    finds.skipped["no file"] += 1

    def _may_enter(self, folder: str, finds: _Finds, visited: set[tuple[int, int]]) -> bool:
        if not self._is_inside(folder, finds):
            return False
        facts = Path(f"{self._root}/{folder}").stat()
        if (facts.st_dev, facts.st_ino) in visited:
            finds.skipped["folder met before"] += 1
            return False
        visited.add((facts.st_dev, facts.st_ino))
        return True

    def _is_reached_anyway(self, link: str) -> bool:
        """Whether a linked folder lies in the source itself, or the source in it."""
        real = os.path.realpath(link).rstrip("/") + "/"
        root = self._root.rstrip("/") + "/"
        return real.startswith(root) or root.startswith(real)

    def _is_inside(self, folder: str, finds: _Finds) -> bool:
        inside = self._is_allowed(os.path.realpath(f"{self._root}/{folder}"))
        if not inside:
            finds.reject(folder, "folder.link-outside", "It is a link that leaves the folders that may be read.")
        return inside

    def _take(self, path: str, class_name: str, split: Split | None, finds: _Finds) -> None:
        extension = _extension(path)
        if extension in OTHER_PICTURES:
            text = f"Pictures of the kind {extension} cannot be read yet: save it as PNG or JPEG."
            finds.reject(path, "image.format", text)
        elif extension not in PICTURES:
            finds.skipped["no picture"] += 1
        elif not _is_text(path):
            finds.reject(path, "file.name", "The file's name is not valid UTF-8: rename it.")
        else:
            finds.files.append(SourceFile(path, class_name, split))

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        with os.scandir(f"{self._root}/{folder}") as entries:
            return sorted(entries, key=lambda entry: entry.name)


def _read_all(handle: int) -> bytes:
    first = os.read(handle, _BLOCK)
    if len(first) < _BLOCK:
        return first
    parts, total = [first], len(first)
    while part := os.read(handle, 1 << 22):
        parts.append(part)
        total += len(part)
        if total > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES >> 20
            raise BadImage(f"The file has over {limit} MB; at most {limit} MB are read.", code="file.too-large")
    return b"".join(parts)


def _skip_reason(name: str) -> str | None:
    if name in _SYSTEM_NAMES:
        return "system file"
    return "hidden" if name.startswith(".") else None


def _extension(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_text(path: str) -> bool:
    return path.isascii() or not any(0xD800 <= ord(char) < 0xE000 for char in path)


def _printable(path: str) -> str:
    return path if _is_text(path) else path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _class_name(folder: str) -> str | None:
    name = unicodedata.normalize("NFC", folder.rpartition("/")[2])
    return None if not _is_text(name) or any(unicodedata.category(char) == "Cc" for char in name) else name


def _twin_notes(files: list[SourceFile]) -> list[str]:
    """Class names that differ only in case or surrounding blanks are likely meant to be one: say so."""
    names = sorted({file.class_name for file in files})
    folded = Counter(name.strip().casefold() for name in names)
    twins = [name for name in names if folded[name.strip().casefold()] > 1]
    return [f"Classes that look alike are kept apart: {', '.join(map(repr, twins))}."] if twins else []


def _nothing_found(finds: _Finds) -> BadDataset:
    if any(file.code == "file.no-class" for file in finds.rejected):
        text = "The pictures lie beside each other in one folder: make a folder for every class and put them there."
        return BadDataset(text, code="dataset.no-classes")
    if finds.rejected:
        first = finds.rejected[0]
        text = f"None of {len(finds.rejected)} files can be used. The first is {first.path}: {first.message}"
        return BadDataset(text, code="dataset.unreadable")
    text = "There is no picture in the folder: it needs a folder for every class, with pictures in it."
    return BadDataset(text, code="dataset.empty")
