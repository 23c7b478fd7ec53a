"""A revision as an archive for other programs: folders, CSV, COCO-style JSON or Parquet, always with the split.

Pictures leave as they are stored, without loss, so that an import of the archive gives the same content hash.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenfold.adapters.formats.files.optional_parts import needed
from tenfold.adapters.formats.files.table_rows import no_formula
from tenfold.adapters.formats.files.zip_stream import Entry, Sink, stream_zip
from tenfold.core.datasets.exporting import ExportSpec
from tenfold.core.datasets.label_texts import write_classes
from tenfold.core.datasets.model import ONE_CLASS, SPLITS, LabelKind, RevisionManifest, SampleRecord, Split
from tenfold.core.datasets.ports import PixelArray, RevisionReader
from tenfold.core.errors import BadDataset

AT_ONCE = 256
LONGEST_STEM = 60
TABLE = "samples.csv"
_NO_STEM = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class _Exported:
    """One sample on its way out."""

    index: int
    record: SampleRecord
    split: Split
    classes: tuple[str, ...]
    suffix: str
    content: bytes

    @property
    def file(self) -> str:
        """A name that no other sample has, in which people find the one that it came from."""
        stem = self.record.path.rpartition("/")[2].rpartition(".")[0] or self.record.path
        readable = _NO_STEM.sub("_", unicodedata.normalize("NFC", stem))[:LONGEST_STEM].strip("._")
        return f"{self.index:07d}{'-' if readable else ''}{readable}{self.suffix}"

    @property
    def label(self) -> str:
        """The label as a text: the class, the number, or several classes such that an import reads them."""
        if self.record.value is not None:
            return repr(self.record.value)
        return self.classes[0] if self.record.label >= 0 else write_classes(self.classes)

    @property
    def weight(self) -> str:
        """The fewest digits that give the weight back."""
        return str(np.float32(self.record.weight))


def export_dataset(reader: RevisionReader, name: str, spec: ExportSpec) -> Iterator[bytes]:
    """Fulfils `tenfold.core.datasets.exporting.DatasetExporter`."""
    if spec.format == "folders":
        _check_folders(reader.manifest)
    elif spec.format == "parquet":
        needed("pyarrow", "Parquet files")
    _encoder(reader)
    return stream_zip(_ENTRIES[spec.format](reader, name))


def _folders(reader: RevisionReader, name: str) -> Iterator[Entry]:
    """A folder for every class; what folders cannot say stands in a table beside them, which an import reads then."""
    yield f"{name}/README.txt", [_readme(reader, name).encode()]
    rows = _Rows(reader)
    for sample in _samples(reader):
        path = f"{sample.split}/{sample.label}/{sample.file}"
        yield f"{name}/{path}", [sample.content]
        rows.add(path, sample)
    if _beyond_folders(reader):
        yield f"{name}/{TABLE}", [rows.content()]


def _table(reader: RevisionReader, name: str) -> Iterator[Entry]:
    rows = _Rows(reader)
    for sample in _samples(reader):
        yield f"{name}/images/{sample.file}", [sample.content]
        rows.add(f"images/{sample.file}", sample)
    yield f"{name}/{TABLE}", [rows.content()]


class _Rows:
    """A table of samples as CSV."""

    def __init__(self, reader: RevisionReader) -> None:
        self._text = io.StringIO()
        self._rows = csv.writer(self._text, lineterminator="\n")
        self._more = _beyond_folders(reader)
        self._rows.writerow(["image", "label", "split", "width", "height", "source", *self._more])

    def add(self, path: str, sample: _Exported) -> None:
        record = sample.record
        values = [sample.label, sample.split, record.width, record.height, record.path]
        more = {"group": record.group, "weight": sample.weight}
        self._rows.writerow([path, *map(no_formula, values), *(no_formula(more[name]) for name in self._more)])

    def content(self) -> bytes:
        return self._text.getvalue().encode()


def _coco(reader: RevisionReader, name: str) -> Iterator[Entry]:
    """`images`, `annotations` and `categories` as COCO names them; an annotation has a category or a value, no box."""
    images: list[str] = []
    annotations: list[str] = []
    for sample in _samples(reader):
        yield f"{name}/images/{sample.file}", [sample.content]
        number = sample.index + 1
        about = {
            "id": number,
            "file_name": f"images/{sample.file}",
            "width": reader.input_shape[2],
            "height": reader.input_shape[1],
            "split": sample.split,
            "source": sample.record.path,
            **({"group": sample.record.group} if sample.record.group else {}),
            **({"weight": sample.record.weight} if sample.record.weight != 1 else {}),
        }
        images.append(json.dumps(about, ensure_ascii=False))
        for label in _labels_of(sample.record):
            annotations.append(json.dumps({"id": len(annotations) + 1, "image_id": number, **label}))
    categories = [
        json.dumps({"id": at + 1, "name": each}, ensure_ascii=False) for at, each in enumerate(reader.classes)
    ]
    about = {"description": name, "tenfold_content": reader.manifest.content, "label_kind": reader.manifest.label_kind}
    info = json.dumps(about, ensure_ascii=False)
    yield f"{name}/annotations.json", _coco_text(info, images, annotations, categories)


def _coco_text(info: str, images: list[str], annotations: list[str], categories: list[str]) -> Iterator[bytes]:
    yield f'{{"info": {info}'.encode()
    for name, items in (("images", images), ("annotations", annotations), ("categories", categories)):
        yield f',\n"{name}": [\n'.encode()
        for start in range(0, len(items), AT_ONCE):
            last = start + AT_ONCE >= len(items)
            yield (",\n".join(items[start : start + AT_ONCE]) + ("" if last else ",\n")).encode()
        yield b"\n]"
    yield b"}\n"


def _labels_of(record: SampleRecord) -> list[dict[str, float]]:
    """What annotations say of a picture: one for each of its classes, or its number."""
    if record.value is not None:
        return [{"value": record.value}]
    return [{"category_id": each + 1} for each in ([record.label] if record.label >= 0 else record.classes)]


def _parquet(reader: RevisionReader, name: str) -> Iterator[Entry]:
    for split in SPLITS:
        if len(reader.indices(split)):
            yield f"{name}/data/{split}-00000-of-00001.parquet", _parquet_blocks(reader, split)


def _parquet_blocks(reader: RevisionReader, split: Split) -> Iterator[bytes]:
    """One row group for every `AT_ONCE` samples. The schema says what Hugging Face `datasets` reads: image, label."""
    arrow, parquet = needed("pyarrow", "Parquet files"), needed("pyarrow.parquet", "Parquet files")
    schema = _parquet_schema(reader, arrow)
    sink = Sink()
    with parquet.ParquetWriter(arrow.PythonFile(sink, mode="w"), schema, compression="none") as writer:
        rows: list[dict[str, object]] = []
        for sample in _samples(reader, (split,)):
            picture = {"bytes": sample.content, "path": sample.file}
            more = {"group": sample.record.group or None, "weight": sample.record.weight}
            rows.append({"image": picture, "label": _parquet_label(sample.record, reader.manifest.label_kind), **more})
            if len(rows) == AT_ONCE:
                writer.write_table(arrow.Table.from_pylist(rows, schema))
                rows.clear()
                yield sink.take()
        if rows:
            writer.write_table(arrow.Table.from_pylist(rows, schema))
    yield sink.take()


def _parquet_label(record: SampleRecord, kind: LabelKind) -> object:
    if kind == "classes":
        return list(record.classes)
    return record.label if record.value is None else record.value


def _parquet_schema(reader: RevisionReader, arrow: Any) -> Any:
    """The columns, with what Hugging Face `datasets` needs to know of them in the metadata."""
    label: dict[str, Any] = {"_type": "ClassLabel", "names": list(reader.classes)}
    label_type = arrow.int64()
    if reader.manifest.label_kind == "number":
        label, label_type = {"_type": "Value", "dtype": "float64"}, arrow.float64()
    elif reader.manifest.label_kind == "classes":
        label, label_type = {"_type": "Sequence", "feature": label}, arrow.list_(arrow.int64())
    features: dict[str, Any] = {"image": {"_type": "Image"}, "label": label}
    image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    fields = [("image", image), ("label", label_type)]
    if _has_groups(reader):
        features["group"] = {"_type": "Value", "dtype": "string"}
        fields.append(("group", arrow.string()))
    if _has_weights(reader):
        features["weight"] = {"_type": "Value", "dtype": "float32"}
        fields.append(("weight", arrow.float32()))
    return arrow.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


_ENTRIES: dict[str, Callable[[RevisionReader, str], Iterator[Entry]]] = {
    "folders": _folders,
    "csv": _table,
    "coco": _coco,
    "parquet": _parquet,
}


def _samples(reader: RevisionReader, splits: tuple[Split, ...] = SPLITS) -> Iterator[_Exported]:
    suffix, encode = _encoder(reader)
    for split in splits:
        indices = reader.indices(split)
        for start in range(0, len(indices), AT_ONCE):
            places = np.arange(start, min(start + AT_ONCE, len(indices)))
            for index, pixels in zip(indices[places].tolist(), reader.pictures(split, places), strict=True):
                record = reader.sample(index)
                labels = record.classes or ((record.label,) if record.label >= 0 else ())
                classes = tuple(reader.classes[label] for label in labels)
                yield _Exported(index, record, split, classes, suffix, encode(pixels))


def _encoder(reader: RevisionReader) -> tuple[str, Callable[[PixelArray], bytes]]:
    """A file's ending and what makes its content, without loss: PNG where it can hold the pixels, else TIFF."""
    channels = reader.input_shape[0]
    first = reader.pictures("train", np.arange(min(1, len(reader.labels("train")))))
    if (first.dtype == np.uint8 and channels in {1, 3}) or (first.dtype == np.uint16 and channels == 1):
        return ".png", _as_png
    tiff = needed("tifffile", "Pictures of this depth and these channels")

    def as_tiff(pixels: PixelArray) -> bytes:
        buffer = io.BytesIO()
        photometric = "rgb" if pixels.shape[2] == 3 else "minisblack"
        tiff.imwrite(buffer, pixels[:, :, 0] if pixels.shape[2] == 1 else pixels, photometric=photometric)
        return buffer.getvalue()

    return ".tif", as_tiff


def _as_png(pixels: npt.NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _has_groups(reader: RevisionReader) -> bool:
    return reader.manifest.num_groups > 0


def _has_weights(reader: RevisionReader) -> bool:
    return reader.label_facts.weights is not None


def _check_folders(manifest: RevisionManifest) -> None:
    if manifest.label_kind not in ONE_CLASS:
        what = "several classes" if manifest.label_kind == "classes" else "a number"
        text = f"Folders hold one class a picture, and these have {what}: choose CSV, COCO-style JSON or Parquet."
        raise BadDataset(text, code="export.label-kind")
    for name in manifest.classes:
        if "/" in name or name.startswith(".") or name != name.strip() or len(name.encode()) > 200:
            text = f"The class {name!r} cannot be the name of a folder: choose CSV, COCO-style JSON or Parquet."
            raise BadDataset(text, code="export.class-name")


def _readme(reader: RevisionReader, name: str) -> str:
    manifest = reader.manifest
    counts = ", ".join(f"{manifest.split_size(split):,} {split}" for split in SPLITS)
    return (
        f"{name}: {manifest.num_samples:,} pictures of {manifest.width} x {manifest.height} pixels in "
        f"{len(manifest.classes)} classes ({counts}).\n"
        f"Content {manifest.content}\n\n"
        f"{_beside(reader)}"
        "To have the same dataset again:\n"
        f"    tenfold dataset import FOLDER --width {manifest.width} --height {manifest.height} "
        f"--validation-share 0 --test-share 0{_order_option(manifest)}\n"
    )


def _beyond_folders(reader: RevisionReader) -> list[str]:
    """The columns that say what folders cannot."""
    return [*(["group"] if _has_groups(reader) else []), *(["weight"] if _has_weights(reader) else [])]


def _beside(reader: RevisionReader) -> str:
    """What stands in the table beside the folders."""
    words = " and ".join(f"{name}s" for name in _beyond_folders(reader))
    told = (
        f"{TABLE} has the {words}, which folders cannot say: an import reads it, the folders' names then do not count."
    )
    return f"{told}\n\n" if words else ""


def _order_option(manifest: RevisionManifest) -> str:
    if manifest.label_kind != "order":
        return ""
    return f" --label-kind order --class-order {shlex.quote(', '.join(manifest.classes))}"
