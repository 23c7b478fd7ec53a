"""What lies in a chosen folder, or that a file was chosen: what the recognition of layouts looks at."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.formats.layouts.whereabouts import folders_in
from tenfold.core.datasets.model import Split
from tenfold.core.errors import BadDataset

MAX_FILES = 20_000
CLASS_NAME_FILES = ("labels.txt", "classes.txt", "class_names.txt", "label_names.txt")


@dataclass(frozen=True)
class Part:
    """A file or folder of a layout, relative to the scene's folder, with the split that its name speaks of."""

    path: str
    split: Split | None


class Scene:
    """A folder, or one file of it, as recognition sees it; wrappers that hold one folder only are passed through."""

    def __init__(self, path: Path, *, allowed: Path | None = None) -> None:
        self._chosen = (path, allowed)
        self.is_file = path.is_file()
        self.guard = GuardedFolder(path.parent if self.is_file else path, allowed=allowed)
        self._only = path.name if self.is_file else None
        if not self.is_file:
            self._pass_wrappers()

    @property
    def folder(self) -> str:
        return self.guard.root

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The names of the folder's files, or of the one that was chosen."""
        return (self._only,) if self._only is not None else self.files_in("")

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """The names of the folder's folders; none if a file was chosen."""
        return () if self.is_file else tuple(folders_in(self.folder))

    def files_in(self, folder: str) -> tuple[str, ...]:
        """The names of a folder's visible files, the first `MAX_FILES` that the system gives, sorted."""
        found: list[str] = []
        try:
            with os.scandir(f"{self.folder}/{folder}") as entries:
                for entry in entries:
                    if len(found) >= MAX_FILES:
                        break
                    if not entry.name.startswith(".") and not entry.is_dir():
                        found.append(entry.name)
        except OSError as error:
            if not folder:
                raise BadDataset(f"The folder cannot be read: {error.strerror}.", code="dataset.forbidden") from error
        return tuple(sorted(found))

    @cached_property
    def class_names_path(self) -> str:
        """The file beside it that names classes, line by line; empty if there is none."""
        names = {name.casefold(): name for name in self.files_in("")}
        return next((names[name] for name in CLASS_NAME_FILES if name in names), "")

    def class_folders(self) -> ImageFolder:
        """The chosen folder, read as one with a folder for every class."""
        path, allowed = self._chosen
        return ImageFolder(path, allowed=allowed)

    def _pass_wrappers(self) -> None:
        for _ in range(8):
            folders = folders_in(self.folder)
            if self.files_in("") or len(folders) != 1:
                return
            inner = f"{self.folder}/{folders[0]}"
            if not self.guard.holds(os.path.realpath(inner)) or Path(inner).is_symlink():
                return
            self.guard = self.guard.below(folders[0])
