"""Batches of files read, decoded and measured on threads."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.import_arrays import ACCEPTED, REJECTED, Facts, facts_type
from tenfold.adapters.formats.revision_reader import pixel_hash
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.ports import ImageDecoder, PixelArray, SampleSource, UInt8Array
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadImage

ROWS_AT_ONCE = 256


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
        try:
            waiting: deque[Future[DecodedBatch]] = deque()
            waiting.extend(pool.submit(self.decode, batch) for batch in islice(batches, threads + 1))
            while waiting:
                batch = waiting.popleft().result()
                waiting.extend(pool.submit(self.decode, following) for following in islice(batches, 1))
                yield batch
        finally:
            pool.shutdown(cancel_futures=True)

    def decode(self, batch: Batch) -> DecodedBatch:
        """One batch."""
        paths = batch.paths
        problems: dict[int, BadImage] = {}
        readable: list[int] = []
        contents: list[bytes] = []
        for row, path in enumerate(paths):
            try:
                contents.append(self._source.read(path))
                readable.append(row)
            except BadImage as error:
                problems[row] = error
        pixels = np.empty((len(paths), *self._preprocessing.shape), self._preprocessing.dtype)
        out = pixels if len(readable) == len(paths) else np.empty((len(readable), *pixels.shape[1:]), pixels.dtype)
        found = self._decoder.decode_many(contents, self._preprocessing, out)
        if out is not pixels:
            pixels[readable] = out
        facts = np.zeros(len(paths), facts_type(self._preprocessing.channels, pixels.dtype))
        accepted: list[tuple[int, ImageFacts, bytes]] = []
        for row, content, item in zip(readable, contents, found, strict=True):
            problem = item if isinstance(item, BadImage) else self._size_problem(item)
            if problem is not None:
                problems[row] = problem
            elif isinstance(item, ImageFacts):
                accepted.append((row, item, content))
        if problems:
            lost = list(problems)
            pixels[lost] = 0
            facts["state"][lost] = REJECTED
        facts["pixels"] = _joined(map(pixel_hash, pixels))
        facts["sums"], facts["squares"], total = measure(pixels, batch.is_added)
        _describe(facts, accepted, batch.sha256)
        return DecodedBatch(batch.place, pixels, facts, problems, total)

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


def measure(pixels: PixelArray, is_added: npt.NDArray[np.bool_]) -> tuple[Facts, Facts, PixelArray]:
    """Sums and sums of squares of each picture's channels, (N, C) each, and the sum of the pictures that are added.

    Of uint8 exact, so in any order the same, for at most 65,793 pictures.
    """
    count, height, width, channels = pixels.shape
    kind = np.dtype(np.float32 if pixels.dtype == np.uint8 else np.float64)
    moments = np.zeros((2, count, channels), facts_type(channels, pixels.dtype)["sums"].base)
    total = np.zeros((height, width * channels), kind)
    # up to 256 squares of 255 add up to under 2**24, so 32-bit numbers hold them exactly
    room = np.empty((min(height, ROWS_AT_ONCE), width * channels), kind)
    ones = np.ones(len(room), kind)
    by_channel = np.tile(np.eye(channels), (width, 1))
    for place, picture in enumerate(pixels.reshape(count, height, width * channels)):
        for start in range(0, height, len(room)):
            rows = slice(start, min(start + len(room), height))
            part = room[: rows.stop - start]
            np.copyto(part, picture[rows])
            if is_added[place]:
                total[rows] += part
            sums = ones[: len(part)] @ part
            squares = ones[: len(part)] @ np.multiply(part, part, out=part)
            moments[:, place] += (np.stack([sums, squares]).astype(np.float64) @ by_channel).astype(moments.dtype)
    return moments[0], moments[1], total.reshape(height, width, channels)
