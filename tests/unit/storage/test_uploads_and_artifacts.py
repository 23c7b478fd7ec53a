"""Files that people send, and folders that were published."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from full_disk import files_up_to

from tenfold.adapters.storage.artifacts import FolderArtifacts
from tenfold.adapters.storage.durable import publish_folder
from tenfold.adapters.storage.uploads import FolderUploads
from tenfold.core.datasets.uploads import StoredUpload
from tenfold.core.errors import Damaged, NotFound, StorageFull, TooLarge


async def in_blocks(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def receive(uploads: FolderUploads, name: str, *blocks: bytes) -> StoredUpload:
    return wait_for(uploads, name, in_blocks(*blocks))


def wait_for(uploads: FolderUploads, name: str, blocks: AsyncIterator[bytes]) -> StoredUpload:
    """Receives on a thread of its own: this one may have a loop already."""
    with start_blocking_portal() as portal:
        return portal.call(uploads.receive, name, blocks)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_is_kept_under_an_id_and_its_name_is_data(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    stored = receive(uploads, "../../etc/ü.zip", b"ab", b"", b"cde")
    assert (stored.name, stored.size_bytes) == ("../../etc/ü.zip", 5)
    assert FolderUploads(tmp_path).get(stored.id) == stored
    assert uploads.path(stored.id) == tmp_path / stored.id / "content"
    assert uploads.path(stored.id).read_bytes() == b"abcde"


def test_a_long_name_keeps_its_end(tmp_path: Path) -> None:
    assert receive(FolderUploads(tmp_path), "x" * 300 + ".zip").name == "x" * 251 + ".zip"


@pytest.mark.parametrize("id", ["", "..", "upl_0000000000000000", "../secret", "upl_0000000000000000/../x", "\x00"])
def test_what_is_no_upload_is_not_found(tmp_path: Path, id: str) -> None:
    uploads = FolderUploads(tmp_path / "uploads")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "about.json").write_text('{"name": "x", "bytes": 1}')
    with pytest.raises(NotFound) as error:
        uploads.get(id)
    assert error.value.code == "upload.not-found"
    uploads.remove(id)
    assert (tmp_path / "secret").is_dir()


def test_a_file_over_the_limit_leaves_nothing(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path, max_bytes=3_000_000)
    with pytest.raises(TooLarge, match="over 3 MB"):
        receive(uploads, "big", *[bytes(1_000_000)] * 4)
    assert names(tmp_path) == []


def test_a_sender_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        wait_for(FolderUploads(tmp_path), "x", broken())
    assert names(tmp_path) == []


def test_a_full_disk_is_named_and_nothing_left(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    with files_up_to(100_000), pytest.raises(StorageFull, match=r"no room left for pictures\.zip: free some"):
        receive(uploads, "pictures.zip", *[bytes(64_000)] * 4)
    assert names(tmp_path) == []
    assert receive(uploads, "pictures.zip", b"x").size_bytes == 1


def test_what_a_killed_server_was_receiving_is_cleared(tmp_path: Path) -> None:
    kept = receive(FolderUploads(tmp_path), "kept", b"x")
    torn = tmp_path / ".upl_0000000000000000.part"
    torn.mkdir()
    (torn / "content").write_bytes(b"half")
    uploads = FolderUploads(tmp_path)
    assert torn.exists()  # a worker opens uploads too, while the server receives
    uploads.clear_unfinished()
    assert names(tmp_path) == [kept.id]


def test_a_removed_upload_is_gone(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    stored = receive(uploads, "x", b"x")
    uploads.remove(stored.id)
    uploads.remove(stored.id)
    with pytest.raises(NotFound):
        uploads.path(stored.id)


def published(folder: Path, content: str = "x") -> tuple[Path, str]:
    staged = folder / "part"
    staged.mkdir(parents=True)
    (staged / "file").write_text(content)
    return folder / "result", publish_folder(staged, folder / "result")


def test_an_artifact_is_taken_in_once(tmp_path: Path) -> None:
    store = FolderArtifacts(tmp_path / "data")
    folder, manifest = published(tmp_path / "job")
    size = store.adopt(folder, "models", "mod_1", manifest)
    assert not folder.exists()
    assert store.adopt(folder, "models", "mod_1", manifest) == size
    assert store.path("models", "mod_1") == tmp_path / "data" / store.relative_path("models", "mod_1")
    store.verify("models", "mod_1")
    store.remove("models", "mod_1")
    store.remove("models", "mod_1")
    with pytest.raises(NotFound) as error:
        store.path("models", "mod_1")
    assert error.value.code == "artifact.missing"


def test_another_folder_is_not_taken_for_it(tmp_path: Path) -> None:
    store = FolderArtifacts(tmp_path / "data")
    folder, manifest = published(tmp_path / "one")
    other, other_manifest = published(tmp_path / "two", "y")
    with pytest.raises(Damaged):
        store.adopt(other, "models", "mod_1", manifest)
    assert other.exists()
    store.adopt(folder, "models", "mod_1", manifest)
    with pytest.raises(Damaged):
        store.adopt(other, "models", "mod_1", other_manifest)


def test_what_was_never_published_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        FolderArtifacts(tmp_path).adopt(tmp_path / "nowhere", "revisions", "rev_1", "0" * 64)
