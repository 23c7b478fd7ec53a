"""Every layout is a source as the port says, and a revision is built of it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import h5py
import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.openers import SourcePlaces
from tenfold.adapters.formats.layouts.recognition import open_source
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.core.datasets.layouts import SourceChoice
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.testing.datasets import check_sample_source, listed
from tenfold.testing.picture_files import encode

COUNTS = {"train": 12, "test": 6}
RANDOM = np.random.default_rng(3)
PIXELS = {split: RANDOM.integers(0, 256, (count, 10, 12, 3), np.uint8) for split, count in COUNTS.items()}
LABELS = {split: np.arange(count) % 3 for split, count in COUNTS.items()}
NAMES = ("cat", "dog", "owl")


def text_lists(root: Path) -> None:
    (root / "images").mkdir()
    (root / "labels.txt").write_text("\n".join(NAMES))
    for split, pictures in PIXELS.items():
        lines = []
        for number, pixels in enumerate(pictures):
            (root / "images" / f"{split} {number}.png").write_bytes(encode(pixels))
            lines.append(f"{split} {number}.png {LABELS[split][number]}\n")
        (root / f"{split}.txt").write_text("".join(lines))


def csv_table(root: Path) -> None:
    (root / "images").mkdir()
    lines = ["file_name,species,split\n"]
    for split, pictures in PIXELS.items():
        for number, pixels in enumerate(pictures):
            (root / "images" / f"{split}{number}.png").write_bytes(encode(pixels))
            lines.append(f"images/{split}{number}.png,{NAMES[LABELS[split][number]]},{split}\n")
    (root / "all.csv").write_text("".join(lines))


def parquet_shards(root: Path) -> None:
    (root / "data").mkdir()
    features = {"label": {"names": list(NAMES), "_type": "ClassLabel"}}
    for split, pictures in PIXELS.items():
        images = [{"bytes": encode(pixels), "path": None} for pixels in pictures]
        table = pa.table({"image": images, "label": LABELS[split]})
        about = {"huggingface": json.dumps({"info": {"features": features}})}
        path = root / "data" / f"{split}-00000-of-00001.parquet"
        pq.write_table(table.replace_schema_metadata(about), path, row_group_size=5)


def idx_files(root: Path) -> None:
    (root / "labels.txt").write_text("\n".join(NAMES))
    for split, pictures in PIXELS.items():
        grey, stem = pictures[..., 0], {"train": "train", "test": "t10k"}[split]
        head = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in grey.shape)
        (root / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + grey.tobytes()))
        labels = bytes([0, 0, 8, 1]) + len(grey).to_bytes(4, "big") + LABELS[split].astype(np.uint8).tobytes()
        (root / f"{stem}-labels-idx1-ubyte").write_bytes(labels)


def npz_file(root: Path) -> None:
    arrays = {f"x_{split}": pictures for split, pictures in PIXELS.items()}
    labels = {f"y_{split}": np.array(NAMES)[values] for split, values in LABELS.items()}
    np.savez_compressed(root / "all.npz", **arrays, **labels)


def hdf5_file(root: Path) -> None:
    with h5py.File(root / "all.h5", "w") as file:
        file["class_names"] = list(NAMES)
        for split, pictures in PIXELS.items():
            file[f"{split}/images"] = pictures
            file[f"{split}/labels"] = LABELS[split]


def caffe_databases(root: Path) -> None:
    (root / "labels.txt").write_text("\n".join(NAMES))
    for split, pictures in PIXELS.items():
        with lmdb.open(str(root / f"{split}_db"), map_size=1 << 24) as database, database.begin(write=True) as writing:
            for number, pixels in enumerate(pictures):
                writing.put(b"%08d" % number, _datum(pixels, int(LABELS[split][number])))


def digits_job(root: Path) -> None:
    caffe_databases(root)
    (root / "status.pickle").write_bytes(b"never opened")


def _datum(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], label: int) -> bytes:
    height, width, channels = pixels.shape
    data = pixels[:, :, ::-1].transpose(2, 0, 1).tobytes()
    size = bytes([len(data) & 127 | 128, len(data) >> 7])
    return bytes([8, channels, 16, height, 24, width, 34]) + size + data + bytes([40, label])


MAKERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "text lists": ("list", text_lists),
    "csv": ("table", csv_table),
    "parquet": ("table", parquet_shards),
    "idx": ("idx", idx_files),
    "npz": ("arrays", npz_file),
    "hdf5": ("hdf5", hdf5_file),
    "lmdb": ("digits", caffe_databases),
    "digits": ("digits", digits_job),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_layout_is_a_source_and_becomes_a_revision(kind, tmp_path):
    _, make = MAKERS[kind]
    root, work, destination = (tmp_path / name for name in ("root", "work", "revision"))
    for folder in (root, work, destination):
        folder.mkdir()
    make(root)
    places = SourcePlaces(work=work, allowed=root, roots=(root,))
    source = open_source(root, places, SourceChoice())
    check_sample_source(source, has_splits=True)
    build = BuildPlaces(work=work, destination=destination)
    spec = DatasetSpec(width=12, height=10, validation_share=0)
    reports: list[int] = []
    manifest = build_revision(source, spec, build, decoder=FastDecoder(), report=lambda done, _: reports.append(done))
    assert manifest is not None
    assert manifest.classes == NAMES
    assert manifest.counts == {"train": (4, 4, 4), "val": (0, 0, 0), "test": (2, 2, 2)}
    assert manifest.num_rejected == 0


@pytest.mark.parametrize("kind", MAKERS)
def test_pixels_are_the_ones_that_were_put_in(kind, tmp_path):
    from PIL import Image

    name, make = MAKERS[kind]
    root, work = tmp_path / "root", tmp_path / "work"
    root.mkdir()
    work.mkdir()
    make(root)
    source = open_source(root, SourcePlaces(work=work, allowed=root), SourceChoice(layout=name))
    expected = {pixels.tobytes() for pictures in PIXELS.values() for pixels in pictures}
    if kind == "idx":
        expected = {pixels[..., 0].tobytes() for pictures in PIXELS.values() for pixels in pictures}
    found = {np.asarray(Image.open(io.BytesIO(source.read(file.path)))).tobytes() for file in listed(source).files}
    assert found == expected
