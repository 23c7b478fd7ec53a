"""What can be done with the chosen layer of a network, and where an operation leads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tenfold.core.networks.editing.arguments import StatedArgument
from tenfold.core.networks.editing.connecting import readable
from tenfold.core.networks.editing.places import Place, all_statements, free_name
from tenfold.core.networks.editing.proposals import proposed_layers, wrappable
from tenfold.core.networks.operation import Operation
from tenfold.core.networks.problems import TextEdit
from tenfold.core.networks.source import Lines
from tenfold.core.networks.syntax import BlockStatement, Constant, LayerStatement
from tenfold.core.networks.vocabulary import LAYERS
from tenfold.interfaces.web.views.network_editor import OperationsView, ReadField

OFFERED = 200  # layers in a list; names above them are written in the text
ABOVE = "the line above"


def operations_view(place: Place, stated: Iterable[StatedArgument]) -> OperationsView:
    """What can be done with the layer or input at a place; `stated` are its arguments."""
    statement = place.statement
    layer = statement if isinstance(statement, LayerStatement) else None
    when = layer.when if layer is not None else None
    is_off = isinstance(when, Constant) and when.value is False
    name = getattr(statement, "name", None)
    blocks = {item.name.text for item in all_statements(place.definition) if isinstance(item, BlockStatement)}
    repeat = place.text[slice(*layer.repeat.span)] if layer is not None and layer.repeat is not None else "1"
    return OperationsView(
        name=name.text if name is not None else "",
        is_layer=layer is not None,
        is_on=not is_off,
        can_switch=when is None or is_off,
        copies=repeat,
        reads=_reads(place, layer) if layer is not None else (),
        layers=_grouped(proposed_layers(place)),
        ends=tuple(_end(place, each) for each in wrappable(place)[:OFFERED]) if layer is not None else (),
        block_name=free_name("block", blocks),
        made=tuple(
            (each.name, each.written or each.default)
            for each in stated
            if not each.is_common and not each.parameter and (each.written or each.default)
        ),
    )


def _end(place: Place, layer: LayerStatement) -> tuple[int, str]:
    name = layer.name.text if layer.name is not None else layer.call.name.text
    return place.line(layer), name


def _reads(place: Place, layer: LayerStatement) -> tuple[ReadField, ...]:
    """A field for each input, and for a join one more."""
    kind = LAYERS.get(layer.call.name.text)
    most = kind.max_inputs if kind is not None else max(1, len(layer.sources))
    named = readable(place)[:OFFERED]
    written = [str(each) for each in layer.sources] or [""]
    fields = written + ([""] if len(written) < most and layer.sources else [])
    return tuple(
        ReadField(
            label="Reads" if len(fields) == 1 else f"Reads {number}",
            value=value,
            options=tuple(dict.fromkeys((*([value] if value else []), *named))),
            nothing=ABOVE if len(fields) == 1 else "nothing",
        )
        for number, value in enumerate(fields, start=1)
    )


def _grouped(proposed: Iterable[tuple[str, str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    groups: dict[str, list[str]] = {}
    for group, line in proposed:
        groups.setdefault(group, []).append(line)
    return tuple((group, tuple(lines)) for group, lines in groups.items())


def leads_to(operation: Operation, text: str, edits: Sequence[TextEdit]) -> int:
    """The line that what was operated on, or came of it, stands on after the edits."""
    lines = Lines(text)
    line = operation.line or 1
    if not edits:
        return line
    if operation.action == "insert":
        return lines.line(edits[0].start) + _grown(edits, edits[0].start) + 1
    if operation.action in {"move-up", "move-down"}:
        passed = edits[0] if operation.action == "move-up" else edits[-1]
        height = lines.line(passed.end) - lines.line(passed.start) + 1
        return line - height if operation.action == "move-up" else line + height
    if operation.action == "wrap":
        call = max(edits, key=lambda edit: edit.end - edit.start)
        return lines.line(call.start) + _grown(edits, call.start)
    return line + _grown(edits, lines.starts_at(line))


def _grown(edits: Iterable[TextEdit], before: int) -> int:
    """How many lines the edits above an offset add."""
    return sum(edit.text.count("\n") for edit in edits if edit.end < before)
