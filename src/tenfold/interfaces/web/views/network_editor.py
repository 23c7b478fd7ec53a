"""The editor of a network: its graph, the table of its layers, the form of one of them, and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tenfold.interfaces.web.views.frame import Page

Tone = Literal["", "is-on", "is-bad", "is-unknown"]


@dataclass(frozen=True, kw_only=True)
class GraphNode:
    """One box with the silhouette of its output, `volume_*`, where that is known. `says` tells it in words.

    `above` and `below` are the paths that the arrow keys lead to; `fold_url` folds or unfolds a group.
    """

    path: str
    label: str
    about: str
    number: str
    says: str
    url: str
    x: float
    y: float
    volume_x: float
    volume_y: float
    volume_width: float
    volume_height: float
    tone: Tone
    line: int
    above: str
    below: str
    is_group: bool
    fold_url: str = ""


@dataclass(frozen=True, kw_only=True)
class GraphEdge:
    """The path of an edge, and what it carries, with the place of that text; an edge that carries nothing new has no
    text."""

    path: str
    text: str
    x: float
    y: float
    tone: Tone


@dataclass(frozen=True, kw_only=True)
class GraphFrame:
    """The frame of an unfolded group, and the address that folds it."""

    path: str
    label: str
    x: float
    y: float
    width: float
    height: float
    fold_url: str


@dataclass(frozen=True, kw_only=True)
class GraphView:
    """`why_not` says why nothing is drawn."""

    width: float
    height: float
    says: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    frames: tuple[GraphFrame, ...]
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """One layer, or a folded group, with what it costs; shares are of the largest, as the lengths of bars."""

    path: str
    kind: str
    about: str
    shape: str
    num_parameters: int
    parameter_share: float
    num_multiply_adds: int
    multiply_add_share: float
    activation_bytes: int
    gradient_bytes: int
    sees: str
    tone: Tone
    url: str


@dataclass(frozen=True, kw_only=True)
class PanelField:
    """One argument of the chosen layer: `value` as it stands in the text, or its default.

    With `parameter`, the value is that parameter's, and a change changes it wherever it is read.
    """

    name: str
    label: str
    kind: Literal["text", "choice", "boolean", "activation"]
    value: str
    default: str
    help: str
    allowed: str
    options: tuple[str, ...] = ()
    parameter: str = ""
    is_changed: bool = False


@dataclass(frozen=True, kw_only=True)
class ReadField:
    """Which layer one input of the chosen layer reads: of `options`, the empty one being `nothing` in words."""

    label: str
    value: str
    options: tuple[str, ...]
    nothing: str


@dataclass(frozen=True, kw_only=True)
class OperationsView:
    """What can be done with the chosen layer beside its arguments.

    `layers` are lines to insert below, in groups; `ends` lines and names of layers that a block may end with; `made`
    the arguments that can become a parameter, with the value of each. An input can only be renamed and be inserted
    below.
    """

    name: str
    is_layer: bool
    is_on: bool
    can_switch: bool
    copies: str
    reads: tuple[ReadField, ...]
    layers: tuple[tuple[str, tuple[str, ...]], ...]
    ends: tuple[tuple[int, str], ...]
    block_name: str
    made: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class PanelView:
    """The chosen layer as a form; `line` counts from 1. Without a layer, `why_not` says what to do."""

    title: str
    kind: str
    line: int
    help: str
    fields: tuple[PanelField, ...]
    training: tuple[PanelField, ...]
    operations: OperationsView | None = None
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class ProblemRow:
    """One mistake in words, for where no script shows it on its line."""

    line: int
    message: str


@dataclass(frozen=True, kw_only=True)
class EditorView:
    """Everything that follows from a text."""

    num_layers: int
    num_parameters: int
    num_multiply_adds: int
    weight_bytes: int
    activation_bytes: int
    input_text: str
    sees: str
    sees_at: str
    graph: GraphView
    costs: tuple[CostRow, ...]
    total: CostRow
    panel: PanelView
    chosen: str
    problems: tuple[ProblemRow, ...]
    finding: str

    @property
    def state(self) -> str:
        number = len(self.problems)
        return "no errors" if not number else f"{number} error{'s' * (number > 1)}"


@dataclass(frozen=True, kw_only=True)
class EditorPage(Page):
    """The parts of the page that follow from a text, as a script asks for them."""

    template: ClassVar[str] = "network.html"
    fragments: ClassVar[frozenset[str]] = frozenset({"figures", "graph", "costs", "panel"})

    editor: EditorView
    train_url: str = ""
