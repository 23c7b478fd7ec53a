"""Chooses the activation function of a layer: its own where it is one, else that of the line below."""

from __future__ import annotations

from tenfold.core.networks.editing.edits import Edited, edited, refused, replaced
from tenfold.core.networks.editing.layers import insert_after, remove
from tenfold.core.networks.editing.places import Place, require_layer
from tenfold.core.networks.layers.activations import FUNCTIONS
from tenfold.core.networks.syntax import Definition, LayerStatement, Variable

NONE = "none"


def activation_of(definition: Definition, at: int) -> str:
    """The function that a layer is followed by, as it is written; `none` where there is none."""
    place, _ = require_layer(definition, at, "followed by an activation")
    found = _activation(place)
    if found is None:
        return NONE
    call = found.call
    if call.name.text != "activation":
        return call.name.text
    return definition.text[slice(*call.arguments[0].value.span)] if call.arguments else "activation"


def set_activation(definition: Definition, at: int, function: str) -> Edited:
    """Puts a function after a layer, exchanges the one that is there, or with `none` removes it.

    Raises `Conflict` with the reason.
    """
    if function not in FUNCTIONS and function != NONE:
        raise refused(f"`{function[:40]}` is no activation. There are: {', '.join(FUNCTIONS)}.")
    place, layer = require_layer(definition, at, "followed by an activation")
    found = _activation(place)
    if function == NONE:
        return edited([]) if found is None else remove(definition, found.span.start)
    if found is None:
        return insert_after(definition, layer.span.start, function)
    call = found.call
    value = call.arguments[0].value if call.name.text == "activation" and call.arguments else None
    if isinstance(value, Variable) and value.name in FUNCTIONS:
        return edited([replaced(value.span, function)])
    return edited([replaced(call.span, function)])


def _activation(place: Place) -> LayerStatement | None:
    """The layer itself where it is an activation, or the one below where that reads it by its place."""
    after = place.scope[place.index + 1] if place.index + 1 < len(place.scope) else None
    if _is_activation(place.statement):
        return place.statement if isinstance(place.statement, LayerStatement) else None
    if isinstance(after, LayerStatement) and _is_activation(after) and not after.sources:
        return after
    return None


def _is_activation(statement: object) -> bool:
    return isinstance(statement, LayerStatement) and statement.call.name.text in {"activation", *FUNCTIONS}
