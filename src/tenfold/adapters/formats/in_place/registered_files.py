"""The files of a revision that is read in place: each with the size and the time that it was registered with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from tenfold.adapters.formats.files.guarded_folder import files_at
from tenfold.adapters.formats.importing.preparation import LOOK_AT
from tenfold.adapters.formats.revisions.reader import MODIFIED, RevisionFolder, map_array
from tenfold.core.datasets.model import InPlace, SampleRecord
from tenfold.core.datasets.ports import FileState, Find, Note, ShouldStop, Skipped, SourceFile, never
from tenfold.core.errors import BadImage

_RECORDS = 1000
IN_PLACE_NOTES = (
    f"Mean and deviation are those of up to {LOOK_AT} pictures for training.",
    "Pictures that cannot be read are black until all are packed; then they are left out and named.",
)
TOUCHED = frozenset({"file.changed", "file.vanished", "file.link-outside", "file.forbidden"})
"""Codes of problems that a file came to have after it was registered."""


class RegisteredFiles:
    """Fulfils `SampleSource` over a registered revision; its finds are the samples with the splits that they have.

    `read` gives a file's bytes as long as the file is what was registered. Thread-safe; 16 bytes a sample.
    """

    def __init__(self, folder: Path, revision: RevisionFolder, where: InPlace) -> None:
        self._revision = revision
        self.files = files_at(where)
        self._sizes = revision.columns["sizes"]
        self._modified = map_array(folder, MODIFIED, np.dtype("<i8"), self._sizes.shape)
        keys = _keys(revision.paths(), len(self._sizes))
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:  # noqa: ARG002
        """The samples, and whatever the registration told of other files; splits are given, whatever `use_splits`."""
        manifest = self._revision.manifest
        yield from (Note(text) for text in manifest.notes if text not in IN_PLACE_NOTES)
        yield from (Skipped(reason, count) for reason, count in manifest.skipped_by_reason.items())
        yield from self._revision.rejected(limit=manifest.num_rejected)
        for start in range(0, len(self._sizes), _RECORDS):
            if should_stop():
                return
            indices = range(start, min(start + _RECORDS, len(self._sizes)))
            yield from (_file_of(record, manifest.classes) for record in self._revision.records([*indices]))

    def read(self, path: str) -> bytes:
        return self.files.read_as(path, self.state(path))

    def state(self, path: str) -> FileState:
        """How a file was registered; raises `BadImage` for one that was not."""
        key = _key(path)
        for place in range(int(np.searchsorted(self._keys, key)), len(self._keys)):
            if self._keys[place] != key:
                break
            index = int(self._order[place])
            if self._revision.path(index) == path:
                return FileState(int(self._sizes[index]), int(self._modified[index]))
        raise BadImage("The file is not registered.", code="file.vanished")


def _file_of(record: SampleRecord, classes: tuple[str, ...]) -> SourceFile:
    """A sample as a source tells of it."""
    has_several = record.label < 0 and record.value is None
    return SourceFile(
        record.path,
        classes[record.label] if record.label >= 0 else "",
        record.split,
        classes=tuple(sorted(classes[each] for each in record.classes)) if has_several else None,
        value=record.value,
        group=record.group,
        weight=record.weight,
    )


def _keys(paths: Iterable[str], count: int) -> npt.NDArray[np.uint64]:
    return np.fromiter(map(_key, paths), np.uint64, count)


def _key(path: str) -> int:
    return xxhash.xxh3_64_intdigest(path.encode("utf-8", "surrogateescape"))
