"""Pictures used in place: registered in seconds by name, size and time, checked and packed behind."""

from __future__ import annotations

import hashlib
from array import array
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.files.disk_room import named_disk_errors
from tenfold.adapters.formats.importing.arrays import ACCEPTED, BLOCK
from tenfold.adapters.formats.importing.build import (
    BuildPlaces,
    Pace,
    Sums,
    Working,
    build_from,
    label_columns,
    list_source,
    write_groups,
)
from tenfold.adapters.formats.importing.decoding import Batch, BatchDecoder
from tenfold.adapters.formats.importing.listing import ImportTable
from tenfold.adapters.formats.importing.preparation import LOOK_AT, Fixed, Preparation, prepare_import
from tenfold.adapters.formats.in_place.registered_files import IN_PLACE_NOTES, RegisteredFiles
from tenfold.adapters.formats.revisions.reader import COLUMNS, MODIFIED, RevisionFolder, open_revision
from tenfold.adapters.formats.revisions.writer import ColumnWriter, finish, write_paths, write_rejected
from tenfold.core.datasets.model import MAX_REJECTED_HERE, SPLITS, InPlace, RejectedFile, RevisionManifest, Statistics
from tenfold.core.datasets.planning import Settlement, nothing_readable, settle, split_sizes
from tenfold.core.datasets.ports import FileState, PlacedFiles, SampleSource, UInt8Array
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, BadImage
from tenfold.core.fields import spec_values

AT_ONCE = 64
HASH_BYTES = 32
NO_FILES = "These pictures are no files of one place and cannot be used in place: choose the storage Packed first."


@dataclass(frozen=True, kw_only=True)
class RegistrationPlaces(BuildPlaces):
    """Where a registration works; `packed` is the revision that its pictures will be packed as."""

    packed: str


def register_revision(
    source: SampleSource, spec: DatasetSpec, places: RegistrationPlaces, working: Working
) -> RevisionManifest | None:
    """Writes a revision of files that stay where they are; `None` if it was stopped.

    Every file's size and time are kept, none is opened but those that are looked at: for size and colour, and for the
    mean and deviation of the training split. Raises `BadDataset` as `build_revision` does, and for a source whose
    pictures are no files.
    """
    files = source.files
    if files is None:
        raise BadDataset(NO_FILES, code="dataset.no-files")
    table = ImportTable(places.work)
    try:
        if not list_source(source, spec, table, working):
            return None
        registration = _Registration(source, files, spec, table, working)
        return registration.write(places)
    finally:
        table.close()


class _Registration:
    """One registration after its listing."""

    def __init__(
        self, source: SampleSource, files: PlacedFiles, spec: DatasetSpec, table: ImportTable, working: Working
    ) -> None:
        self._source = source
        self._files = files
        self._spec = spec
        self._table = table
        self._working = working
        self._prepared: Preparation = prepare_import(source, spec, working.decoder, table)

    def write(self, places: RegistrationPlaces) -> RevisionManifest:
        prepared, folder = self._prepared, places.destination
        ranks = prepared.plan.ranks
        states, is_there = self._states()
        if not is_there.any():
            raise nothing_readable(sum(self._table.rejected_by_code().values()), next(self._table.rejected()))
        settled = settle(prepared.plan, is_there, self._spec)
        at = settled.in_order(ranks)
        with named_disk_errors(len(at) * 128):
            self._write_columns(folder, settled, at, states)
            write_paths(folder, prepared.paths.at(ranks[at]))
            write_rejected(folder, self._table.rejected())
            write_groups(folder, settled, self._table)
            where = self._files.in_place(places.packed)
            return finish(folder, self._manifest(settled, self._statistics(settled, at), where), pixel_hashes=None)

    def _states(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Size and time of every planned file (N, 2), and which of them are there; the others are rejected by name."""
        prepared, total = self._prepared, len(self._prepared.plan.ranks)
        states, is_there = array("q"), np.ones(total, np.bool_)
        rejected: dict[int, RejectedFile] = {}
        pace = Pace(self._working.report, total)
        for place, path in enumerate(prepared.paths.at(prepared.plan.ranks)):
            try:
                states.extend(self._state(path))
            except BadImage as error:
                states.extend((0, 0))
                is_there[place] = False
                rejected[int(prepared.plan.ranks[place])] = RejectedFile(path, error.code, error.message)
            if place % 1000 == 0:
                pace.reach(place)
        self._table.reject(rejected)
        pace.finish(total)
        return np.frombuffer(states, np.int64).reshape(total, 2), is_there

    def _state(self, path: str) -> FileState:
        if "://" in path:
            text = "It is an address of the web, which cannot be used in place: choose the storage Packed first."
            raise BadImage(text, code="file.address")
        return self._files.glance(path)

    def _write_columns(
        self, folder: Path, settled: Settlement, at: npt.NDArray[np.int64], states: npt.NDArray[np.int64]
    ) -> None:
        np.save(folder / MODIFIED, states[at, 1], allow_pickle=False)
        with ColumnWriter(folder, len(at), label_columns(settled)) as columns:
            for start in range(0, len(at), BLOCK):
                here = at[start : start + BLOCK]
                unknown = {
                    name: np.zeros((len(here), width) if width else len(here), dtype)
                    for name, (dtype, width) in COLUMNS.items()
                }
                known = {
                    **settled.columns(here),
                    "rows": np.arange(start, start + len(here)),
                    "sizes": states[here, 0],
                }
                columns.append(**{**unknown, **known})

    def _statistics(self, settled: Settlement, at: npt.NDArray[np.int64]) -> Statistics:
        """Mean and deviation of training pictures spread over the whole."""
        training = at[settled.splits[at] == SPLITS.index("train")]
        chosen = training[:: max(1, -(-len(training) // LOOK_AT))]
        paths = list(self._prepared.paths.at(self._prepared.plan.ranks[chosen]))
        decoder = BatchDecoder(self._source, self._working.decoder, self._prepared.preprocessing, self._spec)
        sums = Sums(self._prepared.preprocessing)
        starts = range(0, len(paths), 16)
        batches = (Batch(at, paths[at : at + 16], np.zeros(len(paths[at : at + 16]), np.bool_)) for at in starts)
        for batch in decoder.decode_all(batches, threads=self._working.threads):
            sums.add(batch.facts[batch.facts["state"] == ACCEPTED])
        if not sums.num_added:
            text = f"None of {len(paths)} pictures for training that were looked at can be read."
            raise BadDataset(text, code="dataset.unreadable")
        return sums.statistics()

    def _manifest(self, settled: Settlement, statistics: Statistics, where: InPlace) -> RevisionManifest:
        counts, by_code = settled.counts(), self._table.rejected_by_code()
        skipped = {**self._table.skipped(), **self._prepared.plan.skipped}
        height, width, channels = self._prepared.preprocessing.shape
        seen = int((settled.splits >= 0).sum()) + sum(by_code.values()) + sum(skipped.values())
        return RevisionManifest(
            classes=settled.classes,
            width=width,
            height=height,
            channels=channels,
            preprocessing=self._prepared.preprocessing,
            spec=spec_values(self._spec),
            counts=counts,
            statistics=statistics,
            seen=seen,
            rejected=tuple(islice(self._table.rejected(), MAX_REJECTED_HERE)),
            rejected_by_code=by_code,
            skipped_by_reason=skipped,
            notes=(
                *self._table.notes(),
                *self._prepared.plan.notes,
                *self._prepared.notes,
                *settled.notes,
                *IN_PLACE_NOTES,
            ),
            decoder=self._working.decoder.name,
            in_place=where,
            label_kind=settled.space.kind,
            split_sizes=split_sizes(settled.splits),
            num_groups=len(settled.group_numbers),
        )


@dataclass(frozen=True, kw_only=True)
class PackingPlaces(BuildPlaces):
    """Where a registered revision is packed; `registered` is its folder."""

    registered: Path


def pack_registered(
    spec: DatasetSpec, places: PackingPlaces, working: Working, *, verified: Callable[[int], object]
) -> RevisionManifest | None:
    """Writes the revision that holds a registered one's pictures; `None` if it was stopped.

    First every file is read and hashed, then `verified` hears how many are not as they were registered, then all are
    decoded and stored, in the registered order and with its splits. A second call with the same `work` goes on where
    the first was. Raises as `build_revision` does.
    """
    registered = open_revision(places.registered)
    where = registered.manifest.in_place
    assert where is not None, places.registered.name
    source = RegisteredFiles(places.registered, registered, where)
    verification = _Verification(source, registered, places.work)
    touched = verification.run(working)
    if touched is None:
        return None
    verified(touched)
    fixed = Fixed(registered.manifest.preprocessing, verification.hashes())
    return build_from(source, spec, places, working, fixed=fixed)


class _Verification:
    """SHA-256 of all registered files, kept in `work` in the order of the samples; zeros for those that are gone."""

    def __init__(self, source: RegisteredFiles, registered: RevisionFolder, work: Path) -> None:
        self._source = source
        self._registered = registered
        self._total = registered.manifest.num_samples
        self._path = work / "verified.bin"

    def hashes(self) -> UInt8Array:
        mapped: UInt8Array = np.memmap(self._path, np.uint8, "r", shape=(self._total, HASH_BYTES))
        return mapped

    def run(self, working: Working) -> int | None:
        """Hashes what an attempt before did not; how many files are not as registered, or `None` if stopped."""
        kept = self._path.stat().st_size // HASH_BYTES if self._path.exists() else 0
        first = kept if kept == self._total else kept // AT_ONCE * AT_ONCE
        pace = Pace(working.report, self._total, first)
        starts = iter(range(first, self._total, AT_ONCE))
        with named_disk_errors(self._total * HASH_BYTES), self._path.open("ab") as file:
            file.truncate(first * HASH_BYTES)
            with ThreadPoolExecutor(working.threads, thread_name_prefix="verify") as pool:
                waiting = deque(pool.submit(self._hash, start) for start in islice(starts, 2 * working.threads))
                while waiting and not working.should_stop():
                    digests = waiting.popleft().result()
                    waiting.extend(pool.submit(self._hash, start) for start in islice(starts, 1))
                    file.write(b"".join(digests))
                    first += len(digests)
                    pace.reach(first)
        pace.finish(first)
        return int((~self.hashes().any(axis=1)).sum()) if first == self._total else None

    def _hash(self, start: int) -> list[bytes]:
        return [self._digest(index) for index in range(start, min(start + AT_ONCE, self._total))]

    def _digest(self, index: int) -> bytes:
        try:
            return hashlib.sha256(self._source.read(self._registered.path(index))).digest()
        except BadImage:
            return bytes(HASH_BYTES)
