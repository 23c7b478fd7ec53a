"""What follows from a network's text, as its editor shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote, urlencode

from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.costs import LayerCost, Sight, layer_costs, together
from tenfold.core.networks.drawing import (
    NODE_HEIGHT,
    NODE_WIDTH,
    VOLUME_WIDTH,
    Drawing,
    DrawnEdge,
    DrawnNode,
    draw,
    first_folded,
)
from tenfold.core.networks.graph import Node
from tenfold.core.networks.layers.kinds import Shape
from tenfold.core.networks.source import Lines
from tenfold.interfaces.web.formatting import count, plural, short_count
from tenfold.interfaces.web.presenters.layer_panel import layer_panel
from tenfold.interfaces.web.presenters.networks import arguments_text, input_text, shape_text
from tenfold.interfaces.web.views import network_editor as views

MAX_DRAWN = 1200
BATCH = 64
VOLUME_HEIGHT = 44.0
VOLUME_GAP = 10.0
SHORT = 28  # characters of what a layer is, in its box
NAME = 24  # those of its name, which is bold, and the number beside it


@dataclass(frozen=True)
class Looking:
    """How the page is looked at: which groups were opened and folded, and the layer that is chosen, by its path or its
    line. `address` is that of the page.

    Where `is_live`, a script answers presses on layers, whose addresses then leave out which groups are open: they
    would be most of what is sent."""

    address: str
    opened: frozenset[str] = frozenset()
    folded: frozenset[str] = frozenset()
    layer: str = ""
    line: int = 0
    is_live: bool = False

    def at(self, layer: str) -> str:
        """The address of the page with another layer chosen."""
        return f"{self.address}?layer={quote(layer)}" if self.is_live else self._at(layer)

    def _at(self, layer: str) -> str:
        return f"{self._folds}{'&' if '?' in self._folds else '?'}layer={quote(layer)}"

    @cached_property
    def _folds(self) -> str:
        query = {"open": ",".join(sorted(self.opened)), "fold": ",".join(sorted(self.folded))}
        told = urlencode({name: value for name, value in query.items() if value})
        return f"{self.address}?{told}" if told else self.address

    def flipped(self, path: str, *, is_folded: bool) -> str:
        """The address with a group unfolded that is folded, or the other way round."""
        opened = self.opened | {path} if is_folded else self.opened - {path}
        folded = self.folded - {path} if is_folded else self.folded | {path}
        return replace(self, opened=opened, folded=folded)._at(path)


def editor_view(text: str, meaning: Analysis, looking: Looking) -> views.EditorView:
    """The whole editor of a text."""
    graph = meaning.sketch
    drawing = draw(meaning, (first_folded(meaning) - looking.opened) | looking.folded)
    lines = Lines(text)
    chosen = _chosen(drawing, looking, lines)
    costs = {cost.path: cost for cost in layer_costs(graph)}
    total = together("", costs.values())
    abouts = _abouts(drawing, graph.nodes)
    rows = tuple(_cost_rows(drawing, abouts, costs, looking, chosen))
    wide = {node.path for node in graph.nodes if len(node.shape) > 1}
    seeing = [cost for cost in costs.values() if cost.path in wide and cost.sight and not cost.sight.is_all]
    return views.EditorView(
        num_layers=len(graph.nodes),
        num_parameters=total.parameters,
        num_multiply_adds=total.multiply_adds,
        weight_bytes=total.parameters * 4,
        activation_bytes=total.activation_bytes * BATCH,
        input_text=input_text(meaning),
        sees=sight_text(seeing[-1].sight) if seeing else "",
        sees_at=seeing[-1].path if seeing else "",
        graph=graph_view(drawing, meaning, abouts, looking, lines=lines, chosen=chosen),
        costs=rows,
        total=_row(_Head("Together"), replace(total, sight=None), total),
        panel=layer_panel(text, meaning, chosen.path if chosen else "", _line(chosen, lines), looking.line),
        chosen=chosen.path if chosen else "",
        problems=tuple(views.ProblemRow(line=each.line, message=each.message) for each in meaning.problems),
        finding=_finding(rows, total),
    )


def _chosen(drawing: Drawing, looking: Looking, lines: Lines) -> DrawnNode | None:
    """The node that is asked for; else the one written on the line, or the first that is at fault."""
    wanted = looking.layer
    while wanted:
        found = next((node for node in drawing.nodes if node.path == wanted), None)
        if found is not None and (not looking.line or _line(found, lines) == looking.line):
            return found
        wanted = wanted.rpartition(".")[0]
    if looking.line:
        return next((node for node in drawing.nodes if _line(node, lines) == looking.line), None)
    faulty = (node for node in drawing.nodes if node.state == "faulty")
    return next(faulty, next((node for node in drawing.nodes if not node.is_input), None))


def _line(node: DrawnNode | None, lines: Lines) -> int:
    return lines.line(node.source) if node is not None and node.source is not None else 0


# the graph


def graph_view(
    drawing: Drawing,
    meaning: Analysis,
    abouts: Mapping[str, str],
    looking: Looking,
    *,
    lines: Lines,
    chosen: DrawnNode | None,
) -> views.GraphView:
    """The graph of a drawing; `abouts` say by path what each box is."""
    if len(drawing.nodes) > MAX_DRAWN:
        why_not = f"{count(len(drawing.nodes))} layers are too many to draw: at most {count(MAX_DRAWN)}. Fold blocks."
        return views.GraphView(width=1, height=1, says="", nodes=(), edges=(), frames=(), why_not=why_not)
    nodes = {node.path: node for node in meaning.sketch.nodes}
    scale = _Scale([node.shape for node in drawing.nodes if node.shape])
    below: dict[str, str] = {}
    for drawn in drawing.nodes:
        for path in drawn.inputs:
            below.setdefault(path, drawn.path)
    labels = _labelled(drawing.edges)
    return views.GraphView(
        width=drawing.width,
        height=drawing.height,
        says=_says(drawing, meaning),
        nodes=tuple(
            _node(
                drawn,
                abouts[drawn.path],
                scale,
                looking,
                line=_line(drawn, lines),
                below=below.get(drawn.path, ""),
                look=_Look(
                    _tone(drawn, is_chosen=drawn == chosen),
                    nodes[drawn.path].parameters if drawn.path in nodes else 0,
                ),
            )
            for drawn in drawing.nodes
        ),
        edges=tuple(_edge(edge, is_labelled=index in labels) for index, edge in enumerate(drawing.edges)),
        frames=tuple(
            views.GraphFrame(
                path=group.path,
                label=f"{group.path}, {group.kind}",
                x=group.x,
                y=group.y,
                width=group.width,
                height=group.height,
                fold_url=looking.flipped(group.path, is_folded=False),
            )
            for group in drawing.groups
        ),
    )


class _Scale:
    """Sizes of silhouettes: the same for all, the largest picture and the most channels of one fill their room."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        known = list(shapes)
        self._channels = max((shape[0] for shape in known if len(shape) > 1), default=1)
        self._height = max((shape[1] for shape in known if len(shape) > 1), default=1)

    def size(self, shape: Shape) -> tuple[float, float]:
        width = min(VOLUME_WIDTH, max(2.0, VOLUME_WIDTH * shape[0] / self._channels))
        return width, max(2.0, VOLUME_HEIGHT * shape[1] / self._height) if len(shape) > 1 else 3.0


class _Look(NamedTuple):
    tone: views.Tone
    parameters: int


def _node(
    drawn: DrawnNode,
    about: str,
    scale: _Scale,
    looking: Looking,
    *,
    line: int,
    below: str,
    look: _Look,
) -> views.GraphNode:
    width, height = scale.size(drawn.shape) if drawn.shape else (0.0, 0.0)
    label = drawn.path.rpartition(".")[2] if not drawn.path.rpartition(".")[2].isdigit() else drawn.path
    gives = f"gives {shape_text(drawn.shape)}" if drawn.shape else "gives nothing that is known"
    number = short_count(look.parameters) if look.parameters else ""
    parts = [drawn.path, about, gives, *(["at fault"] if drawn.state == "faulty" else []), f"line {line}"]
    return views.GraphNode(
        path=drawn.path,
        label=_short(label, NAME - len(number)),
        about=_short(about, SHORT),
        number=number,
        says=", ".join(part for part in parts if part),
        url=looking.at(drawn.path),
        x=round(drawn.x, 1),
        y=drawn.y,
        volume_x=round(drawn.x + NODE_WIDTH + VOLUME_GAP + (VOLUME_WIDTH - width) / 2, 1),
        volume_y=round(drawn.y + (NODE_HEIGHT - height) / 2, 1),
        volume_width=round(width, 1),
        volume_height=round(height, 1),
        tone=look.tone,
        line=line,
        above=drawn.inputs[0] if drawn.inputs else "",
        below=below,
        is_group=drawn.is_group,
        fold_url=looking.flipped(drawn.path, is_folded=True) if drawn.is_group else "",
    )


def _tone(drawn: DrawnNode, *, is_chosen: bool) -> views.Tone:
    if drawn.state == "faulty":
        return "is-bad"
    if is_chosen:
        return "is-on"
    return "is-unknown" if drawn.state == "unknown" else ""


def _abouts(drawing: Drawing, nodes: Iterable[Node]) -> dict[str, str]:
    """What each box is, by its path; layers that are alike are told once."""
    known = {node.path: node for node in nodes}
    told: dict[str, str] = {}
    abouts = {}
    for drawn in drawing.nodes:
        node = known.get(drawn.path)
        key = f"{drawn.kind} {drawn.num_layers if drawn.is_group else ''} {node.arguments if node else ''}"
        abouts[drawn.path] = told[key] if key in told else told.setdefault(key, _about(drawn, node))
    return abouts


def _about(drawn: DrawnNode, node: Node | None) -> str:
    if drawn.is_group:
        return f"{drawn.kind}, {plural(drawn.num_layers, 'layer')}"
    if node is None:
        return drawn.kind
    if node.kind == "activation":
        return str(node.arguments["kind"])
    told = dict(node.arguments)
    window = told.pop("kernel", None) or told.pop("window", None)
    out = told.pop("out", None)
    if told.get("stride") == window:
        told.pop("stride", None)
    first = [drawn.kind if window is None else f"{drawn.kind} {shape_text(window)}"]
    first += [f"{count(out)} {'filters' if window is not None else 'out'}"] if out else []
    return ", ".join([*first, *([rest] if (rest := arguments_text(drawn.kind, told)) else [])])


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _labelled(edges: tuple[DrawnEdge, ...]) -> set[int]:
    """The edges that say what they carry: of each node the first one straight down, and those at fault."""
    said: set[str] = set()
    found = set()
    for index, edge in enumerate(edges):
        if edge.is_faulty or (edge.source not in said and len(edge.points) == 2):
            said.add(edge.source)
            found.add(index)
    return found


def _edge(edge: DrawnEdge, *, is_labelled: bool) -> views.GraphEdge:
    (x, y), *rest = edge.points
    path = [f"M{x:.1f} {y:.1f}"]
    for left, top in rest:
        if abs(left - x) < 0.1:
            path.append(f"V{top:.1f}")
        else:
            middle = (y + top) / 2
            path.append(f"C{x:.1f} {middle:.1f} {left:.1f} {middle:.1f} {left:.1f} {top:.1f}")
        x, y = left, top
    end, bottom = edge.points[-1]
    text = shape_text(edge.shape) if edge.shape and is_labelled else ""
    return views.GraphEdge(
        path=" ".join(path), text=text, x=round(end + 8, 1), y=bottom - 10, tone="is-bad" if edge.is_faulty else ""
    )


def _says(drawing: Drawing, meaning: Analysis) -> str:
    shown = [node for node in drawing.nodes if not node.is_input]
    if not shown:
        return "Graph without layers."
    said = f"Graph of {plural(len(shown), 'node')}, from {drawing.nodes[0].path} to {shown[-1].path}."
    bad = next((node.path for node in shown if node.state == "faulty"), "")
    problem = meaning.problems[0].message if meaning.problems else ""
    return f"{said} {bad} does not fit: {problem}" if bad else said


# the table


def _cost_rows(
    drawing: Drawing,
    abouts: Mapping[str, str],
    costs: Mapping[str, LayerCost],
    looking: Looking,
    chosen: DrawnNode | None,
) -> Iterable[views.CostRow]:
    summed: list[tuple[DrawnNode, LayerCost]] = []
    for drawn in drawing.nodes[: MAX_DRAWN + 1]:
        if drawn.is_input:
            continue
        inside = [cost for path, cost in costs.items() if path.startswith(f"{drawn.path}.")] if drawn.is_group else []
        cost = together(drawn.path, inside) if drawn.is_group else costs.get(drawn.path, LayerCost(path=drawn.path))
        summed.append((drawn, cost))
    most = LayerCost(
        path="",
        parameters=max((cost.parameters for _, cost in summed), default=0),
        multiply_adds=max((cost.multiply_adds for _, cost in summed), default=0),
    )
    for drawn, cost in summed:
        shape = shape_text(drawn.shape) if drawn.shape else "unknown"
        head = _Head(
            drawn.path,
            drawn.kind,
            abouts[drawn.path],
            shape,
            _tone(drawn, is_chosen=drawn == chosen),
            looking.at(drawn.path),
        )
        yield _row(head, cost, most)


class _Head(NamedTuple):
    path: str
    kind: str = ""
    about: str = ""
    shape: str = ""
    tone: views.Tone = ""
    url: str = ""


def _row(head: _Head, cost: LayerCost, most: LayerCost) -> views.CostRow:
    return views.CostRow(
        num_parameters=cost.parameters,
        parameter_share=cost.parameters / max(1, most.parameters),
        num_multiply_adds=cost.multiply_adds,
        multiply_add_share=cost.multiply_adds / max(1, most.multiply_adds),
        activation_bytes=cost.activation_bytes * BATCH,
        gradient_bytes=cost.gradient_bytes,
        sees=sight_text(cost.sight),
        **head._asdict(),
    )


def sight_text(sight: Sight | None) -> str:
    """A receptive field: `12 × 12`, `all`, or nothing."""
    if sight is None:
        return ""
    return "all" if sight.is_all else shape_text(sight.field)


def _finding(rows: tuple[views.CostRow, ...], total: LayerCost) -> str:
    """Where most of the parameters and of the work are."""
    if not rows or not total.parameters or not total.multiply_adds:
        return ""
    largest = max(rows, key=lambda row: row.num_parameters)
    busiest = max(rows, key=lambda row: row.num_multiply_adds)
    holds = f"{largest.path} holds {largest.num_parameters / total.parameters * 100:.0f} % of the parameters"
    does = f"{busiest.path} does {busiest.num_multiply_adds / total.multiply_adds * 100:.0f} % of the work"
    return f"{holds}; {does}"
