"""Text lists: what a line may be, where its path starts from, and what is refused."""

import os

import pytest

from tenfold.core.datasets.layouts import SplitCount
from tenfold.core.errors import BadDataset, BadImage
from tenfold.testing.datasets import check_sample_source, listed


def files(source, **about):
    return {file.path: (file.class_name, file.split) for file in listed(source, **about).files}


def digits_like(place):
    place.put("images/a b.png", "images/c.png", "images/d.png", "images/e.png")
    place.put("train.txt", content="a b.png 0\nc.png 1\n")
    place.put("val.txt", content="d.png 1\n")
    place.put("test.txt", content="e.png 0\n")
    return place.put("labels.txt", content="cat\nbig dog\n")


def test_lists_as_digits_has_them(place):
    source = digits_like(place).open()
    check_sample_source(source, has_splits=True)
    assert files(source) == {
        "images/a b.png": ("cat", "train"),
        "images/c.png": ("big dog", "train"),
        "images/d.png": ("big dog", "val"),
        "images/e.png": ("cat", "test"),
    }
    assert "Paths in train.txt start from the folder images." in listed(source).notes


def test_the_preview_says_what_they_are(place):
    preview = digits_like(place).preview()
    assert preview.layout == "list"
    assert preview.sentence == (
        "This is text lists of paths and labels: 2 pictures for training, "
        "1 pictures for validation, 1 pictures for testing."
    )
    assert preview.look.classes == ("cat", "big dog")


def test_one_chosen_list_has_no_split_but_its_own(place):
    source = digits_like(place).open("val.txt")
    assert files(source) == {"images/d.png": ("big dog", "val")}


def test_paths_from_a_prefix_absolute_and_with_strokes_turned(place):
    place.put("x/one/1.png", "x/one/2.png", "x/3.png")
    place.put("lists/all.txt", content=f"one\\1.png a\n./one/../one/2.png b\n{place.folder}/x/3.png b\n")
    assert files(place.open("lists/all.txt", prefix=str(place.folder / "x"))) == {
        "one/1.png": ("a", None),
        "one/2.png": ("b", None),
        "3.png": ("b", None),
    }
    assert set(files(place.open("lists/all.txt", prefix="../x"))) == {"one/1.png", "one/2.png", "3.png"}


def test_a_prefix_outside_is_refused(place):
    place.put("all.txt", content="1.png a\n")
    with pytest.raises(BadDataset) as caught:
        place.open("all.txt", prefix="/etc")
    assert caught.value.code == "dataset.outside"
    with pytest.raises(BadDataset):
        place.open("all.txt", prefix="../../..")


@pytest.mark.parametrize("named", ["/etc/passwd", "../../../../../../etc/passwd", "link.png", "folder.png/x.png"])
def test_nothing_outside_is_read_and_nothing_is_told_of_it(place, named):
    (place.folder / "link.png").symlink_to("/etc/passwd")
    (place.folder / "folder.png").mkdir()
    place.put("all.txt", content=f"{named} a\n")
    source = place.open("all.txt")
    assert source.look().notes == (
        f"Of the first 1 pictures that all.txt names, 1 are not there; the first one missing is {named}.",
    )
    (file,) = listed(source).files
    with pytest.raises(BadImage) as caught:
        source.read(file.path)
    assert caught.value.code in {"file.link-outside", "file.vanished"}


def test_pipes_and_devices_are_no_files(place):
    os.mkfifo(place.folder / "pipe.png")
    place.put("all.txt", content="pipe.png a\n")
    with pytest.raises(BadImage) as caught:
        place.open("all.txt").read("pipe.png")
    assert caught.value.code == "file.unreadable"


def test_what_is_wrong_with_a_line_is_said_with_its_number(place):
    place.put("images/a.png", "labels.txt", content="cat\ndog\n")
    place.put(
        "all.txt",
        content=b"images/a.png 0\n\nimages/b.png\nimages/c.png 2\nhttp://x/y.png 1\nimages/\xff.png 1\n"
        b"im\0.png 1\nimages/d.png \xff\nimages/e.png -1\nmy cat.png\nimages/f.png dog\n",
    )
    listing = listed(place.open("all.txt"))
    assert [(file.path, file.class_name) for file in listing.files] == [
        ("images/a.png", "cat"),
        ("images/f.png", "dog"),
    ]
    assert {each.path: each.code for each in listing.rejected} == {
        "all.txt:3": "list.no-label",
        "all.txt:4": "list.label",
        "all.txt:5": "list.address",
        "all.txt:6": "file.name",
        "all.txt:7": "file.name",
        "all.txt:8": "list.label",
        "all.txt:9": "list.label",
        "all.txt:10": "list.no-label",
    }
    assert listing.skipped == {"empty line": 1}
    assert listing.seen == 11


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_any_encoding_with_a_mark_and_utf_16_without(place, encoding):
    place.put("кот.png")
    place.put("all.txt", content="кот.png cat\r\nмышь.png mouse\r\n".encode(encoding))
    assert files(place.open("all.txt")) == {"кот.png": ("cat", None), "мышь.png": ("mouse", None)}


def test_without_names_labels_are_the_classes(place):
    place.put("a.png", "b.png").put("train.txt", content="a.png 0\nb.png 17\n")
    assert files(place.open()) == {"a.png": ("0", "train"), "b.png": ("17", "train")}
    assert place.preview().look.classes == ("0", "17")


def test_a_line_without_end_is_refused_before_it_is_read(place):
    with (place.folder / "train.txt").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(BadDataset) as caught:
        listed(place.open("train.txt", layout="list"))
    assert caught.value.code == "list.line-too-long"
    assert place.folder.joinpath("train.txt").stat().st_size == 1 << 30


def test_long_lists_are_estimated(place):
    place.put("a.png").put("train.txt", content="a.png 0\n" * 100_000)
    (count,) = place.preview("train.txt").look.counts
    assert count == SplitCount("train", 100_000, is_exact=False)


def test_names_of_classes_that_are_none_are_refused(place):
    place.put("a.png").put("train.txt", content="a.png 0\n").put("labels.txt", content="cat\n" + "d" * 600 + "\n")
    with pytest.raises(BadDataset) as caught:
        place.open()
    assert caught.value.code == "list.labels"


def test_a_list_beside_class_folders_counts_only_if_its_pictures_are_there(place):
    place.put("cats/1.png", "dogs/2.png").put("train.txt", content="elsewhere/1.png 0\nelsewhere/2.png 1\n")
    assert place.preview().layout == "folders"
    place.put("train.txt", content="cats/1.png 0\ndogs/2.png 1\n")
    assert place.preview().layout == "list"
    assert place.preview(layout="folders").layout == "folders"


@pytest.mark.parametrize("end", range(0, 60, 7))
def test_a_list_cut_anywhere_is_read_as_far_as_it_goes(place, end):
    content = digits_like(place).folder.joinpath("train.txt").read_bytes()[:end]
    place.put("train.txt", content=content)
    assert listed(place.open()).seen >= 2
