"""The reader of a revision whose pictures lie where they were found, until they are packed."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tenfold.adapters.formats.importing.decoding import Batch, BatchDecoder, DecodedBatch
from tenfold.adapters.formats.in_place.registered_files import TOUCHED, RegisteredFiles
from tenfold.adapters.formats.revisions.reader import MANIFEST, RevisionFolder, read_manifest
from tenfold.core.datasets.model import InPlace, PixelStore, RevisionManifest
from tenfold.core.datasets.ports import ImageDecoder, Int64Array, PixelArray, RevisionReader
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import Damaged
from tenfold.core.fields import parse_spec

AT_ONCE = 16


class RevisionOpener:
    """Opens revisions; `make_decoder` is asked for a decoder when the first picture is read in place."""

    def __init__(self, make_decoder: Callable[[], ImageDecoder]) -> None:
        self._make_decoder = make_decoder

    def __call__(self, folder: Path) -> RevisionReader:
        """The reader of a published revision; raises `NotFound` without a manifest, `Damaged` for files that differ."""
        manifest = read_manifest(folder)
        if manifest.in_place is None:
            return RevisionFolder(folder, manifest)
        return InPlaceRevision(folder, manifest, manifest.in_place, self._make_decoder)


class InPlaceRevision(RevisionFolder):
    """Fulfils `RevisionReader`: pictures are decoded as the packed revision stores them, and taken from it once it is
    there.

    One that cannot be decoded is black, as its row in the packed revision is. A file that was changed or removed since
    it was registered raises `Damaged`, unless it was packed before that.
    """

    def __init__(
        self, folder: Path, manifest: RevisionManifest, where: InPlace, make_decoder: Callable[[], ImageDecoder]
    ) -> None:
        super().__init__(folder, manifest)
        self._own = folder
        self._where = where
        self._make_decoder = make_decoder
        self._decoder: BatchDecoder | None = None
        self._packed: PixelArray | None = None
        self._touched: frozenset[str] = frozenset()

    @property
    def is_packed(self) -> bool:
        return self._find_packed() is not None

    def stored(self, indices: Int64Array) -> PixelArray:
        packed = self._find_packed()
        if packed is None:
            return self._decoded(indices)
        if self._touched:
            self._refuse({self.path(int(index)) for index in indices} & self._touched)
        pictures: PixelArray = packed.take(indices, axis=0)
        return pictures

    def _find_packed(self) -> PixelArray | None:
        """The packed pixels, once they are published."""
        if self._packed is None:
            folder = self._own.parent / self._where.packed
            if not (folder / MANIFEST).exists():
                return None
            reader = RevisionFolder(folder, read_manifest(folder))
            if any(code in reader.manifest.rejected_by_code for code in TOUCHED):
                rejected = reader.rejected(limit=reader.manifest.num_rejected)
                self._touched = frozenset(file.path for file in rejected if file.code in TOUCHED)
            count = self.manifest.num_samples
            self._packed = self.open_pixels(
                PixelStore(self._where.packed, count, self.manifest.preprocessing.dtype.name)
            )
        return self._packed

    def _decoded(self, indices: Int64Array) -> PixelArray:
        preprocessing = self.manifest.preprocessing
        pictures = np.empty((len(indices), *preprocessing.shape), preprocessing.dtype)
        starts = range(0, len(indices), AT_ONCE)
        threads = min(len(starts), len(os.sched_getaffinity(0)))
        with ThreadPoolExecutor(max(1, threads), thread_name_prefix="in-place") as pool:
            batches = pool.map(self._decode, (indices[at : at + AT_ONCE] for at in starts))
            for start, batch in zip(starts, batches, strict=True):
                problems = batch.problems.items()
                touched = [row for row, problem in problems if problem.code in TOUCHED]
                self._refuse({self.path(int(indices[start + row])) for row in touched})
                pictures[start : start + AT_ONCE] = batch.pixels
        return pictures

    def _decode(self, indices: Int64Array) -> DecodedBatch:
        if self._decoder is None:
            source = RegisteredFiles(self._own, self, self._where)
            spec = parse_spec(DatasetSpec, self.manifest.spec)
            self._decoder = BatchDecoder(source, self._make_decoder(), self.manifest.preprocessing, spec)
        paths = [self.path(int(index)) for index in indices]
        return self._decoder.decode(Batch(0, paths, np.zeros(len(paths), np.bool_)))

    def _refuse(self, touched: set[str] | frozenset[str]) -> None:
        if touched:
            first = min(touched)
            text = (
                f"{first} was changed or removed since it was registered: put it back as it was, or import the folder "
                "anew."
            )
            raise Damaged(text, file=first)
