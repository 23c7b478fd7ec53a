"""LMDB databases of Caffe `Datum` entries, as Caffe's tools and DIGITS write them."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from urllib.parse import quote, unquote_to_bytes

from tenfold.adapters.formats.files.caffe_datum import Datum, read_datum
from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.files.lmdb_file import LmdbFile
from tenfold.adapters.formats.layouts.array_pictures import ValueRange, picture_bytes, range_of
from tenfold.adapters.formats.layouts.class_names import UNNAMED, ClassNames
from tenfold.adapters.formats.layouts.scene import Part
from tenfold.core.datasets.layouts import MAX_SHOWN_CLASSES, Look, SplitCount
from tenfold.core.datasets.model import RejectedFile
from tenfold.core.datasets.ports import Find, Note, ShouldStop, SourceFile, never
from tenfold.core.errors import BadDataset, BadImage

LOOK_AT = 200
FILE = "data.mdb"
_SAFE_IN_A_KEY = " ()[],+=@!$&'"
_KINDS = ((b"\x89PNG", ".png"), (b"\xff\xd8", ".jpg"))


class LmdbSource:
    """Fulfils `SampleSource` over folders that hold a `data.mdb`; `class_names` are those of the labels, if known.

    A sample is called by its database and its key. Pixels of colour pictures are blue, green, red there; encoded ones
    are files as they are.
    """

    files: None = None

    def __init__(self, guard: GuardedFolder, parts: Sequence[Part], *, class_names: ClassNames = UNNAMED) -> None:
        self._guard = guard
        self._parts = {part.path or FILE: part for part in parts}
        self._class_names = class_names
        self._databases = {part.path or FILE: self._open(part) for part in parts}

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        yield from (Note(text) for text in (self._names_note, self._range.note) if text)
        for name, part in self._parts.items():
            for key, value in self._databases[name].items():
                if should_stop():
                    return
                yield self._find(part, key, value, use_splits)

    def read(self, path: str) -> bytes:
        folder, _, name = path.rpartition("/")
        database = self._databases.get(folder)
        if database is None:
            raise BadImage(f"There is no picture {path}.", code="file.vanished")
        try:
            value = database.get(unquote_to_bytes(name.rpartition(".")[0]))
        except BadDataset as error:
            raise BadImage(error.message, code="file.unreadable") from error
        if value is None:
            raise BadImage(f"There is no picture {path}.", code="file.vanished")
        datum = read_datum(value)
        return datum.data if datum.is_encoded else picture_bytes(self._stored_range(datum).stored(datum.pixels()))

    def look(self) -> Look:
        """Entries by split, as the databases count them, and the classes of the first entries."""
        counts: list[SplitCount] = []
        classes = dict.fromkeys(self._class_names.names)
        for name, part in self._parts.items():
            counts.append(SplitCount(part.split, self._databases[name].num_entries))
            for key, value in islice(self._databases[name].items(), 0 if self._class_names.names else LOOK_AT):
                find = self._find(part, key, value, use_splits=False)
                if isinstance(find, SourceFile):
                    classes.setdefault(find.class_name)
        notes = (self._names_note,) if self._names_note else ()
        return Look(counts=tuple(counts), classes=tuple(classes)[:MAX_SHOWN_CLASSES], notes=notes)

    @property
    def _names_note(self) -> str:
        return f"{self._class_names.origin} names the classes." if self._class_names.names else ""

    @cached_property
    def _range(self) -> ValueRange:
        """The range of the first entries that hold fractions."""
        found = []
        for database in self._databases.values():
            for _, value in islice(database.items(), LOOK_AT):
                try:
                    datum = read_datum(value)
                except BadImage:
                    continue
                if datum.floats is not None and not datum.data:
                    found.append(datum.floats)
        return range_of(found)

    def _stored_range(self, datum: Datum) -> ValueRange:
        return ValueRange(0, 255, 255) if datum.data else self._range

    def _find(self, part: Part, key: bytes, value: bytes, use_splits: bool) -> Find:
        place = f"{part.path or FILE}/{quote(key, safe=_SAFE_IN_A_KEY)}"
        try:
            datum = read_datum(value)
        except BadImage as error:
            return RejectedFile(place, error.code, error.message)
        if datum.label is None:
            return RejectedFile(place, "list.no-label", "The entry has no label.")
        class_name = self._class_names.name_of(str(datum.label))
        if class_name is None:
            return self._class_names.refused(place, str(datum.label))
        return SourceFile(f"{place}{_extension(datum)}", class_name, part.split if use_splits else None)

    def _open(self, part: Part) -> LmdbFile:
        """An open database; its file is closed with the source."""
        path = f"{part.path}/{FILE}" if part.path else FILE
        try:
            handle = self._guard.open(path)
        except BadImage as error:
            raise BadDataset(f"{path} cannot be read: {error.message}", code="lmdb.unreadable") from error
        weakref.finalize(self, os.close, handle)
        return LmdbFile(handle, path)


def _extension(datum: Datum) -> str:
    if datum.is_encoded:
        return next((extension for magic, extension in _KINDS if datum.data.startswith(magic)), ".bin")
    return {1: ".pgm", 3: ".ppm"}.get(datum.channels, ".png")
