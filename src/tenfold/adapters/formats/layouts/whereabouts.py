"""From what a list or table names to files: which folder paths start from, and which extension they lack."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.layouts.image_folder import OTHER_PICTURES, PICTURES

LOOK_AT = 20
MAX_FOLDERS = 40
_EXTENSIONS = ("", ".jpg", ".png", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")


@dataclass(frozen=True)
class Whereabouts:
    """Where named files lie: in `folder`, relative to `root`, with `extension` to be added.

    `num_found` of `num_looked_at` names were there when it was decided.
    """

    root: str
    folder: str
    extension: str = ""
    num_found: int = 0
    num_looked_at: int = 0
    first_missing: str = ""

    def missing(self, origin: str) -> str:
        """A sentence on how many of the first names of a list or table are not there; empty if all are."""
        missing = self.num_looked_at - self.num_found
        if not missing:
            return ""
        told = f"Of the first {self.num_looked_at} pictures that {origin} names, {missing} are not there"
        return f"{told}; the first one missing is {self.first_missing}."

    def path_of(self, name: str) -> str:
        """The path of a named file: relative to the root if it lies below, else absolute."""
        full = os.path.normpath(f"{self._start(name)}{name}{self.extension}")
        below = f"{self.root.rstrip('/')}/"
        return full[len(below) :] if full.startswith(below) else full

    def _start(self, name: str) -> str:
        if name.startswith("/"):
            return ""
        return f"{self.root}/{self.folder}/"


def is_picture_name(name: str) -> bool:
    """Whether a text ends as the name of a picture file does."""
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in PICTURES | OTHER_PICTURES


def cleaned(name: str) -> str:
    """A path as lists have it, with the other system's strokes turned round."""
    name = name.strip()
    return name.replace("\\", "/") if "\\" in name and "/" not in name else name


def locate(guard: GuardedFolder, names: Sequence[str], *, beside: str | None = None) -> Whereabouts:
    """Decides where the files of these first names lie: in the root, or where most are found.

    Looked at are also the folder `beside` a list, and the folders in it and in the root; without one the root alone.
    """
    root = guard.root
    looked = [cleaned(name) for name in names[:LOOK_AT] if "\0" not in name]
    folders = [""] if beside is None else _candidates(root, beside)
    bare = [name for name in looked if not is_picture_name(name)]
    extensions = _EXTENSIONS if len(bare) == len(looked) else ("",)
    best = Whereabouts(root, folders[0], "", 0, len(looked))
    for folder in folders:
        for extension in extensions:
            tried = Whereabouts(root, folder, extension)
            found = sum(guard.has_file(tried.path_of(name)) for name in looked)
            if found > best.num_found:
                best = Whereabouts(root, folder, extension, found, len(looked))
        if best.num_found == len(looked):
            break
    missing = next((name for name in looked if not guard.has_file(best.path_of(name))), "")
    return replace(best, first_missing="".join(char if char.isprintable() else "\ufffd" for char in missing[:80]))


def folders_in(folder: str) -> list[str]:
    """The names of a folder's first folders, hidden ones left out."""
    found: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for seen, entry in enumerate(entries):
                if len(found) >= MAX_FOLDERS or seen >= 100 * MAX_FOLDERS:
                    break
                if not entry.name.startswith((".", "__")) and entry.is_dir():
                    found.append(entry.name)
    except OSError:
        return []
    return sorted(found)


def _candidates(root: str, beside: str) -> list[str]:
    starts = list(dict.fromkeys((beside, "")))
    inner = [f"{start}/{name}" if start else name for start in starts for name in folders_in(f"{root}/{start}")]
    return list(dict.fromkeys([*starts, *inner]))
