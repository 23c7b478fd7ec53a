"""From a source of pictures to a revision folder: list, plan, decode on threads, settle, write the columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from tenfold.adapters.formats.decoding import BatchDecoder, DecodedBatch
from tenfold.adapters.formats.import_arrays import ACCEPTED, ImportArrays, named_disk_errors
from tenfold.adapters.formats.import_table import ImportTable
from tenfold.adapters.formats.revision_writer import ColumnWriter, ContentHash, finish, write_paths, write_rejected
from tenfold.adapters.formats.text_column import TextColumn
from tenfold.core.datasets.model import (
    MAX_REJECTED_HERE,
    SPLITS,
    ImageFacts,
    PixelStore,
    RejectedFile,
    RevisionManifest,
    Statistics,
)
from tenfold.core.datasets.planning import Plan, Settlement, nothing_found, nothing_readable, plan_samples, settle
from tenfold.core.datasets.ports import ImageDecoder, SampleSource, ShouldStop, never
from tenfold.core.datasets.preprocessing import Preprocessing, image_preprocessing
from tenfold.core.datasets.sizing import Sizing, decide_size
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, BadImage
from tenfold.core.fields import spec_values

Report = Callable[[int, int], None]
LOOK_AT = 256
REPORT_EVERY_S = 0.25
BATCH_BYTES = 8 << 20
SMALLEST_STD = 1 / 255


@dataclass(frozen=True, kw_only=True)
class BuildPlaces:
    """Where a build works: `work` is kept between attempts, `destination` is empty and becomes the revision."""

    work: Path
    destination: Path


def build_revision(
    source: SampleSource,
    spec: DatasetSpec,
    places: BuildPlaces,
    *,
    decoder: ImageDecoder,
    report: Report,
    should_stop: ShouldStop = never,
    threads: int = 1,
) -> RevisionManifest | None:
    """Writes a revision; `None` if it was stopped. A second call with the same `work` goes on where the first was.

    Every file of the source is accepted, rejected by name or skipped and counted. The same source and specification
    give the same bytes. `report(done, total)` is told at most four times a second, the total being 0 while files are
    listed. Raises `BadDataset` when fewer than two classes or nothing for training is left, `StorageFull` before the
    work when the pictures have no room.
    """
    table = ImportTable(places.work)
    try:
        if not table.is_listed:
            finds = source.finds(use_splits=spec.folder_splits, should_stop=should_stop)
            table.list_all(finds, should_stop=should_stop, tell=_Pace(report, 0).reach)
        if should_stop():
            return None
        build = _Build(source, spec, decoder, table)
        with build.open_arrays(places.work) as arrays:
            if not build.decode(arrays, threads=threads, report=report, should_stop=should_stop):
                return None
            return build.finish(arrays, places.destination)
    finally:
        table.close()


class _Build:
    """One build after its listing: plans, decodes and describes the result."""

    def __init__(self, source: SampleSource, spec: DatasetSpec, decoder: ImageDecoder, table: ImportTable) -> None:
        self._source = source
        self._spec = spec
        self._decoder = decoder
        self._table = table
        self._paths: TextColumn = table.paths()
        if not len(self._paths):
            raise nothing_found(table.rejected_by_code(), next(table.rejected(), None))
        self._plan: Plan = plan_samples(table.found(spec.seed), spec)
        self._sizing, self._batch_size = self._look()
        self._preprocessing: Preprocessing = image_preprocessing(
            width=self._sizing.width,
            height=self._sizing.height,
            channels=self._sizing.channels,
            resize=spec.resize,
            background=spec.background_rgb,
        )

    @property
    def _total(self) -> int:
        return len(self._plan.ranks)

    def open_arrays(self, work: Path) -> ImportArrays:
        return ImportArrays(work, capacity=self._total, shape=self._preprocessing.shape)

    def decode(self, arrays: ImportArrays, *, threads: int, report: Report, should_stop: ShouldStop) -> bool:
        """Decodes what was not reached yet; false if it was stopped."""
        first = arrays.num_reached()
        pace = _Pace(report, self._total, first)
        worker = BatchDecoder(self._source, self._decoder, self._preprocessing, self._spec)
        starts = range(first, self._total, self._batch_size)
        batches = ((start, self._paths_at(start)) for start in starts)
        for batch in worker.decode_all(batches, threads=threads):
            self._keep(arrays, batch)
            pace.reach(batch.place + len(batch.facts))
            if should_stop():
                return False
        pace.finish(self._total)
        return True

    def finish(self, arrays: ImportArrays, folder: Path) -> RevisionManifest:
        """Settles what stays and writes the revision."""
        is_accepted = np.concatenate([facts["state"] == ACCEPTED for _, facts in arrays.facts()])
        if not is_accepted.any():
            raise nothing_readable(sum(self._table.rejected_by_code().values()), next(self._table.rejected()))
        settlement = settle(self._plan, is_accepted, self._spec)
        with named_disk_errors(self._total * 128):
            content, statistics, num_coloured = self._write_columns(arrays, settlement, folder)
            accepted = self._plan.ranks[np.flatnonzero(is_accepted)]
            write_paths(folder, (self._paths[rank] for rank in accepted.tolist()))
            write_rejected(folder, self._table.rejected())
            arrays.hand_over(folder)
            manifest = self._manifest(settlement, content, statistics, num_coloured)
            return finish(folder, manifest, pixel_hashes=_pixel_hashes(arrays))

    def _keep(self, arrays: ImportArrays, batch: DecodedBatch) -> None:
        ranks = self._plan.ranks[batch.place : batch.place + len(batch.facts)]
        rejected = {
            int(ranks[row]): RejectedFile(self._paths[int(ranks[row])], error.code, error.message)
            for row, error in batch.problems.items()
        }
        self._table.reject(rejected)
        arrays.write(batch.place, batch.pixels, batch.facts)

    def _paths_at(self, start: int) -> list[str]:
        return [self._paths[rank] for rank in self._plan.ranks[start : start + self._batch_size].tolist()]

    def _write_columns(self, arrays: ImportArrays, settlement: Settlement, folder: Path) -> tuple[str, Statistics, int]:
        """Writes a value a sample into every column; returns content hash, statistics and how many have colour."""
        sums = _Sums(self._preprocessing.shape)
        content = ContentHash(settlement.classes, self._preprocessing.shape)
        num_coloured = 0
        with ColumnWriter(folder, int((settlement.splits >= 0).sum())) as columns:
            for start, block in arrays.facts():
                here = np.flatnonzero(block["state"] == ACCEPTED)
                facts, at = block[here], here + start
                labels, splits = settlement.labels[at], settlement.splits[at]
                brightness, contrast = sums.brightness(facts)
                columns.append(
                    labels=labels,
                    splits=splits,
                    stores=np.zeros(len(at), np.uint16),
                    rows=at,
                    sha256=facts["sha256"],
                    pixel_hashes=facts["pixels"],
                    widths=facts["width"],
                    heights=facts["height"],
                    sizes=facts["size_bytes"],
                    brightness=brightness,
                    contrast=contrast,
                )
                content.add(facts["pixels"], labels, splits)
                sums.add(facts[splits == SPLITS.index("train")])
                num_coloured += int(facts["is_colour"].sum())
        return content.hexdigest(), sums.statistics(), num_coloured

    def _manifest(
        self, settlement: Settlement, content: str, statistics: Statistics, num_coloured: int
    ) -> RevisionManifest:
        counts = settlement.counts()
        by_code = self._table.rejected_by_code()
        skipped: Mapping[str, int] = {**self._table.skipped(), **self._plan.skipped}
        accepted = sum(sum(each) for each in counts.values())
        notes = (*self._table.notes(), *self._plan.notes, *self._sizing.notes)
        if num_coloured and self._sizing.channels == 1:
            notes = (*notes, f"{num_coloured} pictures in colour were turned grey.")
        return RevisionManifest(
            classes=settlement.classes,
            width=self._sizing.width,
            height=self._sizing.height,
            channels=self._sizing.channels,
            preprocessing=self._preprocessing,
            spec=spec_values(self._spec),
            counts=counts,
            statistics=statistics,
            seen=accepted + sum(by_code.values()) + sum(skipped.values()),
            rejected=tuple(islice(self._table.rejected(), MAX_REJECTED_HERE)),
            rejected_by_code=by_code,
            skipped_by_reason=skipped,
            notes=(*notes, *settlement.notes),
            pixels=(PixelStore("", self._total),),
            content=content,
            decoder=self._decoder.name,
        )

    def _look(self) -> tuple[Sizing, int]:
        """The stored size from up to `LOOK_AT` readable pictures of all classes, and how many files make a batch."""
        problems: list[BadImage] = []
        sizes: list[int] = []

        def looked_at() -> Iterator[ImageFacts]:
            stride = max(1, self._total // LOOK_AT)
            for rank in chain.from_iterable(self._plan.ranks[start::stride].tolist() for start in range(stride)):
                try:
                    data = self._source.read(self._paths[rank])
                    yield self._decoder.probe(data)
                    sizes.append(len(data))
                except BadImage as error:
                    problems.append(error)

        facts = list(islice(looked_at(), LOOK_AT))
        if not facts:
            text = f"None of {len(problems)} pictures can be read. The first says: {problems[0].message}"
            raise BadDataset(text, code="dataset.unreadable")
        mean_bytes = max(1, sum(sizes) // max(1, len(sizes)))
        return decide_size(facts, self._spec), min(4096, max(16, BATCH_BYTES // mean_bytes))


class _Sums:
    """Adds up the channels of pictures of `shape` (H, W, C); exact, so in any order the same."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._num_pixels = shape[0] * shape[1]
        self._count = 0
        self._sums = [0] * shape[2]
        self._squares = [0] * shape[2]

    def add(self, facts: np.ndarray[tuple[int], np.dtype[np.void]]) -> None:
        self._count += len(facts) * self._num_pixels
        for channel in range(len(self._sums)):
            self._sums[channel] += int(facts["sums"][:, channel].sum())
            self._squares[channel] += int(facts["squares"][:, channel].sum())

    def statistics(self) -> Statistics:
        mean = [total / self._count for total in self._sums]
        squares = [total / self._count for total in self._squares]
        std = [max(square - average**2, 0) ** 0.5 / 255 for square, average in zip(squares, mean, strict=True)]
        return Statistics(mean=tuple(m / 255 for m in mean), std=tuple(max(s, SMALLEST_STD) for s in std))

    def brightness(
        self, facts: np.ndarray[tuple[int], np.dtype[np.void]]
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
        """Mean and standard deviation of each picture over all channels, 0 to 1."""
        count = self._num_pixels * len(self._sums)
        mean = facts["sums"].sum(axis=1) / count
        squares = facts["squares"].sum(axis=1) / count
        return mean / 255, np.sqrt(np.maximum(squares - mean**2, 0)) / 255


def _pixel_hashes(arrays: ImportArrays) -> Iterator[bytes]:
    for _, facts in arrays.facts():
        for row in facts["pixels"]:
            yield row.tobytes()


class _Pace:
    """Tells progress at most every `REPORT_EVERY_S`, and the end always."""

    def __init__(self, report: Report, total: int, first: int = 0) -> None:
        self._report = report
        self._total = total
        self._told_at = time.monotonic()
        report(first, total)

    def reach(self, done: int) -> None:
        now = time.monotonic()
        if now - self._told_at >= REPORT_EVERY_S:
            self._told_at = now
            self._report(done, self._total)

    def finish(self, done: int) -> None:
        self._report(done, self._total)
