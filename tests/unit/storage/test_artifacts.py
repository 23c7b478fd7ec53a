"""Folders that were published."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tenfold.adapters.storage.artifacts import FolderArtifacts
from tenfold.adapters.storage.durable import publish_folder
from tenfold.core.errors import Damaged, NotFound


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


def test_what_a_confined_process_published_is_readable_as_all_else(tmp_path: Path) -> None:
    folder, manifest = published(tmp_path / "job")
    wanted = stat.S_IMODE((folder / "file").stat().st_mode)
    for mode in (0o600, 0o4777):
        (folder / "file").chmod(mode)
        store = FolderArtifacts(tmp_path / f"data-{mode}")
        store.adopt(folder, "models", "mod_1", manifest)
        folder = store.path("models", "mod_1")
        assert stat.S_IMODE((folder / "file").stat().st_mode) == wanted
