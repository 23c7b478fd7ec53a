"""From a source of pictures to a revision folder: list, plan, decode on threads, settle, write the columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np

from tenfold.adapters.formats.decoding import Batch, BatchDecoder, DecodedBatch
from tenfold.adapters.formats.import_arrays import ACCEPTED, Facts, ImportArrays, named_disk_errors
from tenfold.adapters.formats.import_table import ImportTable
from tenfold.adapters.formats.reading import Reading
from tenfold.adapters.formats.revision_writer import (
    ColumnWriter,
    ContentHash,
    finish,
    write_mean,
    write_paths,
    write_rejected,
)
from tenfold.adapters.formats.text_column import TextColumn
from tenfold.adapters.formats.training_sum import TrainingSum
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
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.sizing import Sizing, decide_size, prepare
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, BadImage
from tenfold.core.fields import spec_values

Report = Callable[[int, int], None]
LOOK_AT = 256
REPORT_EVERY_S = 0.25
BATCH_BYTES = 8 << 20
SMALLEST_STD = 1 / 255
TRAIN = SPLITS.index("train")


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
            table.list_all(finds, should_stop=should_stop, tell=Pace(report, 0).reach)
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
        self._sizing, mean_bytes = self._look()
        self._preprocessing = self._prepare()
        picture_bytes = int(np.prod(self._preprocessing.shape)) * self._preprocessing.dtype.itemsize
        self._batch_size = min(4096, max(16, BATCH_BYTES // max(mean_bytes, picture_bytes)))
        planned = settle(self._plan, np.ones(self._total, bool), spec).splits == TRAIN
        self._training = TrainingSum(planned, self._preprocessing.shape, self._preprocessing.dtype)

    @property
    def _total(self) -> int:
        return len(self._plan.ranks)

    def open_arrays(self, work: Path) -> ImportArrays:
        return ImportArrays(
            work, capacity=self._total, shape=self._preprocessing.shape, dtype=self._preprocessing.dtype
        )

    def decode(self, arrays: ImportArrays, *, threads: int, report: Report, should_stop: ShouldStop) -> bool:
        """Decodes what was not reached yet; false if it was stopped."""
        first = arrays.num_reached()
        pace = Pace(report, self._total, first)
        worker = BatchDecoder(self._source, self._decoder, self._preprocessing, self._spec)
        batches = map(self._batch_at, range(first, self._total, self._batch_size))
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
            content, sums = self._write_columns(arrays, settlement, folder)
            is_training = settlement.splits == TRAIN
            write_mean(folder, self._training.mean(arrays, is_training=is_training, is_accepted=is_accepted))
            accepted = self._plan.ranks[np.flatnonzero(is_accepted)]
            write_paths(folder, (self._paths[rank] for rank in accepted.tolist()))
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
        ranks = self._plan.ranks[start : start + self._batch_size].tolist()
        return Batch(start, [self._paths[rank] for rank in ranks], self._training.planned(start, start + len(ranks)))

    def _write_columns(self, arrays: ImportArrays, settlement: Settlement, folder: Path) -> tuple[str, Sums]:
        """Writes a value a sample into every column; returns content hash and sums."""
        sums = Sums(self._preprocessing)
        content = ContentHash(settlement.classes, self._preprocessing.shape)
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
                sums.count(facts)
                sums.add(facts[splits == TRAIN])
        return content.hexdigest(), sums

    def _manifest(self, settlement: Settlement, content: str, sums: Sums) -> RevisionManifest:
        counts = settlement.counts()
        by_code = self._table.rejected_by_code()
        skipped: Mapping[str, int] = {**self._table.skipped(), **self._plan.skipped}
        accepted = sum(sum(each) for each in counts.values())
        notes = (*self._table.notes(), *self._plan.notes, *self._sizing.notes)
        if sums.num_coloured and self._preprocessing.decode.mode == "grey":
            notes = (*notes, f"{sums.num_coloured} pictures in colour were turned grey.")
        if sums.num_framed:
            has = "1 picture has" if sums.num_framed == 1 else f"{sums.num_framed} pictures have"
            notes = (*notes, f"{has} more than one frame: the first is used.")
        return RevisionManifest(
            classes=settlement.classes,
            width=self._sizing.width,
            height=self._sizing.height,
            channels=self._sizing.channels,
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
        )

    def _prepare(self) -> Preprocessing:
        """What is done to every picture, with a sentence where the range of its values had to be found."""
        if self._sizing.depth != "float32":
            return prepare(self._sizing, self._spec)
        low, high = self._value_range()
        note = f"Values from {low:g} (black) to {high:g} (white), as in the pictures looked at."
        self._sizing = replace(self._sizing, notes=(*self._sizing.notes, note))
        return prepare(self._sizing, self._spec, (low, high))

    def _value_range(self) -> tuple[float, float]:
        low, high = np.inf, -np.inf
        for _, data in islice(self._readable([]), LOOK_AT):
            try:
                least, greatest = self._decoder.value_range(data)
            except BadImage:
                continue
            low, high = min(low, least), max(high, greatest)
        return (low, high) if low < high else (0.0, 1.0)

    def _look(self) -> tuple[Sizing, int]:
        """The stored size from up to `LOOK_AT` readable pictures of all classes, and the mean size of their files."""
        problems: list[BadImage] = []
        looked_at = [(facts, len(data)) for facts, data in islice(self._readable(problems), LOOK_AT)]
        if not looked_at:
            text = f"None of {len(problems)} pictures can be read. The first says: {problems[0].message}"
            raise BadDataset(text, code="dataset.unreadable")
        mean_bytes = sum(size for _, size in looked_at) // len(looked_at)
        return decide_size([facts for facts, _ in looked_at], self._spec), max(1, mean_bytes)

    def _readable(self, problems: list[BadImage]) -> Iterator[tuple[ImageFacts, bytes]]:
        """Readable files spread over all classes, with what their headers tell; adds the others to `problems`."""
        stride = max(1, self._total // LOOK_AT)
        ranks = chain.from_iterable(self._plan.ranks[start::stride].tolist() for start in range(stride))
        reading = Reading(self._source)
        try:
            for _, content in reading.stream(self._paths[rank] for rank in ranks):
                if isinstance(content, BadImage):
                    problems.append(content)
                    continue
                try:
                    yield self._decoder.probe(content), content
                except BadImage as error:
                    problems.append(error)
        finally:
            reading.close()


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
