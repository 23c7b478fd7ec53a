"""What networks need from the outside."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """A network that ships with Tenfold: its name and title as its text has them, and the paper it comes from."""

    name: str
    title: str
    text: str
    paper: str
