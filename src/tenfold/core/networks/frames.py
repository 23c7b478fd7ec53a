"""What an expansion keeps in mind: the scopes being expanded, and what names stand for in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.networks.arguments import Given
from tenfold.core.networks.evaluator import Scope
from tenfold.core.networks.layers.kinds import Shape
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import BrokenStatement, Call, LayerStatement, Statement


@dataclass
class Placed:
    """What a name stands for: a node or input with its shape (nothing where that is unknown), the results of a block
    beside its last layer, and the copies of a repeat."""

    path: str
    shape: Shape | None
    name: str
    line: int
    outputs: dict[str, Placed] = field(default_factory=dict)
    copies: tuple[Placed, ...] = ()


@dataclass
class Called:
    """A layer that was placed, as `share` applies it again."""

    call: Call
    given: Given
    count: int
    owner: str
    is_bypassed: bool = False


@dataclass
class Frame:
    """One scope while it is expanded: the file, or one use of a block.

    `prefix` begins the paths of its layers, `owner` those of their weights: the two differ under `share`.
    """

    prefix: str
    owner: str
    scope: Scope
    chain: Placed | None
    layers: dict[str, Placed] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    generated: dict[str, int] = field(default_factory=dict)
    called: dict[str, Called] = field(default_factory=dict)
    outputs: dict[str, Placed] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    stack: tuple[str, ...] = ()
    last_name: str = ""

    @property
    def path(self) -> str:
        return self.prefix.rstrip(".")


@dataclass(frozen=True)
class Unplaced:
    """A layer that stands in the text and has no node: its own mistake, `is_faulty`, or what it reads is unknown.

    `inputs` are paths of nodes, of inputs and of others that are unplaced.
    """

    path: str
    kind: str
    inputs: tuple[str, ...]
    span: Span
    is_faulty: bool


@dataclass(frozen=True)
class Site:
    """Where a call stands and what becomes of it."""

    call: Call
    span: Span
    inputs: tuple[Placed, ...]
    path: str
    owner: str
    name: str
    is_chained: bool


def declared_names(statements: Sequence[Statement]) -> frozenset[str]:
    """The names that layers and inputs of a scope declare."""
    names = (getattr(item, "name", None) for item in statements if isinstance(item, LayerStatement | BrokenStatement))
    return frozenset(name.text for name in names if name is not None)
