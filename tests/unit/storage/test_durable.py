"""The publish protocol: whole or not at all, as described or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from full_disk import files_up_to
from safetensors.numpy import save_file

from tenfold.adapters.storage.durable import (
    MANIFEST,
    disk_errors,
    folder_size,
    publish_folder,
    verify_folder,
    write_durably,
)
from tenfold.core.errors import Damaged, NotFound, StorageFull, is_disk_full


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    folder = tmp_path / "result.part"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("alpha")
    (folder / "deep" / "ü.bin").write_bytes(bytes(1000))
    return folder


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_durably(path, b"old")
    with files_up_to(10), pytest.raises(StorageFull) as error:
        write_durably(path, b"x" * 100)
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert error.value.message == f"The disk of {tmp_path} has no room left for state: free some, then try again."
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    write_durably(tmp_path / "secret", b"x", mode=0o600)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_folder_appears_with_its_manifest(staged: Path, tmp_path: Path) -> None:
    manifest = publish_folder(staged, tmp_path / "result")
    assert not staged.exists()
    verify_folder(tmp_path / "result", manifest)
    assert folder_size(tmp_path / "result") == 1005 + (tmp_path / "result" / MANIFEST).stat().st_size


def test_equal_folders_have_equal_manifests(staged: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.part"
    (other / "deep").mkdir(parents=True)
    (other / "deep" / "ü.bin").write_bytes(bytes(1000))
    (other / "a.txt").write_text("alpha")
    assert publish_folder(staged, tmp_path / "one") == publish_folder(other, tmp_path / "two")


def test_a_fence_at_the_last_moment_leaves_nothing_to_be_seen(staged: Path, tmp_path: Path) -> None:
    def refuse() -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        publish_folder(staged, tmp_path / "result", before_rename=refuse)
    assert not (tmp_path / "result").exists()


def test_nothing_is_published_over_something(staged: Path, tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    with pytest.raises(FileExistsError):
        publish_folder(staged, tmp_path / "result")
    assert list((tmp_path / "result").iterdir()) == []


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_published_files_can_be_read_as_the_umask_says(tmp_path: Path, umask: int) -> None:
    """Some libraries write files that their owner alone may read."""
    before = os.umask(umask)
    try:
        staged = tmp_path / "part"
        staged.mkdir()
        save_file({"weight": np.zeros(3)}, staged / "model.safetensors")
        (staged / "odd").touch(mode=0o600)
        publish_folder(staged, tmp_path / "result")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "result").iterdir()}
    assert modes == {0o666 & ~umask}


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda folder: (folder / "a.txt").write_text("alphx"), "a.txt"),
        (lambda folder: (folder / "a.txt").unlink(), "a.txt"),
        (lambda folder: (folder / "deep" / "ü.bin").write_bytes(bytes(999)), "deep/ü.bin"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "manifest"),
    ],
)
def test_what_differs_is_named(staged: Path, tmp_path: Path, spoil: object, named: str) -> None:
    publish_folder(staged, tmp_path / "result")
    spoil(tmp_path / "result")  # type: ignore[operator]
    with pytest.raises(Damaged, match=named):
        verify_folder(tmp_path / "result")


def test_another_manifest_is_not_the_one_that_was_published(staged: Path, tmp_path: Path) -> None:
    publish_folder(staged, tmp_path / "result")
    with pytest.raises(Damaged, match="not the one that was published"):
        verify_folder(tmp_path / "result", "0" * 64)
    (tmp_path / "result" / MANIFEST).unlink()
    with pytest.raises(NotFound):
        verify_folder(tmp_path / "result")


def test_a_full_disk_while_publishing_is_named(tmp_path: Path) -> None:
    staged = tmp_path / "part"
    staged.mkdir()
    for number in range(40):
        (staged / f"{number}.txt").write_text("x")
    with files_up_to(1000), pytest.raises(StorageFull):
        publish_folder(staged, tmp_path / "result")
    assert not (tmp_path / "result").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_all_kinds_of_no_room_are_one_error(tmp_path: Path, number: int) -> None:
    for error in (OSError(number, "x"), RuntimeError(f"I/O error: no room (os error {number})")):
        assert is_disk_full(error)
        with pytest.raises(StorageFull), disk_errors(tmp_path / "x"):
            raise error


def test_other_errors_pass() -> None:
    for error in (OSError(errno.EACCES, "x"), ValueError("os error 28"), RuntimeError("I/O error (os error 13)")):
        assert not is_disk_full(error)
        with pytest.raises(type(error)), disk_errors(Path("x")):
            raise error


def test_files_that_vanish_count_nothing(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "here").write_bytes(bytes(7))
    assert folder_size(tmp_path) == 7 + (tmp_path / "gone").lstat().st_size
    assert folder_size(tmp_path / "nothing") == 0
