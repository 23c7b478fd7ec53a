"""The reference of the network language as a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenfold.interfaces.web.views.frame import Page, Place


@dataclass(frozen=True, kw_only=True)
class ArgumentEntry:
    """An argument of a layer; one that is needed has no default."""

    name: str
    default: str
    allowed: str
    help: str
    is_needed: bool


@dataclass(frozen=True, kw_only=True)
class LayerEntry:
    """A kind of layer; `usage` is how it is written with what it needs."""

    name: str
    usage: str
    help: str
    arguments: tuple[ArgumentEntry, ...]


@dataclass(frozen=True, kw_only=True)
class LanguagePage(Page):
    """All words of the language; entries are pairs of a word and what it means."""

    template: ClassVar[str] = "network-language.html"
    place: ClassVar[Place] = "networks"

    number: int
    example: str
    statements: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    layers: tuple[LayerEntry, ...]
    common: tuple[ArgumentEntry, ...]
    outputs: tuple[ArgumentEntry, ...]
    functions: tuple[str, ...]
    initialisers: tuple[tuple[str, str], ...]
    limits: tuple[tuple[str, str], ...]
