"""Pictures in arrays: IDX, NumPy and HDF5, what their arrays are called, their axes and ranges, and damage."""

import gzip
import io
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image

from tenfold.core.datasets.layouts import SplitCount
from tenfold.core.errors import BadDataset, BadImage
from tenfold.testing.datasets import check_sample_source, listed

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 5, 4), np.uint8)
RGB = RANDOM.integers(0, 256, (6, 5, 4, 3), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def idx(array):
    kinds = {"u1": 8, "i2": 0x0B, "f4": 0x0D}
    head = bytes([0, 0, kinds[array.dtype.str[1:]], array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def pixels(source, path):
    return np.asarray(Image.open(io.BytesIO(source.read(path))))


def write_hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("__", "/")] = array


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("stem", ["{}-images-idx3-ubyte", "emnist-letters-{}-images.idx3-ubyte"])
def test_idx_pairs_of_any_name(place, stem, packed):
    for split, count in (("train", 6), ("t10k" if stem.startswith("{") else "test", 3)):
        for role, array in (("images", GREY[:count]), ("labels", LABELS[:count].astype(np.uint8))):
            name = stem.format(split).replace("images", role).replace("idx3", f"idx{array.ndim}")
            content = idx(array)
            place.put(name + ".gz" * packed, content=gzip.compress(content) if packed else content)
    assert place.preview().layout == "idx"
    assert set(place.preview().look.counts) == {SplitCount("train", 6), SplitCount("test", 3)}
    source = place.open()
    check_sample_source(source, has_splits=True)
    files = listed(source).files
    assert [file.class_name for file in files if file.split == "train"] == ["0", "1", "2", "0", "1", "2"]
    first = next(file for file in files if file.split == "train")
    np.testing.assert_array_equal(pixels(source, first.path), GREY[0])


def test_fashion_mnist_is_known_by_its_folder_and_names_by_a_file(place):
    for role, array in (("images-idx3", GREY), ("labels-idx1", LABELS.astype(np.uint8))):
        place.put(f"fashion-mnist/train-{role}-ubyte", content=idx(array))
    assert {file.class_name for file in listed(place.open("fashion-mnist")).files} == {
        "T-shirt/top",
        "Trouser",
        "Pullover",
    }
    place.put("fashion-mnist/labels.txt", content="a\nb\n")
    listing = listed(place.open("fashion-mnist"))
    assert ({file.class_name for file in listing.files}, len(listing.rejected)) == ({"a", "b"}, 2)


def test_npz_as_keras_has_it(place):
    place.put("mnist.npz", content=npz(x_train=GREY, y_train=LABELS, x_test=GREY[:2], y_test=LABELS[:2]))
    source = place.open("mnist.npz")
    check_sample_source(source, has_splits=True)
    assert [(f.path, f.class_name, f.split) for f in listed(source).files][:2] == [
        ("mnist.npz/x_test/0000000.pgm", "0", "test"),
        ("mnist.npz/x_test/0000001.pgm", "1", "test"),
    ]
    np.testing.assert_array_equal(pixels(source, "mnist.npz/x_train/0000005.pgm"), GREY[5])


@pytest.mark.parametrize(
    ("pictures", "labels", "classes"),
    [
        (GREY, LABELS.astype(np.float64), "012012"),
        (GREY, LABELS[:, None], "012012"),
        (GREY, np.eye(3)[LABELS], "012012"),
        (GREY, np.array(list("abcabc")), "abcabc"),
        (GREY, np.array(list("abcabc"), "S"), "abcabc"),
        (GREY, LABELS.astype(bool), "011011"),
    ],
)
def test_labels_of_any_kind(place, pictures, labels, classes):
    place.put("a.npz", content=npz(images=pictures, labels=labels))
    assert "".join(file.class_name for file in listed(place.open()).files) == classes


def test_labels_that_are_none_are_rejected_and_counted(place):
    labels = np.array([0.5, np.nan, 1, -1, 7, 2])
    place.put("a.npz", content=npz(data=GREY, target=labels, class_names=np.array(["u", "v", "w"])))
    listing = listed(place.open())
    assert [(file.path[-5], file.class_name) for file in listing.files] == [("2", "v"), ("5", "w")]
    assert [each.code for each in listing.rejected] == ["list.label"] * 4


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (GREY.astype(np.int64), GREY),
        (GREY / np.float32(255), GREY),
        (GREY.astype(np.float32), GREY),
        (GREY.astype(np.uint16) * 257, GREY.astype(np.int64) * 257),
        (GREY > 127, (GREY > 127) * 255),
        (GREY % 17, GREY % 17),
        ((GREY % 16).astype(np.float64), (GREY % 16) * 17),
        (GREY.reshape(6, 20)[:, :16], GREY.reshape(6, 20)[:, :16].reshape(6, 4, 4)),
        (GREY[..., None], GREY),
        (GREY[:, None], GREY),
        (RGB, RGB),
        (RGB.transpose(0, 3, 1, 2), RGB),
        (np.asfortranarray(RGB), RGB),
        (RGB.transpose(0, 3, 1, 2)[:, :, :4].reshape(6, 48), RGB[:, :4]),
        (np.concatenate([RGB, RGB[..., :1]], axis=3), np.concatenate([RGB, RGB[..., :1]], axis=3)),
    ],
)
def test_axes_and_ranges(place, stored, shown):
    place.put("x.npy", content=npy(stored)).put("y.npy", content=npy(LABELS))
    source = place.open()
    for number, file in enumerate(listed(source).files):
        np.testing.assert_array_equal(pixels(source, file.path), shown[number])


def test_ranges_are_one_over_all_splits_and_said(place):
    train, test = np.array([[[-2.0, 6.0]]]), np.array([[[0.0, 1.0]]])
    one = np.array([0])
    place.put("a.npz", content=npz(x_train=train, y_train=one, x_test=test, y_test=one))
    source = place.open()
    assert "Values from -2 to 6 are stored as 0 to 65535." in listed(source).notes
    np.testing.assert_array_equal(pixels(source, "a.npz/x_test/0000000.pgm"), [[16384, 24576]])


def test_pictures_that_are_no_numbers_are_named(place):
    bad = GREY / 255
    bad[3, 0, 0] = np.nan
    place.put("a.npz", content=npz(x=bad, y=LABELS))
    source = place.open()
    files = listed(source).files
    assert source.read(files[2].path)
    with pytest.raises(BadImage) as caught:
        source.read(files[3].path)
    assert caught.value.code == "image.not-finite"


def test_hdf5_as_digits_has_it(place):
    first = RGB.transpose(0, 3, 1, 2).astype(np.float32)
    write_hdf5(place.folder / "0.h5", data=first, label=LABELS.astype(np.float32))
    write_hdf5(place.folder / "6.h5", data=first[:2], label=LABELS[:2].astype(np.float32))
    preview = place.preview()
    assert (preview.layout, sum(count.count for count in preview.look.counts)) == ("hdf5", 8)
    source = place.open()
    check_sample_source(source, has_splits=False)
    np.testing.assert_array_equal(pixels(source, "0.h5/data/0000004.ppm"), RGB[4])
    np.testing.assert_array_equal(pixels(source, "6.h5/data/0000001.ppm"), RGB[1])


def test_hdf5_with_a_group_a_split_and_texts(place):
    texts = np.array([b"cat", b"dog"], object)
    with h5py.File(place.folder / "a.hdf5", "w") as file:
        for split, count in (("train", 6), ("val", 2)):
            file.create_dataset(f"{split}/images", data=GREY[:count], chunks=(1, 5, 4), compression="gzip")
            file[f"{split}/labels"] = LABELS[:count] % 2
        file.create_dataset("class_names", data=texts, dtype=h5py.string_dtype())
    listing = listed(place.open())
    assert [file.class_name for file in listing.files if file.split == "val"] == ["cat", "dog"]
    assert len(listing.files) == 8


@pytest.mark.parametrize("kind", ["link", "storage", "virtual"])
def test_hdf5_that_leads_to_other_files_is_refused(place, kind, tmp_path):
    other = tmp_path / "other.h5"
    write_hdf5(other, data=GREY, label=LABELS)
    with h5py.File(place.folder / "a.h5", "w") as file:
        file["label"] = LABELS
        if kind == "link":
            file["data"] = h5py.ExternalLink(str(other), "data")
        elif kind == "storage":
            file.create_dataset("data", (6, 5, 4), "u1", external=[(str(tmp_path / "raw"), 0, 120)])
        else:
            layout = h5py.VirtualLayout((6, 5, 4), "u1")
            layout[:] = h5py.VirtualSource(str(other), "data", (6, 5, 4))
            file.create_virtual_dataset("data", layout)
    with pytest.raises(BadDataset) as caught:
        place.open("a.h5")
    assert caught.value.code == "hdf5.external"


def test_bombs_are_refused_before_they_are_unpacked(place):
    with h5py.File(place.folder / "a.h5", "w") as file:
        file.create_dataset("data", (10**6, 1000, 1000), "f4", chunks=True)
        file["label"] = LABELS
    place.put("b/train-images-idx3-ubyte.gz", content=gzip.compress(bytes([0, 0, 8, 3]) + b"\xff\xff\xff\xff" * 3))
    place.put("b/train-labels-idx1-ubyte", content=idx(LABELS.astype(np.uint8)))
    with zipfile.ZipFile(place.folder / "c.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy(np.zeros((200, 1000, 1000), np.uint8)))
        archive.writestr("y.npy", npy(np.zeros(200)))
    for path in ("a.h5", "b", "c.npz"):
        with pytest.raises(BadDataset) as caught:
            place.open(path)
        assert caught.value.code.endswith("bomb"), path
    assert list(place.work.iterdir()) == []


def test_python_objects_are_never_read(place):
    place.put("a.npz", content=npz(x=np.array([{"a": 1}], object), y=np.array([1])))
    place.put("b.npy", content=npy(np.array([print], object)))
    for path in ("a.npz", "b.npy"):
        with pytest.raises(BadDataset, match="Python objects"):
            place.open(path)


def test_numbers_that_differ_and_names_that_say_nothing_are_named(place):
    place.put("a.npz", content=npz(x=GREY, y=LABELS[:5]))
    place.put("b.npz", content=npz(one=GREY, two=LABELS, three=LABELS))
    place.put("c.npz", content=npz(arr_0=GREY, arr_1=LABELS))
    place.put("d.npz", content=npz(x=np.zeros((6, 5, 4, 9)), y=LABELS))
    for path, code in (("a.npz", "arrays.length"), ("b.npz", "arrays.none"), ("d.npz", "arrays.shape")):
        with pytest.raises(BadDataset) as caught:
            place.open(path)
        assert caught.value.code == code
    assert len(listed(place.open("c.npz")).files) == 6


def _files():
    small, labels = GREY[:2, :2, :2], LABELS[:2]
    buffer = io.BytesIO()
    write_hdf5(buffer, data=small, label=labels)
    return {"a.npz": npz(x=small, y=labels), "a.h5": buffer.getvalue()}


@pytest.mark.parametrize("name", ["a.npz", "a.h5"])
def test_files_cut_at_every_tenth_byte_are_named_errors(place, name):
    whole = _files()[name]
    for end in range(0, len(whole) - 1, 10):
        place.put(name, content=whole[:end])
        with pytest.raises(BadDataset):
            listed(place.open(name))


@pytest.mark.parametrize("packed", [False, True])
def test_idx_and_npy_cut_at_every_tenth_byte_are_named_errors(place, packed):
    labels = idx(LABELS.astype(np.uint8))
    place.put("train-labels-idx1-ubyte", content=labels).put("y.npy", content=npy(LABELS))
    content, suffix = (gzip.compress(idx(GREY)), ".gz") if packed else (idx(GREY), "")
    for end in range(0, len(content), 10):
        place.put(f"train-images-idx3-ubyte{suffix}", content=content[:end])
        with pytest.raises(BadDataset):
            listed(place.open(layout="idx"))
    for end in range(0, len(npy(GREY)), 10):
        place.put("x.npy", content=npy(GREY)[:end])
        with pytest.raises(BadDataset):
            listed(place.open(layout="arrays"))


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "x.npy"])
def test_files_with_any_byte_changed_are_read_or_named(place, name):
    whole = npy(GREY[:2]) if name == "x.npy" else _files()[name]
    place.put("y.npy", content=npy(LABELS[:2]))
    for at in range(0, len(whole), 17):
        place.put(name, content=whole[:at] + bytes([whole[at] ^ 0xA5]) + whole[at + 1 :])
        for stale in place.work.iterdir():
            stale.unlink()
        try:
            source = place.open("" if name == "x.npy" else name, layout="hdf5" if name == "a.h5" else "arrays")
            for file in listed(source).files:
                source.read(file.path)
        except (BadDataset, BadImage) as error:
            assert error.code != "internal"  # noqa: PT017 - some changes do no harm
