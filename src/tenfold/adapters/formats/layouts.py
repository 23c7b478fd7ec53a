"""Which layout a path has, and the source that reads it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tenfold.adapters.formats.apart import ReaderApart
from tenfold.adapters.formats.openers import OPENERS, LookedAt, SourcePlaces
from tenfold.adapters.formats.scene import Scene
from tenfold.core.datasets.layouts import (
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

MAX_NAME_BYTES = 200
LOOK_S = 10.0
_NOWHERE = Path(os.devnull)  # a look unpacks nothing


class Layouts:
    """Fulfils `LayoutReader`; `roots` are the folders that may be read."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self._roots = roots

    def preview(self, path: str, choice: SourceChoice) -> LayoutPreview:
        allowed = next((root for root in self._roots if Path(path).is_relative_to(root)), None)
        places = SourcePlaces(work=_NOWHERE, allowed=allowed, roots=self._roots, apart=ReaderApart(LOOK_S))
        name, scene, source = _open(Path(path), places, choice)
        look = source.look()
        return LayoutPreview(name, scene.folder, _sentence(name, look), look)


def open_source(path: Path, places: SourcePlaces, choice: SourceChoice) -> SampleSource:
    """The source over a folder or file, in the chosen layout or the one that is recognised.

    Nothing is read yet but what recognition needs. Raises `BadDataset` for what has no known layout or not the chosen
    one.
    """
    return _open(path, places, choice)[2]


def is_single_file(name: str) -> bool:
    """Whether an uploaded file is a source itself and no archive of one, by its name."""
    return name.casefold().endswith(SOURCE_FILES)


def place_single_file(uploaded: Path, folder: Path, name: str) -> None:
    """Puts an uploaded file under its own name into a new folder."""
    own = name.rpartition("/")[2]
    if own.startswith(".") or not own.isprintable() or len(own.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        own = f"uploaded{own[own.rfind('.') :]}"
    folder.mkdir(mode=0o700)
    try:
        os.link(uploaded, folder / own)
    except OSError:
        shutil.copyfile(uploaded, folder / own)


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
