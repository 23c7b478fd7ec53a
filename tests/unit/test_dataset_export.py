"""A revision leaves as other programs want it, with the split, and comes back with the same content."""

import csv
import io
import itertools
import json
import zipfile

import numpy as np
import pytest

from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.openers import SourcePlaces
from tenfold.adapters.formats.layouts.recognition import open_source
from tenfold.adapters.formats.revisions.derived import derive_revision
from tenfold.adapters.formats.revisions.export import export_dataset
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.datasets.exporting import ExportSpec
from tenfold.core.datasets.layouts import source_choice
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset
from tenfold.testing.picture_files import encode, make_photo, write_class_folders

AS_THEY_ARE = {"validation_share": 0, "test_share": 0}


def build(root, home, **spec):
    places = BuildPlaces(work=home / "work", destination=home / "revision")
    for folder in (places.work, places.destination):
        folder.mkdir(parents=True)
    choice = source_choice({"label_kind": spec.get("label_kind")})
    source = open_source(root, SourcePlaces(work=places.work, allowed=root, roots=(root,)), choice)
    build_revision(source, DatasetSpec(**spec), places, decoder=FastDecoder(), report=lambda *_: None)
    return open_revision(home / "revision")


def unpacked(reader, folder, format, name="pets"):
    archive = zipfile.ZipFile(io.BytesIO(b"".join(export_dataset(reader, name, ExportSpec(format=format)))))
    assert archive.testzip() is None
    assert all(each.startswith(f"{name}/") for each in archive.namelist())
    archive.extractall(folder)
    return folder / name


@pytest.fixture
def reader(tmp_path):
    root = write_class_folders(tmp_path / "pictures", {"cats": 20, "Hunde für alle": 30, "=birds": 12})
    for number in range(3):
        (root / "cats" / f"odd {number} ü.jpg").write_bytes(encode(make_photo(40, 30, seed=number), "JPEG"))
    return build(root, tmp_path / "first", width=24, height=20)


@pytest.mark.parametrize("format", ["folders", "csv", "coco", "parquet"])
def test_an_import_of_an_export_has_the_same_content(reader, tmp_path, format):
    root = unpacked(reader, tmp_path / "out", format)
    again = build(root, tmp_path / "second", **AS_THEY_ARE)
    assert again.manifest.num_samples == 65
    assert again.manifest.content == reader.manifest.content
    assert again.manifest.counts == reader.manifest.counts


def derive(tmp_path, change, chosen):
    """The first revision, changed."""
    folder = tmp_path / "first" / "derived"
    folder.mkdir()
    derive_revision(tmp_path / "first" / "revision", folder, Edit(change, chosen))
    return open_revision(folder)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (Change(action="exclude"), 61),
        (Change(action="delete"), 61),
        (Change(action="move", to_split="test"), 65),
        (Change(action="relabel", label="Löwen"), 65),
    ],
)
def test_an_edited_revision_leaves_as_it_was_edited(reader, tmp_path, change, left):
    edited = derive(tmp_path, change, tuple(reader.indices("train", 0)[:4].tolist()))
    again = build(unpacked(edited, tmp_path / "out", "folders"), tmp_path / "second", **AS_THEY_ARE)
    assert again.manifest.num_samples == left
    assert again.manifest.content == edited.manifest.content != reader.manifest.content


def test_the_table_names_class_split_and_source(reader, tmp_path):
    root = unpacked(reader, tmp_path / "out", "csv")
    with (root / "samples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 65
    assert {row["split"] for row in rows} == {"train", "val", "test"}
    assert all((root / row["image"]).is_file() for row in rows)
    assert sum(row["source"].startswith("cats/odd ") and row["width"] == "40" for row in rows) == 3


def test_the_json_is_as_coco_has_it(reader, tmp_path):
    root = unpacked(reader, tmp_path / "out", "coco")
    told = json.loads((root / "annotations.json").read_text("utf-8"))
    assert [each["name"] for each in told["categories"]] == list(reader.classes)
    labels = {each["image_id"]: each["category_id"] for each in told["annotations"]}
    assert len(told["images"]) == len(labels) == 65
    for image in told["images"]:
        record = reader.sample(image["id"] - 1)
        assert (image["split"], image["source"]) == (record.split, record.path)
        assert labels[image["id"]] == record.label + 1
        assert (root / image["file_name"]).is_file()
        assert (image["width"], image["height"]) == (24, 20)


def test_the_same_revision_gives_the_same_archive(reader):
    for each in ("folders", "csv", "coco", "parquet"):
        one, two = (b"".join(export_dataset(reader, "pets", ExportSpec(format=each))) for _ in range(2))
        assert one == two


def test_no_more_than_a_few_pictures_are_held(reader):
    sizes = [len(block) for block in export_dataset(reader, "pets", ExportSpec())]
    assert max(sizes) < 1 << 21


def test_a_class_that_is_no_folder_is_named_before_the_first_block(reader, tmp_path):
    edited = derive(tmp_path, Change(action="relabel", label="cats/black"), (0,))
    with pytest.raises(BadDataset, match="'cats/black' cannot be the name of a folder"):
        export_dataset(edited, "pets", ExportSpec())
    assert b"".join(export_dataset(edited, "pets", ExportSpec(format="coco")))


def test_sixteen_bits_leave_as_sixteen_bits(tmp_path):
    root = tmp_path / "deep"
    for label in ("a", "b"):
        (root / label).mkdir(parents=True)
        for number in range(6):
            pixels = np.random.default_rng(number).integers(0, 65536, (9, 8), dtype=np.uint16)
            (root / label / f"{number}.png").write_bytes(encode(pixels))
    reader = build(root, tmp_path / "first", depth="keep", **AS_THEY_ARE)
    again = build(unpacked(reader, tmp_path / "out", "folders"), tmp_path / "second", depth="keep", **AS_THEY_ARE)
    assert again.pictures("train", np.arange(1)).dtype == np.uint16
    assert again.manifest.content == reader.manifest.content


LABELLED = {
    "class": ["cat", "dog"],
    "classes": ["cat|dog", "", "dog|eel"],
    "order": ["low", "mid", "high"],
    "number": ["0.1", "-3", "2e10"],
}


def labelled_reader(tmp_path, kind):
    """A revision with groups and weights, its labels of a kind."""
    root = tmp_path / "labelled"
    (root / "files").mkdir(parents=True)
    rows = ["image,label,patient,weight"]
    for number in range(30):
        label = LABELLED[kind][number % len(LABELLED[kind])]
        (root / "files" / f"{number}.png").write_bytes(encode(make_photo(12, 10, seed=number)))
        rows.append(f"files/{number}.png,{label},p{number // 3},{[1, 0.1, 2.5][number % 3]}")
    (root / "t.csv").write_text("\n".join(rows))
    return build(root, tmp_path / "labels", label_kind=kind)


IN_FOLDERS = [("folders", "class"), ("folders", "order")]


@pytest.mark.parametrize(("format", "kind"), [*itertools.product(["csv", "coco"], LABELLED), *IN_FOLDERS])
def test_every_kind_of_label_comes_back_with_groups_and_weights(tmp_path, kind, format):
    first = labelled_reader(tmp_path, kind)
    again = build(unpacked(first, tmp_path / "out", format), tmp_path / "second", label_kind=kind, **AS_THEY_ARE)
    assert again.manifest.content == first.manifest.content
    assert again.manifest.num_groups == first.manifest.num_groups == 10


def test_folders_that_say_everything_have_no_table_beside_them(reader, tmp_path):
    root = unpacked(reader, tmp_path / "out", "folders")
    assert sorted(path.name for path in root.iterdir()) == ["README.txt", "test", "train", "val"]


@pytest.mark.parametrize("name", ["=x", "'=x", "''+x", "'x", "@", "plain"])
def test_a_class_that_a_spreadsheet_would_run_comes_back_from_a_table(tmp_path, name):
    root = write_class_folders(tmp_path / "pictures", {name: 5, "other": 5})
    first = build(root, tmp_path / "first")
    root = unpacked(first, tmp_path / "out", "csv")
    assert f",{name}," not in (root / "samples.csv").read_text() or name in {"'x", "plain"}
    again = build(root, tmp_path / "second", **AS_THEY_ARE)
    assert again.manifest.content == first.manifest.content
