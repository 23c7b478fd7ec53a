"""A revision folder and its one reader, for training, testing and gallery.

manifest.json       `RevisionManifest`, with hash and size of every file below
COLUMN.npy          a value a sample, in the order of their indices: see `COLUMNS`
paths.utf8          where the samples came from, without separators, and
paths.offsets.npy   where each path begins; `rejected` likewise, a JSON list a file
pixels.npy          uint8, uint16 or float32 (rows, H, W, C), unless another revision holds the pixels
group_names.utf8    the names of groups, where there are any, and group_names.offsets.npy
modified.npy        int64, only where pictures are read in place: when each file was changed last, in ns since 1970
mean.npy            float32 (H, W, C), the mean picture of the training split, where an import made the revision

`stores` and `rows` say where a sample's pixels are: in which of the manifest's pixel stores, at which row.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash
from PIL import Image

from tenfold.adapters.formats.files.small_png import LARGEST, small_png
from tenfold.adapters.formats.files.text_column import TextColumn
from tenfold.adapters.formats.revisions.sample_orders import SampleOrders
from tenfold.core.datasets.distribution import Bar, distribution
from tenfold.core.datasets.edits import Assigned, deleted_sample, no_sample
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.label_facts import LabelFacts, label_facts
from tenfold.core.datasets.label_space import classes_in
from tenfold.core.datasets.marks import NO_MARKS, Marks
from tenfold.core.datasets.model import DELETED, SPLITS, PixelStore, RejectedFile, RevisionManifest, SampleRecord
from tenfold.core.datasets.model import manifest_from_json as parse_manifest
from tenfold.core.datasets.ports import IndexedSample, Int32Array, Int64Array, PixelArray, SamplePage
from tenfold.core.errors import Damaged, NotFound
from tenfold.core.events import Json

MANIFEST = "manifest.json"
FILLING = 0.05
PIXELS = "pixels.npy"
MEAN = "mean.npy"
MODIFIED = "modified.npy"
PATHS = "paths"
GROUPS = "group_names"
REJECTED = "rejected"
COLUMNS: dict[str, tuple[str, int]] = {
    "labels": ("<i4", 0),
    "splits": ("|i1", 0),
    "stores": ("<u2", 0),
    "rows": ("<i8", 0),
    "sha256": ("|u1", 32),
    "pixel_hashes": ("|u1", 32),
    "widths": ("<i4", 0),
    "heights": ("<i4", 0),
    "sizes": ("<i8", 0),
    "brightness": ("<f4", 0),
    "contrast": ("<f4", 0),
}
"""Name, type and width of every column.

`splits` are codes of `SPLITS`; an excluded sample has `~code` of the split it was in, which is below 0, and one that
was deleted has `DELETED`.
"""
LABEL_COLUMNS: dict[str, str] = {"class_sets": "|u1", "values": "<f8", "groups": "<i4", "weights": "<f4"}
"""Columns that a dataset has where it needs them, and their types.

`class_sets` are bits, one a class, the first in the highest bit of the first byte; `groups` number the texts of
`group_names`, -1 for none.
"""
_TOLD = ("labels", "splits", "widths", "heights", "sizes", "brightness", "contrast")


def columns_of(manifest: RevisionManifest) -> dict[str, tuple[str, int]]:
    """Name, type and width of the columns that a revision has."""
    present = {file.name for file in manifest.files}
    width = -(-len(manifest.classes) // 8)
    more = {name: (dtype, width if name == "class_sets" else 0) for name, dtype in LABEL_COLUMNS.items()}
    return {**COLUMNS, **{name: about for name, about in more.items() if column_file(name) in present}}


def column_file(name: str) -> str:
    return f"{name}.npy"


def pixel_hash(picture: PixelArray) -> bytes:
    """A hash of one stored picture, 32 bytes: XXH3 with two seeds. It finds equal pictures and guards against none."""
    content = np.ascontiguousarray(picture).data
    return xxhash.xxh3_128_digest(content, 0) + xxhash.xxh3_128_digest(content, 1)


def pixel_digest(rows: Iterable[bytes]) -> str:
    """The hash of a pixel store from the hashes of its rows."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(row)
    return digest.hexdigest()


def open_revision(folder: Path) -> RevisionFolder:
    """The reader of a published revision; raises `NotFound` without a manifest and `Damaged` for files that differ."""
    return RevisionFolder(folder, read_manifest(folder))


def read_manifest(folder: Path) -> RevisionManifest:
    """The manifest of a revision folder; raises as `open_revision` does."""
    try:
        values = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise NotFound(f"{folder.name} is no dataset revision: it has no {MANIFEST}.") from None
    except ValueError as error:
        raise Damaged(f"{MANIFEST} in {folder.name} cannot be read.") from error
    return parse_manifest(values)


class RevisionFolder:
    """Fulfils `RevisionReader` over memory-mapped columns."""

    def __init__(self, folder: Path, manifest: RevisionManifest) -> None:
        self._folder = folder
        self.manifest = manifest
        for file in manifest.files:
            path = folder / file.name
            if not path.is_file() or path.stat().st_size != file.size_bytes:
                raise Damaged(f"{file.name} in {folder.name} is missing or not {file.size_bytes} bytes long.")
        count = manifest.num_rows
        self._columns = {
            name: map_array(folder, column_file(name), np.dtype(dtype), (count, width) if width else (count,))
            for name, (dtype, width) in columns_of(manifest).items()
        }
        self._paths = TextColumn(folder, PATHS, num_texts=count)
        groups = TextColumn(folder, GROUPS, num_texts=manifest.num_groups) if manifest.num_groups else None
        self.group_names: TextColumn | tuple[str, ...] = groups or ()
        self._orders = SampleOrders(self._columns, self._paths, manifest.classes, groups=groups)
        self._distributions: dict[str, tuple[Bar, ...]] = {}
        self._pixels = [self.open_pixels(store) for store in manifest.pixels]
        self._indices = {split: np.flatnonzero(self._columns["splits"] == code) for code, split in enumerate(SPLITS)}
        for split in SPLITS:
            if len(self._indices[split]) != manifest.split_size(split):
                raise Damaged(f"The splits in {folder.name} do not fit its {MANIFEST}.")

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
    def span(self) -> float:
        return self.manifest.preprocessing.span

    @property
    def preprocessing(self) -> dict[str, Json]:
        return self.manifest.preprocessing.with_normalisation(mean=self.mean, std=self.std).to_json()

    @property
    def is_packed(self) -> bool:
        return True

    def pictures(self, split: str, places: Int64Array) -> PixelArray:
        return self.stored(self._of_split(split).take(places))

    def pictures_at(self, indices: Int64Array) -> PixelArray:
        return self.stored(indices)

    def labels(self, split: str) -> Int64Array:
        chosen: Int64Array = self._columns["labels"][self._of_split(split)].astype(np.int64)
        return chosen

    def labels_at(self, indices: Int64Array) -> Int64Array:
        chosen: Int64Array = self._columns["labels"][indices].astype(np.int64)
        return chosen

    def weights(self, split: str) -> npt.NDArray[np.float32] | None:
        if "weights" not in self._columns:
            return None
        chosen: npt.NDArray[np.float32] = self._columns["weights"][self._of_split(split)]
        return chosen

    def groups(self, split: str) -> Int32Array | None:
        if "groups" not in self._columns:
            return None
        chosen: Int32Array = self._columns["groups"][self._of_split(split)]
        return chosen

    def indices(self, split: str | None = None, label: int | None = None) -> Int64Array:
        splits = self._columns["splits"]
        found = np.flatnonzero(splits != DELETED) if split is None else self._of_split(split)
        if label is None:
            return found
        chosen: Int64Array = found[self._orders.of_class(self._checked_label(label))[found]]
        return chosen

    def sample(self, index: int) -> SampleRecord:
        return self.records([self._checked(index)])[0]

    def find(self, wanted: SampleFilter, marks: Marks = NO_MARKS) -> Int32Array:
        return self._orders.find(wanted, marks)

    def page(self, wanted: SampleFilter, *, cursor: str = "", limit: int = 200, marks: Marks = NO_MARKS) -> SamplePage:
        order = self._orders.find(wanted, marks)
        first = self._orders.place_after(cursor, order, wanted.sort)
        chosen = order[first : first + limit].tolist()
        is_last = first + len(chosen) >= len(order)
        earlier = first - limit - 1
        return SamplePage(
            items=tuple(map(IndexedSample, chosen, self.records(chosen))),
            first=first,
            total=len(order),
            after="" if is_last else self._orders.cursor(chosen[-1], wanted.sort),
            before=(self._orders.cursor(int(order[earlier]), wanted.sort) if earlier >= 0 else "") if first else None,
        )

    def distribution(self, name: str) -> tuple[Bar, ...]:
        if name not in self._distributions:
            self._distributions[name] = distribution(self._orders.column(name)[self._columns["splits"] >= 0])
        return self._distributions[name]

    @cached_property
    def label_facts(self) -> LabelFacts:
        return label_facts(self._columns, self.manifest.num_groups)

    def assigned(self) -> Assigned:
        """The label, the split and the group of every sample, as they are mapped."""
        columns = self._columns
        return Assigned(
            self.classes, columns["labels"], columns["splits"], self.manifest.label_kind, columns.get("groups")
        )

    def pixel_hashes(self, indices: Int64Array) -> npt.NDArray[np.uint8]:
        """The hashes of stored pictures, N x 32."""
        hashes: npt.NDArray[np.uint8] = self._columns["pixel_hashes"][indices]
        return hashes

    @property
    def columns(self) -> Mapping[str, npt.NDArray[Any]]:
        """All columns that the revision has, as they are mapped."""
        return self._columns

    def path(self, index: int) -> str:
        """Where a sample came from."""
        return self._paths[index]

    def paths(self) -> Iterator[str]:
        """Where the samples came from, in the order of their indices."""
        return (self._paths[index] for index in range(len(self._paths)))

    def rejected(self, *, after: int = 0, limit: int = 200) -> list[RejectedFile]:
        total = self.manifest.num_rejected
        texts = TextColumn(self._folder, REJECTED, num_texts=total)
        try:
            return [RejectedFile(*json.loads(texts[at])) for at in range(after, min(total, after + limit))]
        except (ValueError, TypeError) as error:
            raise Damaged(f"The rejected files of {self._folder.name} cannot be read: {error}.") from error

    def thumbnail(self, index: int) -> bytes:
        pixels = self.stored(np.array([self._checked(index)]))[0]
        is_plain = pixels.dtype == np.uint8 and pixels.shape[2] in {1, 3} and max(pixels.shape[:2]) <= LARGEST
        return small_png(pixels) if is_plain else as_png(pixels)

    def mean_image(self) -> bytes | None:
        if not any(file.name == MEAN for file in self.manifest.files):
            return None
        manifest = self.manifest
        mean = map_array(self._folder, MEAN, np.dtype(np.float32), (manifest.height, manifest.width, manifest.channels))
        is_narrow = manifest.preprocessing.dtype == np.uint8
        return as_png(np.rint(mean).astype(np.uint8) if is_narrow else mean)

    def verify(self) -> None:
        for file in self.manifest.files:
            if file.name == PIXELS:
                own = next(at for at, store in enumerate(self.manifest.pixels) if not store.revision)
                found = pixel_digest(map(pixel_hash, self._pixels[own]))
            else:
                with (self._folder / file.name).open("rb") as content:
                    found = hashlib.file_digest(content, "sha256").hexdigest()
            if found != file.sha256:
                raise Damaged(f"{file.name} in {self._folder.name} is not as it was written.", file=file.name)

    def records(self, indices: list[int]) -> list[SampleRecord]:
        """What is known of samples, read a column at a time."""
        told = {name: column[indices] for name, column in self._columns.items()}
        labels = self._labels_told(told, len(indices))
        values = zip(*(told[name].tolist() for name in _TOLD), strict=True)
        hashes = zip(*([row.tobytes().hex() for row in told[name]] for name in ("sha256", "pixel_hashes")), strict=True)
        return [
            SampleRecord(
                path=self._paths[index],
                label=label,
                split=SPLITS[code] if code >= 0 else None,
                sha256=file,
                pixels=pixels,
                width=width,
                height=height,
                size_bytes=size,
                brightness=brightness,
                contrast=contrast,
                **about,
            )
            for index, (file, pixels), about, (label, code, width, height, size, brightness, contrast) in zip(
                indices, hashes, labels, values, strict=True
            )
        ]

    def _labels_told(self, told: Mapping[str, npt.NDArray[Any]], count: int) -> list[dict[str, Any]]:
        """What records have beside the class: several classes, number, group, weight, as far as there are any."""
        found: list[dict[str, Any]] = [{} for _ in range(count)]
        num_classes = len(self.classes)
        for row, about in enumerate(found):
            if "class_sets" in told:
                about["classes"] = classes_in(told["class_sets"][row], num_classes)
            if "values" in told:
                about["value"] = float(told["values"][row])
            if "groups" in told and told["groups"][row] >= 0:
                about["group"] = self.group_names[int(told["groups"][row])]
            if "weights" in told:
                about["weight"] = float(told["weights"][row])
        return found

    def stored(self, indices: Int64Array) -> PixelArray:
        """The stored pictures of samples, copied: N x height x width x channels."""
        rows = self._columns["rows"].take(indices)  # copies whole rows, which indexing does piece by piece
        if len(self._pixels) == 1:
            only: PixelArray = self._pixels[0].take(rows, axis=0)
            return only
        stores = self._columns["stores"].take(indices)
        pictures = np.empty((len(indices), *self._pixels[0].shape[1:]), self._pixels[0].dtype)
        for number, pixels in enumerate(self._pixels):
            here = stores == number
            pictures[here] = pixels.take(rows[here], axis=0)
        return pictures

    def open_pixels(self, store: PixelStore) -> PixelArray:
        """The pictures of a store (N, H, W, C), as they are mapped."""
        folder = self._folder.parent / store.revision if store.revision else self._folder
        manifest = self.manifest
        shape = (store.num_rows, manifest.height, manifest.width, manifest.channels)
        if store.dtype != manifest.preprocessing.dtype.name:
            raise Damaged(f"The pixels of {folder.name} are {store.dtype}, not {manifest.preprocessing.dtype.name}.")
        return map_array(folder, PIXELS, manifest.preprocessing.dtype, shape)

    def _of_split(self, split: str) -> Int64Array:
        if split not in self._indices:
            raise NotFound(f"There is no split {split!r}; there are {', '.join(SPLITS)}.")
        return self._indices[split]

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self._paths):
            raise no_sample(index, len(self._paths))
        if self._columns["splits"][index] == DELETED:
            raise deleted_sample(index)
        return index

    def _checked_label(self, label: int) -> int:
        if not 0 <= label < len(self.classes):
            raise NotFound(f"There is no class {label}; the dataset has {len(self.classes)}.")
        return label


def as_png(pixels: PixelArray) -> bytes:
    """Stored pixels (H, W, C) as a PNG file for the eye.

    Of over three channels the first three are shown, of two the first. 16 and 32 bits are stretched so that the 1st
    percentile is black and the 99th white; a value that many pixels share, such as a filling, does not count.
    """
    shown = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., 0]
    if shown.dtype != np.uint8:
        values, counts = np.unique(shown, return_counts=True)
        rare = np.repeat(values[counts <= shown.size * FILLING], counts[counts <= shown.size * FILLING])
        low, high = np.percentile(rare if rare.size else shown, (1, 99))
        shown = ((shown.astype(np.float64) - low) / max(high - low, 1e-12) * 255).clip(0, 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def map_array(folder: Path, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """An array file of a revision, mapped; raises `Damaged` for any other type or shape."""
    try:
        # numpy maps no empty array
        array = np.load(folder / name, mmap_mode="r" if shape[0] else None, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise Damaged(f"{name} in {folder.name} cannot be read: {error}.") from error
    if array.dtype != dtype or array.shape != shape:
        raise Damaged(f"{name} in {folder.name} holds {array.dtype} {array.shape}, not {dtype} {shape}.")
    mapped: npt.NDArray[Any] = array.view(np.ndarray)
    return mapped
