"""Writes a revision folder: see `revision_reader` for what lies in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.import_arrays import npy_header
from tenfold.adapters.formats.revision_reader import (
    COLUMNS,
    MANIFEST,
    MEAN,
    MODIFIED,
    PATHS,
    PIXELS,
    REJECTED,
    column_file,
    pixel_digest,
)
from tenfold.adapters.formats.text_column import text_files, write_texts
from tenfold.core.datasets.model import SPLITS, RejectedFile, RevisionManifest, StoredFile
from tenfold.core.events import Json


class ColumnWriter:
    """Columns of a known length, written block after block."""

    def __init__(self, folder: Path, num_samples: int) -> None:
        self._files = {}
        for name, (dtype, width) in COLUMNS.items():
            shape = (num_samples, width) if width else (num_samples,)
            file = (folder / column_file(name)).open("wb")
            file.write(npy_header(shape, np.dtype(dtype)))
            self._files[name] = (file, np.dtype(dtype))

    def __enter__(self) -> ColumnWriter:
        return self

    def __exit__(self, *error: object) -> None:
        for file, _dtype in self._files.values():
            file.close()

    def append(self, **columns: npt.NDArray[Any]) -> None:
        """Adds the next samples' values to all columns."""
        assert set(columns) == set(self._files), sorted(columns)
        for name, values in columns.items():
            file, dtype = self._files[name]
            file.write(np.ascontiguousarray(values, dtype).tobytes())


def write_paths(folder: Path, paths: Iterable[str]) -> None:
    write_texts(folder, PATHS, paths)


def write_mean(folder: Path, mean: npt.NDArray[np.float32]) -> None:
    """The mean picture of the training split, height x width x channels."""
    np.save(folder / MEAN, mean, allow_pickle=False)


def write_rejected(folder: Path, files: Iterable[RejectedFile]) -> None:
    """Every rejected file, a JSON list each."""
    write_texts(folder, REJECTED, (json.dumps([f.path, f.code, f.message], ensure_ascii=False) for f in files))


class ContentHash:
    """A hash of what a revision holds, the same in whatever order and under whatever names its files came.

    The sum of the hashes of all rows that have a split: pixel hash, shape (H, W, C), class and split by name. So it
    does not depend on the order of classes either, nor on classes without samples; rows can be taken out of it and put
    in again, which makes an edit's hash from the rows that it changed. It guards against no attacker.
    """

    def __init__(self, classes: Sequence[str], shape: Sequence[int], *, start: str = "0") -> None:
        self._sum = int(start, 16)
        self._tails = {
            (label, code): hashlib.sha256(json.dumps([name, split, *shape], ensure_ascii=False).encode()).digest()
            for label, name in enumerate(classes)
            for code, split in enumerate(SPLITS)
        }

    def add(
        self,
        pixel_hashes: npt.NDArray[np.uint8],
        labels: npt.NDArray[Any],
        splits: npt.NDArray[np.int8],
        *,
        sign: Literal[1, -1] = 1,
    ) -> None:
        """Takes in samples, or with `sign` -1 out: pixel hashes (N, 32), labels, splits, below 0 for the excluded."""
        for pixels, label, split in zip(pixel_hashes, labels.tolist(), splits.tolist(), strict=True):
            if split >= 0:
                row = hashlib.sha256(pixels.tobytes() + self._tails[label, split]).digest()
                self._sum += sign * int.from_bytes(row, "little")

    def hexdigest(self) -> str:
        return f"{self._sum % 2**256:064x}"


def finish(folder: Path, manifest: RevisionManifest, *, pixel_hashes: Iterable[bytes] | None) -> RevisionManifest:
    """Adds every file's hash and size to the manifest and writes it, last of all.

    The hash of the pixels is made from those of their rows, so that they need not be read again.
    """
    texts = [name for column in (PATHS, REJECTED) for name in text_files(column)]
    others = [name for name in (MEAN, MODIFIED) if (folder / name).exists()]
    names = [*map(column_file, COLUMNS), *texts, *others]
    files = [describe_file(folder / name) for name in names]
    if pixel_hashes is not None:
        size = (folder / PIXELS).stat().st_size
        files.append(StoredFile(PIXELS, pixel_digest(pixel_hashes), size))
    complete = replace(manifest, files=tuple(files))
    values: dict[str, Json] = complete.to_json()
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_bytes(text.encode())
    return complete


def describe_file(path: Path) -> StoredFile:
    """A file with its hash and size."""
    with path.open("rb") as file:
        return StoredFile(path.name, hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)
