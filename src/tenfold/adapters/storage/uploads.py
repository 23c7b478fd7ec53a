"""Uploaded files under `uploads/` of the data folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from tenfold.adapters.storage.durable import disk_errors
from tenfold.core.datasets.uploads import StoredUpload
from tenfold.core.errors import NotFound, TooLarge
from tenfold.core.ids import is_id, new_id

MAX_NAME = 255
MAX_BYTES = 20_000_000_000


class FolderUploads:
    """Fulfils `tenfold.core.datasets.uploads.UploadStore`.

    A file lies as `uploads/ID/content`, named by nothing that a user sent; its own name is kept as data.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        folder.mkdir(parents=True, exist_ok=True)

    def clear_unfinished(self) -> None:
        """Removes what was being received when an earlier server died; before this one receives."""
        for part in self._folder.glob(".*.part"):
            shutil.rmtree(part)

    async def receive(self, name: str, blocks: AsyncIterator[bytes]) -> StoredUpload:
        upload_id = new_id("upload")
        part = self._folder / f".{upload_id}.part"
        try:
            with disk_errors(self._folder / name[-MAX_NAME:].replace("/", "_")):
                part.mkdir()
                size = await self._write(part / "content", blocks)
                upload = StoredUpload(upload_id, name[-MAX_NAME:], size)
                (part / "about.json").write_text(json.dumps({"name": upload.name, "bytes": size}), "utf-8")
                part.rename(self._folder / upload_id)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return upload

    def get(self, id: str) -> StoredUpload:
        try:
            if not is_id(id):
                raise FileNotFoundError
            about = json.loads((self._folder / id / "about.json").read_text("utf-8"))
        except FileNotFoundError:
            raise NotFound(f"There is no upload {id!r}.", code="upload.not-found") from None
        return StoredUpload(id, about["name"], about["bytes"])

    def path(self, id: str) -> Path:
        """Where the content lies; raises `NotFound`."""
        return self._folder / self.get(id).id / "content"

    def received_before(self, time: float) -> list[str]:
        found = (path for path in self._folder.iterdir() if is_id(path.name))
        return sorted(path.name for path in found if path.stat().st_mtime < time)

    def remove(self, id: str) -> None:
        if is_id(id):
            shutil.rmtree(self._folder / id, ignore_errors=True)

    async def _write(self, path: Path, blocks: AsyncIterator[bytes]) -> int:
        size = 0
        with path.open("wb") as file:
            async for block in blocks:
                size += len(block)
                if size > self._max_bytes:
                    raise TooLarge(f"The file is over {self._max_bytes // 10**6} MB, the most an upload may have.")
                file.write(block)
        return size
