"""Every kind of label through import, reading, edits, additions, exports and a second import."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenfold.adapters.formats.importing.addition import AdditionPlaces, add_to_revision
from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.openers import SourcePlaces
from tenfold.adapters.formats.layouts.recognition import open_source
from tenfold.adapters.formats.revisions.derived import derive_revision
from tenfold.adapters.formats.revisions.export import export_dataset
from tenfold.adapters.formats.revisions.reader import RevisionFolder, open_revision
from tenfold.adapters.formats.revisions.writer import ContentHash
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.datasets.exporting import ExportSpec
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.layouts import source_choice
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, Invalid, InvalidFields, NotFound
from tenfold.core.training.sampling import training_weights
from tenfold.testing.picture_files import encode, make_photo

KINDS = ("class", "classes", "order", "number")
NUM = 60
NAMES = ("sea", "wood", "a|b", "snow")
GRADES = ("none", "mild", "grave")


def label_of(kind: str, at: int) -> str:
    """A label as a table has it: every tenth picture of several classes has none."""
    if kind == "number":
        return repr(round(at * 1.37 - 20, 3))
    if kind == "order":
        return GRADES[at % 3]
    if kind == "class":
        return NAMES[at % 2]
    names = [NAMES[0]] * (at % 2 == 0) + [NAMES[3]] * (at % 3 == 0) + [NAMES[2]] * (at % 7 == 0)
    return "" if at % 10 == 9 else json.dumps(names)


def write_table(root: Path, kind: str, *, count: int = NUM, first: int = 0, extra: bool = True) -> Path:
    """Pictures with a table: four of each patient, weights for a third of them."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "table.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "label", *(["patient", "weight"] if extra else [])])
        for at in range(first, first + count):
            (root / f"{at:03d}.png").write_bytes(encode(make_photo(8, 8, seed=at)))
            more = [f"patient {at // 4}" if at % 12 else "", "0.3" if at % 3 == 0 else ""]
            rows.writerow([f"{at:03d}.png", label_of(kind, at), *(more if extra else [])])
    return root


def build(root: Path, home: Path, kind: str, **spec: Any) -> RevisionFolder:
    places = BuildPlaces(work=home / "work", destination=home / "revision")
    for folder in (places.work, places.destination):
        folder.mkdir(parents=True)
    choice = source_choice({"label_kind": kind})
    source = open_source(root, SourcePlaces(work=places.work, allowed=root, roots=(root,)), choice)
    asked = DatasetSpec(label_kind=kind, **spec)  # type: ignore[arg-type]
    build_revision(source, asked, places, decoder=FastDecoder(), report=lambda *_: None)
    return open_revision(home / "revision")


def records(reader: RevisionFolder) -> list[Any]:
    return [reader.sample(index) for index in range(reader.manifest.num_samples + reader.manifest.num_excluded)]


def recomputed(reader: RevisionFolder) -> str:
    """The content hash from all rows, as they are."""
    manifest = reader.manifest
    content = ContentHash(reader.classes, manifest.preprocessing.shape, group_name=reader.group_names.__getitem__)
    content.add(reader.columns["pixel_hashes"], reader.columns)
    return content.hexdigest()


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def reader(kind: str, tmp_path_factory: pytest.TempPathFactory) -> RevisionFolder:
    home = tmp_path_factory.mktemp(kind)
    order = {"class_order": ", ".join(GRADES)} if kind == "order" else {}
    return build(write_table(home / "pictures", kind), home, kind, **order)


def test_a_revision_has_the_labels_that_the_table_had(kind: str, reader: RevisionFolder) -> None:
    reader.verify()
    manifest = reader.manifest
    assert (manifest.label_kind, manifest.num_samples, manifest.seen) == (kind, NUM, NUM)
    assert sum(manifest.split_sizes.values()) == NUM
    assert manifest.content == recomputed(reader)
    for record in records(reader):
        at = int(record.path.removesuffix(".png"))
        told = label_of(kind, at)
        if kind == "number":
            assert (record.value, record.label) == (float(told), -1)
        elif kind == "classes":
            names = sorted(reader.classes[each] for each in record.classes)
            assert names == sorted(json.loads(told) if told else [])
        else:
            assert reader.classes[record.label] == told
        assert record.group == (f"patient {at // 4}" if at % 12 else "")
        assert record.weight == pytest.approx(0.3 if at % 3 == 0 else 1)


def test_no_patient_is_in_two_splits(reader: RevisionFolder) -> None:
    found = [reader.groups(split) for split in ("train", "val", "test")]
    numbers = [set(each.tolist()) - {-1} for each in found if each is not None]
    assert [len(each) for each in found if each is not None] == [
        len(reader.indices(s)) for s in ("train", "val", "test")
    ]
    assert set.union(*numbers) == set(range(15))
    assert sum(map(len, numbers)) == 15
    facts = reader.label_facts
    assert (facts.num_groups, facts.num_torn, facts.num_alone) == (15, 0, 5)
    assert facts.weights == (pytest.approx(0.3), 1.0)
    assert all(reader.manifest.split_size(split) >= 3 for split in ("train", "val", "test"))


def test_training_gets_the_weights_of_its_samples(reader: RevisionFolder) -> None:
    weights = reader.weights("train")
    assert weights is not None
    assert weights.tolist() == [reader.sample(int(at)).weight for at in reader.indices("train")]
    mean_one = training_weights(reader)
    assert mean_one is not None
    assert mean_one.mean() == pytest.approx(1)


def test_counts_are_those_of_the_samples(kind: str, reader: RevisionFolder) -> None:
    for split, counts in reader.manifest.counts.items():
        of_split = [record for record in records(reader) if record.split == split]
        labels = [each for record in of_split for each in (record.classes or (record.label,)) if each >= 0]
        assert (
            list(counts) == np.bincount(labels, minlength=len(reader.classes)).tolist() if counts else kind == "number"
        )


def test_a_class_finds_all_pictures_that_have_it(kind: str, reader: RevisionFolder) -> None:
    for label, name in enumerate(reader.classes):
        found = set(reader.find(SampleFilter(label=name)).tolist())
        assert found == {at for at, each in enumerate(records(reader)) if label in (*each.classes, each.label)}
        assert set(reader.indices("train", label).tolist()) <= found
    assert bool(reader.classes) == (kind != "number")


def test_a_group_finds_its_pictures(reader: RevisionFolder) -> None:
    found = reader.find(SampleFilter(group="patient 4"))
    assert sorted(reader.sample(at).path for at in found.tolist()) == ["016.png", "017.png", "018.png", "019.png"]
    for strange in ("patient", "patient 44", "", "\ud800"):
        with pytest.raises(NotFound, match="no group"):
            reader.find(SampleFilter(group=strange))


def test_numbers_are_found_sorted_and_counted(kind: str, reader: RevisionFolder) -> None:
    wanted = SampleFilter(min_value=-1.0, max_value=20, sort="-label")
    if kind != "number":
        with pytest.raises(InvalidFields, match="have no numbers"):
            reader.find(wanted)
        return
    values = [reader.sample(at).value for at in reader.find(wanted).tolist()]
    assert values == sorted((value for value in values if value is not None), reverse=True)
    assert len(values) == 16
    first = reader.page(wanted, limit=5)
    assert [each.index for each in reader.page(wanted, cursor=first.after, limit=5).items] == reader.find(
        wanted
    ).tolist()[5:10]
    bars = reader.distribution("value")
    assert sum(bar.count for bar in bars) == NUM
    assert (bars[0].low, bars[-1].high) == (-20, label_as_number(NUM - 1))


def label_as_number(at: int) -> float:
    return float(label_of("number", at))


def exported(reader: RevisionFolder, folder: Path, format: str) -> Path:
    content = b"".join(export_dataset(reader, "pets", ExportSpec(format=format)))  # type: ignore[arg-type]
    zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
    return folder / "pets"


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_an_import_of_an_export_has_the_same_content(
    kind: str, reader: RevisionFolder, tmp_path: Path, format: str
) -> None:
    root = exported(reader, tmp_path / "out", format)
    again = build(root, tmp_path / "again", kind, validation_share=0, test_share=0)
    assert again.manifest.content == reader.manifest.content
    assert again.manifest.split_sizes == reader.manifest.split_sizes
    assert again.label_facts == reader.label_facts


def test_folders_hold_one_class_and_a_table_beside_them_the_rest(
    kind: str, reader: RevisionFolder, tmp_path: Path
) -> None:
    if kind not in {"class", "order"}:
        with pytest.raises(BadDataset, match="choose CSV, COCO-style JSON or Parquet"):
            exported(reader, tmp_path, "folders")
        return
    root = exported(reader, tmp_path, "folders")
    readme = (root / "README.txt").read_text("utf-8")
    assert "samples.csv has the groups and weights, which folders cannot say" in readme
    again = build(root, tmp_path / "again", kind, validation_share=0, test_share=0)
    assert (again.manifest.content, again.label_facts) == (reader.manifest.content, reader.label_facts)
    assert ("--label-kind order --class-order 'none, mild, grave'" in readme) == (kind == "order")


def test_plain_folders_of_an_order_come_back_the_same(tmp_path: Path) -> None:
    root = write_table(tmp_path / "pictures", "order", extra=False)
    first = build(root, tmp_path / "first", "order", class_order=", ".join(GRADES))
    out = exported(first, tmp_path / "out", "folders")
    again = build(out, tmp_path / "again", "order", class_order=", ".join(GRADES), validation_share=0, test_share=0)
    assert again.classes == GRADES == first.classes
    assert again.manifest.content == first.manifest.content


def test_the_json_tells_classes_numbers_groups_and_weights(kind: str, reader: RevisionFolder, tmp_path: Path) -> None:
    told = json.loads((exported(reader, tmp_path, "coco") / "annotations.json").read_text("utf-8"))
    assert told["info"]["label_kind"] == kind
    assert [each["name"] for each in told["categories"]] == list(reader.classes)
    by_image: dict[int, list[dict[str, Any]]] = {image["id"]: [] for image in told["images"]}
    for annotation in told["annotations"]:
        by_image[annotation["image_id"]].append(annotation)
    assert len({annotation["id"] for annotation in told["annotations"]}) == len(told["annotations"])
    for image in told["images"]:
        record = reader.sample(image["id"] - 1)
        assert (image.get("group", ""), image.get("weight", 1)) == (record.group, record.weight)
        here = by_image[image["id"]]
        if kind == "number":
            assert [each["value"] for each in here] == [record.value]
        else:
            labels = record.classes if kind == "classes" else (record.label,)
            assert [each["category_id"] - 1 for each in here] == list(labels)


def edited(reader: RevisionFolder, tmp_path: Path, *edits: Edit) -> RevisionFolder:
    """The revision after edits, each on the one before; a link stands for the folder that holds the pixels."""
    (tmp_path / "0").symlink_to(reader._folder)
    for number, edit in enumerate(edits):
        (tmp_path / str(number + 1)).mkdir()
        derive_revision(tmp_path / str(number), tmp_path / str(number + 1), edit)
    return open_revision(tmp_path / str(len(edits)))


def test_moving_one_picture_moves_its_patient(reader: RevisionFolder, tmp_path: Path) -> None:
    mates = reader.find(SampleFilter(group="patient 4", split=reader.sample(place(reader, "017.png")).split))
    target = "test" if reader.sample(int(mates[0])).split != "test" else "train"
    moved = edited(reader, tmp_path, Edit(Change(action="move", to_split=target), (place(reader, "017.png"),)))
    moved.verify()
    assert {moved.sample(int(at)).split for at in mates} == {target}
    assert moved.manifest.differences[0].count == len(mates) == 4
    assert moved.label_facts.num_torn == 0
    assert moved.manifest.content == recomputed(moved) != reader.manifest.content
    assert [each.group for each in records(moved)] == [each.group for each in records(reader)]


def place(reader: RevisionFolder, path: str) -> int:
    return next(at for at, record in enumerate(records(reader)) if record.path == path)


def test_an_excluded_picture_comes_back_where_its_group_is_by_then(reader: RevisionFolder, tmp_path: Path) -> None:
    one, other = place(reader, "017.png"), place(reader, "018.png")
    target = "test" if reader.sample(one).split != "test" else "train"
    move = Edit(Change(action="move", to_split=target), (other,))
    current = edited(reader, tmp_path, Edit(Change(action="exclude"), (one,)), move)
    assert (current.sample(one).split, current.manifest.content) == (None, recomputed(current))
    (tmp_path / "again").mkdir()
    current = edited(
        reader, tmp_path / "again", Edit(Change(action="exclude"), (one,)), move, Edit(Change(action="restore"), (one,))
    )
    assert current.sample(one).split == current.sample(other).split == target
    assert current.manifest.content == recomputed(current)


def test_only_single_classes_are_relabelled(kind: str, reader: RevisionFolder, tmp_path: Path) -> None:
    change = Change(action="relabel", label="entirely new")
    if kind == "class":
        assert edited(reader, tmp_path, Edit(change, (0, 1))).classes == (*reader.classes, "entirely new")
        return
    match = "have an order, and 'entirely new' is not in it" if kind == "order" else "not one class: mend the labels"
    with pytest.raises(Invalid, match=match):
        edited(reader, tmp_path, Edit(change, (0, 1)))


def test_added_pictures_go_where_their_patient_is(kind: str, tmp_path: Path) -> None:
    """Half of the table is imported, then all of it added: patients that are known keep their split."""
    order = {"class_order": ", ".join(GRADES)} if kind == "order" else {}
    first = build(write_table(tmp_path / "half", kind, count=30), tmp_path, kind, **order)
    root = write_table(tmp_path / "rest", kind, count=40, first=20)
    places = AdditionPlaces(work=tmp_path / "more", destination=tmp_path / "added", parent=tmp_path / "revision")
    for folder in (places.work, places.destination):
        folder.mkdir()
    source = open_source(root, SourcePlaces(work=places.work), source_choice({"label_kind": kind}))
    spec = DatasetSpec(label_kind=kind, **order)  # type: ignore[arg-type]
    manifest = add_to_revision(source, places, spec, decoder=FastDecoder(), report=lambda *_: None)
    assert manifest is not None
    added = open_revision(places.destination)
    added.verify()
    assert (manifest.num_samples, manifest.seen, sum(manifest.skipped_by_reason.values())) == (60, 70, 10)
    assert (added.label_facts.num_groups, added.label_facts.num_torn) == (15, 0)
    assert added.manifest.content == recomputed(added)
    for at in range(30):
        assert added.sample(at) == first.sample(at)
    for record in records(added):
        at = int(record.path.removesuffix(".png"))
        assert record.group == (f"patient {at // 4}" if at % 12 else "")
        if kind == "classes":
            told = label_of(kind, at)
            assert sorted(added.classes[each] for each in record.classes) == sorted(json.loads(told) if told else [])
