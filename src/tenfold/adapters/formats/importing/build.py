"""From a source of pictures to a revision folder: list, plan, decode on threads, settle, write the columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from tenfold.adapters.formats.files.disk_room import named_disk_errors
from tenfold.adapters.formats.importing.arrays import ACCEPTED, Facts, ImportArrays
from tenfold.adapters.formats.importing.decoding import Batch, BatchDecoder, DecodedBatch
from tenfold.adapters.formats.importing.listing import ImportTable
from tenfold.adapters.formats.importing.preparation import Fixed, Preparation, prepare_import
from tenfold.adapters.formats.importing.training_sum import TrainingSum
from tenfold.adapters.formats.revisions.reader import LABEL_COLUMNS
from tenfold.adapters.formats.revisions.writer import (
    ColumnWriter,
    ContentHash,
    finish,
    write_group_names,
    write_mean,
    write_paths,
    write_rejected,
)
from tenfold.core.datasets.label_texts import labelled
from tenfold.core.datasets.model import (
    MAX_REJECTED_HERE,
    SPLITS,
    PixelStore,
    RejectedFile,
    RevisionManifest,
    Statistics,
)
from tenfold.core.datasets.planning import Settlement, nothing_readable, settle, split_sizes
from tenfold.core.datasets.ports import ImageDecoder, SampleSource, ShouldStop, never
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.fields import spec_values

Report = Callable[[int, int], None]
REPORT_EVERY_S = 0.25
SMALLEST_STD = 1 / 255
TRAIN = SPLITS.index("train")
KEPT_NAMES = 65_536


@dataclass(frozen=True, kw_only=True)
class BuildPlaces:
    """Where a build works: `work` is kept between attempts, `destination` is empty and becomes the revision."""

    work: Path
    destination: Path


@dataclass(frozen=True, kw_only=True)
class Working:
    """How a build works: `report(done, total)` hears of progress, `threads` decode."""

    decoder: ImageDecoder
    report: Report
    should_stop: ShouldStop = never
    threads: int = 1


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
    working = Working(decoder=decoder, report=report, should_stop=should_stop, threads=threads)
    return build_from(source, spec, places, working)


def build_from(
    source: SampleSource,
    spec: DatasetSpec,
    places: BuildPlaces,
    working: Working,
    *,
    fixed: Fixed | None = None,
) -> RevisionManifest | None:
    """As `build_revision` does; `fixed` holds what was decided before."""
    table = ImportTable(places.work)
    try:
        if not list_source(source, spec, table, working):
            return None
        prepared = prepare_import(source, spec, working.decoder, table, fixed=fixed)
        build = _Build(source, spec, working.decoder, table, prepared)
        with build.open_arrays(places.work) as arrays:
            if not build.decode(arrays, working):
                return None
            return build.finish(arrays, places.destination)
    finally:
        table.close()


def list_source(source: SampleSource, spec: DatasetSpec, table: ImportTable, working: Working) -> bool:
    """Lists a source unless an attempt before has; false if it was stopped."""
    if not table.is_listed:
        finds = source.finds(use_splits=spec.folder_splits, should_stop=working.should_stop)
        table.list_all(
            labelled(finds, spec.label_kind), should_stop=working.should_stop, tell=Pace(working.report, 0).reach
        )
    return not working.should_stop()


class _Build:
    """One build after its listing: plans, decodes and describes the result."""

    def __init__(
        self,
        source: SampleSource,
        spec: DatasetSpec,
        decoder: ImageDecoder,
        table: ImportTable,
        prepared: Preparation,
    ) -> None:
        self._source = source
        self._spec = spec
        self._decoder = decoder
        self._table = table
        self._prepared = prepared
        self._paths, self._plan = prepared.paths, prepared.plan
        self._preprocessing = prepared.preprocessing
        self._training = TrainingSum(self._plan.splits == TRAIN, self._preprocessing.shape, self._preprocessing.dtype)

    @property
    def _total(self) -> int:
        return len(self._plan.ranks)

    def open_arrays(self, work: Path) -> ImportArrays:
        return ImportArrays(
            work, capacity=self._total, shape=self._preprocessing.shape, dtype=self._preprocessing.dtype
        )

    def decode(self, arrays: ImportArrays, working: Working) -> bool:
        """Decodes what was not reached yet; false if it was stopped."""
        first = arrays.num_reached()
        pace = Pace(working.report, self._total, first)
        worker = BatchDecoder(self._source, self._decoder, self._preprocessing, self._spec)
        batches = map(self._batch_at, range(first, self._total, self._prepared.batch_size))
        for batch in worker.decode_all(batches, threads=working.threads):
            self._keep(arrays, batch)
            pace.reach(batch.place + len(batch.facts))
            if working.should_stop():
                return False
        pace.finish(self._total)
        return True

    def finish(self, arrays: ImportArrays, folder: Path) -> RevisionManifest:
        """Settles what stays and writes the revision."""
        is_accepted = np.concatenate([facts["state"] == ACCEPTED for _, facts in arrays.facts()])
        if not is_accepted.any():
            raise nothing_readable(sum(self._table.rejected_by_code().values()), next(self._table.rejected()))
        settlement = settle(self._plan, is_accepted, self._prepared.dividing)
        with named_disk_errors(self._total * 128):
            content, sums = self._write_columns(arrays, settlement, folder)
            is_training = settlement.splits == TRAIN
            write_mean(folder, self._training.mean(arrays, is_training=is_training, is_accepted=is_accepted))
            write_paths(folder, self._paths.at(self._plan.ranks[is_accepted]))
            write_groups(folder, settlement, self._table)
            write_rejected(folder, self._table.rejected())
            arrays.hand_over(folder)
            manifest = self._manifest(settlement, content, sums)
            return finish(folder, manifest, pixel_hashes=pixel_hashes(arrays))

    def _keep(self, arrays: ImportArrays, batch: DecodedBatch) -> None:
        ranks = self._plan.ranks[batch.place : batch.place + len(batch.facts)]
        rejected = {
            int(ranks[row]): RejectedFile(self._paths[int(ranks[row])], error.code, error.message)
            for row, error in batch.problems.items()
        }
        self._table.reject(rejected)
        arrays.write(batch.place, batch.pixels, batch.facts)
        self._training.add(batch.place, batch.place + len(batch.facts), batch.total)

    def _batch_at(self, start: int) -> Batch:
        places = slice(start, min(start + self._prepared.batch_size, self._total))
        paths = list(self._paths.at(self._plan.ranks[places]))
        known = self._prepared.sha256[places] if self._prepared.sha256 is not None else None
        return Batch(start, paths, self._training.planned(places.start, places.stop), known)

    def _write_columns(self, arrays: ImportArrays, settlement: Settlement, folder: Path) -> tuple[str, Sums]:
        """Writes a value a sample into every column; returns content hash and sums."""
        sums = Sums(self._preprocessing)
        numbers = settlement.group_numbers
        content = ContentHash(
            settlement.classes,
            self._preprocessing.shape,
            group_name=lru_cache(KEPT_NAMES)(lambda group: self._table.group_name(int(numbers[group]))),
        )
        with ColumnWriter(folder, int((settlement.splits >= 0).sum()), label_columns(settlement)) as columns:
            for start, block in arrays.facts():
                here = np.flatnonzero(block["state"] == ACCEPTED)
                facts, at = block[here], here + start
                told = settlement.columns(at)
                brightness, contrast = sums.brightness(facts)
                columns.append(
                    **told,
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
                content.add(facts["pixels"], told)
                sums.count(facts)
                sums.add(facts[told["splits"] == TRAIN])
        return content.hexdigest(), sums

    def _manifest(self, settlement: Settlement, content: str, sums: Sums) -> RevisionManifest:
        counts = settlement.counts()
        height, width, channels = self._preprocessing.shape
        by_code = self._table.rejected_by_code()
        skipped: Mapping[str, int] = {**self._table.skipped(), **self._plan.skipped}
        accepted = int((settlement.splits >= 0).sum())
        notes = (*self._table.notes(), *self._plan.notes, *self._prepared.notes)
        if sums.num_coloured and self._preprocessing.decode.mode == "grey":
            notes = (*notes, f"{sums.num_coloured} pictures in colour were turned grey.")
        if sums.num_framed:
            has = "1 picture has" if sums.num_framed == 1 else f"{sums.num_framed} pictures have"
            notes = (*notes, f"{has} more than one frame: the first is used.")
        return RevisionManifest(
            classes=settlement.classes,
            width=width,
            height=height,
            channels=channels,
            preprocessing=self._preprocessing,
            spec=spec_values(self._spec),
            counts=counts,
            statistics=sums.statistics(),
            seen=accepted + sum(by_code.values()) + sum(skipped.values()),
            rejected=tuple(islice(self._table.rejected(), MAX_REJECTED_HERE)),
            rejected_by_code=by_code,
            skipped_by_reason=skipped,
            notes=(*notes, *settlement.notes),
            pixels=(PixelStore("", self._total, self._preprocessing.dtype.name),),
            content=content,
            decoder=self._decoder.name,
            label_kind=settlement.space.kind,
            split_sizes=split_sizes(settlement.splits),
            num_groups=len(settlement.group_numbers),
        )


def write_groups(folder: Path, settlement: Settlement, table: ImportTable) -> None:
    """The names of the groups that stay, if there are any."""
    if len(settlement.group_numbers):
        write_group_names(folder, map(table.group_name, settlement.group_numbers.tolist()))


def label_columns(settlement: Settlement) -> dict[str, tuple[str, int]]:
    """Type and width of the columns that hold what these samples have beside a class."""
    told = settlement.columns(np.zeros(0, np.int64))
    return {
        name: (dtype, told[name].shape[1] if told[name].ndim == 2 else 0)
        for name, dtype in LABEL_COLUMNS.items()
        if name in told
    }


class Sums:
    """Adds up what is known of pictures; of whole numbers exact, so in any order the same."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        height, width, channels = preprocessing.shape
        self._num_pixels = height * width
        self._black, self._span = preprocessing.decode.range[0], preprocessing.span
        self._count = 0
        self._sums: list[float] = [0] * channels
        self._squares: list[float] = [0] * channels
        self.num_coloured = 0
        self.num_framed = 0

    @property
    def num_added(self) -> int:
        """How many pictures for training were taken in."""
        return self._count // self._num_pixels

    def count(self, facts: Facts) -> None:
        """Takes in all pictures."""
        self.num_coloured += int(facts["is_colour"].sum())
        self.num_framed += int(facts["has_more_frames"].sum())

    def add(self, facts: Facts) -> None:
        """Takes in pictures for training."""
        self._count += len(facts) * self._num_pixels
        for channel in range(len(self._sums)):
            self._sums[channel] += facts["sums"][:, channel].sum().item()
            self._squares[channel] += facts["squares"][:, channel].sum().item()

    def statistics(self) -> Statistics:
        mean = [total / self._count for total in self._sums]
        squares = [total / self._count for total in self._squares]
        std = [max(square - average**2, 0) ** 0.5 / self._span for square, average in zip(squares, mean, strict=True)]
        return Statistics(mean=tuple(m / self._span for m in mean), std=tuple(max(s, SMALLEST_STD) for s in std))

    def brightness(self, facts: Facts) -> tuple[Facts, Facts]:
        """Mean and standard deviation of each picture over all channels, 0 black and 1 white."""
        count = self._num_pixels * len(self._sums)
        mean = facts["sums"].sum(axis=1) / count
        squares = facts["squares"].sum(axis=1) / count
        return (mean - self._black) / self._span, np.sqrt(np.maximum(squares - mean**2, 0)) / self._span


def pixel_hashes(arrays: ImportArrays) -> Iterator[bytes]:
    for _, facts in arrays.facts():
        for row in facts["pixels"]:
            yield row.tobytes()


class Pace:
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
