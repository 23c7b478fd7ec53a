"""LMDB databases written by the real library, Caffe's Datum, and DIGITS jobs."""

import io
import os
import pickle

import lmdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tenfold.adapters.formats.files.caffe_datum import read_datum
from tenfold.adapters.formats.files.lmdb_file import LmdbFile
from tenfold.core.datasets.layouts import SplitCount
from tenfold.core.errors import BadDataset, BadImage
from tenfold.testing.datasets import check_sample_source, listed
from tenfold.testing.picture_files import encode, make_photo

PHOTO = make_photo(9, 7)


def varint(number):
    out = b""
    number &= 2**64 - 1
    while True:
        number, low = number >> 7, number & 127
        out += bytes([low | (128 if number else 0)])
        if not number:
            return out


def datum(pixels=None, label=0, *, encoded=b"", floats=(), packed=False):
    """A Datum as protobuf writes it: pixels H x W or H x W x 3 in red, green, blue."""
    out = b""
    if pixels is not None:
        chw = pixels[None] if pixels.ndim == 2 else pixels[:, :, ::-1].transpose(2, 0, 1)
        out += b"\x08" + varint(chw.shape[0]) + b"\x10" + varint(chw.shape[1]) + b"\x18" + varint(chw.shape[2])
        if not len(floats):
            out += b"\x22" + varint(chw.size) + chw.tobytes()
    if encoded:
        out += b"\x22" + varint(len(encoded)) + encoded
    if label is not None:
        out += b"\x28" + varint(label)
    values = np.asarray(floats, "<f4").reshape(-1)
    if packed:
        out += b"\x32" + varint(4 * len(values)) + values.tobytes()
    else:
        out += b"".join(b"\x35" + value.tobytes() for value in values)
    return out + (b"\x38\x01" if encoded else b"")


def write_lmdb(folder, entries):
    folder.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=1 << 28) as database, database.begin(write=True) as transaction:
        for key, value in entries.items():
            transaction.put(key, value)


def pixels(source, path):
    return np.asarray(Image.open(io.BytesIO(source.read(path))))


def open_file(folder):
    return os.open(folder / "data.mdb", os.O_RDONLY)


def digits_job(place):
    job = place.folder
    write_lmdb(job / "train_db", {b"%08d_%d" % (n, n % 2): datum(PHOTO, n % 2) for n in range(40)})
    write_lmdb(job / "val_db", {b"%08d_1" % n: datum(None, 1, encoded=encode(PHOTO)) for n in range(5)})
    place.put("labels.txt", content="cat\ndog\n").put("mean.binaryproto", "create_train_db.log", content="x")
    place.put("train.txt", content="/gone/cat/1.jpg 0\n/gone/dog/2.jpg 1\n").put("val.txt", content="/gone/3.jpg 1\n")
    return place.put("status.pickle", content=pickle.dumps(PHOTO))


@pytest.mark.parametrize("sizes", [[], [0], [1, 100, 5000, 100_000], [60] * 3000, [2000] * 700 + [9000] * 20])
def test_every_entry_that_the_library_wrote_is_read(tmp_path, sizes):
    entries = {b"%07d" % (7919 * n % 10**7): os.urandom(size) for n, size in enumerate(sizes)}
    write_lmdb(tmp_path / "db", entries)
    handle = open_file(tmp_path / "db")
    found = LmdbFile(handle, "data.mdb")
    assert list(found.items()) == sorted(entries.items())
    assert found.num_entries == len(entries)
    assert all(found.get(key) == value for key, value in list(entries.items())[:50])
    assert found.get(b"none") is None
    assert found.get(b"") is None
    os.close(handle)


def test_what_was_changed_and_deleted_later_is_seen(tmp_path):
    write_lmdb(tmp_path, {b"%04d" % n: bytes([n % 256]) * 300 for n in range(500)})
    with lmdb.open(str(tmp_path), map_size=1 << 28) as database, database.begin(write=True) as transaction:
        for n in range(0, 500, 2):
            transaction.delete(b"%04d" % n)
        transaction.put(b"0001", b"new")
    handle = open_file(tmp_path)
    found = dict(LmdbFile(handle, "data.mdb").items())
    assert len(found) == 250
    assert found[b"0001"] == b"new"
    os.close(handle)


def test_databases_of_other_kinds_are_refused_by_name(tmp_path):
    with lmdb.open(str(tmp_path / "dup"), map_size=1 << 20, max_dbs=1) as database:
        database.open_db(b"inner", dupsort=True)
    handle = open_file(tmp_path / "dup")
    with pytest.raises(BadDataset) as caught:
        list(LmdbFile(handle, "data.mdb").items())
    assert caught.value.code == "lmdb.format"
    os.close(handle)


def test_a_digits_job_by_its_databases(place):
    preview = digits_job(place).preview()
    assert preview.layout == "digits"
    assert preview.look.counts == (SplitCount("train", 40), SplitCount("val", 5))
    assert preview.look.classes == ("cat", "dog")
    assert any("status.pickle is not opened" in note for note in preview.look.notes)
    source = place.open()
    check_sample_source(source, has_splits=True)
    files = listed(source).files
    assert (files[0].path, files[0].class_name) == ("train_db/00000000_0.ppm", "cat")
    np.testing.assert_array_equal(pixels(source, files[0].path), PHOTO)
    assert source.read("val_db/00000004_1.png") == encode(PHOTO)


def test_a_digits_job_by_its_lists_when_the_databases_are_gone(place):
    place.put("images/cat/1.jpg", "images/dog/2.jpg", "labels.txt", content="cat\ndog\n")
    place.put("train.txt", content=f"{place.folder}/images/cat/1.jpg 0\n").put("status.pickle", content=b"\x80\x04.")
    place.put("val.txt", content="images/dog/2.jpg 1\n")
    assert place.preview().layout == "digits"
    files = {file.path: (file.class_name, file.split) for file in listed(place.open()).files}
    assert files == {"images/cat/1.jpg": ("cat", "train"), "images/dog/2.jpg": ("dog", "val")}


def test_a_digits_job_with_hdf5(place):
    import h5py

    place.put("labels.txt", content="cat\ndog\n")
    for split in ("train", "val"):
        (place.folder / f"{split}_db").mkdir()
        place.put(f"{split}_db/list.txt", content="0.h5\n")
        with h5py.File(place.folder / f"{split}_db/0.h5", "w") as file:
            file["data"] = PHOTO.transpose(2, 0, 1)[None].astype(np.float32)
            file["label"] = np.array([1.0], np.float32)
    source = place.open()
    assert {(file.class_name, file.split) for file in listed(source).files} == {("dog", "train"), ("dog", "val")}
    np.testing.assert_array_equal(pixels(source, listed(source).files[0].path), PHOTO)


def test_one_database_chosen_by_folder_or_file(place):
    digits_job(place)
    for path in ("train_db", "train_db/data.mdb"):
        assert place.preview(path).layout == "lmdb"
        assert {file.class_name for file in listed(place.open(path)).files} == {"0", "1"}


def test_fractions_grey_alpha_and_keys_of_any_bytes(place):
    grey = PHOTO[:, :, 0]
    entries = {
        b"a/b\xff\n": datum(grey, 3),
        b"f1": datum(grey, 1, floats=grey / 255),
        b"f2": datum(grey, 2, floats=grey / 255, packed=True),
    }
    write_lmdb(place.folder, entries)
    source = place.open()
    files = {file.class_name: file.path for file in listed(source).files}
    assert files["3"] == "data.mdb/a%2Fb%FF%0A.pgm"
    for path in files.values():
        np.testing.assert_array_equal(pixels(source, path), grey)


def test_entries_that_are_none_are_rejected_by_key(place):
    good = datum(PHOTO, 0)
    entries = {
        b"1": good,
        b"2": b"",
        b"3": os.urandom(500),
        b"4": good[:-3],
        b"5": datum(PHOTO, None),
        b"6": datum(PHOTO, 9),
        b"7": datum(PHOTO, -1),
        b"8": good.replace(b"\x08\x03", b"\x08\x09", 1),
    }
    write_lmdb(place.folder, entries)
    place.put("labels.txt", content="cat\ndog\n")
    source = place.open()
    listing = listed(source)
    assert [file.path for file in listing.files] == ["data.mdb/1.ppm", "data.mdb/8.png"]
    codes = {each.path[-1]: each.code for each in listing.rejected}
    assert codes.pop("3") in {"datum.damaged", "list.no-label", "list.label"}
    assert codes == {
        "2": "datum.damaged",
        "4": "datum.damaged",
        "5": "list.no-label",
        "6": "list.label",
        "7": "list.label",
    }
    with pytest.raises(BadImage):
        source.read("data.mdb/8.png")
    for path in ("data.mdb/none.ppm", "data.mdb/1", "other/1.ppm"):
        with pytest.raises(BadImage):
            source.read(path)


def test_a_database_cut_at_every_tenth_of_a_page_is_a_named_error(place):
    write_lmdb(place.folder / "db", {b"%04d" % n: datum(PHOTO, n % 2) for n in range(60)})
    whole = (place.folder / "db/data.mdb").read_bytes()
    for end in range(0, len(whole) - 4096, 410):
        place.put("db/data.mdb", content=whole[:end])
        with pytest.raises(BadDataset) as caught:
            listed(place.open("db"))
        assert caught.value.code in {"lmdb.damaged", "lmdb.format"}


def test_a_database_with_any_byte_changed_is_read_or_named(place):
    write_lmdb(place.folder / "db", {b"%04d" % n: datum(PHOTO, n % 2) for n in range(30)})
    whole = (place.folder / "db/data.mdb").read_bytes()
    for at in [*range(0, 200), *range(4096, 4300), *range(8192, len(whole), 61)]:
        place.put("db/data.mdb", content=whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        try:
            source = place.open("db")
            source.look()
            for file in listed(source).files[:3]:
                source.read(file.path)
        except (BadDataset, BadImage) as error:
            assert error.code.startswith(("lmdb.", "datum.", "file.", "image."))  # noqa: PT017 - some do no harm


def test_pages_that_lead_in_circles_end(place):
    write_lmdb(place.folder / "db", {b"%04d" % n: bytes(1000) for n in range(100)})
    path = place.folder / "db/data.mdb"
    content = bytearray(path.read_bytes())
    root = int.from_bytes(content[4096 + 128 : 4096 + 136], "little")
    first = root * 4096 + int.from_bytes(content[root * 4096 + 16 : root * 4096 + 18], "little")
    content[first : first + 4] = root.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(BadDataset, match="circles"):
        listed(place.open("db"))


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_datums(content):
    try:
        found = read_datum(content)
        found.pixels()
    except BadImage as error:
        assert error.code in {"datum.damaged", "image.channels"}  # noqa: PT017 - some bytes are a datum
