"""Which layout a path has, and the source that reads it."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tenfold.adapters.formats.apart import ReaderApart
from tenfold.adapters.formats.openers import OPENERS, LookedAt, SourcePlaces
from tenfold.adapters.formats.scene import Scene
from tenfold.core.datasets.layouts import (
    ARCHIVE_FILES,
    LAYOUTS,
    SOURCE_FILES,
    LayoutName,
    LayoutPreview,
    Look,
    SourceChoice,
    SplitCount,
)
from tenfold.core.datasets.ports import SampleSource
from tenfold.core.errors import BadDataset

LOOK_S = 10.0
_NOWHERE = Path(os.devnull)  # a look unpacks nothing


class Layouts:
    """Fulfils `LayoutReader`; `roots` are the folders that may be read."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self._roots = roots

    def preview(self, path: str, choice: SourceChoice) -> LayoutPreview:
        allowed = next((root for root in self._roots if Path(path).is_relative_to(root)), None)
        places = SourcePlaces(work=_NOWHERE, allowed=allowed, roots=self._roots, apart=ReaderApart(LOOK_S))
        return _preview(Path(path), places, choice)

    def preview_sent(self, folder: Path, choice: SourceChoice) -> LayoutPreview:
        path = sent_source(folder)
        if any(each.name.casefold().endswith(ARCHIVE_FILES) for each in (path.iterdir() if path.is_dir() else [path])):
            text = "An archive is unpacked and recognised when the dataset is made."
            raise BadDataset(text, code="upload.archive")
        places = SourcePlaces(work=_NOWHERE, allowed=folder, roots=self._roots, apart=ReaderApart(LOOK_S))
        return replace(_preview(path, places, choice), path="")


def open_source(path: Path, places: SourcePlaces, choice: SourceChoice) -> SampleSource:
    """The source over a folder or file, in the chosen layout or the one that is recognised.

    Nothing is read yet but what recognition needs. Raises `BadDataset` for what has no known layout or not the chosen
    one.
    """
    return _open(path, places, choice)[2]


def sent_source(folder: Path) -> Path:
    """Where the source is in a folder of sent things: the only file, or the folder itself.

    Raises `BadDataset` for a file that is of no use alone.
    """
    entries = list(islice(folder.iterdir(), 2))
    if len(entries) != 1 or entries[0].is_dir():
        return folder
    if not entries[0].name.casefold().endswith((*SOURCE_FILES, *ARCHIVE_FILES)):
        text = f"{entries[0].name} alone makes no dataset: send an archive (ZIP, TAR, TAR.GZ), a list, a table, arrays,"
        raise BadDataset(f"{text} or folders of pictures.", code="dataset.layout")
    return entries[0]


def _preview(path: Path, places: SourcePlaces, choice: SourceChoice) -> LayoutPreview:
    name, scene, source = _open(path, places, choice)
    look = source.look()
    if choice.apart:
        counts = [SplitCount("train", each.count, each.is_exact) for each in look.counts]
        for split, other in choice.apart.items():
            allowed = next((root for root in places.roots if Path(other).is_relative_to(root)), None)
            found = _open(Path(other), replace(places, allowed=allowed), choice)[2].look().counts
            counts += [SplitCount(split, each.count, each.is_exact) for each in found]
        look = replace(look, counts=tuple(counts))
    return LayoutPreview(name, scene.folder, _sentence(name, look), look)


def _open(path: Path, places: SourcePlaces, choice: SourceChoice) -> tuple[LayoutName, Scene, LookedAt]:
    scene = Scene(path, allowed=places.allowed)
    if choice.layout is not None:
        source = OPENERS[choice.layout](scene, choice, places)
        if source is None:
            where = "This file is" if scene.is_file else "Here is"
            raise BadDataset(f"{where} not {LAYOUTS[choice.layout]}.", code="dataset.layout")
        return choice.layout, scene, source
    for name, opener in OPENERS.items():
        source = opener(scene, choice, places)
        if source is not None:
            return name, scene, source
    raise BadDataset("The file is of no known kind: choose a folder, a list, a table or arrays.", code="dataset.layout")


def _sentence(name: LayoutName, look: Look) -> str:
    parts = [_count_words(each) for each in look.counts if each.count]
    seen = f": {', '.join(parts)}" if parts else ""
    return f"This is {LAYOUTS[name]}{seen}."


def _count_words(count: SplitCount) -> str:
    number = f"{count.count:,}" if count.is_exact else f"about {count.count:,}"
    purpose = {"train": "for training", "val": "for validation", "test": "for testing", None: "to be divided"}
    return f"{number} pictures {purpose[count.split]}"
