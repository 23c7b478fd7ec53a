"""Writes a revision folder: see `reader` for what lies in it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.files.text_column import text_files, write_texts
from tenfold.adapters.formats.revisions.reader import (
    COLUMNS,
    GROUPS,
    LABEL_COLUMNS,
    MANIFEST,
    MEAN,
    MODIFIED,
    PATHS,
    PIXELS,
    REJECTED,
    column_file,
    pixel_digest,
)
from tenfold.core.datasets.label_space import classes_in
from tenfold.core.datasets.model import SPLITS, RejectedFile, RevisionManifest, StoredFile
from tenfold.core.events import Json

_HASHED = ("splits", "labels", "class_sets", "values", "groups", "weights")
_MOST_TAILS = 100_000
_ENCODED = json.JSONEncoder(ensure_ascii=False).encode


class ColumnWriter:
    """Columns of a known length, written block after block; `more` are others than those that every revision has."""

    def __init__(
        self, folder: Path, num_samples: int, more: Mapping[str, tuple[str, int]] = MappingProxyType({})
    ) -> None:
        self._files = {}
        for name, (dtype, width) in {**COLUMNS, **more}.items():
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


def write_group_names(folder: Path, names: Iterable[str]) -> None:
    """The names of groups, in the order of their numbers."""
    write_texts(folder, GROUPS, names)


def write_mean(folder: Path, mean: npt.NDArray[np.float32]) -> None:
    """The mean picture of the training split, height x width x channels."""
    np.save(folder / MEAN, mean, allow_pickle=False)


def write_rejected(folder: Path, files: Iterable[RejectedFile]) -> None:
    """Every rejected file, a JSON list each."""
    write_texts(folder, REJECTED, (json.dumps([f.path, f.code, f.message], ensure_ascii=False) for f in files))


class ContentHash:
    """A hash of what a revision holds, the same in whatever order and under whatever names its files came.

    The sum of the hashes of all rows that have a split: pixel hash, shape (H, W, C), label and split by name, and where
    there are any, group and weight. So it does not depend on the order of classes either, nor on classes without
    samples; rows can be taken out of it and put in again, which makes an edit's hash from the rows that it changed. It
    guards against no attacker.
    """

    def __init__(
        self,
        classes: Sequence[str],
        shape: Sequence[int],
        *,
        start: str = "0",
        group_name: Callable[[int], str] | None = None,
    ) -> None:
        self._sum = int(start, 16)
        self._classes = tuple(classes)
        self._shape = tuple(shape)
        self._group_name = group_name
        self._tails: dict[tuple[object, ...], bytes] = {}

    def add(
        self, pixel_hashes: npt.NDArray[np.uint8], columns: Mapping[str, npt.NDArray[Any]], *, sign: Literal[1, -1] = 1
    ) -> None:
        """Takes in samples, or with `sign` -1 out: pixel hashes (N, 32) and what their columns hold, by name.

        `labels` and `splits`, below 0 for those that were excluded or deleted, and as many of `LABEL_COLUMNS` as the
        revision has.
        """
        keys = zip(*(_as_keys(columns.get(name), len(pixel_hashes)) for name in _HASHED), strict=True)
        for pixels, key in zip(pixel_hashes, keys, strict=True):
            if key[0] >= 0:
                row = hashlib.sha256(pixels.tobytes() + self._tail(key)).digest()
                self._sum += sign * int.from_bytes(row, "little")

    def hexdigest(self) -> str:
        return f"{self._sum % 2**256:064x}"

    def _tail(self, key: tuple[Any, ...]) -> bytes:
        """The hash of all that a row has beside its pixels; the last ones are remembered."""
        if key not in self._tails:
            if len(self._tails) >= _MOST_TAILS:
                self._tails.clear()
            self._tails[key] = hashlib.sha256(_ENCODED(self._told(key)).encode()).digest()
        return self._tails[key]

    def _told(self, key: tuple[Any, ...]) -> list[object]:
        split, label, sets, value, group, weight = key
        name: object = value
        if sets is not None:
            bits = np.frombuffer(sets, np.uint8)
            name = sorted(self._classes[each] for each in classes_in(bits, len(self._classes)))
        elif value is None:
            name = self._classes[label]
        more: dict[str, object] = {}
        if group is not None and group >= 0 and self._group_name is not None:
            more["group"] = self._group_name(group)
        if weight is not None and weight != 1:
            more["weight"] = weight
        return [name, SPLITS[split], *self._shape, *([more] if more else [])]


def _as_keys(column: npt.NDArray[Any] | None, count: int) -> Iterable[Any]:
    """A value a row that can be a key: of bits their bytes."""
    if column is None:
        return repeat(None, count)
    return (row.tobytes() for row in column) if column.ndim == 2 else column.tolist()


def finish(folder: Path, manifest: RevisionManifest, *, pixel_hashes: Iterable[bytes] | None) -> RevisionManifest:
    """Adds every file's hash and size to the manifest and writes it, last of all.

    The hash of the pixels is made from those of their rows, so that they need not be read again.
    """
    texts = [name for column in (PATHS, REJECTED) for name in text_files(column)]
    more = [*map(column_file, LABEL_COLUMNS), *text_files(GROUPS), MEAN, MODIFIED]
    names = [*map(column_file, COLUMNS), *texts, *(name for name in more if (folder / name).exists())]
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


def npy_header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """The header of an array file (C order)."""
    buffer = io.BytesIO()
    facts = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, facts)
    return buffer.getvalue()
