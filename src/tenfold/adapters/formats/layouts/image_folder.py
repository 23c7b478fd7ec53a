"""A folder with a folder of pictures per class, perhaps within train, val and test folders."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.core.datasets.class_names import MAX_CLASS_NAME, class_name_of
from tenfold.core.datasets.layouts import OTHER_PICTURE_FILES, PICTURE_FILES, SPLIT_WORDS
from tenfold.core.datasets.model import RejectedFile, Split
from tenfold.core.datasets.ports import Find, Note, ShouldStop, Skipped, SourceFile, never

PICTURES = frozenset(PICTURE_FILES)
OTHER_PICTURES = frozenset(OTHER_PICTURE_FILES)
_SYSTEM_NAMES = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"})
_TOLD_AT_ONCE = 1000


class _Finds:
    """What was found and not told yet."""

    def __init__(self) -> None:
        self._waiting: list[Find] = []
        self._skipped: Counter[str] = Counter()

    def add(self, find: Find) -> None:
        self._waiting.append(find)

    def reject(self, path: str, code: str, message: str) -> None:
        self.add(RejectedFile(_printable(path), code, message))

    def skip(self, reason: str) -> None:
        self._skipped[reason] += 1

    def take(self, *, at_least: int = 1) -> Iterator[Find]:
        """Hands out what is waiting, unless it is less than `at_least`."""
        if len(self._waiting) >= at_least:
            waiting, self._waiting = self._waiting, []
            yield from waiting

    def take_skipped(self) -> Iterator[Find]:
        yield from (Skipped(reason, count) for reason, count in sorted(self._skipped.items()))


class ImageFolder:
    """Fulfils `SampleSource` over a folder; links are followed as long as they stay inside `allowed`.

    A class is a top folder; what lies deeper in it counts to it. A folder that holds nothing but one folder of folders
    is passed through, as archives have it.
    """

    def __init__(self, root: Path, *, allowed: Path | None = None) -> None:
        self._guard = GuardedFolder(root, allowed=allowed)
        self._root = self._guard.root

    @property
    def files(self) -> GuardedFolder:
        return self._guard

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        finds = _Finds()
        visited: set[tuple[int, int]] = set()
        top = self._class_level("", finds)
        for name, split in self._class_folders(top, use_splits, finds):
            class_name = _class_name(name)
            if class_name is None:
                text = f"A class name is valid UTF-8, of 1 to {MAX_CLASS_NAME} characters and no control characters."
                finds.reject(name, "folder.name", text)
                continue
            is_empty = True
            for path in self._walk(name, finds, visited):
                if should_stop():
                    return
                is_empty = not self._take(path, class_name, split, finds) and is_empty
                yield from finds.take(at_least=_TOLD_AT_ONCE)
            if is_empty:
                finds.add(Note(f"The folder {_printable(name)} holds no picture."))
        yield from finds.take()
        yield from finds.take_skipped()

    def read(self, path: str) -> bytes:
        return self._guard.read(path)

    def _class_level(self, folder: str, finds: _Finds) -> str:
        """The folder whose folders are classes or splits, passing through lone wrappers."""
        while True:
            entries = [entry for entry in self._scan(folder) if _skip_reason(entry.name) is None]
            folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
            if len(folders) != 1 or any(_extension(entry.name) in PICTURES for entry in entries):
                return folder
            inner = _join(folder, folders[0].name)
            if not any(_is_folder(entry) and _skip_reason(entry.name) is None for entry in self._scan(inner)):
                return folder
            finds.add(Note(f"Classes are read from the folder {_printable(inner)}."))
            folder = inner

    def _class_folders(self, top: str, use_splits: bool, finds: _Finds) -> list[tuple[str, Split | None]]:
        names = self._folders(top, finds)
        splits = {name: SPLIT_WORDS.get(name.casefold()) for name in names}
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
                finds.skip(reason)
            elif _is_folder(entry):
                names.append(entry.name)
            elif _extension(entry.name) in PICTURES:
                text = "It lies beside the class folders: put it into the folder of its class."
                finds.reject(_join(folder, entry.name), "file.no-class", text)
            else:
                finds.skip("no picture")
        return names

    def _walk(self, folder: str, finds: _Finds, visited: set[tuple[int, int]]) -> Iterator[str]:
        """Paths of all files below a folder; each real folder once, so a loop of links ends."""
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            if not self._may_enter(current, finds, visited):
                continue
            deeper: list[str] = []
            try:
                with os.scandir(f"{self._root}/{current}") as entries:
                    for entry in entries:
                        if _skip_reason(entry.name) is None and _is_folder(entry):
                            deeper.extend(self._deeper(current, entry, finds))
                        elif self._is_a_file(current, entry, finds):
                            yield _join(current, entry.name)
            except OSError as error:
                finds.reject(current, "folder.forbidden", f"The folder cannot be read: {error.strerror}.")
            waiting.extend(sorted(deeper, reverse=True))

    def _deeper(self, current: str, entry: os.DirEntry[str], finds: _Finds) -> list[str]:
        """The folder of an entry, unless it is a link to what is walked through anyway."""
        if entry.is_symlink() and self._is_reached_anyway(entry.path):
            finds.skip("folder met before")
            return []
        return [_join(current, entry.name)]

    def _is_a_file(self, current: str, entry: os.DirEntry[str], finds: _Finds) -> bool:
        """Whether an entry is a file that may be read; what it is otherwise goes to `finds`."""
        reason = _skip_reason(entry.name)
        if reason is not None:
            finds.skip(reason)
        elif entry.is_symlink() and not self._guard.holds(os.path.realpath(entry.path)):
            text = "It is a link that leaves the folders that may be read."
            finds.reject(_join(current, entry.name), "file.link-outside", text)
        elif _is_file(entry):
            return True
        else:
            finds.skip("no file")
        return False

    def _may_enter(self, folder: str, finds: _Finds, visited: set[tuple[int, int]]) -> bool:
        if not self._is_inside(folder, finds):
            return False
        facts = Path(f"{self._root}/{folder}").stat()
        if (facts.st_dev, facts.st_ino) in visited:
            finds.skip("folder met before")
            return False
        visited.add((facts.st_dev, facts.st_ino))
        return True

    def _is_reached_anyway(self, link: str) -> bool:
        """Whether a linked folder lies in the source itself, or the source in it."""
        real = os.path.realpath(link).rstrip("/") + "/"
        root = self._root.rstrip("/") + "/"
        return real.startswith(root) or root.startswith(real)

    def _is_inside(self, folder: str, finds: _Finds) -> bool:
        inside = self._guard.holds(os.path.realpath(f"{self._root}/{folder}"))
        if not inside:
            finds.reject(folder, "folder.link-outside", "It is a link that leaves the folders that may be read.")
        return inside

    def _take(self, path: str, class_name: str, split: Split | None, finds: _Finds) -> bool:
        """Tells of a file by its name; true if it counts as a picture of its class."""
        extension = _extension(path)
        if extension in OTHER_PICTURES:
            text = f"Pictures of the kind {extension} cannot be read yet: save it as PNG or JPEG."
            finds.reject(path, "image.format", text)
        elif extension not in PICTURES:
            finds.skip("no picture")
        elif not _is_text(path):
            finds.reject(path, "file.name", "The file's name is not valid UTF-8: rename it.")
        else:
            finds.add(SourceFile(path, class_name, split))
            return True
        return False

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        with os.scandir(f"{self._root}/{folder}") as entries:
            return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or leads to one; a link that leads to itself does not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


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
    name = folder.rpartition("/")[2]
    return None if any(unicodedata.category(char) == "Cc" for char in name) else class_name_of(name)
