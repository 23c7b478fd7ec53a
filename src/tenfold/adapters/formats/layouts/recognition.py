"""Which layout a path has, and the source that reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tenfold.adapters.formats.files.apart import ReaderApart
from tenfold.adapters.formats.layouts.digits_job import lmdb_parts
from tenfold.adapters.formats.layouts.joined import WithAddresses
from tenfold.adapters.formats.layouts.openers import OPENERS, LookedAt, SourcePlaces, is_idx
from tenfold.adapters.formats.layouts.scene import CLASS_NAME_FILES, Scene
from tenfold.adapters.formats.layouts.table_source import TableSource
from tenfold.core.datasets.layouts import (
    ARCHIVE_FILES,
    COCO_FILES,
    HDF5_FILES,
    LAYOUTS,
    LIST_FILES,
    NUMPY_FILES,
    SOURCE_FILES,
    TABLE_FILES,
    LayoutName,
    LayoutPreview,
    Look,
    SourceChoice,
    SplitCount,
    is_archive,
)
from tenfold.core.datasets.model import SPLITS
from tenfold.core.datasets.ports import SampleSource, SourceFile
from tenfold.core.errors import BadDataset, BadImage, NotFound

LOOK_S = 10.0
LOOK_AT_FINDS = 200
SHOWN_OTHERS = 5
_ENDINGS: Mapping[LayoutName, tuple[str, ...]] = {
    "table": TABLE_FILES,
    "list": LIST_FILES,
    "coco": COCO_FILES,
    "arrays": NUMPY_FILES,
    "hdf5": HDF5_FILES,
    "folders": ARCHIVE_FILES,
}
PACKED = (*ARCHIVE_FILES, ".npz", ".gz")
UNPACKED_FIRST: frozenset[LayoutName] = frozenset({"arrays", "idx"})
NAMING: frozenset[LayoutName] = frozenset({"list", "table", "coco", "digits"})
"""Layouts that name pictures by paths, which may be addresses of the web."""
_NOWHERE = Path(os.devnull)  # a look unpacks nothing


class Layouts:
    """Fulfils `LayoutReader`; `roots` are the folders that may be read."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self._roots = roots

    def preview(self, path: str, choice: SourceChoice) -> LayoutPreview:
        if is_archive(path) and Path(path).is_file():
            sentence = "This is an archive: it is unpacked and recognised when the dataset is made."
            return LayoutPreview("archive", path, sentence, Look())
        allowed = next((root for root in self._roots if Path(path).is_relative_to(root)), None)
        places = SourcePlaces(work=_NOWHERE, allowed=allowed, roots=self._roots, apart=ReaderApart(LOOK_S))
        return _preview(Path(path), places, choice)

    def preview_sent(self, folder: Path, choice: SourceChoice) -> LayoutPreview:
        path = sent_source(folder)
        if any(is_archive(each.name) for each in (path.iterdir() if path.is_dir() else [path])):
            text = "An archive is unpacked and recognised when the dataset is made."
            raise BadDataset(text, code="upload.archive")
        places = SourcePlaces(work=_NOWHERE, allowed=folder, roots=self._roots, apart=ReaderApart(LOOK_S))
        return replace(_preview(path, places, choice), path="")

    def first_picture(self, path: str, choice: SourceChoice) -> bytes:
        allowed = next((root for root in self._roots if Path(path).is_relative_to(root)), None)
        return self._first(Path(path), allowed, choice)

    def first_sent_picture(self, folder: Path, choice: SourceChoice) -> bytes:
        try:
            return self._first(sent_source(folder), folder, choice)
        except BadDataset as error:
            raise _no_picture() from error

    def _first(self, path: Path, allowed: Path | None, choice: SourceChoice) -> bytes:
        if path.name.casefold().endswith(PACKED):
            raise _no_picture()
        places = SourcePlaces(work=_NOWHERE, allowed=allowed, roots=self._roots, apart=ReaderApart(LOOK_S))
        try:
            name, scene, source = _open(path, places, choice)
            if any(each.casefold().endswith(PACKED) for each in scene.files) and name in UNPACKED_FIRST:
                raise _no_picture()
            return _first_readable(source)
        except (BadDataset, BadImage) as error:
            raise _no_picture() from error


def _first_readable(source: LookedAt) -> bytes:
    """The first picture that can be read; raises `NotFound` where the first finds have none."""
    if isinstance(source, TableSource) and (embedded := source.first_embedded()) is not None:
        return embedded
    for find in islice(source.finds(), LOOK_AT_FINDS):
        if isinstance(find, SourceFile):
            try:
                return source.read(find.path)
            except BadImage:
                continue
    raise _no_picture()


def _no_picture() -> NotFound:
    return NotFound("No picture is found there soon.", code="folder.no-picture")


def open_source(path: Path, places: SourcePlaces, choice: SourceChoice) -> SampleSource:
    """The source over a folder or file, in the chosen layout or the one that is recognised.

    Nothing is read yet but what recognition needs. Raises `BadDataset` for what has no known layout or not the chosen
    one.
    """
    name, _, source = _open(path, places, choice)
    if places.addresses is None or name not in NAMING:
        return source
    return WithAddresses(source, places.addresses)


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
    look, can_stay = source.look(), source.files is not None
    if choice.apart:
        counts = [SplitCount("train", each.count, each.is_exact) for each in look.counts]
        for split, other in choice.apart.items():
            if is_archive(other):
                can_stay = False
                continue
            allowed = next((root for root in places.roots if Path(other).is_relative_to(root)), None)
            found = _open(Path(other), replace(places, allowed=allowed), choice)[2]
            can_stay = can_stay and found.files is not None
            counts += [SplitCount(split, each.count, each.is_exact) for each in found.look().counts]
        look = replace(look, counts=tuple(counts))
    if choice.layout is None and not scene.is_file and (others := other_sources(scene, name)):
        look = replace(look, notes=(*look.notes, others))
    return LayoutPreview(name, scene.folder, _sentence(name, look), look, can_stay)


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
    raise BadDataset(
        "The file is of no known kind: choose a folder, an archive, a list, a table or arrays.", code="dataset.layout"
    )


def _sentence(name: LayoutName, look: Look) -> str:
    in_order = sorted(look.counts, key=lambda each: SPLITS.index(each.split) if each.split else len(SPLITS))
    parts = [_count_words(each) for each in in_order if each.count]
    seen = f": {', '.join(parts)}" if parts else ""
    return f"This is {LAYOUTS[name]}{seen}."


def other_sources(scene: Scene, name: LayoutName) -> str:
    """A sentence on what else a folder holds that could be imported; empty where there is nothing."""
    endings = tuple(each for kind, own in _ENDINGS.items() if kind != name for each in own)
    files = [each for each in scene.files if each.casefold().endswith(endings)]
    found = [each for each in files if not _is_for_people(each) and (name == "idx" or not is_idx(each))]
    if name not in {"lmdb", "digits"}:
        found += [f"{part.path}/" for part in lmdb_parts(scene)]
    if not found:
        return ""
    told = ", ".join(found[:SHOWN_OTHERS]) + (
        f" and {len(found) - SHOWN_OTHERS:,} more" if len(found) > SHOWN_OTHERS else ""
    )
    return f"Also there, and not read: {told}. To read one of them, choose it by its own path."


def _is_for_people(name: str) -> bool:
    """Whether a text is none of pictures: names of classes, what one reads first."""
    folded = name.casefold()
    return folded in CLASS_NAME_FILES or folded.startswith(("readme", "licen")) or folded == "mean.txt"


def _count_words(count: SplitCount) -> str:
    number = f"{count.count:,}" if count.is_exact else f"about {count.count:,}"
    purpose = {"train": "for training", "val": "for validation", "test": "for testing", None: "to be divided"}
    return f"{number} pictures {purpose[count.split]}"
