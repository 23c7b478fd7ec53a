"""Folders of classes that are no folders of this machine: where the classes begin, and what a path among them is."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from tenfold.core.datasets.class_names import class_name_of
from tenfold.core.datasets.layouts import OTHER_PICTURE_FILES, PICTURE_FILES, SPLIT_WORDS
from tenfold.core.datasets.model import RejectedFile
from tenfold.core.datasets.ports import Find, Skipped, SourceFile

MAX_WRAPPERS = 8
_SYSTEM_NAMES = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"})


@dataclass(frozen=True)
class Level:
    """The folders in a folder, by name, and whether pictures lie beside them."""

    folders: tuple[str, ...]
    has_pictures: bool


@dataclass(frozen=True)
class ClassLevel:
    """The folder whose folders are classes, or splits with classes in them; it ends with `/`, or is empty."""

    folder: str
    has_splits: bool


def find_class_level(look: Callable[[str], Level]) -> ClassLevel:
    """Where classes begin below the folder ``, passing through lone wrappers as archives and exports have them."""
    folder = ""
    level = look(folder)
    for _ in range(MAX_WRAPPERS):
        if len(level.folders) != 1 or level.has_pictures:
            break
        inner = look(f"{folder}{level.folders[0]}/")
        if not inner.folders:
            break
        folder, level = f"{folder}{level.folders[0]}/", inner
    splits = {SPLIT_WORDS.get(name.casefold()) for name in level.folders}
    return ClassLevel(folder, None not in splits and "train" in splits and len(splits) > 1)


def judge(path: str, level: ClassLevel, *, size_bytes: int | None, use_splits: bool, most_bytes: int) -> Find:
    """What a file at a path is: a picture of a class, a rejected file or a skipped one."""
    inside = path.removeprefix(level.folder)
    parts = inside.split("/")
    if any(part in {"", ".", ".."} or not _is_text(part) for part in parts):
        return RejectedFile(
            _printable(path), "file.name", "The name leads elsewhere, or has a character that none has."
        )
    if any(part.startswith(".") or part in _SYSTEM_NAMES for part in parts):
        return Skipped("hidden")
    name = parts[-1].casefold()
    if name.endswith(OTHER_PICTURE_FILES):
        return RejectedFile(path, "image.format", "Pictures of this kind cannot be read yet: save it as PNG or JPEG.")
    if not name.endswith(PICTURE_FILES):
        return Skipped("no picture")
    depth = 2 if level.has_splits else 1
    class_name = class_name_of(parts[depth - 1]) if len(parts) > depth else None
    if class_name is None:
        return RejectedFile(path, "file.no-class", "It lies beside the class folders: put it into that of its class.")
    if size_bytes is not None and size_bytes > most_bytes:
        text = f"The file has over {most_bytes >> 20} MB; at most {most_bytes >> 20} MB are read."
        return RejectedFile(path, "file.too-large", text)
    if size_bytes == 0:
        return RejectedFile(path, "image.empty", "The file is empty.")
    split = SPLIT_WORDS[parts[0].casefold()] if level.has_splits and use_splits else None
    return SourceFile(path, class_name, split)


def _is_text(part: str) -> bool:
    return not any(unicodedata.category(char) in {"Cc", "Cs"} for char in part)


def _printable(path: str) -> str:
    return "".join(char if _is_text(char) else "\ufffd" for char in path)
