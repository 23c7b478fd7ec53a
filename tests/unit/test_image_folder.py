"""Scanning a folder of class folders: accepted, rejected and skipped add up, and nothing outside is read."""

import os

import pytest

from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.core.errors import BadDataset, BadImage
from tenfold.testing.datasets import listed
from tenfold.testing.picture_files import encode, make_photo, write_class_folders

PICTURE = encode(make_photo(8, 8))


def put(root, *paths, content=PICTURE):
    for path in paths:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def classes_and_splits(root, **about):
    return {file.path: (file.class_name, file.split) for file in listed(ImageFolder(root), **about).files}


def test_a_folder_is_a_class_and_deeper_counts_to_it(tmp_path):
    put(tmp_path, "cats/a.png", "cats/tabby/young/b.JPG", "dogs/c.webp")
    assert classes_and_splits(tmp_path) == {
        "cats/a.png": ("cats", None),
        "cats/tabby/young/b.JPG": ("cats", None),
        "dogs/c.webp": ("dogs", None),
    }


def test_names_in_any_script_and_with_odd_characters(tmp_path):
    put(tmp_path, "кошки/рыжая, 1.png", "犬/柴犬.png", "chats é/ça\nva.png", "cafe\u0301/x.png")
    assert {name for name, _ in classes_and_splits(tmp_path).values()} == {"кошки", "犬", "chats é", "café"}


def test_everything_seen_is_accepted_rejected_or_skipped(tmp_path):
    put(
        tmp_path, "a/1.png", "b/2.png", "b/.hidden.png", "b/Thumbs.db", "b/notes.txt", "b/x.heic", "loose.png", "README"
    )
    put(tmp_path, "README", "__MACOSX/a/._1.png", ".git/config")
    os.mkfifo(tmp_path / "b" / "pipe.png")
    bad_name = os.fsencode(tmp_path / "a") + b"/\xff.png"
    with open(bad_name, "wb") as file:  # noqa: PTH123 - a Path cannot hold the name
        file.write(PICTURE)
    listing = listed(ImageFolder(tmp_path))
    assert [file.path for file in listing.files] == ["a/1.png", "b/2.png"]
    assert {file.path: file.code for file in listing.rejected} == {
        "a/\ufffd.png": "file.name",
        "b/x.heic": "image.format",
        "loose.png": "file.no-class",
    }
    assert listing.skipped == {"hidden": 2, "no file": 1, "no picture": 2, "system file": 2}
    assert listing.seen == 12


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Train", "valid"), ("training", "testing")])
def test_split_folders_are_recognised(tmp_path, names):
    for name in names:
        put(tmp_path, f"{name}/cats/1.png", f"{name}/dogs/1.png")
    expected = {"t": "train", "v": "val"}
    found = classes_and_splits(tmp_path)
    for name in names:
        split = "test" if name.startswith("test") else expected[name[0].lower()]
        assert found[f"{name}/cats/1.png"] == ("cats", split)
    assert {split for _, split in classes_and_splits(tmp_path, use_splits=False).values()} == {None}


def test_a_class_may_be_called_train(tmp_path):
    put(tmp_path, "train/1.png", "car/1.png")
    assert classes_and_splits(tmp_path) == {"train/1.png": ("train", None), "car/1.png": ("car", None)}


def test_a_lone_wrapper_is_passed_through_and_told(tmp_path):
    put(tmp_path, "flowers/rose/1.png", "flowers/tulip/1.png", "__MACOSX/x")
    listing = listed(ImageFolder(tmp_path))
    assert {file.class_name for file in listing.files} == {"rose", "tulip"}
    assert listing.notes == ("Classes are read from the folder flowers.",)


def test_links_are_followed_inside_and_refused_outside(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(root, "a/1.png", "b/2.png")
    put(outside, "secret.png", "folder/3.png", "other/4.png")
    (root / "a" / "link.png").symlink_to(root / "b" / "2.png")
    (root / "a" / "out.png").symlink_to(outside / "secret.png")
    (root / "b" / "out").symlink_to(outside / "folder")
    (root / "c").symlink_to(outside / "other")
    (root / "a" / "loop").symlink_to(root)
    (root / "a" / "dangling.png").symlink_to(root / "gone.png")
    listing = listed(ImageFolder(root))
    assert "a/link.png" in {file.path for file in listing.files}
    assert not any("out" in file.path or file.path.startswith("c") for file in listing.files)
    assert {file.path: file.code for file in listing.rejected} == {
        "a/out.png": "file.link-outside",
        "b/out": "folder.link-outside",
        "c": "folder.link-outside",
    }
    assert len(listing.files) < 10
    everything = listed(ImageFolder(root, allowed=tmp_path))
    assert "c/4.png" in {file.path for file in everything.files}


def test_a_file_swapped_for_a_link_is_not_read(tmp_path):
    root = tmp_path / "root"
    put(root, "a/1.png", "b/2.png")
    put(tmp_path, "secret.png")
    source = ImageFolder(root)
    listed(source)
    (root / "a/1.png").unlink()
    (root / "a/1.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(BadImage) as caught:
        source.read("a/1.png")
    assert caught.value.code == "file.link-outside"
    (root / "b/2.png").unlink()
    with pytest.raises(BadImage) as caught:
        source.read("b/2.png")
    assert caught.value.code == "file.vanished"


def test_of_files_outside_nobody_learns_whether_they_are_there(tmp_path):
    root = tmp_path / "root"
    put(root, "a/1.png", "b/2.png")
    put(tmp_path, "secret.png", "folder/3.png")
    source = ImageFolder(root)
    for path in ("../secret.png", "../nope.png", "../folder/3.png", "../nope/3.png", "../secret.png/3.png"):
        with pytest.raises(BadImage) as caught:
            source.read(path)
        assert caught.value.code == "file.link-outside", path


def test_a_class_is_called_as_it_comes_back_from_a_table(tmp_path):
    put(tmp_path, "rose/1.png", "rose /2.png", "Cafe\u0301/3.png", f"{'l' * 201}/4.png")
    listing = listed(ImageFolder(tmp_path))
    assert {file.class_name for file in listing.files} == {"rose", "Caf\u00e9"}
    assert {file.path[:5]: file.code for file in listing.rejected} == {"lllll": "folder.name"}


def test_a_missing_folder_and_one_outside(tmp_path):
    with pytest.raises(BadDataset, match="no such folder"):
        ImageFolder(tmp_path / "gone")
    with pytest.raises(BadDataset, match="outside"):
        ImageFolder(tmp_path, allowed=tmp_path / "inner")


def test_empty_classes_are_mentioned(tmp_path):
    put(tmp_path, "Cat/1.png", "cat/1.png", "dog/1.png")
    (tmp_path / "empty").mkdir()
    assert listed(ImageFolder(tmp_path)).notes == ("The folder empty holds no picture.",)


def test_large_files_are_read_whole(tmp_path):
    write_class_folders(tmp_path, {"a": 1, "b": 1})
    put(tmp_path, "a/big.png", content=bytes(range(256)) * 1000)
    assert ImageFolder(tmp_path).read("a/big.png") == bytes(range(256)) * 1000
