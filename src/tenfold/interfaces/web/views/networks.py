"""Networks: the list, and one of them with its text and its layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenfold.interfaces.web.views.frame import NamedView, Page, Place
from tenfold.interfaces.web.views.home import RunRow


@dataclass(frozen=True, kw_only=True)
class NetworkRow:
    """One line in the list of networks; `title` and `about` come from the network's text."""

    name: str
    url: str
    title: str
    about: str
    input_text: str
    num_layers: int
    num_parameters: int
    num_multiply_adds: int
    used_by: str
    is_catalogue: bool
    train_url: str = ""


@dataclass(frozen=True, kw_only=True)
class NetworksPage(Page):
    """All networks."""

    template: ClassVar[str] = "networks.html"
    place: ClassVar[Place] = "networks"

    rows: tuple[NetworkRow, ...]


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One layer with what goes out of it. `share` is its part of all parameters."""

    name: str
    kind: str
    about: str
    shape: str
    num_parameters: int
    num_multiply_adds: int
    share: float


@dataclass(frozen=True, kw_only=True)
class ParameterRow:
    """A named parameter of a network, which the form of a run shows."""

    name: str
    default: str
    allowed: str
    help: str


@dataclass(frozen=True, kw_only=True)
class NetworkPage(Page):
    """One network."""

    template: ClassVar[str] = "network.html"
    place: ClassVar[Place] = "networks"

    name: str
    title: str
    about: str
    text: str
    input_text: str
    layers: tuple[LayerRow, ...]
    parameters: tuple[ParameterRow, ...]
    num_parameters: int
    num_multiply_adds: int
    is_catalogue: bool
    used_by: str
    runs: tuple[RunRow, ...]
    train_url: str = ""
    named: NamedView | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.splitlines())
