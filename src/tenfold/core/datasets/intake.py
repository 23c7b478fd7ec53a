"""Where pictures come from: folders of the server, uploaded archives, public samples."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class BrowsedFolder:
    """A folder that the server may read; `pictures` counts up to a limit, beyond which `more_pictures` is true."""

    path: str
    name: str
    pictures: int
    more_pictures: bool


@dataclass(frozen=True)
class BrowsedListing:
    """A folder with its sub-folders; `parent` is empty at a root."""

    folder: BrowsedFolder
    parent: str
    folders: tuple[BrowsedFolder, ...]


class FolderBrowser(Protocol):
    """The folders of the server that may be read, inside its roots; links that lead out are refused."""

    def roots(self) -> tuple[BrowsedFolder, ...]: ...

    def listing(self, path: str) -> BrowsedListing:
        """Raises `NotFound`, and `Forbidden` for what lies outside the roots."""

    def complete(self, prefix: str, limit: int = 20) -> tuple[str, ...]:
        """Paths of folders that begin with `prefix`."""


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

    def remove(self, id: str) -> None: ...


@dataclass(frozen=True)
class SampleInfo:
    """A public dataset that Tenfold can fetch; `is_fetched` once it lies on this machine."""

    id: str
    title: str
    licence: str
    size_bytes: int
    num_samples: int
    is_fetched: bool


class SampleCatalogue(Protocol):
    """The public datasets that Tenfold can fetch."""

    def list(self) -> tuple[SampleInfo, ...]: ...

    def get(self, id: str) -> SampleInfo:
        """Raises `NotFound` and names what there is."""
