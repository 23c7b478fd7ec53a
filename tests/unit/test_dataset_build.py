"""From a folder of pictures to a revision, and what is said about every file."""

import json
import resource
from dataclasses import replace

import numpy as np
import pytest

from tenfold.adapters.formats.build import build_revision
from tenfold.adapters.formats.image_folder import ImageFolder
from tenfold.adapters.formats.packed_store import open_revision
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, BadImage, Damaged, NotFound, StorageFull
from tenfold.testing.picture_files import encode, make_photo, write_class_folders


def build(source, destination, spec=None, *, decoder=None, report=None, **about):
    destination.mkdir()
    folder = source if hasattr(source, "list_files") else ImageFolder(source)
    reports = report or (lambda done, total: None)
    return build_revision(
        folder, spec or DatasetSpec(), destination, decoder=decoder or FastDecoder(), report=reports, **about
    )


@pytest.fixture
def pictures(tmp_path):
    return write_class_folders(tmp_path / "pictures", {"cats": 20, "dogs": 30, "birds 10": 10, "birds 2": 10})


def test_a_revision_holds_every_picture_with_its_class(pictures, tmp_path):
    manifest = build(pictures, tmp_path / "out")
    reader = open_revision(tmp_path / "out")
    reader.verify()
    assert reader.classes == ("birds 2", "birds 10", "cats", "dogs")
    assert manifest.counts == {"train": (8, 8, 16, 24), "val": (1, 1, 2, 3), "test": (1, 1, 2, 3)}
    assert manifest.seen == manifest.num_samples == 70
    assert reader.manifest == manifest
    for split in ("train", "val", "test"):
        first = manifest.first_index(split)
        labels = reader.labels(split)
        assert reader.images(split).shape == (len(labels), 12, 12, 3)
        for place, label in enumerate(labels.tolist()):
            record = reader.sample(first + place)
            assert (record.split, record.label) == (split, label)
            assert record.path.startswith(reader.classes[label] + "/")
            expected = PillowDecoder().decode((pictures / record.path).read_bytes(), manifest.preprocessing)
            np.testing.assert_array_equal(reader.images(split)[place], expected)


def test_statistics_are_those_of_the_training_pictures(pictures, tmp_path):
    manifest = build(pictures, tmp_path / "out")
    images = open_revision(tmp_path / "out").images("train") / 255
    np.testing.assert_allclose(manifest.statistics.mean, images.mean(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(manifest.statistics.std, images.std(axis=(0, 1, 2)), rtol=1e-9)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_bytes_twice(pictures, tmp_path, threads):
    (pictures / "cats" / "broken.png").write_bytes(b"no picture")
    one = build(pictures, tmp_path / "one", threads=threads)
    two = build(pictures, tmp_path / "two", threads=2)
    assert one == two
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_bad_files_are_named_and_the_others_kept(pictures, tmp_path):
    bad = {
        "cats/empty.png": (b"", "image.empty"),
        "cats/text.jpg": (b"hello", "image.format"),
        "dogs/half.png": (encode(make_photo(64, 64))[:2000], "image.unreadable"),
        "dogs/tiny.png": (encode(make_photo(1, 1)), "image.too-small"),
        "dogs/long.png": (encode(np.zeros((2, 90, 3), np.uint8)), "image.too-large"),
    }
    for path, (content, _) in bad.items():
        (pictures / path).write_bytes(content)
    (pictures / "dogs" / "notes.txt").write_text("x")
    manifest = build(pictures, tmp_path / "out", DatasetSpec(width=12, height=12, largest_side=80))
    assert {file.path: file.code for file in manifest.rejected} == {path: code for path, (_, code) in bad.items()}
    assert sum(manifest.rejected_by_code.values()) == 5
    assert manifest.num_samples + 5 + sum(manifest.skipped_by_reason.values()) == manifest.seen == 76
    open_revision(tmp_path / "out").verify()


@pytest.mark.parametrize("num_bad", [1, 7, 15])
def test_the_split_is_exact_over_what_was_accepted(pictures, tmp_path, num_bad):
    for path in sorted((pictures / "dogs").iterdir())[::2][:num_bad]:
        path.write_bytes(b"broken")
    manifest = build(pictures, tmp_path / "out", DatasetSpec(validation_share=20, test_share=20))
    broken_free = tmp_path / "clean"
    for path in list((pictures / "dogs").iterdir()):
        if path.read_bytes() == b"broken":
            path.unlink()
    clean = build(pictures, broken_free, DatasetSpec(validation_share=20, test_share=20))
    assert manifest.counts == clean.counts
    one, two = open_revision(tmp_path / "out"), open_revision(broken_free)
    for split in ("train", "val", "test"):
        assert {r.record.path for r in one.page(split=split)} == {r.record.path for r in two.page(split=split)}
    stored = np.concatenate([one.images(split) for split in ("train", "val", "test")])
    for index in range(manifest.num_samples):
        record = one.sample(index)
        expected = PillowDecoder().decode((pictures / record.path).read_bytes(), manifest.preprocessing)
        np.testing.assert_array_equal(stored[index], expected)
    np.testing.assert_allclose(manifest.statistics.mean, one.images("train").mean(axis=(0, 1, 2)) / 255)


def test_a_class_without_a_usable_picture_is_left_out(pictures, tmp_path):
    for path in (pictures / "cats").iterdir():
        path.write_bytes(b"broken")
    manifest = build(pictures, tmp_path / "out")
    assert manifest.classes == ("birds 2", "birds 10", "dogs")
    assert "The class cats is left out: none of its pictures can be used." in manifest.notes
    assert set(open_revision(tmp_path / "out").labels("train").tolist()) == {0, 1, 2}


@pytest.mark.parametrize(("counts", "code"), [({"a": 3}, "dataset.one-class"), ({"a": 3, "b": 0}, "dataset.one-class")])
def test_one_class_is_none(tmp_path, counts, code):
    write_class_folders(tmp_path / "pictures", counts)
    with pytest.raises(BadDataset) as caught:
        build(tmp_path / "pictures", tmp_path / "out")
    assert caught.value.code == code


def test_nothing_readable_names_the_first_reason(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        (tmp_path / "pictures" / name / "1.png").write_bytes(b"")
    with pytest.raises(BadDataset, match="The file is empty") as caught:
        build(tmp_path / "pictures", tmp_path / "out")
    assert caught.value.code == "dataset.unreadable"


def test_given_splits_are_kept(tmp_path):
    for split, count in (("train", 20), ("test", 5)):
        write_class_folders(tmp_path / "pictures" / split, {"a": count, "b": count})
    manifest = build(tmp_path / "pictures", tmp_path / "out")
    assert manifest.counts == {"train": (18, 18), "val": (2, 2), "test": (5, 5)}
    assert all(r.record.path.startswith("test/") for r in open_revision(tmp_path / "out").page(split="test"))


def test_at_most_per_class(pictures, tmp_path):
    manifest = build(pictures, tmp_path / "out", DatasetSpec(max_per_class=10))
    assert manifest.counts["train"] == (8, 8, 8, 8)
    assert manifest.skipped_by_reason == {"over the limit per class": 30}
    assert manifest.seen == 70


class Vanishing(ImageFolder):
    """A folder from which somebody deletes while it is read."""

    def read(self, path):
        if path == "cats/0003.png":
            (self.folder / path).unlink(missing_ok=True)
        return super().read(path)


def test_a_file_that_vanishes_is_rejected(pictures, tmp_path):
    source = Vanishing(pictures)
    source.folder = pictures
    manifest = build(source, tmp_path / "out")
    assert [(file.path, file.code) for file in manifest.rejected] == [("cats/0003.png", "file.vanished")]


def test_progress_ends_at_the_total_and_stop_is_heard(pictures, tmp_path):
    told = []
    build(pictures, tmp_path / "out", report=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 70)
    assert told[-1] == (70, 70)
    assert build(pictures, tmp_path / "stopped", should_stop=lambda: True) is None


def test_no_room_is_told_before_the_work(pictures, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(StorageFull, match="needs 1 MB") as caught:
            build(pictures, tmp_path / "out", report=lambda done, total: pytest.fail("work has begun"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.values["needed_bytes"] == 128 + 70 * 12 * 12 * 3
    assert not list((tmp_path / "out").iterdir())


def test_gallery_pages_by_split_and_class(pictures, tmp_path):
    manifest = build(pictures, tmp_path / "out")
    reader = open_revision(tmp_path / "out")
    assert [item.index for item in reader.page(limit=3)] == [0, 1, 2]
    seen, after = [], -1
    while page := reader.page(split="train", label=3, after=after, limit=5):
        seen += page
        after = page[-1].index
    assert len(seen) == manifest.counts["train"][3]
    assert {item.record.label for item in seen} == {3}
    assert [item.index for item in reader.page(split="test", limit=100)] == list(range(63, 70))
    assert reader.thumbnail(5).startswith(b"\x89PNG")
    np.testing.assert_array_equal(
        PillowDecoder().decode(reader.thumbnail(5), manifest.preprocessing), reader.images("train")[5]
    )
    for call in (
        lambda: reader.sample(70),
        lambda: reader.sample(-1),
        lambda: reader.page(label=4),
        lambda: reader.images("x"),
    ):
        with pytest.raises(NotFound):
            call()


def test_damage_is_found(pictures, tmp_path):
    build(pictures, tmp_path / "out")
    images = tmp_path / "out" / "images.npy"
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)
    with pytest.raises(Damaged, match=r"images\.npy"):
        open_revision(tmp_path / "out").verify()
    images.write_bytes(content[:-1])
    with pytest.raises(Damaged, match=r"images\.npy"):
        open_revision(tmp_path / "out")
    (tmp_path / "out" / "manifest.json").write_text(json.dumps({"format_version": 9}))
    with pytest.raises(Damaged, match="version 9"):
        open_revision(tmp_path / "out")
    (tmp_path / "out" / "manifest.json").unlink()
    with pytest.raises(NotFound):
        open_revision(tmp_path / "out")


def test_an_empty_split_is_an_empty_array(pictures, tmp_path):
    build(pictures, tmp_path / "out", DatasetSpec(test_share=0))
    reader = open_revision(tmp_path / "out")
    assert reader.images("test").shape == (0, 12, 12, 3)
    assert len(reader.labels("test")) == 0
    assert reader.page(split="test") == []


def test_preprocessing_is_complete_for_a_network(pictures, tmp_path):
    build(pictures, tmp_path / "out")
    reader = open_revision(tmp_path / "out")
    assert [item["op"] for item in reader.preprocessing["operations"]] == ["decode", "resize", "scale", "normalise"]
    assert reader.input_shape == (3, 12, 12)


def test_colour_met_after_the_look_is_told(tmp_path, pictures, monkeypatch):
    grey = write_class_folders(tmp_path / "grey", {"a": 5, "b": 5}, grey=True)
    (grey / "b" / "0009.png").write_bytes(encode(make_photo(12, 12)))
    monkeypatch.setattr("tenfold.adapters.formats.build.LOOK_AT", 1)
    manifest = build(grey, tmp_path / "out")
    assert manifest.channels == 1
    assert "1 pictures in colour were turned grey." in manifest.notes


def test_wrong_bytes_never_stop_an_import(pictures, tmp_path):
    class Sour(FastDecoder):
        def decode_many(self, contents, preprocessing, out):
            found = super().decode_many(contents, preprocessing, out)
            return [BadImage("no") if place % 3 else item for place, item in enumerate(found)]

    manifest = build(pictures, tmp_path / "out", decoder=Sour())
    assert manifest.num_samples + len(manifest.rejected) == 70
    assert replace(manifest, rejected=()).to_json()["rejected_by_code"] == {"image.unreadable": len(manifest.rejected)}
