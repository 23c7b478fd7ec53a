"""What an import decides about labels, groups and weights, and what it refuses by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenfold.adapters.formats.importing.addition import AdditionPlaces, add_to_revision
from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.adapters.formats.revisions.writer import ContentHash
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.core.datasets.label_texts import join_classes
from tenfold.core.datasets.planning import MAX_SET_CLASSES, FileRows, FoundFiles, plan_samples
from tenfold.core.datasets.ports import SourceFile
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, InvalidFields
from tenfold.core.fields import parse_spec
from tenfold.testing.picture_files import encode, make_photo


@dataclass
class Listed:
    """A source that lies in memory: files with what is said of them, each a picture of its own."""

    files: list[SourceFile]

    def finds(self, *, use_splits: bool = True, should_stop: Any = None) -> Any:
        return iter(self.files)

    def read(self, path: str) -> bytes:
        return b"torn" if "torn" in path else encode(make_photo(6, 6, seed=int(path.split(".", maxsplit=1)[0])))


def build(files: list[SourceFile], home: Path, **spec: Any) -> Any:
    places = BuildPlaces(work=home / "work", destination=home / "revision")
    for folder in (places.work, places.destination):
        folder.mkdir(parents=True)
    build_revision(Listed(files), DatasetSpec(**spec), places, decoder=FastDecoder(), report=lambda *_: None)
    return open_revision(home / "revision")


def name_of(at: int) -> str:
    return f"{at:03d}.png"


def test_the_hash_of_plain_classes_is_what_it_was_before_there_were_other_kinds() -> None:
    content = ContentHash(("cat", "Hund für alle"), (4, 5, 3))
    hashes = np.arange(4 * 32, dtype=np.uint8).reshape(4, 32)
    content.add(hashes, {"labels": np.array([0, 1, 1, 0]), "splits": np.array([0, 1, 2, -1], np.int8)})
    assert content.hexdigest() == "910d977d28cb96b387c380319092fb3a4b75ff464aadb757d871533763a2ef47"


def test_a_weight_or_a_group_is_part_of_the_content(tmp_path: Path) -> None:
    plain = [SourceFile(name_of(at), "xy"[at % 2], "train") for at in range(6)]
    hashes = {build(plain, tmp_path / "plain").manifest.content}
    for name, more in (("weight", {"weight": 2.0}), ("group", {"group": "p"}), ("other", {"group": "q"})):
        files = [SourceFile(plain[0].path, plain[0].class_name, "train", **more), *plain[1:]]  # type: ignore[arg-type]
        hashes.add(build(files, tmp_path / name).manifest.content)
    assert len(hashes) == 4


def test_a_plain_dataset_has_no_columns_that_it_does_not_need(tmp_path: Path) -> None:
    reader = build([SourceFile(name_of(at), "xy"[at % 2]) for at in range(6)], tmp_path)
    assert not {"groups.npy", "weights.npy", "values.npy", "class_sets.npy"} & {f.name for f in reader.manifest.files}
    assert reader.label_facts.weights is None


def test_a_group_with_two_given_splits_is_rejected_by_name(tmp_path: Path) -> None:
    def file(at: int) -> SourceFile:
        group = f"p{at % 6}"
        return SourceFile(name_of(at), "xy"[at % 2], ("train", "test")[at % 12 == 3], group=group)

    reader = build([file(at) for at in range(36)], tmp_path)
    manifest = reader.manifest
    assert manifest.rejected_by_code == {"group.two-splits": 6}
    assert {each.path for each in manifest.rejected} == {name_of(at) for at in range(3, 36, 6)}
    assert "The group p3 is named in two splits" in manifest.rejected[0].message
    assert manifest.seen == manifest.num_samples + 6 == 36
    assert reader.label_facts.num_torn == 0


def test_rows_without_a_split_follow_their_group(tmp_path: Path) -> None:
    files = [
        SourceFile(name_of(at), "xy"[at % 2], "test" if at < 2 else None, group=f"p{at // 2 % 5}") for at in range(40)
    ]
    reader = build(files, tmp_path)
    assert {reader.sample(at).split for at in range(40) if reader.sample(at).group == "p0"} == {"test"}
    assert reader.label_facts.num_torn == 0
    assert reader.manifest.split_size("val") > 0


def test_a_file_that_is_listed_with_two_labels_groups_or_weights_is_rejected(tmp_path: Path) -> None:
    base = [SourceFile(name_of(at), "", value=float(at)) for at in range(8)]
    again = [
        SourceFile(name_of(0), "", value=5.0),
        SourceFile(name_of(1), "", value=1.0, group="p"),
        SourceFile(name_of(2), "", value=2.0, weight=2.0),
        base[3],
    ]
    manifest = build(base + again, tmp_path, label_kind="number").manifest
    assert manifest.rejected_by_code == {"file.two-classes": 3}
    assert (manifest.num_samples, manifest.skipped_by_reason, manifest.seen) == (5, {"listed again": 4}, 12)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_file_listed_with_and_without_a_weight_is_rejected(tmp_path: Path, is_first: bool) -> None:
    plain = [SourceFile(name_of(at), "xy"[at % 2]) for at in range(8)]
    heavy = [SourceFile(name_of(0), "x", weight=2.0), SourceFile(name_of(1), "y", group="p")]
    manifest = build([*heavy, *plain] if is_first else [*plain, *heavy], tmp_path).manifest
    assert manifest.rejected_by_code == {"file.two-classes": 2}
    assert manifest.num_samples == 6


def test_the_order_is_the_declared_one(tmp_path: Path) -> None:
    files = [SourceFile(name_of(at), ("low", "high", "10", "9")[at % 4]) for at in range(12)]
    assert build(files, tmp_path / "natural", label_kind="order").classes == ("9", "10", "high", "low")
    order = "9, 10, low, middle, high"
    assert build(files, tmp_path / "given", label_kind="order", class_order=order).classes == ("9", "10", "low", "high")
    with pytest.raises(BadDataset, match="does not name 10, high: name every class once"):
        build(files, tmp_path / "short", label_kind="order", class_order="9, low")


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"label_kind": "classes", "max_per_class": 5}, "max_per_class", "one class each"),
        ({"label_kind": "number", "min_per_class": 2}, "min_per_class", "one class each"),
        ({"class_order": "a, b"}, "class_order", "choose that kind"),
        ({"label_kind": "order", "class_order": "a,"}, "class_order", "fewer than two"),
        ({"label_kind": "ordinal"}, "label_kind", "allowed is one of class, classes, order, number"),
    ],
)
def test_what_fits_no_kind_of_label_is_named(values: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        parse_spec(DatasetSpec, values)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert words in problem.message


def test_equal_numbers_teach_nothing(tmp_path: Path) -> None:
    files = [SourceFile(name_of(at), "", value=2.5) for at in range(5)]
    with pytest.raises(BadDataset, match=r"All pictures have the same number, 2\.5"):
        build(files, tmp_path, label_kind="number")


def test_a_class_whose_pictures_are_all_torn_leaves_the_sets(tmp_path: Path) -> None:
    files = [SourceFile(name_of(at), "", classes=("sea",) * (at % 2) + ("sky",)) for at in range(12)]
    files += [SourceFile(f"torn {at}.png", "", classes=("fog", "sky")) for at in range(2)]
    reader = build(files, tmp_path, label_kind="classes")
    assert reader.classes == ("sea", "sky")
    assert "The class fog is left out: none of its pictures can be used." in reader.manifest.notes
    assert all(reader.sample(at).classes == ((0, 1) if at_odd(reader, at) else (1,)) for at in range(12))


def at_odd(reader: Any, at: int) -> bool:
    return int(reader.sample(at).path[:3]) % 2 == 1


def test_rare_classes_of_several_are_in_every_part(tmp_path: Path) -> None:
    files = [SourceFile(name_of(at), "", classes=("sea",) if at >= 10 else ("rare", "sea")) for at in range(100)]
    counts = build(files, tmp_path, label_kind="classes").manifest.counts
    assert {split: pair[0] for split, pair in counts.items()} == {"train": 8, "val": 1, "test": 1}


def test_numbers_are_spread_alike_over_the_parts(tmp_path: Path) -> None:
    files = [SourceFile(name_of(at), "", value=float(at)) for at in range(200)]
    reader = build(files, tmp_path, label_kind="number", validation_share=20, test_share=20)
    for split in ("train", "val", "test"):
        values = reader.columns["values"][reader.indices(split)]
        assert abs(np.median(values) - 99.5) < 12
        assert values.min() < 20
        assert values.max() > 180


def test_numbers_of_groups_keep_the_shares(tmp_path: Path) -> None:
    files = [SourceFile(name_of(at), "", value=float(at * 37 % 101), group=f"p{at // 5}") for at in range(300)]
    sizes = build(files, tmp_path, label_kind="number").manifest.split_sizes
    assert sizes == {"train": 240, "val": 30, "test": 30}


def test_more_classes_than_bits_are_kept_for_are_refused() -> None:
    names = [f"c{number}" for number in range(MAX_SET_CLASSES + 1)]
    rows = FileRows(np.zeros(1, np.int32), np.full(1, -1, np.int8), np.zeros(1, np.uint64))
    found = FoundFiles((join_classes(names),), rows, np.zeros(0, np.uint64))
    with pytest.raises(BadDataset, match=r"4,097 classes: at most 4,096"):
        plan_samples(found, DatasetSpec(label_kind="classes"))


def test_an_addition_cannot_put_a_known_patient_into_another_split(tmp_path: Path) -> None:
    files = [
        SourceFile(name_of(at), "xy"[at % 2], ("train", "test")[at >= 20], group=f"p{at // 4}") for at in range(24)
    ]
    build(files, tmp_path)
    more = [SourceFile(name_of(at), "xy"[at % 2], "test", group=f"p{at % 6}") for at in range(30, 36)]
    places = AdditionPlaces(work=tmp_path / "more", destination=tmp_path / "added", parent=tmp_path / "revision")
    for folder in (places.work, places.destination):
        folder.mkdir()
    manifest = add_to_revision(Listed(more), places, DatasetSpec(), decoder=FastDecoder(), report=lambda *_: None)
    assert manifest is not None
    assert manifest.rejected_by_code == {"group.two-splits": 5}
    assert "Its group is in train already" in manifest.rejected[0].message
    assert manifest.seen == 24 + 6
    assert open_revision(places.destination).label_facts.num_torn == 0


def test_an_order_takes_no_class_that_it_does_not_name(tmp_path: Path) -> None:
    build([SourceFile(name_of(at), "xy"[at % 2]) for at in range(12)], tmp_path, label_kind="order")
    places = AdditionPlaces(work=tmp_path / "more", destination=tmp_path / "added", parent=tmp_path / "revision")
    for folder in (places.work, places.destination):
        folder.mkdir()
    more = Listed([SourceFile(name_of(20), "z"), SourceFile(name_of(21), "x")])
    with pytest.raises(BadDataset, match="has no class 'z': there are x, y"):
        add_to_revision(more, places, DatasetSpec(label_kind="order"), decoder=FastDecoder(), report=lambda *_: None)
