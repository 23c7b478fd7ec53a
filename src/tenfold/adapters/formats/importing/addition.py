"""Pictures added to a dataset: packed as its own are into a store of their own, behind the samples that are there."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.files.disk_room import named_disk_errors
from tenfold.adapters.formats.files.text_column import TextColumn
from tenfold.adapters.formats.importing.arrays import ACCEPTED, BLOCK, Facts, ImportArrays
from tenfold.adapters.formats.importing.build import BuildPlaces, Pace, Report, Sums, Working, list_source, pixel_hashes
from tenfold.adapters.formats.importing.decoding import Batch, BatchDecoder
from tenfold.adapters.formats.importing.joined_labels import AddedGroups, JoinedLabels
from tenfold.adapters.formats.importing.listing import ImportTable
from tenfold.adapters.formats.importing.preparation import BATCH_BYTES
from tenfold.adapters.formats.revisions.derived import KEPT_STATISTICS, count_labels, link_file
from tenfold.adapters.formats.revisions.reader import COLUMNS, GROUPS, MEAN, RevisionFolder, column_file, open_revision
from tenfold.adapters.formats.revisions.writer import (
    ColumnWriter,
    ContentHash,
    finish,
    write_group_names,
    write_paths,
    write_rejected,
)
from tenfold.core.datasets.edits import Assigned
from tenfold.core.datasets.model import (
    MAX_REJECTED_HERE,
    SPLITS,
    Difference,
    PixelStore,
    RejectedFile,
    RevisionManifest,
)
from tenfold.core.datasets.planning import (
    FoundFiles,
    KnownSamples,
    Settlement,
    nothing_found,
    nothing_readable,
    settle_addition,
    split_sizes,
)
from tenfold.core.datasets.ports import ImageDecoder, SampleSource, ShouldStop, never
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset

THERE_ALREADY = "in the dataset already"


@dataclass(frozen=True, kw_only=True)
class AdditionPlaces(BuildPlaces):
    """Where an addition works; `parent` is the folder of the revision that is added to."""

    parent: Path


def add_to_revision(
    source: SampleSource,
    places: AdditionPlaces,
    spec: DatasetSpec,
    *,
    decoder: ImageDecoder,
    report: Report,
    should_stop: ShouldStop = never,
    threads: int = 1,
) -> RevisionManifest | None:
    """Writes a revision that has the parent's samples and behind them those of a source; `None` if it was stopped.

    The parent's preprocessing is used, whatever the source would ask for. Files whose content is in the dataset
    already are skipped and counted. A second call with the same `work` goes on where the first was. Raises `BadDataset`
    when nothing new is left, `StorageFull`.
    """
    table = ImportTable(places.work)
    try:
        working = Working(decoder=decoder, report=report, should_stop=should_stop, threads=threads)
        if not list_source(source, spec, table, working):
            return None
        addition = _Addition(open_revision(places.parent), places.parent, table, spec)
        with addition.open_arrays(places.work) as arrays:
            worker = BatchDecoder(source, decoder, addition.manifest.preprocessing, spec)
            if not addition.decode(worker, arrays, working):
                return None
            return addition.finish(arrays, places.destination)
    finally:
        table.close()


class _Addition:
    """One addition after its listing; the place of a file is its rank."""

    def __init__(self, reader: RevisionFolder, parent: Path, table: ImportTable, spec: DatasetSpec) -> None:
        self._reader = reader
        self._parent = parent
        self._table = table
        self._spec = spec
        self._paths = table.paths()
        self.manifest = reader.manifest
        if not len(self._paths):
            raise nothing_found(table.rejected_by_code(), next(table.rejected(), None))
        self._found: FoundFiles = table.found(spec.seed)
        self._groups = AddedGroups(reader, table)

    def open_arrays(self, work: Path) -> ImportArrays:
        preprocessing = self.manifest.preprocessing
        return ImportArrays(work, capacity=len(self._paths), shape=preprocessing.shape, dtype=preprocessing.dtype)

    def decode(self, worker: BatchDecoder, arrays: ImportArrays, working: Working) -> bool:
        """Decodes what was not reached yet; false if it was stopped."""
        total, first = len(self._paths), arrays.num_reached()
        size = min(4096, max(16, BATCH_BYTES // arrays.row_bytes))
        pace = Pace(working.report, total, first)
        batches = (self._batch_at(start, min(start + size, total)) for start in range(first, total, size))
        for batch in worker.decode_all(batches, threads=working.threads):
            self._table.reject(
                {
                    batch.place + row: RejectedFile(self._paths[batch.place + row], error.code, error.message)
                    for row, error in batch.problems.items()
                }
            )
            arrays.write(batch.place, batch.pixels, batch.facts)
            pace.reach(batch.place + len(batch.facts))
            if working.should_stop():
                return False
        pace.finish(total)
        return True

    def finish(self, arrays: ImportArrays, folder: Path) -> RevisionManifest:
        """Settles what is new and writes the revision."""
        is_accepted = np.concatenate([facts["state"] == ACCEPTED for _, facts in arrays.facts()])
        if not is_accepted.any():
            raise nothing_readable(sum(self._table.rejected_by_code().values()), next(self._table.rejected()))
        is_new = is_accepted & ~self._there_already(arrays)
        if not is_new.any():
            text = f"All {int(is_accepted.sum())} pictures are in the dataset already: nothing would be added."
            raise BadDataset(text, code="dataset.nothing-new")
        known = KnownSamples(self.manifest.classes, self._groups.splits())
        stays = is_new & ~self._contradicting(known, is_new)
        if not stays.any():
            raise nothing_readable(sum(self._table.rejected_by_code().values()), next(self._table.rejected()))
        settled = settle_addition(self._found, stays, self._spec, known=known)
        with named_disk_errors((self._num_old + len(stays)) * 128):
            if self._groups.num_groups(settled):
                write_group_names(folder, self._groups.names(settled))
            content = self._write_columns(arrays, settled, folder)
            new_paths = (self._paths[rank] for rank in np.flatnonzero(stays).tolist())
            write_paths(folder, chain(self._reader.paths(), new_paths))
            write_rejected(folder, self._rejected())
            if (self._parent / MEAN).exists():
                link_file(self._parent / MEAN, folder / MEAN)
            arrays.hand_over(folder)
            there = int((is_accepted & ~is_new).sum())
            manifest = self._manifest(folder, settled, content, num_there=there)
            return finish(folder, manifest, pixel_hashes=pixel_hashes(arrays))

    @property
    def _num_old(self) -> int:
        return self.manifest.num_rows

    def _batch_at(self, start: int, stop: int) -> Batch:
        return Batch(start, [self._paths[rank] for rank in range(start, stop)], np.zeros(stop - start, np.bool_))

    def _there_already(self, arrays: ImportArrays) -> npt.NDArray[np.bool_]:
        known, present = self._reader.columns["sha256"], self._reader.indices()
        keys = _as_keys(known)
        order = present[np.argsort(keys[present])]
        keys, found = keys[order], []
        for _, facts in arrays.facts():
            near = order[np.minimum(np.searchsorted(keys, _as_keys(facts["sha256"])), len(keys) - 1)]
            found.append((known[near] == facts["sha256"]).all(axis=1))
        return np.concatenate(found)

    def _contradicting(self, known: KnownSamples, is_new: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which new files are given a split that their group is not in; these are rejected."""
        wrong = known.contradicted(self._found.rows) & is_new
        splits = known.splits_of(self._found.rows)
        self._table.reject(
            {
                rank: RejectedFile(
                    self._paths[rank],
                    "group.two-splits",
                    f"Its group is in {SPLITS[splits[rank]]} already: put the picture there, or into another group.",
                )
                for rank in np.flatnonzero(wrong).tolist()
            }
        )
        return wrong

    def _write_columns(self, arrays: ImportArrays, settled: Settlement, folder: Path) -> str:
        sums = Sums(self.manifest.preprocessing)
        names = TextColumn(folder, GROUPS, num_texts=number) if (number := self._groups.num_groups(settled)) else ()
        content = ContentHash(
            settled.classes,
            self.manifest.preprocessing.shape,
            start=self.manifest.content,
            group_name=names.__getitem__,
        )
        labels = JoinedLabels(self._reader, settled, self._groups)
        total = self._num_old + int((settled.splits >= 0).sum())
        with ColumnWriter(folder, total, labels.types) as columns:
            for start in range(0, self._num_old, BLOCK):
                stop = min(start + BLOCK, self._num_old)
                old = {name: self._reader.columns[name][start:stop] for name in COLUMNS}
                columns.append(**old, **labels.of_parent(start, stop))
            for start, block in arrays.facts():
                here = np.flatnonzero(settled.splits[start : start + len(block)] >= 0)
                facts, at = block[here], here + start
                told = labels.of_new(at)
                columns.append(**told, **self._facts_of(facts, at, sums))
                content.add(facts["pixels"], told)
        return content.hexdigest()

    def _facts_of(self, facts: Facts, at: npt.NDArray[np.intp], sums: Sums) -> dict[str, npt.NDArray[Any]]:
        """What the columns hold of new pictures beside their labels."""
        brightness, contrast = sums.brightness(facts)
        return {
            "stores": np.full(len(at), len(self.manifest.pixels), np.uint16),
            "rows": at,
            "sha256": facts["sha256"],
            "pixel_hashes": facts["pixels"],
            "widths": facts["width"],
            "heights": facts["height"],
            "sizes": facts["size_bytes"],
            "brightness": brightness,
            "contrast": contrast,
        }

    def _rejected(self) -> Iterator[RejectedFile]:
        """The parent's but those that were offered again, and the new ones, by path."""
        return heapq.merge(self._still_rejected, self._table.rejected(), key=lambda file: (file.path, file.code))

    @cached_property
    def _still_rejected(self) -> list[RejectedFile]:
        """The parent's whose paths this source has not: of the others it says itself whether they can be used now."""
        old = self._reader.rejected(limit=self.manifest.num_rejected)
        asked = {file.path for file in old}
        offered = chain(
            (self._paths[rank] for rank in range(len(self._paths))), (file.path for file in self._table.rejected())
        )
        again = {path for path in offered if path in asked}
        return [file for file in old if file.path not in again]

    def _manifest(self, folder: Path, settled: Settlement, content: str, *, num_there: int) -> RevisionManifest:
        old, by_code = self.manifest, self._table.rejected_by_code()
        still = dict(Counter(file.code for file in self._still_rejected))
        new = settled.splits >= 0
        written = {
            name: np.load(folder / column_file(name), mmap_mode="r").view(np.ndarray)
            for name in ("labels", "splits", "class_sets")
            if (folder / column_file(name)).exists()
        }
        now = Assigned(settled.classes, written["labels"], written["splits"], old.label_kind)
        skipped = {**self._table.skipped(), **({THERE_ALREADY: num_there} if num_there else {})}
        notes = (*old.notes, *self._table.notes(), *settled.notes, KEPT_STATISTICS)
        return replace(
            old,
            classes=settled.classes,
            counts=count_labels(now, written),
            split_sizes=split_sizes(now.splits),
            num_groups=self._groups.num_groups(settled),
            seen=old.seen
            - (old.num_rejected - sum(still.values()))
            + int(new.sum())
            + sum(by_code.values())
            + sum(skipped.values()),
            rejected=tuple(islice(self._rejected(), MAX_REJECTED_HERE)),
            rejected_by_code=_added(still, by_code),
            skipped_by_reason=_added(old.skipped_by_reason, skipped),
            notes=tuple(dict.fromkeys(notes)),
            pixels=(
                *(replace(store, revision=store.revision or self._parent.name) for store in old.pixels),
                PixelStore("", len(self._paths), old.preprocessing.dtype.name),
            ),
            content=content,
            parent=self._parent.name,
            differences=(Difference("added", int(new.sum())),),
        )


def _as_keys(hashes: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """The first quarter of hashes (N, 32) as numbers, which can be sorted."""
    return np.ascontiguousarray(hashes[:, :8]).view(">u8")[:, 0].astype(np.uint64)


def _added(one: Any, other: Any) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}
