"""Published folders and who keeps them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

ArtifactKind = Literal["revisions", "models", "checkups", "weights", "inspections", "arrivals"]
"""`arrivals` are files of others that wait for what people say of them, a day at most."""


class ArtifactStore(Protocol):
    """Folders that are complete, immutable and known by an id. Thread-safe.

    A folder comes in with the sha256 of its manifest and is found by nothing but kind and id.
    """

    def adopt(self, published: Path, kind: ArtifactKind, id: str, manifest: str) -> int:
        """Takes a published folder in and returns its bytes. Doing it again after a crash changes nothing.

        Raises `Damaged` when the folder is not what the manifest says, `NotFound` when it is nowhere.
        """

    def publish(self, kind: ArtifactKind, id: str, write: Callable[[Path], None]) -> tuple[str, int]:
        """Publishes what `write` puts into an empty folder beside its place; returns manifest hash and new bytes.

        Files that are links of others count no bytes. When `write` raises, nothing is left behind.
        """

    def ids(self, kind: ArtifactKind, *, before: float) -> list[str]:
        """What was published before a time (seconds since 1970), and what a killed `publish` left half-done."""

    def path(self, kind: ArtifactKind, id: str) -> Path:
        """Where it lies; raises `NotFound`."""

    def relative_path(self, kind: ArtifactKind, id: str) -> str:
        """Where it lies or will lie, relative to the data folder."""

    def verify(self, kind: ArtifactKind, id: str) -> None:
        """Raises `Damaged` naming the file that is not as it was published."""

    def remove(self, kind: ArtifactKind, id: str) -> None:
        """Removes it; nothing happens when it is not there."""
