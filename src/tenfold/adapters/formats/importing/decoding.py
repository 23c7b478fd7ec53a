"""Batches of files read, decoded and measured on threads."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.importing.arrays import ACCEPTED, REJECTED, Facts, facts_type
from tenfold.adapters.formats.importing.reading import Content, Reading
from tenfold.adapters.formats.importing.training_sum import sum_pictures
from tenfold.adapters.formats.revisions.reader import pixel_hash
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.ports import ImageDecoder, PixelArray, SampleSource, UInt8Array
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadImage

ROWS_AT_ONCE = 256
HELD_BYTES = 32 << 20
"""Files are decoded once so many bytes of them are held: a batch of small ones at once, a large one alone."""
NUMBERS_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class Batch:
    """Files to decode: the place of the first, the paths, which are added up, and SHA-256 (N, 32) as far as known.

    Zeros stand for what is not known.
    """

    place: int
    paths: Sequence[str]
    is_added: npt.NDArray[np.bool_]
    sha256: UInt8Array | None = None


@dataclass(frozen=True)
class DecodedBatch:
    """Files from `place` on: pixels (N, H, W, C), what is known of them, and by row why one cannot be used.

    The pixels of such a row are zero. `total` is the sum of the pictures that the batch asked for.
    """

    place: int
    pixels: PixelArray
    facts: Facts
    problems: dict[int, BadImage]
    total: npt.NDArray[Any]


class BatchDecoder:
    """Reads files from a source and decodes them. Thread-safe as the source and the decoder are."""

    def __init__(
        self, source: SampleSource, decoder: ImageDecoder, preprocessing: Preprocessing, spec: DatasetSpec
    ) -> None:
        self._source = source
        self._decoder = decoder
        self._preprocessing = preprocessing
        self._spec = spec

    def decode_all(self, batches: Iterator[Batch], *, threads: int) -> Iterator[DecodedBatch]:
        """All batches in their order; no more than two over the number of threads are held."""
        pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        reading = Reading(self._source)
        begun = ((batch, reading.begin(batch.paths)) for batch in batches)
        try:
            waiting: deque[Future[DecodedBatch]] = deque()
            waiting.extend(pool.submit(self._decode, *each) for each in islice(begun, threads + 1))
            while waiting:
                batch = waiting.popleft().result()
                waiting.extend(pool.submit(self._decode, *following) for following in islice(begun, 1))
                yield batch
        finally:
            reading.close()
            pool.shutdown(cancel_futures=True)

    def decode(self, batch: Batch) -> DecodedBatch:
        """One batch, in this thread."""
        reading = Reading(self._source)
        try:
            return self._decode(batch, reading.begin(batch.paths))
        finally:
            reading.close()

    def _decode(self, batch: Batch, coming: Iterator[Content]) -> DecodedBatch:
        """One batch, of the contents of its files."""
        pixels = np.empty((len(batch.paths), *self._preprocessing.shape), self._preprocessing.dtype)
        facts = np.zeros(len(pixels), facts_type(self._preprocessing.channels, pixels.dtype))
        problems: dict[int, BadImage] = {}
        held: dict[int, bytes] = {}
        size = 0
        for row, content in enumerate(coming):
            if isinstance(content, BadImage):
                problems[row] = content
                continue
            held[row] = content
            size += len(content)
            if size >= HELD_BYTES:
                self._decode_held(held, batch, pixels, facts, problems)
                held, size = {}, 0
        self._decode_held(held, batch, pixels, facts, problems)
        if problems:
            lost = list(problems)
            facts["state"][lost] = REJECTED
            pixels[lost] = 0
        facts["pixels"] = _joined(map(pixel_hash, pixels))
        facts["sums"], facts["squares"] = measure(pixels)
        total = sum_pictures(pixels if batch.is_added.all() else pixels[batch.is_added])
        return DecodedBatch(batch.place, pixels, facts, problems, total)

    def _decode_held(
        self, held: Mapping[int, bytes], batch: Batch, pixels: PixelArray, facts: Facts, problems: dict[int, BadImage]
    ) -> None:
        """Decodes some files of a batch, by row, into its pixels and facts."""
        rows = list(held)
        out = pixels if len(rows) == len(pixels) else np.empty((len(rows), *pixels.shape[1:]), pixels.dtype)
        found = self._decoder.decode_many(list(held.values()), self._preprocessing, out)
        if out is not pixels:
            pixels[rows] = out
        accepted: list[tuple[int, ImageFacts, bytes]] = []
        for (row, content), item in zip(held.items(), found, strict=True):
            problem = item if isinstance(item, BadImage) else self._size_problem(item)
            if problem is not None:
                problems[row] = problem
            elif isinstance(item, ImageFacts):
                accepted.append((row, item, content))
        _describe(facts, accepted, batch.sha256)

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


def _describe(facts: Facts, accepted: Sequence[tuple[int, ImageFacts, bytes]], sha256: UInt8Array | None) -> None:
    rows = [row for row, _, _ in accepted]
    facts["state"][rows] = ACCEPTED
    facts["is_colour"][rows] = [found.is_colour for _, found, _ in accepted]
    facts["has_more_frames"][rows] = [found.has_more_frames for _, found, _ in accepted]
    facts["width"][rows] = [found.width for _, found, _ in accepted]
    facts["height"][rows] = [found.height for _, found, _ in accepted]
    facts["size_bytes"][rows] = [len(content) for _, _, content in accepted]
    known = sha256 if sha256 is not None else np.zeros((len(facts), 32), np.uint8)
    facts["sha256"][rows] = _joined(
        known[row].tobytes() if known[row].any() else hashlib.sha256(content).digest() for row, _, content in accepted
    )


def _joined(hashes: Iterable[bytes]) -> UInt8Array:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)


def measure(pixels: PixelArray) -> tuple[Facts, Facts]:
    """Sums and sums of squares of each picture's channels, (N, C) each; of uint8 exact, so in any order the same."""
    count, height, width, channels = pixels.shape
    lines = pixels.reshape(count, height, width * channels)
    # up to 256 squares of 255 add up to under 2**24, so 32-bit numbers hold them exactly
    depth = min(height, ROWS_AT_ONCE)
    at_once = max(1, NUMBERS_AT_ONCE // (depth * width * channels))
    kind = np.dtype(np.float32 if pixels.dtype == np.uint8 else np.float64)
    room = np.empty((min(count, at_once), depth, width * channels), kind)
    ones = np.ones(depth, kind)
    moments = np.zeros((2, count, width * channels))
    for first in range(0, count, at_once):
        pictures = slice(first, first + at_once)
        for upper in range(0, height, depth):
            part = lines[pictures, upper : upper + depth]
            block = room[: part.shape[0], : part.shape[1]]
            np.copyto(block, part)
            moments[0, pictures] += ones[: part.shape[1]] @ block
            moments[1, pictures] += ones[: part.shape[1]] @ np.multiply(block, block, out=block)
    by_channel = moments.reshape(2, count, width, channels).sum(axis=2)
    sums, squares = by_channel.astype(facts_type(channels, pixels.dtype)["sums"].base)
    return sums, squares
