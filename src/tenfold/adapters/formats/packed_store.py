"""A revision folder and its one reader, for training, testing and gallery.

images.npy           uint8 (N, H, W, C): train, then val, then test, so that each split is one run of rows
labels.npy           int64 (N,)
samples.jsonl        a `SampleRecord` a line, in the same order
samples.offsets.npy  int64 (N + 1,): where each line begins
manifest.json        `RevisionManifest`, with sha256 and size of every file above
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tenfold.core.datasets.model import SPLITS, RevisionManifest, SampleRecord, Split, manifest_from_json
from tenfold.core.datasets.ports import IndexedSample, Int64Array, UInt8Array
from tenfold.core.errors import Damaged, NotFound
from tenfold.core.events import Json

IMAGES = "images.npy"
LABELS = "labels.npy"
SAMPLES = "samples.jsonl"
OFFSETS = "samples.offsets.npy"
MANIFEST = "manifest.json"


def open_revision(folder: Path) -> PackedRevision:
    """The reader of a published revision; raises `NotFound` without a manifest and `Damaged` for files that differ."""
    try:
        values = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise NotFound(f"{folder.name} is no dataset revision: it has no {MANIFEST}.") from None
    except ValueError as error:
        raise Damaged(f"{MANIFEST} in {folder.name} cannot be read.") from error
    return PackedRevision(folder, manifest_from_json(values))


class PackedRevision:
    """Fulfils `RevisionReader` over memory-mapped arrays."""

    def __init__(self, folder: Path, manifest: RevisionManifest) -> None:
        self._folder = folder
        self.manifest = manifest
        for file in manifest.files:
            path = folder / file.name
            if not path.is_file() or path.stat().st_size != file.size_bytes:
                raise Damaged(f"{file.name} in {folder.name} is missing or not {file.size_bytes} bytes long.")
        count = manifest.num_samples
        shape = (count, manifest.height, manifest.width, manifest.channels)
        self._images = self._map(IMAGES, np.dtype(np.uint8), shape)
        self._labels = self._map(LABELS, np.dtype(np.int64), (count,))
        self._offsets = self._map(OFFSETS, np.dtype(np.int64), (count + 1,))

    @property
    def classes(self) -> tuple[str, ...]:
        return self.manifest.classes

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.manifest.channels, self.manifest.height, self.manifest.width

    @property
    def mean(self) -> tuple[float, ...]:
        return self.manifest.statistics.mean

    @property
    def std(self) -> tuple[float, ...]:
        return self.manifest.statistics.std

    @property
    def preprocessing(self) -> dict[str, Json]:
        return self.manifest.preprocessing.with_normalisation(mean=self.mean, std=self.std).to_json()

    def images(self, split: str) -> UInt8Array:
        return self._images[self._rows(split)]

    def labels(self, split: str) -> Int64Array:
        return self._labels[self._rows(split)]

    def sample(self, index: int) -> SampleRecord:
        return self._records(self._checked(index), index + 1)[0]

    def page(
        self, *, split: Split | None = None, label: int | None = None, after: int = -1, limit: int = 200
    ) -> list[IndexedSample]:
        rows = self._rows(split) if split else slice(0, len(self._labels))
        start = max(rows.start, after + 1)
        if label is None:
            stop = min(rows.stop, start + limit)
            records = self._records(start, stop) if start < stop else []
            return [IndexedSample(start + place, record) for place, record in enumerate(records)]
        if not 0 <= label < len(self.classes):
            raise NotFound(f"There is no class {label}; the dataset has {len(self.classes)}.")
        chosen = np.flatnonzero(self._labels[start : rows.stop] == label)[:limit] + start
        return [IndexedSample(int(index), self._records(int(index), int(index) + 1)[0]) for index in chosen]

    def thumbnail(self, index: int) -> bytes:
        pixels = self._images[self._checked(index)]
        buffer = io.BytesIO()
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def verify(self) -> None:
        for file in self.manifest.files:
            with (self._folder / file.name).open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
                    raise Damaged(f"{file.name} in {self._folder.name} is not as it was written.", file=file.name)

    def _map(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        try:
            # numpy maps no empty array
            array = np.load(self._folder / name, mmap_mode="r" if shape[0] else None, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise Damaged(f"{name} in {self._folder.name} cannot be read: {error}.") from error
        if array.dtype != dtype or array.shape != shape:
            raise Damaged(f"{name} in {self._folder.name} holds {array.dtype} {array.shape}, not {dtype} {shape}.")
        mapped: np.ndarray[Any, Any] = array.view(np.ndarray)
        return mapped

    def _rows(self, split: str) -> slice:
        if split not in SPLITS:
            raise NotFound(f"There is no split {split!r}; there are {', '.join(SPLITS)}.")
        first = self.manifest.first_index(split)
        return slice(first, first + self.manifest.split_size(split))

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self._labels):
            raise NotFound(f"There is no sample {index}; the dataset has {len(self._labels)}.")
        return index

    def _records(self, start: int, stop: int) -> list[SampleRecord]:
        first, last = int(self._offsets[start]), int(self._offsets[stop])
        with (self._folder / SAMPLES).open("rb") as file:
            text = os.pread(file.fileno(), last - first, first)
        try:
            records = [SampleRecord(**json.loads(line)) for line in text.splitlines()]
        except (ValueError, TypeError) as error:
            raise Damaged(f"{SAMPLES} in {self._folder.name} cannot be read: {error}.") from error
        if len(records) != stop - start:
            raise Damaged(f"{SAMPLES} in {self._folder.name} does not fit its offsets.")
        return records
