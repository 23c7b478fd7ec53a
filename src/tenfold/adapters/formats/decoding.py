"""Batches of files read, decoded and measured on threads."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from tenfold.adapters.formats.import_arrays import ACCEPTED, REJECTED, Facts, facts_type
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.ports import ImageDecoder, SampleSource, UInt8Array
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadImage


@dataclass(frozen=True)
class DecodedBatch:
    """Files from `place` on: pixels (N, H, W, C), what is known of them, and by row why one cannot be used.

    The pixels of such a row are zero.
    """

    place: int
    pixels: UInt8Array
    facts: Facts
    problems: dict[int, BadImage]


class BatchDecoder:
    """Reads files from a source and decodes them. Thread-safe as the source and the decoder are."""

    def __init__(
        self, source: SampleSource, decoder: ImageDecoder, preprocessing: Preprocessing, spec: DatasetSpec
    ) -> None:
        self._source = source
        self._decoder = decoder
        self._preprocessing = preprocessing
        self._spec = spec

    def decode_all(self, batches: Iterator[tuple[int, list[str]]], *, threads: int) -> Iterator[DecodedBatch]:
        """All batches (first place, paths) in their order; no more than two over the number of threads are held."""
        pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        try:
            waiting: deque[Future[DecodedBatch]] = deque()
            waiting.extend(pool.submit(self.decode, *batch) for batch in islice(batches, threads + 1))
            while waiting:
                batch = waiting.popleft().result()
                waiting.extend(pool.submit(self.decode, *following) for following in islice(batches, 1))
                yield batch
        finally:
            pool.shutdown(cancel_futures=True)

    def decode(self, place: int, paths: Sequence[str]) -> DecodedBatch:
        """One batch."""
        problems: dict[int, BadImage] = {}
        readable: list[int] = []
        contents: list[bytes] = []
        for row, path in enumerate(paths):
            try:
                contents.append(self._source.read(path))
                readable.append(row)
            except BadImage as error:
                problems[row] = error
        pixels = np.zeros((len(paths), *self._preprocessing.shape), np.uint8)
        out = pixels if len(readable) == len(paths) else np.empty((len(readable), *pixels.shape[1:]), np.uint8)
        found = self._decoder.decode_many(contents, self._preprocessing, out)
        if out is not pixels:
            pixels[readable] = out
        facts = np.zeros(len(paths), facts_type(self._preprocessing.channels))
        facts["sums"], facts["squares"] = _channel_sums(pixels)
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
            facts[lost] = np.zeros((), facts.dtype)
            facts["state"][lost] = REJECTED
        facts["pixels"] = _digests(picture.data for picture in pixels)
        _describe(facts, accepted)
        return DecodedBatch(place, pixels, facts, problems)

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


def _describe(facts: Facts, accepted: Sequence[tuple[int, ImageFacts, bytes]]) -> None:
    rows = [row for row, _, _ in accepted]
    facts["state"][rows] = ACCEPTED
    facts["is_colour"][rows] = [found.is_colour for _, found, _ in accepted]
    facts["width"][rows] = [found.width for _, found, _ in accepted]
    facts["height"][rows] = [found.height for _, found, _ in accepted]
    facts["size_bytes"][rows] = [len(content) for _, _, content in accepted]
    facts["sha256"][rows] = _digests(content for _, _, content in accepted)


def _digests(contents: Iterable[bytes | memoryview]) -> UInt8Array:
    joined = b"".join(hashlib.sha256(content).digest() for content in contents)
    return np.frombuffer(joined, np.uint8).reshape(-1, 32)


def _channel_sums(pixels: UInt8Array) -> tuple[Facts, Facts]:
    """Sums and sums of squares of each picture's channels, (N, C) each; exact, so in any order the same."""
    count, height, width, channels = pixels.shape
    flat = pixels.reshape(count, height * width, channels)
    wide = flat.astype(np.uint16)
    return flat.sum(axis=1, dtype=np.uint64), np.multiply(wide, wide, out=wide).sum(axis=1, dtype=np.uint64)
