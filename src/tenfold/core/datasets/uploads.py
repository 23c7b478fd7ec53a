"""Files that people send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class StoredUpload:
    """A file that somebody sent."""

    id: str
    name: str
    size_bytes: int


class UploadStore(Protocol):
    """Files that people sent, until a dataset is made of them."""

    async def receive(self, name: str, blocks: AsyncIterator[bytes]) -> StoredUpload:
        """Stores a stream; raises `TooLarge` over the limit and `StorageFull`; then nothing is left behind."""

    def get(self, id: str) -> StoredUpload:
        """Raises `NotFound`."""

    def received_before(self, time: float) -> list[str]:
        """The ids of what arrived before a time (seconds since 1970)."""

    def remove(self, id: str) -> None:
        """Removes a file; nothing happens when it is not there."""
