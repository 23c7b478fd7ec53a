"""From a source of pictures to a revision folder: list, decide the size, split, decode on threads, pack."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.packed_writer import PackedWriter
from tenfold.core.datasets.model import ImageFacts, RejectedFile, RevisionManifest, SampleRecord, Statistics
from tenfold.core.datasets.planning import Plan, PlannedSample, Settlement, plan_samples, settle
from tenfold.core.datasets.ports import ImageDecoder, SampleSource, ShouldStop, SourceListing, UInt8Array, never
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


def build_revision(
    source: SampleSource,
    spec: DatasetSpec,
    destination: Path,
    *,
    decoder: ImageDecoder,
    report: Report,
    should_stop: ShouldStop = never,
    threads: int = 1,
) -> RevisionManifest | None:
    """Writes a revision into the folder `destination`, which is there and empty; `None` if it was stopped.

    Every file of the source is accepted, rejected by name or skipped and counted. The same source and specification
    give the same bytes. `report(done, total)` is told at most four times a second. Raises `BadDataset` when fewer than
    two classes or nothing for training is left, `StorageFull` before the work when the pictures have no room.
    """
    listing = source.list_files(use_splits=spec.folder_splits, should_stop=should_stop)
    if should_stop():
        return None
    plan = plan_samples(listing.files, spec)
    sizing, batch_size = _look(source, plan, decoder, spec)
    build = _Build(source, spec, decoder, sizing, threads)
    with PackedWriter(destination, capacity=len(plan.samples), shape=build.preprocessing.shape) as writer:
        batches = build.decode(plan, batch_size, writer, _Pace(report, len(plan.samples)), should_stop)
        if batches is None:
            return None
        rejected = sorted([*listing.rejected, *(f for b in batches for f in b.rejected)], key=lambda file: file.path)
        settlement = settle(plan, [pair for batch in batches for pair in batch.accepted], rejected, spec)
        writer.reorder(settlement.order)
        manifest = build.manifest(listing, plan, batches, rejected, settlement)
        return writer.finish(settlement.records, manifest)


@dataclass(frozen=True)
class _Batch:
    """What decoding gave: accepted pictures (N, H, W, C), their sums and sums of squares (N, C), what was rejected."""

    pixels: UInt8Array
    accepted: list[tuple[PlannedSample, SampleRecord]]
    sums: npt.NDArray[np.uint64]
    squares: npt.NDArray[np.uint64]
    rejected: list[RejectedFile]
    num_coloured: int

    def without_pixels(self) -> _Batch:
        return _Batch(self.pixels[:0].copy(), self.accepted, self.sums, self.squares, self.rejected, self.num_coloured)


class _Build:
    """One build: decodes batches and describes the result."""

    def __init__(
        self, source: SampleSource, spec: DatasetSpec, decoder: ImageDecoder, sizing: Sizing, threads: int
    ) -> None:
        self._source = source
        self._spec = spec
        self._decoder = decoder
        self._sizing = sizing
        self._threads = threads
        self.preprocessing: Preprocessing = image_preprocessing(
            width=sizing.width,
            height=sizing.height,
            channels=sizing.channels,
            resize=spec.resize,
            background=spec.background_rgb,
        )

    def decode(
        self, plan: Plan, batch_size: int, writer: PackedWriter, pace: _Pace, should_stop: ShouldStop
    ) -> list[_Batch] | None:
        """All batches in their order, their pixels written; `None` if it was stopped."""
        slices = (plan.samples[start : start + batch_size] for start in range(0, len(plan.samples), batch_size))
        done: list[_Batch] = []
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="decode")
        try:
            waiting: deque[Future[_Batch]] = deque()
            waiting.extend(pool.submit(self._decode_batch, samples) for samples in islice(slices, self._threads + 1))
            while waiting:
                batch = waiting.popleft().result()
                waiting.extend(pool.submit(self._decode_batch, samples) for samples in islice(slices, 1))
                writer.append(batch.pixels)
                done.append(batch.without_pixels())
                pace.advance(len(batch.accepted) + len(batch.rejected))
                if should_stop():
                    return None
        finally:
            pool.shutdown(cancel_futures=True)
        pace.finish()
        return done

    def manifest(
        self,
        listing: SourceListing,
        plan: Plan,
        batches: Sequence[_Batch],
        rejected: Sequence[RejectedFile],
        settlement: Settlement,
    ) -> RevisionManifest:
        skipped = dict(listing.skipped)
        if plan.num_over_limit:
            skipped["over the limit per class"] = plan.num_over_limit
        return RevisionManifest(
            classes=settlement.classes,
            width=self._sizing.width,
            height=self._sizing.height,
            channels=self._sizing.channels,
            preprocessing=self.preprocessing,
            spec=spec_values(self._spec),
            counts=settlement.counts(),
            statistics=self._statistics(batches, settlement),
            seen=listing.seen,
            rejected=tuple(rejected),
            rejected_by_code=dict(sorted(Counter(file.code for file in rejected).items())),
            skipped_by_reason=skipped,
            notes=(*listing.notes, *self._sizing.notes, *self._colour_notes(batches), *settlement.notes),
            decoder=self._decoder.name,
        )

    def _decode_batch(self, samples: Sequence[PlannedSample]) -> _Batch:
        readable: list[PlannedSample] = []
        contents: list[bytes] = []
        rejected: list[RejectedFile] = []
        for sample in samples:
            try:
                contents.append(self._source.read(sample.path))
                readable.append(sample)
            except BadImage as error:
                rejected.append(RejectedFile(sample.path, error.code, error.message))
        pixels = np.empty((len(readable), *self.preprocessing.shape), np.uint8)
        accepted: list[tuple[PlannedSample, SampleRecord]] = []
        rows: list[int] = []
        num_coloured = 0
        for row, found in enumerate(self._decoder.decode_many(contents, self.preprocessing, pixels)):
            sample = readable[row]
            problem = found if isinstance(found, BadImage) else self._size_problem(found)
            if problem is not None or isinstance(found, BadImage):
                assert problem is not None
                rejected.append(RejectedFile(sample.path, problem.code, problem.message))
                continue
            digest = hashlib.sha256(contents[row]).hexdigest()
            record = SampleRecord(sample.path, sample.label, sample.split, digest, found.width, found.height)
            accepted.append((sample, record))
            rows.append(row)
            num_coloured += found.is_colour
        if len(rows) < len(readable):
            pixels = pixels[rows]
        return _Batch(pixels, accepted, *_channel_sums(pixels), rejected, num_coloured)

    def _size_problem(self, facts: ImageFacts) -> BadImage | None:
        shorter, longer = min(facts.width, facts.height), max(facts.width, facts.height)
        if shorter >= self._spec.smallest_side and longer <= self._spec.largest_side:
            return None
        size = f"The picture is {facts.width} x {facts.height}"
        if shorter < self._spec.smallest_side:
            text = f"{size}; its shorter side must have at least {self._spec.smallest_side} px."
            return BadImage(text, code="image.too-small")
        text = f"{size}; its longer side may have at most {self._spec.largest_side} px."
        return BadImage(text, code="image.too-large")

    def _colour_notes(self, batches: Sequence[_Batch]) -> list[str]:
        coloured = sum(batch.num_coloured for batch in batches)
        if self._sizing.channels == 3 or not coloured:
            return []
        return [f"{coloured} pictures in colour were turned grey."]

    def _statistics(self, batches: Sequence[_Batch], settlement: Settlement) -> Statistics:
        train = settlement.order[: sum(settlement.counts()["train"])]
        count = len(train) * self._sizing.width * self._sizing.height
        sums = np.concatenate([batch.sums for batch in batches])[train].sum(axis=0) / count
        squares = np.concatenate([batch.squares for batch in batches])[train].sum(axis=0) / count
        std = np.sqrt(np.maximum(squares - sums**2, 0)) / 255
        return Statistics(mean=tuple((sums / 255).tolist()), std=tuple(np.maximum(std, SMALLEST_STD).tolist()))


class _Pace:
    """Tells progress at most every `REPORT_EVERY_S`, and the end always."""

    def __init__(self, report: Report, total: int) -> None:
        self._report = report
        self._total = total
        self._done = 0
        self._told_at = time.monotonic()
        report(0, total)

    def advance(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._told_at >= REPORT_EVERY_S:
            self._told_at = now
            self._report(self._done, self._total)

    def finish(self) -> None:
        self._report(self._done, self._total)


def _look(source: SampleSource, plan: Plan, decoder: ImageDecoder, spec: DatasetSpec) -> tuple[Sizing, int]:
    """The stored size from up to `LOOK_AT` readable pictures of all classes, and how many files make a batch."""
    problems: list[BadImage] = []
    sizes: list[int] = []

    def looked_at() -> Iterator[ImageFacts]:
        stride = max(1, len(plan.samples) // LOOK_AT)
        for sample in chain.from_iterable(plan.samples[start::stride] for start in range(stride)):
            try:
                data = source.read(sample.path)
                yield decoder.probe(data)
                sizes.append(len(data))
            except BadImage as error:
                problems.append(error)

    facts = list(islice(looked_at(), LOOK_AT))
    if not facts:
        text = f"None of {len(problems)} pictures can be read. The first says: {problems[0].message}"
        raise BadDataset(text, code="dataset.unreadable")
    mean_bytes = max(1, sum(sizes) // max(1, len(sizes)))
    return decide_size(facts, spec), min(4096, max(16, BATCH_BYTES // mean_bytes))


def _channel_sums(pixels: UInt8Array) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Sums and sums of squares of each picture's channels, (N, C) each; exact, so in any order the same."""
    count, height, width, channels = pixels.shape
    flat = pixels.reshape(count, height * width, channels)
    wide = flat.astype(np.uint16)
    return flat.sum(axis=1, dtype=np.uint64), np.multiply(wide, wide, out=wide).sum(axis=1, dtype=np.uint64)
