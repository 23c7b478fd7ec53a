"""The page that looks inside a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenfold.interfaces.web.views.frame import Link, Page, Place


@dataclass(frozen=True, kw_only=True)
class SeenView:
    """An array as tiles: `width` and `height` are those at which the PNG is shown, whole times its own.

    `histogram` is the path of an area in a box of 100 x 24; `low` and `high` are the ends of the scale of colours.
    """

    title: str
    url: str
    width: int
    height: int
    tiles: str
    shape: str
    mean: float
    std: float
    low: float
    high: float
    is_signed: bool
    zeros: float
    strange: int
    histogram: str
    about_tiles: str


@dataclass(frozen=True, kw_only=True)
class LayerView:
    """A layer with its output and its tensors."""

    number: int
    path: str
    kind: str
    shape: str
    num_parameters: int
    shared_with: str
    activation: SeenView
    weights: tuple[SeenView, ...]


@dataclass(frozen=True, kw_only=True)
class LookView:
    """What is seen so far. `more_url` is where the rest will be told; empty once all is seen or something failed."""

    layers: tuple[LayerView, ...] = ()
    total: int = 0
    more_url: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class InsidePage(Page):
    """The inside of a model or of a checkpoint; `steps` are the checkpoints of a run."""

    template: ClassVar[str] = "inside.html"
    fragments: ClassVar[frozenset[str]] = frozenset({"layers"})

    kind: Place
    of: Link
    url: str
    look: LookView
    sample: int | None = None
    picture_url: str = ""
    picture_file: str = ""
    steps: tuple[tuple[int, str], ...] = ()
    step: int | None = None
    is_training: bool = False
