"""Archives are unpacked by our own extractor: files only, inside only, within limits, or nothing at all."""

import io
import os
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.adapters.sources.archives import ArchiveLimits, extract_archive, safe_parts
from tenfold.core.errors import BadArchive, TooLarge

KINDS = ["zip", "tar", "tgz", "tar.bz2", "tar.xz"]
MODES = {"tgz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}


def member(name, content=b"x", **about):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in about.items():
        setattr(info, key, value)
    return info, content


def make_tar(path, *members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


def make_zip(path, entries, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def make(kind, path, entries):
    if kind == "zip":
        return make_zip(path, entries)
    return make_tar(path, *(member(*entry) for entry in entries), mode=MODES.get(kind, "w"))


def refused(archive, destination, **about):
    with pytest.raises((BadArchive, TooLarge)) as caught:
        extract_archive(archive, destination, **about)
    assert not destination.exists()
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_files_come_out_as_they_went_in(tmp_path, kind):
    entries = [("cats/a.png", b"1" * 3000), ("./dogs/é/b.png", b""), ("犬/c d.png", os.urandom(2_000_000))]
    told = []
    done = extract_archive(make(kind, tmp_path / "a", entries), tmp_path / "out", report=told.append)
    assert (done.num_files, done.size_bytes) == (3, 2_003_000)
    assert told[-1] == 2_003_000
    for name, content in entries:
        assert (tmp_path / "out" / name).read_bytes() == content
    assert stat.S_IMODE((tmp_path / "out" / "cats" / "a.png").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/x", "C:/x", "C:x", "a\\..\\x", "..", "a/\x01b", "a/" + "n" * 300, "d/" * 40 + "x"],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, kind, name):
    error = refused(make(kind, tmp_path / "a", [("ok.png", b"1"), (name, b"2")]), tmp_path / "out")
    assert error.code == "archive.unsafe-name"
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


@given(st.text())
def test_a_name_becomes_plain_parts_or_is_refused(name):
    try:
        parts = safe_parts(name)
    except BadArchive:
        return
    assert parts
    assert not {"", ".", ".."} & set(parts)
    assert not any("/" in part or "\\" in part or "\0" in part for part in parts)


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "archive.link"),
        ({"type": tarfile.LNKTYPE, "linkname": "../x"}, "archive.link"),
        ({"type": tarfile.CHRTYPE}, "archive.device"),
        ({"type": tarfile.FIFOTYPE}, "archive.device"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, about, code):
    archive = make_tar(tmp_path / "a", member("ok.png"), member("evil", b"", **about), member("evil/x"))
    assert refused(archive, tmp_path / "out").code == code


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("evil")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert refused(make_zip(tmp_path / "a", [(info, "/etc/passwd")]), tmp_path / "out").code == "archive.link"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "names", [["a.png", "a.png"], ["a/b.png", "./a//b.png"], ["é.png", "e\u0301.png"], ["a", "a/b"], ["a/b", "a"]]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path, kind, names):
    archive = make(kind, tmp_path / "a", [(name, b"x") for name in names])
    assert refused(archive, tmp_path / "out").code == "archive.twice"


def test_an_encrypted_zip_is_named(tmp_path):
    path = make_zip(tmp_path / "a", [("x.png", b"x")])
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert refused(path, tmp_path / "out").code == "archive.encrypted"


@pytest.mark.parametrize("kind", ["zip", "tgz", "tar.bz2", "tar.xz"])
def test_a_bomb_is_stopped_while_it_unpacks(tmp_path, kind):
    archive = make(kind, tmp_path / "a", [("zeros.png", bytes(30_000_000))])
    assert refused(archive, tmp_path / "out", limits=ArchiveLimits(ratio_from=1_000_000)).code == "archive.ratio"
    assert refused(archive, tmp_path / "out", limits=ArchiveLimits(max_bytes=1_000_000)).code == "archive.bytes"


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_files_are_refused(tmp_path, kind):
    archive = make(kind, tmp_path / "a", [(f"{number}.png", b"") for number in range(20)])
    assert refused(archive, tmp_path / "out", limits=ArchiveLimits(max_entries=19)).code == "archive.entries"


def test_headers_of_a_tar_cannot_fill_the_memory(tmp_path):
    info = tarfile.TarInfo("x")
    info.pax_headers = {"comment": "0" * 50_000_000}
    with tarfile.open(tmp_path / "a", "w:gz", format=tarfile.PAX_FORMAT, compresslevel=1) as archive:
        archive.addfile(info, io.BytesIO(b""))
    assert refused(tmp_path / "a", tmp_path / "out").code == "archive.ratio"


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_archive_is_named(tmp_path, kind):
    path = make(kind, tmp_path / "a", [("a.png", os.urandom(50_000)), ("b.png", os.urandom(50_000))])
    whole = path.read_bytes()
    for content in (whole[:-60_000], whole[:20_000] + os.urandom(40_000) + whole[60_000:]):
        path.write_bytes(content)
        if kind == "tar" and len(content) == len(whole):
            continue  # a tar has no checksum of contents
        assert refused(path, tmp_path / "out").code in {"archive.damaged", "archive.format", "archive.unsafe-name"}


@pytest.mark.parametrize("content", [b"", b"text", b"Rar!\x1a\x07\x00", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8bnothing"])
def test_other_files_are_no_archives(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert refused(tmp_path / "a", tmp_path / "out").code in {"archive.format", "archive.damaged"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_leaves_nothing_behind(tmp_path, kind):
    archive = make(kind, tmp_path / "a", [("a.png", b"1"), ("b.png", b"2")])
    answers = iter([False, True])
    assert extract_archive(archive, tmp_path / "out", should_stop=lambda: next(answers)) is None
    assert not (tmp_path / "out").exists()
