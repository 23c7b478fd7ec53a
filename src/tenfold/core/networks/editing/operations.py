"""Carries out the operations that people ask for, at a line or at the path of a layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tenfold.core.networks.editing.activating import set_activation
from tenfold.core.networks.editing.arguments import make_parameter, set_argument
from tenfold.core.networks.editing.connecting import connect, repeat
from tenfold.core.networks.editing.edits import Edited, refused
from tenfold.core.networks.editing.layers import insert_after, move, remove, switch
from tenfold.core.networks.editing.places import find_block
from tenfold.core.networks.editing.renaming import rename
from tenfold.core.networks.editing.wrapping import wrap
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.operation import Operation
from tenfold.core.networks.source import Lines
from tenfold.core.networks.syntax import Definition, InputStatement, LayerStatement, Statement


def carry_out(operation: Operation, definition: Definition, graph: LayerGraph | None) -> Edited:
    """The edits of an operation; raises `Conflict` with the reason. `graph` is the definition's, where it has one."""
    at = offset_of(operation, definition)
    joined = _JOINED.get(operation.action)
    if joined is not None:
        return joined(operation, definition, at, graph)
    action, argument = operation.action, operation.argument or ""
    value, name = operation.value or "", operation.name or ""
    if action == "set":
        return set_argument(definition, at, argument, value, of_parameter=operation.of_parameter)
    if action == "make-parameter":
        return make_parameter(definition, at, argument, name)
    if action == "insert":
        return insert_after(definition, at, value, name=name)
    if action == "activate":
        return set_activation(definition, at, value)
    if action == "remove":
        return remove(definition, at)
    if action in {"switch-on", "switch-off"}:
        return switch(definition, at, is_on=action == "switch-on")
    return move(definition, at, up=action == "move-up")


def _rename(operation: Operation, definition: Definition, at: int, graph: LayerGraph | None) -> Edited:
    return rename(definition, at, operation.name or "", graph=graph)


def _connect(operation: Operation, definition: Definition, at: int, _graph: LayerGraph | None) -> Edited:
    return connect(definition, at, operation.value or "")


def _repeat(operation: Operation, definition: Definition, at: int, graph: LayerGraph | None) -> Edited:
    return repeat(definition, at, operation.value or "", graph=graph)


def _wrap(operation: Operation, definition: Definition, at: int, graph: LayerGraph | None) -> Edited:
    until = at if operation.until is None else _line_start(operation.until, definition)
    return wrap(definition, at, until, operation.name or "", graph=graph)


_JOINED: dict[str, Callable[[Operation, Definition, int, LayerGraph | None], Edited]] = {
    "connect": _connect,
    "rename": _rename,
    "repeat": _repeat,
    "wrap": _wrap,
}


def offset_of(operation: Operation, definition: Definition) -> int:
    """Where in the text the operation is done; raises `Conflict` where that is nowhere."""
    if operation.line is None:
        return _statement_of((operation.layer or "").split("."), definition).span.start
    return _line_start(operation.line, definition)


def _line_start(line: int, definition: Definition) -> int:
    starts = Lines(definition.text)
    offset = starts.offset(line)
    if offset is None:
        raise refused(f"There is no line {line}: the text has {starts.count}.")
    return offset


def _statement_of(path: Sequence[str], definition: Definition) -> Statement:
    """The statement of a layer's path: into the blocks that it uses, past the numbers of copies."""
    scope: Sequence[Statement] = definition.statements
    while True:
        found = next((item for item in scope if _name(item) == path[0]), None)
        if found is None:
            raise refused(f"There is no layer `{path[0][:64]}` in the text.")
        rest = path[2:] if path[1:] and path[1].isdecimal() else path[1:]
        if not rest:
            return found
        block = find_block(definition, found.call) if isinstance(found, LayerStatement) else None
        if block is None:
            raise refused(f"`{path[0][:64]}` is no block, so it has no `{rest[0][:64]}`.")
        path, scope = rest, block.statements


def _name(statement: Statement) -> str:
    named = statement.name if isinstance(statement, LayerStatement | InputStatement) else None
    return named.text if named is not None else ""
