"""Reads the networks that come with Tenfold."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from tenfold.core.networks.parser import parse
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.networks.syntax import NetworkStatement

_PAPER = re.compile(r"^# paper: (.+)$", re.MULTILINE)


@cache
def read_catalogue() -> tuple[CatalogueEntry, ...]:
    """All networks of the catalogue, by name; read once a process, and not expanded."""
    folder = files("tenfold.core.networks") / "catalogue"
    texts = [item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".network")]
    return tuple(sorted((_entry(text) for text in texts), key=lambda entry: entry.name))


def _entry(text: str) -> CatalogueEntry:
    network = next(statement for statement in parse(text).statements if isinstance(statement, NetworkStatement))
    paper = _PAPER.search(text)
    return CatalogueEntry(name=network.name.text, title=network.title, text=text, paper=paper[1] if paper else "")
