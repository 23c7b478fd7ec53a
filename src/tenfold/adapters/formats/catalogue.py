"""Reads the networks that come with Tenfold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

from tenfold.core.networks.analysis import analyse

_PAPER = re.compile(r"^# paper: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class CatalogueEntry:
    """A network of the catalogue: its name and title as the text has them, and the paper it comes from."""

    name: str
    title: str
    text: str
    paper: str


def read_catalogue() -> tuple[CatalogueEntry, ...]:
    """All networks of the catalogue, by name."""
    folder = files("tenfold.core.networks") / "catalogue"
    texts = [item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".network")]
    return tuple(sorted((_entry(text) for text in texts), key=lambda entry: entry.name))


def _entry(text: str) -> CatalogueEntry:
    analysis = analyse(text)
    paper = _PAPER.search(text)
    return CatalogueEntry(analysis.name, analysis.title, text, paper[1] if paper else "")
