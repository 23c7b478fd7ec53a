"""Confinement: what a process may reach that runs code which people wrote, and which level of it holds.

Level B: the code reads and writes nothing but what it was given, and reaches neither the network nor another process.
Level A: it can do whatever the account can that Tenfold runs under. Neither speaks of errors in the kernel or in a
driver of a device, of what remains in the memory of a GPU, or of the load on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

from tenfold.core.events import Json

ConfinementLevel = Literal["A", "B"]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What there is for a process besides Python, its packages and Tenfold's own code: folders and files.

    What stands in `write` may be read, too; nothing in it can become a link, a socket or a pipe. `temporary` is such a
    folder for what libraries put aside. `devices` lets it reach the machine's GPUs.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    temporary: Path | None = None
    devices: bool = False


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a process may take; `None` is no limit.

    `memory_bytes` are beyond what it has when it is confined, `cpu_s` seconds of the processor, `wall_s` those of the
    clock, `file_bytes` the size of one file, `output_bytes` what is kept of all that it prints.
    """

    memory_bytes: int | None = None
    cpu_s: int | None = None
    wall_s: float | None = None
    file_bytes: int | None = None
    output_bytes: int = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What holds: the level, the parts of the kernel that see to it, and what was not to be had."""

    level: ConfinementLevel
    parts: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    def says(self) -> str:
        """The level in a sentence."""
        if self.level == "B":
            return f"Confined (level B): {', '.join(self.parts)}."
        why = f" {' '.join(self.lacking)}" if self.lacking else ""
        return f"Not confined (level A): it can do what the account of Tenfold can.{why}"

    def to_json(self) -> dict[str, Json]:
        return {"level": self.level, "parts": [*self.parts], "lacking": [*self.lacking]}

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> Confinement:
        """What `to_json` wrote; raises `ValueError`, `KeyError`."""
        level = values["level"]
        if level not in {"A", "B"}:
            raise ValueError(f"there is no level {level!r}")
        told = {name: values.get(name) for name in ("parts", "lacking")}
        lists = {name: tuple(map(str, each)) for name, each in told.items() if isinstance(each, list)}
        return cls(level=cast("ConfinementLevel", level), **lists)


@dataclass(frozen=True)
class EndApart:
    """How a process ended that was kept apart: its status, and in a sentence what killed it, if something did."""

    status: int
    why: str = ""


class Confiner(Protocol):
    """Confines this process, for good."""

    def __call__(self, reach: Reach, limits: Limits) -> Confinement:
        """Gives up what the process needs no more: rights, ways out, and the environment it was started with.

        To be called before any foreign code runs, by a process of one thread.
        """


class Apart(Protocol):
    """Does work in a process of its own, which is watched from outside."""

    def __call__(self, work: Callable[[], int], *, lock: Path, limits: Limits) -> EndApart:
        """Waits until the work is over, which gives a status, or is ended for what it took.

        The process dies with this one. `lock` is an open file that it keeps; of others it keeps none.
        """
