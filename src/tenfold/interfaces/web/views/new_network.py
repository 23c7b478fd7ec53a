"""The page that brings a network in from files, and what a network page says of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tenfold.interfaces.web.views.forms import FieldView
from tenfold.interfaces.web.views.frame import Page, Place


@dataclass(frozen=True, kw_only=True)
class NewNetworkPage(Page):
    """Files of a network; `problems` by the names of fields say what was wrong with those that were sent.

    With `takes_python`, the viewer may bring Python, too, whose `source` may be pasted.
    """

    template: ClassVar[str] = "network-new.html"
    place: ClassVar[Place] = "networks"

    fields: tuple[FieldView, ...]
    name: str = ""
    problems: Mapping[str, str]
    problem: str = ""
    takes_python: bool = False
    source: str = ""
    confined: str = ""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A layer that is not in the text."""

    line: int
    name: str
    kind: str
    why: str


@dataclass(frozen=True, kw_only=True)
class ImportedView:
    """What a network's file said that its text does not. `num_left_out` counts also those that are not listed."""

    file: str
    left_out: tuple[LeftOut, ...]
    num_left_out: int
    notes: tuple[str, ...]
    unsaid: tuple[str, ...]
    weights: str
    train_url: str
