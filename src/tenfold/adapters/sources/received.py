"""What was sent, laid out for reading: archives among it are unpacked beside the rest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tenfold.adapters.sources.archives import extract_archive
from tenfold.core.datasets.layouts import PICTURE_FILES, SPLIT_WORDS, is_archive, without_archive_ending
from tenfold.core.datasets.ports import ShouldStop, never
from tenfold.core.errors import BadArchive

UNPACKED = "unpacked"


def lay_out(files: Path, work: Path, *, should_stop: ShouldStop = never) -> Path | None:
    """The folder to read: `files` itself, or one in `work` with its archives unpacked; `None` if it was stopped.

    Of several archives, one with pictures at its top or named after a split becomes a folder of its name; the others'
    contents are put together as they lie. A second call with the same `work` finds what the first one unpacked.
    Raises `BadArchive`, `TooLarge`, `StorageFull`.
    """
    archives = sorted(path for path in files.iterdir() if path.is_file() and is_archive(path.name))
    if not archives:
        return files
    target, mark = work / UNPACKED, work / f"{UNPACKED}.done"
    if mark.exists():
        return target
    for leftover in (target, work / "archive"):
        shutil.rmtree(leftover, ignore_errors=True)
    if len(archives) == 1 and len(list(files.iterdir())) == 1:
        if extract_archive(archives[0], target, should_stop=should_stop) is None:
            return None
    else:
        target.mkdir(mode=0o700)
        _link_all(files, target, leave_out={path.name for path in archives})
        for archive in archives:
            if extract_archive(archive, work / "archive", should_stop=should_stop) is None:
                return None
            _put_together(work / "archive", target, archive.name)
    mark.touch()
    return target


def unpack(archive: Path, work: Path, name: str = UNPACKED, *, should_stop: ShouldStop = never) -> Path | None:
    """A folder in `work` with what an archive holds; `None` if it was stopped. Goes on and raises as `lay_out` does."""
    target, mark = work / name, work / f"{name}.done"
    if not mark.exists():
        shutil.rmtree(target, ignore_errors=True)
        if extract_archive(archive, target, should_stop=should_stop) is None:
            return None
        mark.touch()
    return target


def _put_together(unpacked: Path, target: Path, name: str) -> None:
    """Moves what an archive held to the rest."""
    stem = without_archive_ending(name)
    inner = unpacked
    while [each.name for each in inner.iterdir()] == [stem]:
        inner = inner / stem
    has_pictures = any(each.name.casefold().endswith(PICTURE_FILES) for each in inner.iterdir())
    is_own = has_pictures or stem.casefold() in SPLIT_WORDS
    _merge(inner, target / stem if is_own else target, name)
    shutil.rmtree(unpacked, ignore_errors=True)


def _merge(source: Path, target: Path, archive: str) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    for path in _below(source):
        place = target / path.relative_to(source)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.exists():
            text = f"Two of the archives hold {place.relative_to(target)}, the second one is {archive}."
            raise BadArchive(text, code="archive.twice")
        path.rename(place)


def _link_all(files: Path, target: Path, *, leave_out: set[str]) -> None:
    """Gives files a second name in another folder; copies them where that is impossible."""
    for path in _below(files):
        inside = path.relative_to(files)
        if str(inside) in leave_out:
            continue
        place = target / inside
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.link(path, place)
        except OSError:
            shutil.copyfile(path, place)


def _below(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)
