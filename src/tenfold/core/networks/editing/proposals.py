"""Proposes lines for new layers, and what a chosen one could read, be wrapped with, or make a parameter."""

from __future__ import annotations

from collections.abc import Iterator

from tenfold.core.networks.editing.connecting import readable
from tenfold.core.networks.editing.places import Place
from tenfold.core.networks.layers.kinds import LayerKind
from tenfold.core.networks.syntax import BlockStatement, LayerStatement, LetStatement, Statement
from tenfold.core.networks.vocabulary import LAYERS

LAYER, FUNCTION, JOIN, BLOCK = "Layers", "Activations", "Joins", "Blocks of this text"
_USUAL = {
    "out": "64",
    "kernel": "3",
    "window": "2",
    "factor": "2",
    "width": "128",
    "kind": "relu",
    "shape": "[-1]",
    "axes": "[1, 0]",
    "height": "1",
    "index": "0",
    "start": "0",
}
_BESIDE = {"conv": ", pad=half"}


def proposed_layers(place: Place) -> Iterator[tuple[str, str]]:
    """Lines for a layer below a statement, one a kind, each with the group that it is offered in."""
    names = _readable_below(place)
    for item in place.definition.statements:
        if isinstance(item, BlockStatement) and item is not place.block:
            needed = [_USUAL.get(each.name.text, "1") for each in item.formals if each.default is None]
            inputs = names[: len(item.inputs)] if len(item.inputs) > 1 else ()
            if len(inputs) == len(item.inputs) or len(item.inputs) < 2:
                yield BLOCK, _line(item.name.text, needed, inputs)
    for kind in LAYERS.values():
        if kind.min_inputs <= max(1, len(names)):
            needed = [_USUAL.get(each.name, "1") for each in kind.arguments if each.required]
            inputs = names[: kind.min_inputs] if kind.min_inputs > 1 else ()
            yield _group(kind), _line(kind.name, needed, inputs)


def wrappable(place: Place) -> tuple[LayerStatement, ...]:
    """The layers of the scope that a block can end with which begins with this one: itself first."""
    found = []
    for item in place.scope[place.index :]:
        if isinstance(item, LayerStatement):
            found.append(item)
        elif not isinstance(item, LetStatement):
            break
    return tuple(found)


def _readable_below(place: Place) -> tuple[str, ...]:
    own: Statement = place.statement
    name = getattr(own, "name", None)
    return (*([name.text] if name is not None else []), *readable(place))


def _group(kind: LayerKind) -> str:
    if kind.min_inputs > 1:
        return JOIN
    return FUNCTION if "activation" in {kind.name, kind.stands_for} else LAYER


def _line(name: str, needed: list[str], inputs: tuple[str, ...]) -> str:
    given = ", ".join(needed) + _BESIDE.get(name, "")
    brackets = f"({given})" if given else ""
    clause = f" from {', '.join(inputs)}" if inputs else ""
    return f"{name}{brackets}{clause}"
