"""Pictures added to a dataset: packed as its own are into a store of their own, behind the samples that are there."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.build import BuildPlaces, Pace, Report, Sums, Working, list_source, pixel_hashes
from tenfold.adapters.formats.decoding import Batch, BatchDecoder
from tenfold.adapters.formats.derived_revision import KEPT_STATISTICS, link_file
from tenfold.adapters.formats.import_arrays import ACCEPTED, BLOCK, ImportArrays, named_disk_errors
from tenfold.adapters.formats.import_table import ImportTable
from tenfold.adapters.formats.preparation import BATCH_BYTES
from tenfold.adapters.formats.revision_reader import COLUMNS, MEAN, RevisionFolder, open_revision
from tenfold.adapters.formats.revision_writer import ColumnWriter, ContentHash, finish, write_paths, write_rejected
from tenfold.core.datasets.model import (
    MAX_REJECTED_HERE,
    Difference,
    PixelStore,
    RejectedFile,
    RevisionManifest,
)
from tenfold.core.datasets.planning import (
    FoundFiles,
    Settlement,
    count_samples,
    nothing_found,
    nothing_readable,
    settle_addition,
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
        stays = is_accepted & ~self._there_already(arrays)
        if not stays.any():
            text = f"All {int(is_accepted.sum())} pictures are in the dataset already: nothing would be added."
            raise BadDataset(text, code="dataset.nothing-new")
        settled = settle_addition(self._found, stays, self._spec, known=self.manifest.classes)
        with named_disk_errors((self._num_old + len(stays)) * 128):
            content = self._write_columns(arrays, settled, folder)
            new_paths = (self._paths[rank] for rank in np.flatnonzero(stays).tolist())
            write_paths(folder, chain(self._reader.paths(), new_paths))
            write_rejected(folder, self._rejected())
            if (self._parent / MEAN).exists():
                link_file(self._parent / MEAN, folder / MEAN)
            arrays.hand_over(folder)
            skipped = int((is_accepted & ~stays).sum())
            return finish(folder, self._manifest(settled, content, skipped), pixel_hashes=pixel_hashes(arrays))

    @property
    def _num_old(self) -> int:
        return self.manifest.num_samples + self.manifest.num_excluded

    def _batch_at(self, start: int, stop: int) -> Batch:
        return Batch(start, [self._paths[rank] for rank in range(start, stop)], np.zeros(stop - start, np.bool_))

    def _there_already(self, arrays: ImportArrays) -> npt.NDArray[np.bool_]:
        known = self._reader.column("sha256")
        keys = _as_keys(known)
        order = np.argsort(keys)
        keys, found = keys[order], []
        for _, facts in arrays.facts():
            near = order[np.minimum(np.searchsorted(keys, _as_keys(facts["sha256"])), len(keys) - 1)]
            found.append((known[near] == facts["sha256"]).all(axis=1))
        return np.concatenate(found)

    def _write_columns(self, arrays: ImportArrays, settled: Settlement, folder: Path) -> str:
        shape = self.manifest.preprocessing.shape
        sums = Sums(self.manifest.preprocessing)
        content = ContentHash(settled.classes, shape, start=self.manifest.content)
        store = len(self.manifest.pixels)
        with ColumnWriter(folder, self._num_old + int((settled.splits >= 0).sum())) as columns:
            for start in range(0, self._num_old, BLOCK):
                columns.append(**{name: self._reader.column(name)[start : start + BLOCK] for name in COLUMNS})
            for start, block in arrays.facts():
                here = np.flatnonzero(settled.splits[start : start + len(block)] >= 0)
                facts, at = block[here], here + start
                labels, splits = settled.labels[at], settled.splits[at]
                brightness, contrast = sums.brightness(facts)
                new: dict[str, npt.NDArray[Any]] = {
                    "labels": labels,
                    "splits": splits,
                    "stores": np.full(len(at), store, np.uint16),
                    "rows": at,
                    "sha256": facts["sha256"],
                    "pixel_hashes": facts["pixels"],
                    "widths": facts["width"],
                    "heights": facts["height"],
                    "sizes": facts["size_bytes"],
                    "brightness": brightness,
                    "contrast": contrast,
                }
                columns.append(**new)
                content.add(facts["pixels"], labels, splits)
        return content.hexdigest()

    def _rejected(self) -> Iterator[RejectedFile]:
        """The parent's and the new ones, by path."""
        old = self._reader.rejected(limit=self.manifest.num_rejected)
        return heapq.merge(old, self._table.rejected(), key=lambda file: (file.path, file.code))

    def _manifest(self, settled: Settlement, content: str, num_there: int) -> RevisionManifest:
        old, by_code = self.manifest, self._table.rejected_by_code()
        before = self._reader.assigned()
        new = settled.splits >= 0
        labels = np.concatenate([before.labels, settled.labels[new]])
        splits = np.concatenate([before.splits, settled.splits[new]])
        skipped = {**self._table.skipped(), **({THERE_ALREADY: num_there} if num_there else {})}
        notes = (*old.notes, *self._table.notes(), *settled.notes, KEPT_STATISTICS)
        return replace(
            old,
            classes=settled.classes,
            counts=count_samples(labels, splits, len(settled.classes)),
            seen=old.seen + int(new.sum()) + sum(by_code.values()) + sum(skipped.values()),
            rejected=tuple(islice(self._rejected(), MAX_REJECTED_HERE)),
            rejected_by_code=_added(old.rejected_by_code, by_code),
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
