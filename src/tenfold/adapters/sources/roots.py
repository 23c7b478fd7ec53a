"""The folders that the server may read for import, browsed safely."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tenfold.core.datasets.browsing import FolderEntry, FolderListing, PictureCount
from tenfold.core.datasets.layouts import SOURCE_FILES
from tenfold.core.errors import Forbidden, NotFound

PICTURES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
    ".avif",
)
COUNT_UP_TO = 10_000
MAX_FOLDERS = 1_000


class Roots:
    """Fulfils `FolderBrowser` over real folders; `roots` that do not exist are left out."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(dict.fromkeys(os.path.realpath(root) for root in roots if root.is_dir()))

    def roots(self) -> tuple[str, ...]:
        return self._roots

    def resolve(self, path: str, *, may_be_file: bool = False) -> str:
        if "\0" in path:
            raise NotFound("There is no such folder.", code="folder.not-found")
        real = os.path.realpath(Path(path).expanduser() if path.startswith("~/") else path)
        if not path.startswith(("/", "~/")) or self._root_of(real) is None:
            allowed = ", ".join(self._roots) or "none"
            text = f"This folder lies outside the folders that may be read ({allowed}). TENFOLD_ROOTS names them."
            raise Forbidden(text, code="folder.outside")
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
            names = [entry.name for entry in seen if entry.name.casefold().endswith(SOURCE_FILES) and entry.is_file()]
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
        if entry.name.lower().endswith(PICTURES) and not entry.name.startswith("."):
            count += 1
        if count >= COUNT_UP_TO or budget.left <= 0:
            return PictureCount(count, is_complete=False)
    return PictureCount(count, is_complete=True)


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
