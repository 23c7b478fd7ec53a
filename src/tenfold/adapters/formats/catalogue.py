"""Reads the networks that come with Tenfold."""

from __future__ import annotations

import re
from importlib.resources import files

from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.ports import CatalogueEntry

_PAPER = re.compile(r"^# paper: (.+)$", re.MULTILINE)


def read_catalogue() -> tuple[CatalogueEntry, ...]:
    """All networks of the catalogue, by name."""
    folder = files("tenfold.core.networks") / "catalogue"
    texts = [item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".network")]
    return tuple(sorted((_entry(text) for text in texts), key=lambda entry: entry.name))


def _entry(text: str) -> CatalogueEntry:
    analysis = analyse(text)
    paper = _PAPER.search(text)
    return CatalogueEntry(name=analysis.name, title=analysis.title, text=text, paper=paper[1] if paper else "")
