"""Files that people send: named, received in parts, broken off, gone on with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from anyio import create_task_group
from anyio.from_thread import start_blocking_portal
from full_disk import files_up_to
from hypothesis import given
from hypothesis import strategies as st

from tenfold.adapters.storage.uploads import FolderUploads
from tenfold.core.datasets.uploads import PIECE_BYTES, PieceDigest, SentFile, Upload, UploadPlan, plan_upload
from tenfold.core.errors import Conflict, Invalid, NotFound, StorageFull, TooLarge

FILES = {"cats/1.jpg": b"first", "cats/empty": b"", "dogs/2.jpg": b"the second", "readme.txt": b"x"}
WHOLE = b"".join(FILES.values())


def plan_of(files: Mapping[str, bytes]) -> UploadPlan:
    return plan_upload([SentFile(path, len(content)) for path, content in files.items()])


async def in_blocks(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


async def then_broken(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
    raise ConnectionResetError


def append(uploads: FolderUploads, id: str, offset: int, *blocks: bytes, digest: str = "") -> Upload:
    return appended(uploads, id, offset, in_blocks(*blocks), digest=digest)


def appended(uploads: FolderUploads, id: str, offset: int, blocks: AsyncIterator[bytes], *, digest: str = "") -> Upload:
    """Appends on a thread of its own: this one may have a loop already."""

    async def run() -> Upload:
        return await uploads.append(id, offset, blocks, digest=digest)

    with start_blocking_portal() as portal:
        return portal.call(run)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def digest_of(content: bytes) -> str:
    """The digest as it is defined, in other words than the program's."""
    pieces = [content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES)]
    return hashlib.sha256(b"".join(hashlib.sha256(piece).digest() for piece in pieces)).hexdigest()


def test_files_come_as_one_stream_and_lie_at_their_paths(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    begun = uploads.begin("usr_a", plan_of(FILES))
    assert (begun.offset, begun.size_bytes, begun.num_files, begun.name) == (0, len(WHOLE), 4, "4 files")
    half = append(uploads, begun.id, 0, WHOLE[:3], WHOLE[3:7])
    assert (half.offset, half.is_complete) == (7, False)
    whole = append(uploads, begun.id, 7, WHOLE[7:], digest=digest_of(WHOLE))
    assert (whole.offset, whole.digest) == (len(WHOLE), digest_of(WHOLE))
    assert contents(uploads.path(begun.id)) == FILES
    assert FolderUploads(tmp_path).get(begun.id) == whole


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_another_server_goes_on_at_any_byte(tmp_path: Path, cut: int) -> None:
    first = FolderUploads(tmp_path)
    begun = first.begin("usr_a", plan_of(FILES))
    if cut:
        with pytest.raises(ConnectionResetError):
            appended(first, begun.id, 0, then_broken(WHOLE[:cut]))
    second = FolderUploads(tmp_path)
    assert second.get(begun.id).offset == cut
    assert second.begin("usr_a", plan_of(FILES)).id == begun.id
    assert append(second, begun.id, cut, WHOLE[cut:], digest=digest_of(WHOLE)).is_complete
    assert contents(second.path(begun.id)) == FILES


def test_pieces_of_the_digest_survive_a_restart(tmp_path: Path) -> None:
    content = os.urandom(2 * PIECE_BYTES + 1000)
    begun = FolderUploads(tmp_path).begin("usr_a", plan_of({"a.bin": content}))
    append(FolderUploads(tmp_path), begun.id, 0, content[: PIECE_BYTES + 77])
    pieces = tmp_path / begun.id / "pieces"
    assert pieces.read_bytes() == hashlib.sha256(content[:PIECE_BYTES]).digest()
    pieces.write_bytes(b"")  # as when the machine lost power before it was written
    done = append(FolderUploads(tmp_path), begun.id, PIECE_BYTES + 77, content[PIECE_BYTES + 77 :])
    assert done.digest == digest_of(content)


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_the_digest_does_not_depend_on_how_bytes_come(blocks: list[bytes]) -> None:
    digest = PieceDigest()
    for block in blocks:
        digest.update(block)
    assert digest.hexdigest() == digest_of(b"".join(blocks))


def test_a_wrong_place_is_refused_and_the_right_one_told(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    begun = uploads.begin("usr_a", plan_of(FILES))
    append(uploads, begun.id, 0, WHOLE[:5])
    with pytest.raises(Conflict, match="has 5 bytes by now") as error:
        append(uploads, begun.id, 0, WHOLE)
    assert error.value.code == "upload.offset"
    with pytest.raises(TooLarge, match="and more came"):
        append(uploads, begun.id, 5, WHOLE)
    assert append(uploads, begun.id, 5, WHOLE[5:]).is_complete


def test_what_arrives_otherwise_than_it_was_sent_is_not_kept(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    begun = uploads.begin("usr_a", plan_of(FILES))
    with pytest.raises(Invalid) as error:
        append(uploads, begun.id, 0, WHOLE[:-1], b"y", digest=digest_of(WHOLE))
    assert error.value.code == "upload.digest"
    assert names(tmp_path) == []


def test_whoever_comes_later_takes_over(tmp_path: Path) -> None:
    """A lost connection may look alive to the server for minutes: the one who goes on is the one who counts."""
    uploads = FolderUploads(tmp_path)
    begun = uploads.begin("usr_a", plan_of(FILES))
    said: list[str] = []

    async def run() -> None:
        async def slow() -> AsyncIterator[bytes]:
            yield WHOLE[:4]
            assert (await uploads.append(begun.id, 0, in_blocks(WHOLE))).is_complete
            yield WHOLE[4:]

        async with create_task_group():
            try:
                await uploads.append(begun.id, 0, slow())
            except Conflict as error:
                said.append(error.code)

    with start_blocking_portal() as portal:
        portal.call(run)
    assert said == ["upload.taken-over"]
    assert contents(uploads.path(begun.id)) == FILES


def test_the_same_files_of_somebody_else_are_another_upload(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    first = uploads.begin("usr_a", plan_of(FILES))
    assert uploads.begin("usr_b", plan_of(FILES)).id != first.id
    append(uploads, first.id, 0, WHOLE)
    assert uploads.begin("usr_a", plan_of(FILES)).id != first.id, "a complete one is a dataset's"


def test_a_full_disk_is_named_and_what_came_stays(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    content = bytes(400_000)
    begun = uploads.begin("usr_a", plan_of({"a.zip": content}))
    with files_up_to(100_000), pytest.raises(StorageFull, match="free some"):
        append(uploads, begun.id, 0, content)
    offset = uploads.get(begun.id).offset
    assert 0 < offset <= 100_000
    assert append(uploads, begun.id, offset, content[offset:], digest=digest_of(content)).is_complete


@pytest.mark.parametrize("id", ["", "..", "upl_0000000000000000", "../secret", "upl_0000000000000000/../x", "\x00"])
def test_what_is_no_upload_is_not_found(tmp_path: Path, id: str) -> None:
    uploads = FolderUploads(tmp_path / "uploads")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "about.json").write_text('{"id": "x"}')
    with pytest.raises(NotFound) as error:
        uploads.get(id)
    assert error.value.code == "upload.not-found"
    uploads.remove(id)
    assert (tmp_path / "secret").is_dir()


def test_what_a_killed_server_was_announcing_is_cleared(tmp_path: Path) -> None:
    kept = FolderUploads(tmp_path).begin("usr_a", plan_of(FILES))
    torn = tmp_path / ".upl_0000000000000000.part"
    torn.mkdir()
    uploads = FolderUploads(tmp_path)
    assert torn.exists()  # a worker opens uploads too, while the server receives
    uploads.clear_unfinished()
    assert names(tmp_path) == [kept.id]


def test_a_removed_upload_is_gone_also_for_who_still_sends(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    begun = uploads.begin("usr_a", plan_of(FILES))
    append(uploads, begun.id, 0, b"fi")
    uploads.remove(begun.id)
    uploads.remove(begun.id)
    with pytest.raises(NotFound):
        append(uploads, begun.id, 2, WHOLE[2:])
    assert names(tmp_path) == []


def test_what_nothing_comes_to_is_told(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    old, fresh = (uploads.begin(owner, plan_of(FILES)) for owner in ("usr_a", "usr_b"))
    os.utime(tmp_path / old.id, (1000, 1000))
    assert uploads.idle_since(2000) == [old.id]
    append(uploads, old.id, 0, b"f")
    assert uploads.idle_since(2000) == []
    assert fresh.id in names(tmp_path)


HOSTILE = {
    "": "does not lie below",
    "/etc/passwd": "does not lie below",
    "../up.jpg": "does not lie below",
    "a/../../up.jpg": "does not lie below",
    "a//b.jpg": "does not lie below",
    "./a.jpg": "does not lie below",
    "C:/a.jpg": "does not lie below",
    "a\\b.jpg": "does not lie below",
    "a\nb.jpg": "line break",
    "a\x00b.jpg": "control character",
    "a\ud800.jpg": "half a character",
    "a\u2028b.jpg": "line break",
    "photo\u202egpj.exe": "direction of writing",
    "con.jpg": "keep for devices",
    "a/Aux/b.jpg": "keep for devices",
    "lpt1": "keep for devices",
    "n" * 201: "at most 200 bytes",
    "a/" * 40 + "b.jpg": "deeper than 32",
    "x" * 199 + ("/" + "x" * 199) * 6: "longer than 1000",
}


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_name_is_refused_and_the_others_come(path: str) -> None:
    plan = plan_upload([SentFile("good.jpg", 1), SentFile(path, 5), SentFile("also.jpg", 2)])
    assert [file.path for file in plan.files] == ["good.jpg", "also.jpg"]
    assert list(plan.refused) == [1]
    assert HOSTILE[path] in plan.refused[1].message
    assert plan.refused[1].path.isprintable()
    assert plan.size_bytes == 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.jpg", "a.jpg"),
        ("cats/A.jpg", "cats/a.jpg"),
        ("u\u0308.jpg", "\u00fc.jpg"),
        ("a", "a/b.jpg"),
        ("a/b.jpg", "A"),
        ("stra\u00dfe.jpg", "STRASSE.jpg"),
    ],
)
def test_paths_that_fall_together_are_told_apart_or_refused(first: str, second: str) -> None:
    plan = plan_upload([SentFile(first, 1), SentFile(second, 1)])
    assert (len(plan.files), list(plan.refused)) == (1, [1])
    assert "same path" in plan.refused[1].message


@given(st.lists(st.text(max_size=30), max_size=8))
def test_every_file_is_taken_or_named(paths: list[str]) -> None:
    plan = plan_upload([SentFile(path, 1) for path in paths])
    assert len(plan.files) + len(plan.refused) == len(paths)
    for file in plan.files:
        assert not file.path.startswith("/")
        assert not {"", ".", ".."} & set(file.path.split("/"))


@pytest.mark.parametrize(
    ("paths", "name", "wish"),
    [
        (["set.tar.gz"], "set.tar.gz", "set"),
        (["flowers/a/1.jpg", "flowers/b/2.jpg"], "flowers", "flowers"),
        (["a/1.jpg", "b/2.jpg"], "2 files", "dataset"),
    ],
)
def test_an_upload_is_called_after_what_it_is(tmp_path: Path, paths: list[str], name: str, wish: str) -> None:
    begun = FolderUploads(tmp_path).begin("usr_a", plan_of(dict.fromkeys(paths, b"x")))
    assert (begun.name, begun.wish) == (name, wish)


def test_an_upload_that_goes_while_all_are_listed_is_left_out(tmp_path: Path) -> None:
    """A finished import removes its upload at any moment, also while another import asks how much room is left."""
    uploads = FolderUploads(tmp_path)
    begun = [uploads.begin(f"usr_{number}", plan_of(FILES)).id for number in range(300)]
    for whole in begun[::2]:
        append(uploads, whole, 0, WHOLE)

    def remove() -> None:
        for each in begun:
            uploads.remove(each)

    with ThreadPoolExecutor(1) as pool:
        removal = pool.submit(remove)
        while not removal.done():
            assert {each.id for each in uploads.all()} <= set(begun)
        removal.result()
    assert uploads.all() == []
    assert names(tmp_path) == []
