"""A network of Python: its source, what a worker found in it, and under which level it was executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenfold.interfaces.web.views.frame import AboutForm, NamedView, Page, Place
from tenfold.interfaces.web.views.home import RunRow
from tenfold.interfaces.web.views.network_editor import GraphView
from tenfold.interfaces.web.views.networks import DifferenceView, HistoryRow, NetworkTab, ParameterRow


@dataclass(frozen=True, kw_only=True)
class SourceLayerRow:
    """A layer, or an operation, with the line of the source that makes it; `share` of the most parameters of one."""

    path: str
    kind: str
    line: int
    shape: str
    inputs: str
    num_parameters: int
    share: float


@dataclass(frozen=True)
class LineNote:
    """A sentence about a line of the source; 0 is none of them."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class InspectionView:
    """What is known of the source. `more_url` is where it is asked for while a worker is at it.

    `problem` says what is wrong, at `line`; `confined` under which level it was executed, `why_not_traced` why the
    layers are those of one run; `onnx` whether a model of it can be exported, and `why_not_onnx` what hinders.
    """

    state: str
    more_url: str = ""
    line: int = 0
    problem: str = ""
    confined: str = ""
    name: str = ""
    layers: tuple[SourceLayerRow, ...] = ()
    num_layers: int = 0
    num_parameters: int = 0
    input_text: str = ""
    classes: int = 0
    why_not_traced: str = ""
    onnx: str = ""
    why_not_onnx: LineNote | None = None
    warnings: tuple[LineNote, ...] = ()
    graph: GraphView | None = None

    @property
    def num_left_out(self) -> int:
        return self.num_layers - len(self.layers)


@dataclass(frozen=True, kw_only=True)
class PythonNetworkPage(Page):
    """One network of Python. `why_not_run` says why the viewer cannot have it executed; `level` what holds here."""

    template: ClassVar[str] = "network-python.html"
    place: ClassVar[Place] = "networks"
    fragments: ClassVar[frozenset[str]] = frozenset({"found"})

    name: str
    title: str
    text: str
    url: str
    asked_name: str
    version: str
    current: str
    tab: NetworkTab
    inspection: InspectionView
    parameters: tuple[ParameterRow, ...] = ()
    datasets: tuple[str, ...] = ()
    dataset: str = ""
    level: str = ""
    why_not_run: str = ""
    train_url: str = ""
    can_save: bool = False
    can_copy: bool = False
    runs: tuple[RunRow, ...] = ()
    named: NamedView | None = None
    sent: AboutForm | None = None
    refused: str = ""
    history: tuple[HistoryRow, ...] = ()
    difference: DifferenceView | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """As Python counts them: other marks than a newline end none."""
        return tuple(self.text.removesuffix("\n").split("\n"))
