"""Sample datasets are fetched from the first place that gives the right bytes, and read as a source of pictures."""

import gzip
import hashlib
import http.server
import io
import os
import socket
import tarfile
import threading
from functools import partial

import numpy as np
import pytest
from full_disk import files_up_to
from PIL import Image

from tenfold.adapters.formats.files.cifar import NAMES_OF_HUNDRED, TEN, open_cifar
from tenfold.adapters.formats.files.idx import FILES, IdxSource
from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.adapters.sources import samples as samples_module
from tenfold.adapters.sources.sample_origins import DebianPackage, Mirror
from tenfold.adapters.sources.samples import ORIGINS, SampleCache
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.sample_data import CIFAR_10, SAMPLE_DATASETS, SampleDataset
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, BadImage, NotFound, StorageFull, Unavailable
from tenfold.testing.datasets import check_sample_source, listed


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape) + array.tobytes()


def contents(train=60, test=20):
    random = np.random.default_rng(0)
    found = {}
    for split, count in (("train", train), ("test", test)):
        images, labels = FILES[split]
        found[images] = idx(random.integers(0, 256, (count, 5, 4), dtype=np.uint8))
        found[labels] = idx(np.arange(count, dtype=np.uint8) % 10)
    return found


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "idx"
    folder.mkdir()
    for name, content in contents().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror on this machine, with MNIST's own files replaced by small ones."""
    small = contents()
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, content in small.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in small.items()}
    sample = SampleDataset(
        name="mnist", title="M", description="", num_pictures=80, download_bytes=1, licence="", md5=md5
    )
    monkeypatch.setattr(samples_module, "SAMPLE_DATASETS", {"mnist": sample})

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_fetched_once_and_checked(tmp_path, mirror):
    folder, address = mirror
    told = []
    cache = SampleCache(tmp_path / "cache", origins={"mnist": (Mirror(address, ".gz"),)})
    fetched = cache.fetch("mnist", report=told.append)
    assert {path.name: path.read_bytes() for path in fetched.iterdir()} == contents()
    assert told == [f"Fetching M from {address}."]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["mnist"]
    for path in folder.iterdir():
        path.unlink()
    assert cache.fetch("mnist", report=told.append) == fetched
    assert len(told) == 1


def test_wrong_bytes_and_dead_mirrors_are_passed_over(tmp_path, mirror):
    folder, address = mirror
    dead = "http://127.0.0.1:9/"
    cache = SampleCache(tmp_path / "cache", origins={"mnist": (Mirror(dead, ".gz"), Mirror(address, ".gz"))})
    assert cache.fetch("mnist", report=str).is_dir()
    (tmp_path / "cache" / "mnist" / FILES["train"][0]).write_bytes(b"damaged")
    (folder / f"{FILES['test'][0]}.gz").write_bytes(gzip.compress(b"other"))
    with pytest.raises(Unavailable) as caught:
        cache.fetch("mnist", report=str)
    for words in (dead, address, "checksum", FILES["train"][0], str(tmp_path / "cache" / "mnist")):
        assert words in caught.value.message


def test_an_unknown_sample(tmp_path):
    with pytest.raises(NotFound, match="there are mnist"):
        SampleCache(tmp_path).fetch("imagenet", report=str)


def test_idx_files_build_with_the_official_test_split(files, tmp_path):
    places = BuildPlaces(work=tmp_path / "work", destination=tmp_path / "out")
    for folder in (places.work, places.destination):
        folder.mkdir()
    source, spec = IdxSource(files), DatasetSpec(validation_share=50)
    manifest = build_revision(source, spec, places, decoder=FastDecoder(), report=lambda *_: None)
    assert manifest.counts == {"train": (3,) * 10, "val": (3,) * 10, "test": (2,) * 10}
    assert (manifest.width, manifest.height, manifest.channels) == (4, 5, 1)
    reader = open_revision(tmp_path / "out")
    raw = np.frombuffer(contents()[FILES["test"][0]][16:], np.uint8).reshape(20, 5, 4)
    for place, item in enumerate(reader.page(SampleFilter(split="test")).items):
        number = int(item.record.path[5:10])
        np.testing.assert_array_equal(reader.pictures("test", np.array([place]))[0, :, :, 0], raw[number])


def test_idx_files_become_png_folders(files, tmp_path):
    assert IdxSource(files).write_class_folders(tmp_path / "png", limit=30) == 30
    assert len(list((tmp_path / "png" / "7").glob("*.png"))) == 3


def test_gzipped_idx_files(files):
    plain = IdxSource(files).read("train/00003.pgm")
    for path in list(files.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert IdxSource(files).read("train/00003.pgm") == plain


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "too short"),
        (b"\0\0\x09\x03" + bytes(20), "unsigned bytes"),
        (idx(np.zeros((60, 5, 4), np.uint8))[:-1], "holds 1199 bytes, not 1200"),
        (idx(np.zeros((59, 5, 4), np.uint8)), "differ in length"),
    ],
)
def test_damaged_idx_files_are_named(files, content, words):
    (files / FILES["train"][0]).write_bytes(content)
    with pytest.raises(BadDataset, match=words):
        IdxSource(files)


def test_a_missing_idx_file_and_picture(files):
    with pytest.raises(BadImage):
        IdxSource(files).read("train/99999.pgm")
    (files / FILES["test"][1]).unlink()
    with pytest.raises(BadDataset, match="missing"):
        IdxSource(files)


def test_a_full_disk_is_told_at_once_and_not_taken_for_a_bad_source(mirror, tmp_path):
    told = []
    cache = SampleCache(tmp_path / "cache", origins={"mnist": (Mirror(mirror[1], ".gz"),) * 2})
    with files_up_to(1000), pytest.raises(StorageFull, match="has no room left: free some"):
        cache.fetch("mnist", report=told.append)
    assert len(told) == 1
    assert list((tmp_path / "cache").iterdir()) == []
    assert cache.fetch("mnist", report=told.append) == tmp_path / "cache" / "mnist"


def test_what_killed_downloads_left_is_cleared_once_it_is_old(mirror, tmp_path):
    cache = SampleCache(tmp_path / "cache", origins={"mnist": (Mirror(mirror[1], ".gz"),)})
    old, young = (tmp_path / "cache" / name for name in (".mnist-old", ".mnist-young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "half").write_bytes(b"x")
    os.utime(old, (1, 1))
    cache.fetch("mnist", report=lambda _text: None)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [".mnist-young", "mnist"]


def cifar_archive(path, *, hundred=False, label=3, count=4):
    """An archive as it is published, with `count` records a file: the label, then red, green and blue planes."""
    planes = np.arange(3, dtype=np.uint8)[:, None, None] * 50 + np.arange(32, dtype=np.uint8)
    record = bytes([7, label] if hundred else [label]) + np.broadcast_to(planes, (3, 32, 32)).astype(np.uint8).tobytes()
    names = (
        ["cifar-100-binary/train.bin", "cifar-100-binary/test.bin"] if hundred else [n for e in TEN.values() for n in e]
    )
    contents = dict.fromkeys(names, record * count)
    if hundred:
        contents[NAMES_OF_HUNDRED] = "\n".join(f"class {number}".replace(" ", "_") for number in range(100)).encode()
    with tarfile.open(path, "w:gz") as opened:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return path


def open_made_cifar(tmp_path, *, hundred=False, **about):
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    archive = cifar_archive(tmp_path / "c.tar.gz", hundred=hundred, **about)
    return open_cifar(archive, work, () if hundred else CIFAR_10.classes)


@pytest.mark.parametrize("hundred", [False, True])
def test_cifar_is_a_source(tmp_path, hundred):
    source = open_made_cifar(tmp_path, hundred=hundred)
    check_sample_source(source, has_splits=True)
    listing = listed(source)
    assert len(listing.files) == (8 if hundred else 24)
    assert {file.class_name for file in listing.files} == {"class_3" if hundred else "cat"}
    pixels = np.asarray(Image.open(io.BytesIO(source.read("train/0/00001.ppm"))))
    assert pixels.shape == (32, 32, 3)
    assert pixels[5, 9].tolist() == [9, 59, 109]


def test_an_archive_that_is_not_cifar_is_named(tmp_path):
    with pytest.raises(BadDataset, match="label 12; there are 10"):
        open_made_cifar(tmp_path, label=12)
    (tmp_path / "b").mkdir()
    archive = cifar_archive(tmp_path / "b" / "c.tar.gz")
    for length in (0, 10, archive.stat().st_size // 2):
        (tmp_path / "b" / "cut").write_bytes(archive.read_bytes()[:length])
        with pytest.raises(BadDataset, match="CIFAR files cannot be used"):
            open_cifar(tmp_path / "b" / "cut", tmp_path / "b", CIFAR_10.classes)
    with tarfile.open(tmp_path / "b" / "links", "w") as opened:
        member = tarfile.TarInfo(TEN["train"][0])
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(member)
    with pytest.raises(BadDataset):
        open_cifar(tmp_path / "b" / "links", tmp_path / "b", CIFAR_10.classes)


def test_a_mirror_that_does_not_answer_is_given_up(tmp_path, mirror, monkeypatch):
    monkeypatch.setattr("tenfold.adapters.sources.sample_origins.ANSWER_WITHIN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dead = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        told = []
        cache = SampleCache(tmp_path / "cache", origins={"mnist": (Mirror(dead, ".gz"), Mirror(mirror[1], ".gz"))})
        assert cache.fetch("mnist", report=told.append).is_dir()
    assert told == [f"Fetching M from {dead}.", f"Fetching M from {mirror[1]}."]


def test_a_file_of_a_mirror_that_ends_too_early_is_passed_over(tmp_path, mirror):
    folder, address = mirror
    path = folder / f"{FILES['train'][0]}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(Unavailable, match="ends too early"):
        SampleCache(tmp_path / "cache", origins={"mnist": (Mirror(address, ".gz"),)}).fetch("mnist", report=str)


def test_a_package_that_cannot_be_had_is_named(tmp_path, mirror):
    origin = DebianPackage("tenfold-has-no-such-package", "usr/share/")
    with pytest.raises(Unavailable, match="the Debian package tenfold-has-no-such-package: "):
        SampleCache(tmp_path / "cache", origins={"mnist": (origin,)}).fetch("mnist", report=str)


def test_every_sample_has_an_origin_and_a_class_for_every_label():
    assert set(ORIGINS) == set(SAMPLE_DATASETS)
    for sample in SAMPLE_DATASETS.values():
        assert len(sample.classes) in {10, 0}
        assert all(len(md5) == 32 for md5 in sample.md5.values())


@pytest.mark.campaign
@pytest.mark.parametrize("name", SAMPLE_DATASETS)
def test_campaign_samples(tmp_path, name):
    """Fetches each in earnest, from the first place that answers; prints what could not be had."""
    told = []
    try:
        SampleCache(tmp_path).fetch(name, report=told.append)
    except Unavailable as error:
        pytest.skip(f"unverified: {error.message}")
    print(f"\n{name}: {told[-1]}")
