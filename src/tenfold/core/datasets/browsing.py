"""What a person sees when choosing a folder on the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class PictureCount:
    """Pictures below a folder; `is_complete` is false when counting stopped at the limit."""

    count: int
    is_complete: bool

    def __str__(self) -> str:
        return f"{self.count:,}" if self.is_complete else f"{self.count:,}+"


@dataclass(frozen=True)
class FolderEntry:
    """A folder inside the one that is listed."""

    name: str
    path: str
    pictures: PictureCount


@dataclass(frozen=True)
class FolderListing:
    """A folder with its folders; `parent` is `None` where going up would leave what may be read."""

    path: str
    parent: str | None
    folders: tuple[FolderEntry, ...]
    pictures: PictureCount
    is_complete: bool


class FolderBrowser(Protocol):
    """Folders that the server may read, and nothing beside them.

    Raises `Forbidden` for every path outside, whether it exists or not, and `NotFound` for a missing one inside. Links
    are resolved first. Thread-safe; a call ends after a bounded number of entries, however large the folder is.
    """

    def roots(self) -> tuple[str, ...]: ...

    def list_folder(self, path: str | None = None) -> FolderListing:
        """A folder's folders by name, with picture counts; without a path the first root."""
        ...

    def complete(self, prefix: str, *, limit: int = 20) -> list[str]:
        """Folders, then files that can be imported, whose path begins with `prefix`; empty for anything outside."""
        ...

    def read_picture(self, path: str) -> bytes:
        """The bytes of a picture file; of a folder those of the first picture in it or, by names, below it.

        Raises `NotFound` where a bounded search finds none, and `TooLarge` for a file that nobody waits for.
        """
        ...

    def resolve(self, path: str, *, may_be_file: bool = False) -> str:
        """The real path of a folder that may be read, or also of a file."""
        ...
