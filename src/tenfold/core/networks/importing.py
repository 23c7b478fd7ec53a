"""Networks of other programs: what people send, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tenfold.core.errors import Problem
from tenfold.core.events import Json
from tenfold.core.fields import declare


@dataclass(frozen=True, kw_only=True)
class NetworkImport:
    """What a file may leave open."""

    classes: int = declare(
        1000,
        label="Classes",
        help="How many outputs a last layer has that does not say so itself. A dataset decides it when it is trained.",
        minimum=1,
        maximum=100_000,
    )
    channels: int | None = declare(
        None, label="Channels", help="Of the input, where the file does not say its size.", minimum=1, maximum=4096
    )
    height: int | None = declare(None, label="Height", help="Of the input.", minimum=1, maximum=65_536, unit="pixels")
    width: int | None = declare(None, label="Width", help="Of the input.", minimum=1, maximum=65_536, unit="pixels")

    @property
    def input_shape(self) -> tuple[int, int, int] | None:
        """Channels, height, width where they are given."""
        if self.channels is None or self.height is None or self.width is None:
            return None
        return (self.channels, self.height, self.width)

    def problems(self) -> list[Problem]:
        """Sizes that are given in part."""
        sizes = {"channels": self.channels, "height": self.height, "width": self.width}
        missing = [name for name, size in sizes.items() if size is None]
        if len(missing) in {0, 3}:
            return []
        return [Problem(name, "Give channels, height and width, or none of them.", "required") for name in missing]


@dataclass(frozen=True)
class ForeignFile:
    """A file that somebody sent, with the name that it had there, which is nowhere looked up."""

    name: str
    content: bytes | memoryview


@dataclass(frozen=True, kw_only=True)
class ForeignFiles:
    """A network's description, and beside it how it is trained and its weights."""

    network: ForeignFile
    solver: ForeignFile | None = None
    weights: ForeignFile | None = None


@dataclass(frozen=True, kw_only=True)
class ForeignNetwork:
    """A network in our language, and what its files said beside it.

    `facts` name what could not be imported, with the lines of the file; `training` are values for fields of a training
    by name, and `unsaid` what no field says. `write_weights` puts the weights that fit into a folder.
    """

    text: str
    facts: dict[str, Json]
    training: dict[str, str | int | float] = field(default_factory=dict)
    unsaid: tuple[str, ...] = ()
    write_weights: Callable[[Path], None] | None = None


class NetworkReader(Protocol):
    """Reads the files of another program as data; nothing that they name is opened."""

    def __call__(self, files: ForeignFiles, wanted: NetworkImport, is_late: Callable[[], bool]) -> ForeignNetwork:
        """Raises `BadNetwork` with the line of what is wrong, also when `is_late` says so."""
