"""What networks need from the outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """A network that ships with Tenfold: its name, a title for people, the paper, and its text."""

    name: str
    title: str
    text: str


class NetworkCatalogue(Protocol):
    """The networks that ship with Tenfold."""

    def entries(self) -> tuple[CatalogueEntry, ...]: ...
