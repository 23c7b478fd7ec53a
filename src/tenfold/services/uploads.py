"""Uploads: announced, received in parts, looked at, and given up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.layouts import LayoutPreview, LayoutReader, SourceChoice
from tenfold.core.datasets.uploads import MAX_FILES, SentFile, Upload, UploadStore, plan_upload
from tenfold.core.errors import Conflict, InvalidFields, NotFound, Problem, StorageFull, TooLarge


@dataclass(frozen=True, kw_only=True)
class UploadLimits:
    """How many bytes one upload may have, and all uploads of a person that no dataset was made of yet."""

    upload_bytes: int = 20 * 1000**3
    person_bytes: int = 100 * 1000**3


class UploadService:
    """What people send. An upload is its sender's; the owner of this Tenfold sees all."""

    def __init__(self, store: UploadStore, layouts: LayoutReader, *, limits: UploadLimits = UploadLimits()) -> None:
        self._store = store
        self._layouts = layouts
        self._limits = limits

    def begin(self, actor: Actor, files: Sequence[SentFile]) -> Upload:
        """Announces files; an unfinished upload of the same files goes on.

        Raises `InvalidFields` when none may come, `TooLarge` over a limit, `StorageFull` where they have no room.
        """
        actor.require("upload.create")
        if len(files) > MAX_FILES:
            text = f"These are {len(files):,} files; an upload has at most {MAX_FILES:,}: pack them as an archive."
            raise TooLarge(text, code="upload.files")
        plan = plan_upload(files)
        if not plan.size_bytes:
            first = next((f" {each.path}: {each.message}" for each in plan.refused.values()), "")
            raise InvalidFields([Problem("files", f"Nothing is in what is to be sent.{first}", "upload.empty")])
        self._require_room(actor, plan.size_bytes, plan.fingerprint)
        return self._store.begin(actor.user, plan)

    async def append(
        self, actor: Actor, id: str, offset: int, blocks: AsyncIterator[bytes], *, digest: str = ""
    ) -> Upload:
        """Takes the stream on from `offset`; raises what `UploadStore.append` does."""
        self.get(actor, id)
        return await self._store.append(id, offset, blocks, digest=digest)

    def get(self, actor: Actor, id: str) -> Upload:
        """Raises `NotFound`, also for what somebody else sends."""
        actor.require("upload.create")
        found = self._store.get(id)
        if found.owner != actor.user and actor.role != "owner":
            raise NotFound(f"There is no upload {id!r}.", code="upload.not-found")
        return found

    def of(self, actor: Actor) -> list[Upload]:
        """The uploads that somebody may see: their own, of the owner of this Tenfold all."""
        actor.require("upload.create")
        return [each for each in self._store.all() if actor.role == "owner" or each.owner == actor.user]

    def complete(self, actor: Actor, id: str) -> Upload:
        """An upload that a dataset can be made of; raises `Conflict` while something is missing."""
        found = self.get(actor, id)
        if not found.is_complete:
            text = f"Of {found.name} {found.offset:,} of {found.size_bytes:,} bytes have arrived: send the rest first."
            raise Conflict(text, code="upload.incomplete")
        return found

    def remove(self, actor: Actor, id: str) -> Upload:
        """Gives an upload up; what arrived of it goes."""
        found = self.get(actor, id)
        self._store.remove(id)
        return found

    def preview(self, actor: Actor, id: str, choice: SourceChoice) -> LayoutPreview:
        """What an upload is recognised as; raises `BadDataset`, with the code `upload.archive` for an archive."""
        self.complete(actor, id)
        return self._layouts.preview_sent(self._store.path(id), choice)

    def folder(self, actor: Actor, id: str) -> Path:
        """Where the files of a complete upload lie."""
        self.complete(actor, id)
        return self._store.path(id)

    def _require_room(self, actor: Actor, size: int, fingerprint: str) -> None:
        if size > self._limits.upload_bytes:
            limit = f"{self._limits.upload_bytes / 1e9:g} GB"
            raise TooLarge(f"These files have {size / 1e9:.1f} GB; an upload has at most {limit}.", code="upload.size")
        others = [each for each in self._store.all() if each.fingerprint != fingerprint or each.is_complete]
        own = sum(each.size_bytes for each in others if each.owner == actor.user)
        if own + size > self._limits.person_bytes:
            limit = f"{self._limits.person_bytes / 1e9:g} GB"
            text = f"With these files your uploads have {(own + size) / 1e9:.1f} GB; at most {limit} are kept for you."
            raise TooLarge(f"{text} Make datasets of the others first, or remove them.", code="upload.quota")
        waiting = sum(each.size_bytes - each.offset for each in others)
        free = self._store.free_bytes()
        if waiting + size > free:
            text = f"These files have {size / 1e9:.2f} GB, and {max(0, free - waiting) / 1e9:.2f} GB are free"
            raise StorageFull(f"{text} where uploads are kept: free some first.")
