"""Artifacts as folders under `artifacts/KIND/ID` of the data folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from tenfold.adapters.storage.durable import folder_size, fsync_path, verify_folder
from tenfold.core.artifacts import ArtifactKind
from tenfold.core.errors import NotFound


class FolderArtifacts:
    """Fulfils `tenfold.core.artifacts.ArtifactStore`."""

    def __init__(self, data_folder: Path) -> None:
        self._data = data_folder

    def adopt(self, published: Path, kind: ArtifactKind, id: str, manifest: str) -> int:
        final = self._data / self.relative_path(kind, id)
        if not final.exists():
            verify_folder(published, manifest)
            final.parent.mkdir(parents=True, exist_ok=True)
            published.rename(final)
            fsync_path(final.parent)
        else:
            verify_folder(final, manifest)
        return folder_size(final)

    def path(self, kind: ArtifactKind, id: str) -> Path:
        path = self._data / self.relative_path(kind, id)
        if not path.is_dir():
            raise NotFound(f"The files of {id} are not there.", code="artifact.missing")
        return path

    def relative_path(self, kind: ArtifactKind, id: str) -> str:
        return f"artifacts/{kind}/{id}"

    def verify(self, kind: ArtifactKind, id: str) -> None:
        verify_folder(self.path(kind, id))

    def remove(self, kind: ArtifactKind, id: str) -> None:
        shutil.rmtree(self._data / self.relative_path(kind, id), ignore_errors=True)
