"""The page that brings a model in that was trained elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tenfold.interfaces.web.views.forms import FieldView
from tenfold.interfaces.web.views.frame import Page, Place


@dataclass(frozen=True, kw_only=True)
class ArrivalView:
    """A file that is here already and waits for what is still to be said of it."""

    id: str
    name: str
    num_bytes: int


@dataclass(frozen=True, kw_only=True)
class NewModelPage(Page):
    """The file, its classes and its pictures; `problems` by the names of fields say what was wrong."""

    template: ClassVar[str] = "model-new.html"
    place: ClassVar[Place] = "models"

    pictures: tuple[FieldView, ...]
    numbers: tuple[FieldView, ...]
    max_bytes: int
    confined: str
    name: str = ""
    labels: str = ""
    arrival: ArrivalView | None = None
    problems: Mapping[str, str]
    problem: str = ""
