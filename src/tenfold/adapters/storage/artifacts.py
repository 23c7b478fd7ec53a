"""Artifacts as folders under `artifacts/KIND/ID` of the data folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tenfold.adapters.storage.durable import (
    disk_errors,
    folder_size,
    fsync_path,
    publish_folder,
    settle_modes,
    verify_folder,
)
from tenfold.core.artifacts import ArtifactKind
from tenfold.core.errors import NotFound

UNFINISHED = ".part"


class FolderArtifacts:
    """Fulfils `tenfold.core.artifacts.ArtifactStore`."""

    def __init__(self, data_folder: Path) -> None:
        self._data = data_folder

    def adopt(self, published: Path, kind: ArtifactKind, id: str, manifest: str) -> int:
        final = self._data / self.relative_path(kind, id)
        if not final.exists():
            verify_folder(published, manifest)
            settle_modes(published)
            final.parent.mkdir(parents=True, exist_ok=True)
            published.rename(final)
            fsync_path(final.parent)
        else:
            verify_folder(final, manifest)
        return folder_size(final)

    def publish(self, kind: ArtifactKind, id: str, write: Callable[[Path], None]) -> tuple[str, int]:
        final = self._data / self.relative_path(kind, id)
        staged = final.with_name(f"{id}{UNFINISHED}")
        try:
            with disk_errors(final):
                staged.mkdir(parents=True)
                write(staged)
            size = sum(file.stat().st_size for file in staged.iterdir() if file.stat().st_nlink == 1)
            return publish_folder(staged, final), size
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def ids(self, kind: ArtifactKind, *, before: float) -> list[str]:
        folder = self._data / "artifacts" / kind
        if not folder.is_dir():
            return []
        return sorted(each.name for each in folder.iterdir() if each.is_dir() and each.stat().st_mtime < before)

    def path(self, kind: ArtifactKind, id: str) -> Path:
        path = self._data / self.relative_path(kind, id)
        if not path.is_dir():
            raise NotFound(f"The files of {id} are not there.", code="artifact.missing")
        return path

    def newest(self, kind: ArtifactKind, owner: str) -> Path:
        """Where the newest of what belongs to an owner lies, whose id theirs begin with; raises `NotFound`."""
        found = sorted((self._data / "artifacts" / kind).glob(f"{owner}-*"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise NotFound(f"The files of {owner} are not there.", code="artifact.missing")
        return found[-1]

    def relative_path(self, kind: ArtifactKind, id: str) -> str:
        return f"artifacts/{kind}/{id}"

    def verify(self, kind: ArtifactKind, id: str) -> None:
        verify_folder(self.path(kind, id))

    def remove(self, kind: ArtifactKind, id: str) -> None:
        shutil.rmtree(self._data / self.relative_path(kind, id), ignore_errors=True)
