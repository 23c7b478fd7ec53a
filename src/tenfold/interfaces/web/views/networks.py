"""Networks: the list, and one of them with its text and its layers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from tenfold.core.networks.difference import Line
from tenfold.interfaces.web.views.frame import AboutForm, NamedView, Page, Place
from tenfold.interfaces.web.views.home import RunRow
from tenfold.interfaces.web.views.network_editor import EditorView
from tenfold.interfaces.web.views.new_network import ImportedView

NetworkTab = Literal["code", "difference", "history"]


@dataclass(frozen=True, kw_only=True)
class NetworkRow:
    """One line in the list of networks; `title` and `about` come from the network's text. A draft has no figures."""

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
    is_draft: bool = False


@dataclass(frozen=True, kw_only=True)
class NetworksPage(Page):
    """All networks, those that people keep before the catalogue."""

    template: ClassVar[str] = "networks.html"
    place: ClassVar[Place] = "networks"

    rows: tuple[NetworkRow, ...]
    new_url: str = ""
    search: str = ""
    next_url: str = ""


@dataclass(frozen=True, kw_only=True)
class ParameterRow:
    """A named parameter of a network, which the form of a run shows."""

    name: str
    default: str
    allowed: str
    help: str


@dataclass(frozen=True, kw_only=True)
class HistoryRow:
    """One version, what it has otherwise than the one before, and the runs that trained it."""

    number: int
    url: str
    against_url: str
    at: datetime
    author: str
    summary: str
    is_current: bool
    num_parameters: int | None
    runs: tuple[RunRow, ...]


@dataclass(frozen=True, kw_only=True)
class ChangedLayer:
    """A layer that differs: its output and parameters in both networks, empty where it is not there."""

    path: str
    what: Literal["added", "removed", "changed"]
    old: str
    new: str
    old_parameters: int
    new_parameters: int


@dataclass(frozen=True, kw_only=True)
class DifferenceView:
    """This network against another, which `against` names; `options` are those that can be chosen, with their labels.

    `kept` says in words which weights of the other fit this one; `why_not` why layers are not compared.
    """

    against: str
    title: str
    options: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    layers: tuple[ChangedLayer, ...]
    kept: str
    why_not: str = ""

    @property
    def num_changed(self) -> int:
        return sum(1 for line in self.lines if not line.left_out and not (line.old and line.new))


@dataclass(frozen=True, kw_only=True)
class NetworkPage(Page):
    """One network. `current` is the id of the version that a save is made on, `version` tells the one shown."""

    template: ClassVar[str] = "network.html"
    place: ClassVar[Place] = "networks"

    name: str
    title: str
    about: str
    text: str
    editor: EditorView
    parameters: tuple[ParameterRow, ...]
    is_catalogue: bool
    used_by: str
    runs: tuple[RunRow, ...]
    train_url: str = ""
    named: NamedView | None = None
    sent: AboutForm | None = None
    url: str = ""
    asked_name: str = ""
    tab: NetworkTab = "code"
    version: str = ""
    current: str = ""
    can_copy: bool = False
    can_save: bool = False
    history: tuple[HistoryRow, ...] = ()
    difference: DifferenceView | None = None
    draft: DifferenceView | None = None
    imported: ImportedView | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.splitlines())


@dataclass(frozen=True, kw_only=True)
class DraftPage(Page):
    """What a text that is not saved has otherwise, as a script asks for it."""

    template: ClassVar[str] = "network.html"
    fragments: ClassVar[frozenset[str]] = frozenset({"draft"})

    draft: DifferenceView
