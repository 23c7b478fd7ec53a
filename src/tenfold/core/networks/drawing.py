"""The drawing of a network: where its layers stand, and the ways of the edges between them, in pixels.

Layers stand in ranks, each below everything it reads. An edge that passes ranks keeps a lane free in them, so that it
crosses no layer; edges of one source share it. The same network gives the same drawing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.layers.kinds import Shape

NODE_WIDTH, NODE_HEIGHT = 190.0, 40.0
VOLUME_WIDTH = 76.0  # the room for a silhouette beside a node
CELL_WIDTH = NODE_WIDTH + VOLUME_WIDTH + 18.0
LANE_WIDTH = 18.0
CORNER = NODE_WIDTH / 2 - 8  # an edge into a lane leaves there, clear of the shape that stands below the middle
RANK_HEIGHT = 68.0
MARGIN = 14.0
MAX_LANES = 4000  # beyond it edges are straight
MAX_UNFOLDED = 60  # layers, above which blocks are drawn folded at first
_LIGHT = 1e-3  # how much the place of a lane or a side branch counts beside that of a first branch

NodeState = Literal["known", "faulty", "unknown"]
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class DrawnNode:
    """A layer, an input or a folded group of `num_layers`, with the upper left corner of its box.

    `inputs` are the paths of the nodes drawn above it; `source` is the offset of its statement in the text.
    """

    path: str
    kind: str
    x: float
    y: float
    rank: int
    inputs: tuple[str, ...] = ()
    shape: Shape | None = None
    state: NodeState = "known"
    source: int | None = None
    num_layers: int = 1
    is_group: bool = False
    is_input: bool = False


@dataclass(frozen=True, kw_only=True)
class DrawnEdge:
    """From the bottom of one node to the top of another; `shape` is what it carries, nothing where that is unknown."""

    source: str
    target: str
    points: tuple[Point, ...]
    shape: Shape | None
    is_faulty: bool = False


@dataclass(frozen=True, kw_only=True)
class DrawnGroup:
    """The frame around the layers of an unfolded group."""

    path: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    source: int | None = None


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """`folded` are the groups drawn as one node each."""

    width: float
    height: float
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    groups: tuple[DrawnGroup, ...]
    folded: tuple[str, ...]


@dataclass
class _Vertex:
    """A node before it has a place."""

    path: str
    kind: str
    inputs: list[str]
    shape: Shape | None
    state: NodeState = "known"
    num_layers: int = 1
    is_group: bool = False
    is_input: bool = False
    rank: int = 0


@dataclass
class _Slot:
    """A place in a rank: of a vertex, or of the lane of an edge's source."""

    path: str
    is_lane: bool
    wanted: float = 0.0
    centre: float = 0.0
    weight: float = 1.0

    @property
    def width(self) -> float:
        return LANE_WIDTH if self.is_lane else CELL_WIDTH


@dataclass
class _Ranks:
    """The slots of every rank, and the centres of vertices and lanes by (path, rank)."""

    slots: list[list[_Slot]]
    centres: dict[tuple[str, int], float] = field(default_factory=dict)


def first_folded(analysis: Analysis) -> frozenset[str]:
    """The groups that are folded at first: all where there are many layers, none where there are few."""
    if len(analysis.sketch.nodes) + len(analysis.unplaced) <= MAX_UNFOLDED:
        return frozenset()
    return frozenset(analysis.groups)


def draw(analysis: Analysis, folded: Collection[str] = ()) -> Drawing:
    """The drawing of what is understood of a text, with the layers that are not in their places."""
    owners = _owners(analysis, folded)
    vertices = _vertices(analysis, owners)
    _rank(vertices)
    ranks = _arranged(vertices)
    left = min((slot.centre - slot.width / 2 for slots in ranks.slots for slot in slots), default=0.0) - MARGIN
    right = max((slot.centre + slot.width / 2 for slots in ranks.slots for slot in slots), default=CELL_WIDTH)
    centres = {(path, rank): centre - left for (path, rank), centre in ranks.centres.items()}
    nodes = tuple(_drawn(vertex, centres, analysis) for vertex in vertices.values())
    return Drawing(
        width=right - left + MARGIN,
        height=len(ranks.slots) * RANK_HEIGHT - (RANK_HEIGHT - NODE_HEIGHT) + 2 * MARGIN,
        nodes=nodes,
        edges=_edges(vertices, centres),
        groups=_frames(analysis, nodes, owners),
        folded=tuple(sorted({owner for owner in owners.values() if owner in analysis.groups})),
    )


# what is drawn


def _owners(analysis: Analysis, folded: Collection[str]) -> dict[str, str]:
    """The node that each path is drawn as: itself, or the outermost folded group around it."""
    closed = set(folded) & set(analysis.groups)
    known: dict[str, str] = {}

    def owner(path: str) -> str:
        if path not in known:
            outer = path.rpartition(".")[0]
            above = owner(outer) if outer else ""
            known[path] = above or (path if path in closed else "")
        return known[path]

    paths = [item.name for item in analysis.sketch.inputs]
    paths += [node.path for node in analysis.sketch.nodes]
    paths += [item.path for item in analysis.unplaced]
    return {path: owner(path) or path for path in paths}


def _vertices(analysis: Analysis, owners: Mapping[str, str]) -> dict[str, _Vertex]:
    """Everything that gets a box, by path, each after what it reads."""
    found: dict[str, _Vertex] = {}
    for item in analysis.sketch.inputs:
        found[item.name] = _Vertex(item.name, item.kind, [], item.shape, is_input=True)
    for node in analysis.sketch.nodes:
        _join(found, analysis, owners, _Vertex(node.path, node.kind, list(node.inputs), node.shape))
    for gap in analysis.unplaced:
        state: NodeState = "faulty" if gap.is_faulty else "unknown"
        _join(found, analysis, owners, _Vertex(gap.path, gap.kind, list(gap.inputs), None, state))
    return found


def _join(found: dict[str, _Vertex], analysis: Analysis, owners: Mapping[str, str], vertex: _Vertex) -> None:
    """Adds a vertex, or makes it part of the folded group it belongs to."""
    owner = owners[vertex.path]
    read = [owners[path] for path in vertex.inputs if owners.get(path) in found and owners[path] != owner]
    if owner == vertex.path:
        vertex.inputs = list(dict.fromkeys(read))
        found[owner] = vertex
        return
    group = found.setdefault(owner, _Vertex(owner, analysis.groups[owner], [], None, num_layers=0, is_group=True))
    group.inputs = list(dict.fromkeys([*group.inputs, *read]))
    group.shape = vertex.shape
    group.num_layers += 1
    if vertex.state != "known" and group.state != "faulty":
        group.state = vertex.state


def _rank(vertices: Mapping[str, _Vertex]) -> None:
    for vertex in vertices.values():
        vertex.rank = 1 + max((vertices[path].rank for path in vertex.inputs), default=-1)


# where it stands


def _arranged(vertices: Mapping[str, _Vertex]) -> _Ranks:
    """Slots with centres, rank by rank: each as near as there is room to the first that it reads."""
    reach = _reach(vertices)
    ranks = _Ranks([[] for _ in range(1 + max((vertex.rank for vertex in vertices.values()), default=-1))])
    for vertex in vertices.values():
        ranks.slots[vertex.rank].append(_Slot(vertex.path, is_lane=False))
    for path, last in reach.items():
        for rank in range(vertices[path].rank + 1, last):
            ranks.slots[rank].append(_Slot(path, is_lane=True))
    followed: set[str] = set()
    for rank, slots in enumerate(ranks.slots):
        for slot in slots:
            slot.wanted = _wanted(slot, rank, vertices, ranks.centres)
            first = "" if slot.is_lane else next(iter(vertices[slot.path].inputs), slot.path)
            slot.weight = _LIGHT if slot.is_lane or first in followed else 1.0
            followed.add(first)
        slots.sort(key=lambda slot: slot.wanted)  # stable: layers before lanes, in the order of the text
        _place(slots)
        ranks.centres.update({(slot.path, rank): slot.centre for slot in slots})
    return ranks


def _reach(vertices: Mapping[str, _Vertex]) -> dict[str, int]:
    """The last rank that reads each vertex; nothing where the lanes would be too many."""
    reach: dict[str, int] = {}
    for vertex in vertices.values():
        for path in vertex.inputs:
            reach[path] = max(reach.get(path, 0), vertex.rank)
    lanes = sum(max(0, last - vertices[path].rank - 1) for path, last in reach.items())
    return reach if lanes <= MAX_LANES else {}


def _wanted(slot: _Slot, rank: int, vertices: Mapping[str, _Vertex], centres: Mapping[tuple[str, int], float]) -> float:
    if slot.is_lane:
        return centres[slot.path, rank - 1]
    vertex = vertices[slot.path]
    return centres[vertex.inputs[0], vertices[vertex.inputs[0]].rank] if vertex.inputs else 0.0


def _place(slots: Sequence[_Slot]) -> None:
    """Centres nearest to the wanted ones in the sense of least squares, in order and without overlap (by pooling)."""
    offsets: list[float] = []
    for index, slot in enumerate(slots):
        before = offsets[-1] + (slots[index - 1].width + slot.width) / 2 if index else 0.0
        offsets.append(before)
    pools: list[tuple[float, float, int]] = []  # weighted sum, weight, how many
    for slot, offset in zip(slots, offsets, strict=True):
        pool = (slot.weight * (slot.wanted - offset), slot.weight, 1)
        while pools and pools[-1][0] / pools[-1][1] >= pool[0] / pool[1]:
            last = pools.pop()
            pool = (pool[0] + last[0], pool[1] + last[1], pool[2] + last[2])
        pools.append(pool)
    starts = [total / weight for total, weight, count in pools for _ in range(count)]
    for slot, start, offset in zip(slots, starts, offsets, strict=True):
        slot.centre = start + offset


# the drawing


def _drawn(vertex: _Vertex, centres: Mapping[tuple[str, int], float], analysis: Analysis) -> DrawnNode:
    span = analysis.places.get(vertex.path) or next(
        (gap.span for gap in analysis.unplaced if gap.path == vertex.path), None
    )
    return DrawnNode(
        path=vertex.path,
        kind=vertex.kind,
        x=centres[vertex.path, vertex.rank] - CELL_WIDTH / 2,
        y=MARGIN + vertex.rank * RANK_HEIGHT,
        rank=vertex.rank,
        inputs=tuple(vertex.inputs),
        shape=vertex.shape,
        state=vertex.state,
        source=span.start if span else None,
        num_layers=vertex.num_layers,
        is_group=vertex.is_group,
        is_input=vertex.is_input,
    )


def _edges(vertices: Mapping[str, _Vertex], centres: Mapping[tuple[str, int], float]) -> tuple[DrawnEdge, ...]:
    shift = (NODE_WIDTH - CELL_WIDTH) / 2  # the middle of a box, from that of its cell
    edges = []
    for vertex in vertices.values():
        for path in vertex.inputs:
            source = vertices[path]
            middle = centres[path, source.rank] + shift
            lanes = [rank for rank in range(source.rank + 1, vertex.rank) if (path, rank) in centres]
            is_aside = bool(lanes) and centres[path, lanes[0]] > middle + NODE_WIDTH / 2
            points = [(middle + (CORNER if is_aside else 0), _bottom(source.rank))]
            for rank in lanes:
                lane = centres[path, rank]
                points += [(lane, _top(rank)), (lane, _bottom(rank))]
            points.append((centres[vertex.path, vertex.rank] + shift, _top(vertex.rank)))
            is_faulty = vertex.state == "faulty"
            edges.append(
                DrawnEdge(
                    source=path, target=vertex.path, points=tuple(points), shape=source.shape, is_faulty=is_faulty
                )
            )
    return tuple(edges)


def _top(rank: int) -> float:
    return MARGIN + rank * RANK_HEIGHT


def _bottom(rank: int) -> float:
    return _top(rank) + NODE_HEIGHT


def _frames(analysis: Analysis, nodes: Sequence[DrawnNode], owners: Mapping[str, str]) -> tuple[DrawnGroup, ...]:
    """Frames around unfolded groups, the outer first; none where another layer stands in between."""
    inside: dict[str, list[DrawnNode]] = {}
    for node in nodes:
        path = node.path.rpartition(".")[0]
        while path:
            if path in analysis.groups:
                inside.setdefault(path, []).append(node)
            path = path.rpartition(".")[0]
    by_rank: dict[int, list[DrawnNode]] = {}
    for node in nodes:
        by_rank.setdefault(node.rank, []).append(node)
    frames = []
    for path, kind in analysis.groups.items():
        members = inside.get(path, [])
        if not members or path in owners.values():
            continue
        left, right = min(node.x for node in members), max(node.x for node in members)
        first, last = min(node.rank for node in members), max(node.rank for node in members)
        there = [node for rank in range(first, last + 1) for node in by_rank[rank] if left <= node.x <= right]
        if len(there) != len(members):
            continue
        span = analysis.places.get(path)
        room = max(3, 12 - 3 * path.count("."))  # inner frames stand inside outer ones
        frames.append(
            DrawnGroup(
                path=path,
                kind=kind,
                x=left - room,
                y=_top(first) - room,
                width=right - left + CELL_WIDTH - 18 + 2 * room,
                height=_bottom(last) - _top(first) + 2 * room,
                source=span.start if span else None,
            )
        )
    return tuple(frames)
