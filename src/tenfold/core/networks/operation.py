"""What people do to a network text from a graph, a panel or a command, declared as fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tenfold.core.errors import Problem
from tenfold.core.fields import Choice, declare

Action = Literal[
    "set",
    "make-parameter",
    "insert",
    "remove",
    "switch-on",
    "switch-off",
    "move-up",
    "move-down",
    "rename",
    "activate",
    "connect",
    "repeat",
    "wrap",
]
_NEEDS = {
    "set": ("argument", "value"),
    "make-parameter": ("argument", "name"),
    "insert": ("value",),
    "rename": ("name",),
    "activate": ("value",),
    "repeat": ("value",),
    "wrap": ("name",),
}
_TAKES = {"insert": ("name",), "set": ("of_parameter",), "connect": ("value",), "wrap": ("until",)}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One change of a text. What it is done to stands on `line`, or is the layer with the path `layer`."""

    action: Action = declare(
        label="Action",
        help="What is done.",
        choices=(
            Choice("set", "Set an argument", "Gives `argument` the `value`; one equal to the default is removed."),
            Choice("make-parameter", "Make a parameter", "Makes `argument` a parameter of the network with `name`."),
            Choice("insert", "Insert a layer", "Adds the layer `value` below, as in `conv(64, 3)`."),
            Choice("remove", "Remove", "Removes the layer; what read it reads its input."),
            Choice("switch-on", "Switch on", "Takes the bypass away."),
            Choice("switch-off", "Switch off", "Bypasses the layer: its input passes through."),
            Choice("move-up", "Move up", "Changes places with the line above."),
            Choice("move-down", "Move down", "Changes places with the line below."),
            Choice("activate", "Set the activation", "Puts the function `value` after the layer; `none` removes it."),
            Choice("connect", "Choose what it reads", "Reads the layers `value`; nothing is the line above."),
            Choice("repeat", "Repeat", "Stands `value` copies one after another; `1` takes them away."),
            Choice("wrap", "Wrap in a block", "Moves the layers up to the line `until` into a new block `name`."),
            Choice("rename", "Rename", "Gives `name`; a line `renamed` keeps stored weights in reach."),
        ),
    )
    line: int | None = declare(None, label="Line", help="The line of the text, from 1.", minimum=1, maximum=300_000)
    layer: str | None = declare(
        None, label="Layer", help="The path of a layer, as in `conv1` or `layer2.0.conv1`, in the place of a line."
    )
    argument: str | None = declare(None, label="Argument", help="The argument of the layer, as in `kernel`.")
    value: str | None = declare(None, label="Value", help="The value or the layer, written as in the language.")
    name: str | None = declare(None, label="Name", help="The name to give.")
    of_parameter: bool = declare(
        False,
        label="Of its parameter",
        help="Changes the default of the parameter behind the argument, and so all that reads it.",
    )

    until: int | None = declare(
        None, label="Until", help="The last line that is wrapped, from 1.", minimum=1, maximum=300_000
    )

    @property
    def needs_graph(self) -> bool:
        """Whether it moves stored weights, whose paths the graph knows."""
        return self.action in {"rename", "repeat", "wrap"}

    def problems(self) -> list[Problem]:
        """What is missing, or given for another action."""
        found = []
        if (self.line is None) == (self.layer is None):
            found.append(Problem("line", "Say where: by `line` or by `layer`, one of the two.", "required"))
        needed = _NEEDS.get(self.action, ())
        allowed = (*needed, *_TAKES.get(self.action, ()))
        for name in ("argument", "value", "name", "of_parameter", "until"):
            given = getattr(self, name)
            if name in needed and not given:
                found.append(Problem(name, f"`{self.action}` needs `{name}`.", "required"))
            if name not in allowed and given:
                found.append(Problem(name, f"`{self.action}` takes no `{name}`: leave it out.", "unknown"))
        return found
