"""Hostile and odd picture files through every way in: each is kept or named, alike whichever way it came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from bucket_server import BucketServer, bucket_server
from loopback_web import web

from tenfold.testing.picture_files import encode, make_photo

from .importing import Importer, Outcome, nothing_written
from .pictures import KEPT, Hostile, long_forms, pictures
from .ways import LOCAL_WAYS, Files, bucket, folder, pages

VALUES = {"width": 32, "height": 32, "colour": "rgb", "smallest_side": 1, "largest_side": 100_000}
MOST_MIB = 1500
MOST_CPU_S = 10.0
EMPTY = {"datum.damaged": "image.empty"}
GOOD = {f"{'ab'[number % 2]}/good-{number}.png": encode(make_photo(8, 8, seed=number)) for number in range(20)}


def spread(pictures: dict[str, Hostile]) -> dict[str, bytes]:
    """The pictures in two classes, among good ones."""
    return GOOD | {f"{'ab'[number % 2]}/{name}": each.content for number, (name, each) in enumerate(pictures.items())}


def few() -> dict[str, Hostile]:
    return {name: each for number, (name, each) in enumerate(pictures().items()) if number % 7 == 0 or "bomb" in name}


def verdict(found: Outcome) -> tuple[Counter[str], Counter[str]]:
    """The pixels of what was kept and the codes of what was rejected, whatever the files were called."""
    return Counter(found.kept.values()), Counter(EMPTY.get(code, code) for _, code in found.rejected)


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    with bucket_server() as started:
        yield started


@pytest.fixture(scope="module")
def expected(importer: Importer) -> tuple[Counter[str], Counter[str]]:
    """What becomes of a few of them, from a folder."""
    return verdict(import_folder(importer, "few", spread(few())))


def import_folder(importer: Importer, name: str, files: Files) -> Outcome:
    found = importer.run(folder(importer, importer.home / "sources" / name, files), **VALUES)
    assert found.code == "", found.message
    assert found.seen == len(files)
    return found


def fates(found: Outcome) -> dict[str, str]:
    """By the name of a file what became of it."""
    codes = {path.partition("/")[2]: code for path, code in found.rejected}
    return codes | {path.partition("/")[2]: KEPT for path in found.kept}


def test_each_hostile_file_is_kept_or_named(importer: Importer) -> None:
    files = spread(pictures())
    source = folder(importer, importer.home / "sources" / "all", files)
    with nothing_written(importer):
        found = importer.run(source, **VALUES)
    assert (found.code, found.seen) == ("", len(files))
    came_to = fates(found)
    wrong = {name: (came_to[name], each.fate) for name, each in pictures().items() if not each.allows(came_to[name])}
    assert wrong == {}
    assert all(came_to[path.partition("/")[2]] == KEPT for path in GOOD)
    assert found.peak_mib < MOST_MIB
    print(f"\n{len(pictures())} hostile files, {found.num_rejected} named, in {found.cpu_s:.1f} s of one processor")


@pytest.mark.parametrize("way", [way for way in LOCAL_WAYS if way != "server folder"])
def test_every_way_in_judges_alike(importer: Importer, way: str, expected: tuple[Counter[str], Counter[str]]) -> None:
    root = importer.home / "sources" / way.replace(" ", "-")
    source = LOCAL_WAYS[way](importer, root, spread(few()))
    with nothing_written(importer):
        found = importer.run(source, **VALUES)
    assert found.code == "", found.message
    assert verdict(found) == expected
    assert found.peak_mib < MOST_MIB


def test_a_bucket_judges_alike(
    importer: Importer, server: BucketServer, expected: tuple[Counter[str], Counter[str]]
) -> None:
    found = importer.run(bucket(importer, server, "hostile", spread(few())), **VALUES)
    assert found.code == "", found.message
    assert verdict(found) == expected


def test_a_web_index_judges_alike(importer: Importer, expected: tuple[Counter[str], Counter[str]]) -> None:
    with web(pages(spread(few()))) as (address, _):
        host = address.removeprefix("http://")
        found = importer.run({"url": f"{address}/set/", "internal_hosts": [host], "web": True}, **VALUES)
    assert found.code == "", found.message
    assert verdict(found) == expected


def test_files_in_place_are_judged_when_they_are_packed(
    importer: Importer, expected: tuple[Counter[str], Counter[str]]
) -> None:
    source = folder(importer, importer.home / "sources" / "in-place", spread(few()))
    with nothing_written(importer):
        registered = importer.run(source, packed="later", storage="in place", **VALUES)
        assert (registered.code, len(registered.kept)) == ("", len(spread(few())))
        name = registered.staged.rpartition("/")[2]
        packed = importer.run({}, registered=name, storage="in place", **VALUES)
    assert packed.code == "", packed.message
    assert verdict(packed) == expected


def test_added_files_are_judged_alike(importer: Importer, expected: tuple[Counter[str], Counter[str]]) -> None:
    seeds = {path: content for path, content in GOOD.items() if path.endswith(("-0.png", "-1.png", "-2.png", "-3.png"))}
    first = import_folder(importer, "first", seeds)
    more = {path: content for path, content in spread(few()).items() if path not in seeds}
    source = folder(importer, importer.home / "sources" / "more", more)
    found = importer.run(source, parent=first.staged.rpartition("/")[2], **VALUES)
    assert found.code == "", found.message
    there = found.skipped.get("in the dataset already", 0)
    assert found.seen == len(spread(few()))
    assert len(found.kept) + there == sum(expected[0].values())
    assert verdict(found)[1] == expected[1]


@pytest.mark.campaign
def test_campaign_hostile_pictures(importer: Importer, server: BucketServer) -> None:
    """Every file through every way, and each of the long ones alone: its time and memory are told."""
    files = spread(pictures())
    everything = verdict(import_folder(importer, "everything", files))
    for way, offer in LOCAL_WAYS.items():
        found = importer.run(
            offer(importer, importer.home / "sources" / f"every-{way}".replace(" ", "-"), files), **VALUES
        )
        assert verdict(found) == everything, way
        print(f"\n{way}: {len(files)} files in {found.seconds:.1f} s", end="")
    assert verdict(importer.run(bucket(importer, server, "everything", files), **VALUES)) == everything
    with web(pages(files)) as (address, _):
        source = {"url": f"{address}/set/", "internal_hosts": [address.removeprefix("http://")], "web": True}
        assert verdict(importer.run(source, **VALUES)) == everything
    print(f"\n{len(files)} files by {len(LOCAL_WAYS) + 2} ways")
    for name, each in {**pictures(), **long_forms()}.items():
        if len(each.content) < 20_000 and "bomb" not in name:
            continue
        found = import_folder(importer, f"alone-{name}", GOOD | {f"a/{name}": each.content})
        assert each.allows(fates(found)[name]), (name, fates(found)[name])
        print(f"{name}: {fates(found)[name]}, {found.cpu_s:.1f} s, peak so far {found.peak_mib} MiB")
        assert found.cpu_s < MOST_CPU_S, name
        assert found.peak_mib < MOST_MIB, name
