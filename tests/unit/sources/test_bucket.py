"""A bucket as a source: listed page by page, read by many requests, guarded, and honest about what fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bucket_server import ACCESS, SECRET, BucketServer, bucket_server

from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.adapters.sources.bucket import BucketSource
from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.core.datasets.ports import Note, Skipped, SourceFile
from tenfold.core.datasets.remote import BucketPlace, Credentials, bucket_place
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, BadImage, Forbidden, InvalidFields, Unavailable
from tenfold.testing.datasets import check_sample_source, listed
from tenfold.testing.picture_files import encode, make_photo

KEYS = Credentials(ACCESS, SECRET)


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    with bucket_server() as started:
        yield started


def source(server: BucketServer, address: str) -> BucketSource:
    place = bucket_place({"bucket": address, "endpoint": server.endpoint})
    return BucketSource(place, KEYS, NetGuard([server.host]))


@pytest.fixture(scope="module")
def flowers(server: BucketServer) -> BucketServer:
    """Two classes of photos, and beside them what buckets have."""
    pictures = {f"sets/flowers/{name}/{n}.jpg": photo(n) for name in ("rose", "tulip") for n in range(8)}
    odd = {
        "sets/flowers/rose/": b"",
        "sets/flowers/rose/notes.txt": b"x",
        "sets/flowers/rose/torn.jpg": b"no picture",
        "sets/flowers/rose/void.jpg": b"",
        "sets/flowers/rose/phone.heic": b"x",
        "sets/flowers/.cache/a.jpg": b"x",
        "sets/flowers/lost.jpg": b"x",
        "sets/flowers/tulip/a\x07b.jpg": b"x",
        "other/x/1.jpg": photo(0),
    }
    server.put("garden", {**pictures, **odd})
    return server


def photo(seed: int) -> bytes:
    return encode(make_photo(64, 48, seed=seed), "JPEG")


def test_a_bucket_is_a_source(server: BucketServer) -> None:
    server.put("plain", {f"{name}/{n}.jpg": photo(n) for name in "ab" for n in range(3)})
    check_sample_source(source(server, "s3://plain"), has_splits=False)


def test_everything_in_it_is_taken_skipped_or_named(flowers: BucketServer) -> None:
    found = listed(source(flowers, "s3://garden/sets/flowers"))
    assert len(found.files) == 17
    assert {each.class_name for each in found.files} == {"rose", "tulip"}
    assert {each.path: each.code for each in found.rejected} == {
        "rose/void.jpg": "image.empty",
        "rose/phone.heic": "image.format",
        "lost.jpg": "file.no-class",
        "tulip/a\ufffdb.jpg": "file.name",
    }
    counted = list(source(flowers, "s3://garden/sets/flowers").finds())
    assert sum(each.count for each in counted if isinstance(each, Skipped)) == 3
    assert len(counted) == 24


def test_a_wrapper_is_passed_through_and_splits_are_known(server: BucketServer) -> None:
    keys = [f"export/{split}/{name}/{n}.png" for split in ("Train", "val") for name in "ab" for n in range(2)]
    server.put("wrapped", dict.fromkeys(keys, photo(1)))
    finds = list(source(server, "s3://wrapped").finds())
    assert [each.text for each in finds if isinstance(each, Note)] == ["Classes are read from the folder export."]
    files = [each for each in finds if isinstance(each, SourceFile)]
    assert {each.split for each in files} == {"train", "val"}
    assert {each.class_name for each in files} == {"a", "b"}
    without = source(server, "s3://wrapped").finds(use_splits=False)
    assert {each.split for each in without if isinstance(each, SourceFile)} == {None}


def test_a_listing_of_many_pages_is_a_stream(server: BucketServer) -> None:
    server.put("many", {f"{name}/{n:04d}.jpg": b"x" for name in "ab" for n in range(15)})
    place = bucket_place({"bucket": "s3://many", "endpoint": server.endpoint})
    found = BucketSource(place, KEYS, NetGuard([server.host]), page_size=20)
    asked: list[str] = []
    call = found._call
    found._call = lambda method, **about: asked.append(str(about.get("ContinuationToken", ""))) or call(method, **about)
    finds = found.finds()
    next(finds)
    first = len(asked)
    assert len(asked) == first
    assert len(list(finds)) == 29
    assert len(asked) == first + 1, "the second page is asked for when the first is used up"


def test_a_revision_is_built_of_it_and_what_fails_is_named(flowers: BucketServer, tmp_path: Path) -> None:
    work, destination = tmp_path / "work", tmp_path / "revision"
    work.mkdir()
    destination.mkdir()
    manifest = build_revision(
        source(flowers, "s3://garden/sets/flowers/"),
        DatasetSpec(width=32, height=32),
        BuildPlaces(work=work, destination=destination),
        decoder=PillowDecoder(),
        report=lambda _done, _total: None,
        threads=2,
    )
    assert manifest is not None
    assert (manifest.classes, manifest.num_samples) == (("rose", "tulip"), 16)
    assert manifest.rejected_by_code["image.format"] == 2
    assert manifest.seen == 16 + 5 + 3


def test_an_object_that_is_gone_is_one_rejected_file(flowers: BucketServer) -> None:
    opened = source(flowers, "s3://garden/sets/flowers")
    assert opened.read("rose/0.jpg") == photo(0)
    with pytest.raises(BadImage) as error:
        opened.read("rose/never.jpg")
    assert error.value.code == "file.vanished"


def test_a_bucket_that_is_not_there_is_named(server: BucketServer) -> None:
    with pytest.raises(BadDataset, match="There is no bucket nowhere-at-all"):
        list(source(server, "s3://nowhere-at-all").finds())


def test_a_server_that_does_not_answer_ends_the_import() -> None:
    place = BucketPlace("any", "", "http://127.0.0.1:9")
    with pytest.raises(Unavailable) as error:
        list(BucketSource(place, KEYS, NetGuard(["127.0.0.1"])).finds())
    assert error.value.code == "bucket.unavailable"


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9000", "http://localhost:9000", "http://169.254.169.254", "http://[::1]:9000"]
)
def test_an_internal_endpoint_is_refused_unless_it_is_allowed(endpoint: str) -> None:
    with pytest.raises(Forbidden) as error:
        BucketSource(BucketPlace("any", "", endpoint), KEYS, NetGuard())
    assert error.value.code == "url.internal"


def test_connections_go_to_what_was_checked_and_names_are_checked_each_time(flowers: BucketServer) -> None:
    """A name that is public when it is looked at, and internal when it is asked."""
    answers = [["93.184.215.14"]]

    def resolve(_host: str, _port: int) -> list[str]:
        return answers.pop() if answers else ["127.0.0.1"]

    port = flowers.endpoint.rpartition(":")[2]
    place = BucketPlace("garden", "", f"http://bucket.example:{port}")
    rebound = BucketSource(place, KEYS, NetGuard(resolve=resolve))
    with pytest.raises(Unavailable, match="own network"):
        list(rebound.finds())


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"bucket": ""}, "bucket"),
        ({"bucket": "s3://a"}, "bucket"),
        ({"bucket": "https://host/bucket"}, "bucket"),
        ({"bucket": "s3://two..dots"}, "bucket"),
        ({"bucket": "s3://fine/with space"}, "bucket"),
        ({"bucket": "s3://fine", "endpoint": "minio:9000"}, "endpoint"),
        ({"bucket": "s3://fine", "endpoint": "ftp://minio"}, "endpoint"),
        ({"bucket": "s3://fine", "endpoint": "http://key:secret@minio"}, "endpoint"),
        ({"bucket": "s3://fine", "region": "somewhere else"}, "region"),
    ],
)
def test_a_place_that_is_none_is_named(asked: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidFields) as error:
        bucket_place(asked)
    assert [problem.field for problem in error.value.problems] == [field]


def test_a_key_is_not_shown() -> None:
    assert SECRET not in repr(KEYS)
    assert SECRET not in str(KEYS)
