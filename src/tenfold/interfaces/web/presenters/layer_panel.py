"""The chosen layer of a network as a form."""

from __future__ import annotations

from collections.abc import Sequence

from tenfold.core.errors import Conflict
from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.editing.activating import NONE, activation_of
from tenfold.core.networks.editing.arguments import StatedArgument, stated_arguments
from tenfold.core.networks.editing.places import find_place
from tenfold.core.networks.layers.activations import FUNCTIONS
from tenfold.core.networks.layers.kinds import Argument
from tenfold.core.networks.limits import MAX_AXIS
from tenfold.core.networks.parser import parse
from tenfold.core.networks.source import Lines
from tenfold.core.networks.syntax import Definition, InputStatement, LayerStatement
from tenfold.core.networks.vocabulary import COMMON, LAYERS
from tenfold.interfaces.web.formatting import count
from tenfold.interfaces.web.presenters.layer_operations import operations_view
from tenfold.interfaces.web.views.network_editor import PanelField, PanelView

NOTHING = "Choose a layer: in the graph, in the table, or by the line of the cursor."
LABELS = {"out": "Width", "lr_mult": "Rate ×", "bias_lr_mult": "Rate of biases ×", "decay_mult": "Weight decay ×"}


def layer_panel(text: str, meaning: Analysis, path: str, line: int, cursor: int) -> PanelView:
    """The form of the layer that is written on a line; `path` is the one of its layers that is looked at."""
    at_line = cursor or line
    lines = Lines(text)
    if not 1 <= at_line <= text.count("\n") + 1:
        return _empty(NOTHING)
    offset = lines.starts_at(at_line)
    definition = meaning.definition or parse(text)
    try:
        place = find_place(definition, offset)
    except Conflict:
        return _empty(NOTHING)
    statement = place.statement
    if not isinstance(statement, LayerStatement | InputStatement):
        return _empty(NOTHING)
    try:
        stated = stated_arguments(definition, statement.span.start)
    except Conflict as refusal:
        return _empty(str(refusal))
    call = statement.call.name.text
    kind = LAYERS.get(call)
    name = statement.name.text if statement.name else call
    own = [_field(each) for each in stated if not each.is_common]
    return PanelView(
        title=path if path and line == at_line else name,
        kind=call,
        line=lines.line(statement.span.start),
        help=kind.help if kind else ("Block of this text." if isinstance(statement, LayerStatement) else "Input."),
        fields=(*own, *_activation(definition, statement)),
        training=tuple(_field(each) for each in stated if each.is_common) if _has_weights(meaning, path) else (),
        operations=operations_view(place, stated),
    )


def _empty(why_not: str) -> PanelView:
    return PanelView(title="", kind="", line=0, help="", fields=(), training=(), why_not=why_not)


def _has_weights(meaning: Analysis, path: str) -> bool:
    inside = f"{path}."
    return any(node.weights for node in meaning.sketch.nodes if node.path == path or node.path.startswith(inside))


def _field(stated: StatedArgument) -> PanelField:
    declared = stated.declared or COMMON.get(stated.name)
    value = stated.parameter_written or stated.written or stated.default
    kind = declared.type if declared else ""
    options: Sequence[str] = ()
    if value in {"true", "false"}:
        kind = "boolean"
    elif declared is not None and declared.type == "choice" and (value in declared.choices or not value):
        options = declared.choices
    shown = stated.name.replace("_", " ")
    return PanelField(
        name=stated.name,
        label=LABELS.get(stated.name, shown[:1].upper() + shown[1:]),
        kind="choice" if options else ("boolean" if kind == "boolean" and value in {"true", "false"} else "text"),
        value=value,
        default=stated.default,
        help=declared.help.replace("`", "") if declared else "",
        allowed=_allowed(declared),
        options=tuple(options),
        parameter=stated.parameter,
        is_changed=bool(stated.written and stated.default and value != stated.default),
    )


def _allowed(declared: Argument | None) -> str:
    if declared is None or declared.type == "boolean":
        return ""
    if declared.choices or declared.minimum is None:
        return ", ".join(declared.choices)
    if declared.maximum is None or declared.maximum >= MAX_AXIS:
        return f"at least {declared.minimum:g}"
    return f"{declared.minimum:g} to {count(declared.maximum) if declared.maximum >= 1 else declared.maximum}"


def _activation(definition: Definition, statement: LayerStatement | InputStatement) -> tuple[PanelField, ...]:
    """The function after the layer, which has a line of its own in the text."""
    if not isinstance(statement, LayerStatement):
        return ()
    value = activation_of(definition, statement.span.start)
    is_own = statement.call.name.text in {"activation", *FUNCTIONS}
    if is_own and statement.call.name.text == "activation":
        return ()
    options = (NONE, *FUNCTIONS) if value in FUNCTIONS or value == NONE else (value, NONE, *FUNCTIONS)
    return (
        PanelField(
            name="activation",
            label="Function" if is_own else "Activation after",
            kind="activation",
            value=value,
            default=NONE,
            help=FUNCTIONS.get(value, "What bends its output." if value == NONE else "As a parameter says."),
            allowed="",
            options=options,
        ),
    )
