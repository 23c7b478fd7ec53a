"""From a folder of pictures to a revision, and what is said about every file."""

import json
import resource
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tenfold.adapters.formats.importing.arrays import facts_type
from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.ports import SourceFile
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, BadImage, Damaged, NotFound, StorageFull
from tenfold.testing.picture_files import encode, make_photo, write_class_folders


def build(source, destination, spec=None, *, decoder=None, report=None, **about):
    destination.mkdir()
    work = destination.with_name(f"{destination.name}.work")
    work.mkdir(exist_ok=True)
    folder = source if hasattr(source, "finds") else ImageFolder(source)
    reports = report or (lambda done, total: None)
    places = BuildPlaces(work=work, destination=destination)
    return build_revision(
        folder, spec or DatasetSpec(), places, decoder=decoder or FastDecoder(), report=reports, **about
    )


def pixels_of(reader, split):
    return reader.pictures(split, np.arange(len(reader.labels(split))))


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
        labels, indices = reader.labels(split), reader.indices(split)
        pictures_of_split = pixels_of(reader, split)
        assert pictures_of_split.shape == (len(labels), 12, 12, 3)
        for place, label in enumerate(labels.tolist()):
            record = reader.sample(int(indices[place]))
            assert (record.split, record.label) == (split, label)
            assert record.path.startswith(reader.classes[label] + "/")
            expected = PillowDecoder().decode((pictures / record.path).read_bytes(), manifest.preprocessing)
            np.testing.assert_array_equal(pictures_of_split[place], expected)


def test_statistics_are_those_of_the_training_pictures(pictures, tmp_path):
    manifest = build(pictures, tmp_path / "out")
    images = pixels_of(open_revision(tmp_path / "out"), "train") / 255
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
        assert {r.record.path for r in one.page(SampleFilter(split=split)).items} == {
            r.record.path for r in two.page(SampleFilter(split=split)).items
        }
    for split in ("train", "val", "test"):
        for index, stored in zip(one.indices(split).tolist(), pixels_of(one, split), strict=True):
            record = one.sample(index)
            expected = PillowDecoder().decode((pictures / record.path).read_bytes(), manifest.preprocessing)
            np.testing.assert_array_equal(stored, expected)
    np.testing.assert_allclose(manifest.statistics.mean, pixels_of(one, "train").mean(axis=(0, 1, 2)) / 255)
    assert manifest.content == clean.content


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
    found = open_revision(tmp_path / "out").page(SampleFilter(split="test")).items
    assert all(each.record.path.startswith("test/") for each in found)


def test_at_most_per_class(pictures, tmp_path):
    manifest = build(pictures, tmp_path / "out", DatasetSpec(max_per_class=10))
    assert manifest.counts["train"] == (8, 8, 8, 8)
    assert manifest.skipped_by_reason == {"outside the limits per class": 30}
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
    assert told[:2] == [(0, 0), (0, 70)]
    assert told[-1] == (70, 70)
    assert build(pictures, tmp_path / "stopped", should_stop=lambda: True) is None


def no_work(done, total):
    assert not (done and total), "work has begun"


def test_no_room_is_told_before_the_work(pictures, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        with pytest.raises(StorageFull, match="needs 1 MB") as caught:
            build(pictures, tmp_path / "out", DatasetSpec(width=64, height=64), report=no_work)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.values["needed_bytes"] == 128 + 70 * (64 * 64 * 3 + facts_type(3).itemsize)
    assert not list((tmp_path / "out").iterdir())


def test_no_room_for_the_listing_is_told(pictures, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(StorageFull, match="no room"):
            build(pictures, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_gallery_pages_by_split_and_class(pictures, tmp_path):
    manifest = build(pictures, tmp_path / "out")
    reader = open_revision(tmp_path / "out")
    assert [item.index for item in reader.page(SampleFilter(), limit=3).items] == [0, 1, 2]
    seen, cursor = [], ""
    wanted = SampleFilter(split="train", label="dogs")
    while True:
        page = reader.page(wanted, cursor=cursor, limit=5)
        seen += page.items
        cursor = page.after
        if not cursor:
            break
    assert len(seen) == page.total == manifest.counts["train"][3]
    assert {item.record.label for item in seen} == {3}
    found = reader.page(SampleFilter(split="test"), limit=100).items
    assert [item.index for item in found] == list(range(63, 70))
    assert reader.thumbnail(5).startswith(b"\x89PNG")
    np.testing.assert_array_equal(
        PillowDecoder().decode(reader.thumbnail(5), manifest.preprocessing), reader.pictures("train", np.array([5]))[0]
    )
    for call in (
        lambda: reader.sample(70),
        lambda: reader.sample(-1),
        lambda: reader.page(SampleFilter(label="cows")),
        lambda: reader.labels("x"),
    ):
        with pytest.raises(NotFound):
            call()


def test_damage_is_found(pictures, tmp_path):
    build(pictures, tmp_path / "out")
    images = tmp_path / "out" / "pixels.npy"
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)
    with pytest.raises(Damaged, match=r"pixels\.npy"):
        open_revision(tmp_path / "out").verify()
    images.write_bytes(content[:-1])
    with pytest.raises(Damaged, match=r"pixels\.npy"):
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
    assert pixels_of(reader, "test").shape == (0, 12, 12, 3)
    assert len(reader.labels("test")) == 0
    assert reader.page(SampleFilter(split="test")).items == ()


def test_preprocessing_is_complete_for_a_network(pictures, tmp_path):
    build(pictures, tmp_path / "out")
    reader = open_revision(tmp_path / "out")
    assert [item["op"] for item in reader.preprocessing["operations"]] == ["decode", "resize", "scale", "normalise"]
    assert reader.input_shape == (3, 12, 12)


def test_colour_met_after_the_look_is_told(tmp_path, pictures, monkeypatch):
    grey = write_class_folders(tmp_path / "grey", {"a": 5, "b": 5}, grey=True)
    (grey / "b" / "0009.png").write_bytes(encode(make_photo(12, 12)))
    monkeypatch.setattr("tenfold.adapters.formats.importing.preparation.LOOK_AT", 1)
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


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        ([], "dataset.empty"),
        (["a/notes.txt", "b/notes.txt"], "dataset.empty"),
        (["1.png", "2.png"], "dataset.no-classes"),
        (["a/1.heic", "b/1.heic"], "dataset.unreadable"),
    ],
)
def test_a_folder_without_a_dataset_says_what_is_missing(tmp_path, paths, code):
    (tmp_path / "pictures").mkdir()
    for path in paths:
        (tmp_path / "pictures" / path).parent.mkdir(exist_ok=True)
        (tmp_path / "pictures" / path).write_bytes(encode(make_photo(8, 8)))
    with pytest.raises(BadDataset) as caught:
        build(tmp_path / "pictures", tmp_path / "out")
    assert caught.value.code == code


def test_similar_classes_are_mentioned(tmp_path):
    manifest = build(write_class_folders(tmp_path / "p", {"Cat": 4, "cat": 4, "dog": 4}), tmp_path / "out")
    assert "Classes that look alike are kept apart: 'Cat', 'cat'." in manifest.notes


def test_small_classes_are_left_out_and_named(pictures, tmp_path):
    manifest = build(pictures, tmp_path / "out", DatasetSpec(min_per_class=15))
    assert manifest.classes == ("cats", "dogs")
    assert "Classes with fewer than 15 pictures are left out: birds 10, birds 2." in manifest.notes
    assert manifest.skipped_by_reason == {"outside the limits per class": 20}
    assert manifest.seen == 70


class Listed:
    """A source that names some files of a folder twice."""

    def __init__(self, folder, extra):
        self._folder = ImageFolder(folder)
        self._extra = extra

    def finds(self, **about):
        yield from self._folder.finds(**about)
        yield from self._extra

    def read(self, path):
        return self._folder.read(path)


def test_a_file_that_is_listed_twice_counts_once_and_with_two_classes_not_at_all(pictures, tmp_path):
    extra = [SourceFile("cats/0001.png", "cats"), SourceFile("cats/0002.png", "dogs")]
    manifest = build(Listed(pictures, extra), tmp_path / "out")
    assert [(file.path, file.code) for file in manifest.rejected] == [("cats/0002.png", "file.two-classes")]
    assert manifest.skipped_by_reason == {"listed again": 2}
    assert (manifest.num_samples, manifest.seen) == (69, 72)


class Killed(Exception):
    """Stands for the death of the process: nothing after it runs."""


@pytest.mark.parametrize("reads", [0, 30, 71, 80, 90, 110, 141])
def test_an_import_that_was_killed_goes_on_where_it_was(pictures, tmp_path, monkeypatch, reads):
    (pictures / "cats" / "broken.png").write_bytes(b"no picture")
    monkeypatch.setattr("tenfold.adapters.formats.importing.preparation.BATCH_BYTES", 1)
    whole = build(pictures, tmp_path / "whole")

    class Dying(ImageFolder):
        left = reads

        def read(self, path):
            Dying.left -= 1
            if Dying.left < 0:
                raise Killed
            return super().read(path)

    with pytest.raises(Killed):
        build(Dying(pictures), tmp_path / "out")
    (tmp_path / "out").rmdir()
    told = []
    again = build(pictures, tmp_path / "out", report=lambda done, total: told.append(done))
    assert again == whole
    for file in (tmp_path / "whole").iterdir():
        assert file.read_bytes() == (tmp_path / "out" / file.name).read_bytes(), file.name
    assert (told[0] > 0) == (reads >= 71 + 16)


def test_a_listing_that_was_cut_off_is_begun_anew(pictures, tmp_path):
    class Dying(ImageFolder):
        def finds(self, **about):
            yield from list(super().finds(**about))[:40]
            raise Killed

    with pytest.raises(Killed):
        build(Dying(pictures), tmp_path / "out")
    (tmp_path / "out").rmdir()
    assert build(pictures, tmp_path / "out").num_samples == 70


def test_rejected_files_are_paged_by_path(pictures, tmp_path):
    for number in range(230):
        (pictures / "cats" / f"bad {number:03d}.png").write_bytes(b"no")
    manifest = build(pictures, tmp_path / "out")
    reader = open_revision(tmp_path / "out")
    assert (manifest.num_rejected, len(manifest.rejected)) == (230, 200)
    assert [file.path for file in reader.rejected(after=225)] == [
        f"cats/bad {number}.png" for number in range(225, 230)
    ]
    assert reader.rejected(after=0, limit=200) == list(manifest.rejected)


def test_the_content_hash_knows_no_names(pictures, tmp_path):
    one = build(pictures, tmp_path / "one", DatasetSpec(validation_share=0, test_share=0))
    for path in list(pictures.rglob("*.png")):
        path.rename(path.with_name(f"other {path.name}"))
    assert build(pictures, tmp_path / "two", DatasetSpec(validation_share=0, test_share=0)).content == one.content
    next(pictures.rglob("*.png")).write_bytes(encode(make_photo(12, 12, seed=77)))
    assert build(pictures, tmp_path / "three", DatasetSpec(validation_share=0, test_share=0)).content != one.content


def test_facts_without_their_pixels_are_not_believed(pictures, tmp_path):
    """An attempt that was killed while it published had taken the pixels away and left the facts."""
    whole = build(pictures, tmp_path / "whole")
    build(pictures, tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out.work" / "pixels.npy").unlink()
    assert build(pictures, tmp_path / "out") == whole
    open_revision(tmp_path / "out").verify()
