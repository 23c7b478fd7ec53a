"""The folders that the server may read for import, browsed safely."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tenfold.core.datasets.browsing import FolderEntry, FolderListing, PictureCount
from tenfold.core.datasets.layouts import ARCHIVE_FILES, PICTURE_FILES, SOURCE_FILES
from tenfold.core.errors import Forbidden, NotFound, TooLarge

COUNT_UP_TO = 10_000
MAX_FOLDERS = 1_000
MAX_PICTURE_BYTES = 64 << 20
LOOK_AT = 20_000
CHOSEN = (*SOURCE_FILES, *ARCHIVE_FILES)


class Roots:
    """Fulfils `FolderBrowser` over real folders; `roots` that do not exist are left out."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(dict.fromkeys(os.path.realpath(root) for root in roots if root.is_dir()))

    def roots(self) -> tuple[str, ...]:
        return self._roots

    def read_picture(self, path: str) -> bytes:
        real = self._resolve(path)
        if os.path.isdir(real):  # noqa: PTH112 - False, not an error, for a name that no file system takes
            found = _first_picture(real, _Budget(LOOK_AT))
            if found is None:
                raise NotFound("No picture is found in this folder.", code="folder.no-picture")
            real = found
        try:
            handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except PermissionError:
            raise Forbidden("The server may not read this picture.", code="file.forbidden") from None
        except OSError:
            raise NotFound("There is no such picture.", code="file.not-found") from None
        with os.fdopen(handle, "rb") as file:
            self._check_opened(handle)
            content = file.read(MAX_PICTURE_BYTES + 1)
        if len(content) > MAX_PICTURE_BYTES:
            text = f"The picture has over {MAX_PICTURE_BYTES >> 20} MB: it can be imported, but not shown here."
            raise TooLarge(text, code="file.too-large")
        return content

    def _check_opened(self, handle: int) -> None:
        """Refuses what is no file, and what a folder that became a link meanwhile led to."""
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NotFound("There is no such picture.", code="file.not-found")
        if self._root_of(os.readlink(f"/proc/self/fd/{handle}")) is None:  # noqa: PTH115 - texts in, texts out
            raise self._outside()

    def _outside(self) -> Forbidden:
        allowed = ", ".join(self._roots) or "none"
        text = f"This folder lies outside the folders that may be read ({allowed}). TENFOLD_ROOTS names them."
        return Forbidden(text, code="folder.outside")

    def _resolve(self, path: str) -> str:
        if "\0" in path:
            raise NotFound("There is no such folder.", code="folder.not-found")
        real = os.path.realpath(Path(path).expanduser() if path.startswith("~/") else path)
        if not path.startswith(("/", "~/")) or self._root_of(real) is None:
            raise self._outside()
        return real

    def resolve(self, path: str, *, may_be_file: bool = False) -> str:
        real = self._resolve(path)
        if may_be_file and os.path.isfile(real):  # noqa: PTH113 - False, not an error, for a name that none takes
            return real
        if not os.path.isdir(real):  # noqa: PTH112 - as above
            what = "folder or file" if may_be_file else "folder"
            raise NotFound(f"There is no such {what}.", code="folder.not-found")
        return real

    def list_folder(self, path: str | None = None) -> FolderListing:
        if path is None and not self._roots:
            raise NotFound("No folder may be read: TENFOLD_ROOTS names none that exists.", code="folder.no-roots")
        real = self.resolve(path or self._roots[0])
        names, is_complete = self._folder_names(real)
        budget = _Budget(20 * COUNT_UP_TO)
        folders = tuple(
            FolderEntry(name, os.path.join(real, name), _count_pictures(os.path.join(real, name), budget))  # noqa: PTH118
            for name in names
        )
        parent = os.path.dirname(real)  # noqa: PTH120 - texts in, texts out
        return FolderListing(
            path=real,
            parent=parent if self._root_of(parent) else None,
            folders=folders,
            pictures=_count_pictures(real, budget),
            is_complete=is_complete,
        )

    def complete(self, prefix: str, *, limit: int = 20) -> list[str]:
        folder, _, begun = prefix.rpartition("/")
        inside_roots = [root for root in self._roots if root.startswith(prefix) and root != prefix.rstrip("/")]
        try:
            real = self.resolve(folder or "/")
            names = [*self._folder_names(real)[0], *(self._file_names(real) if folder else ())]
        except (Forbidden, NotFound):
            return inside_roots[:limit]
        found = [f"{folder}/{name}" for name in names if name.casefold().startswith(begun.casefold())]
        return (inside_roots + found)[:limit]

    def _root_of(self, real: str) -> str | None:
        return next((root for root in self._roots if real == root or real.startswith(root.rstrip("/") + "/")), None)

    def _folder_names(self, real: str) -> tuple[list[str], bool]:
        """Names of the visible folders that may be entered, and whether these are all."""
        names: list[str] = []
        try:
            with os.scandir(real) as entries:
                for seen, entry in enumerate(entries):
                    if len(names) >= MAX_FOLDERS or seen >= 10 * COUNT_UP_TO:
                        return sorted(names, key=str.casefold), False
                    if not entry.name.startswith(".") and self._may_enter(entry):
                        names.append(entry.name)
        except PermissionError:
            raise Forbidden("The server may not read this folder.", code="folder.forbidden") from None
        return sorted(names, key=str.casefold), True

    def _file_names(self, real: str) -> list[str]:
        """Names of the visible files that are sources themselves."""
        with os.scandir(real) as entries:
            seen = islice(entries, 10 * COUNT_UP_TO)
            names = [entry.name for entry in seen if entry.name.casefold().endswith(CHOSEN) and entry.is_file()]
        return sorted((name for name in names if not name.startswith(".")), key=str.casefold)[:MAX_FOLDERS]

    def _may_enter(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_dir():
            return False
        return not entry.is_symlink() or self._root_of(os.path.realpath(entry.path)) is not None


class _Budget:
    """How many entries one listing may still look at."""

    def __init__(self, entries: int) -> None:
        self.left = entries


def _count_pictures(folder: str, budget: _Budget) -> PictureCount:
    """Pictures below a folder by their names; links are not followed."""
    count = 0
    for entry in _entries_below(folder):
        budget.left -= 1
        if entry.name.lower().endswith(PICTURE_FILES) and not entry.name.startswith("."):
            count += 1
        if count >= COUNT_UP_TO or budget.left <= 0:
            return PictureCount(count, is_complete=False)
    return PictureCount(count, is_complete=True)


def _first_picture(folder: str, budget: _Budget) -> str | None:
    """The first picture by name in a folder, else in the folders below it, each in its turn; links are not followed."""
    waiting = [folder]
    while waiting and budget.left > 0:
        inner: list[str] = []
        pictures: list[str] = []
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in islice(entries, budget.left):
                    budget.left -= 1
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        inner.append(entry.path)
                    elif entry.name.lower().endswith(PICTURE_FILES) and entry.is_file(follow_symlinks=False):
                        pictures.append(entry.path)
        except OSError:
            continue
        if pictures:
            return min(pictures)
        waiting += sorted(inner, reverse=True)
    return None


def _entries_below(folder: str) -> Iterator[os.DirEntry[str]]:
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    yield entry
                    if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                        waiting.append(entry.path)
        except OSError:
            continue
