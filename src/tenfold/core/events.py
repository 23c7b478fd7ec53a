"""What a job tells the world: the events of `events.jsonl` in its folder, and nothing else, pass from worker to server.

Every event is one JSON object on one line. `seq` counts from 1 over the whole life of the job and `attempt` tells which
execution wrote it. Consumers read lines in order, skip a torn line, and treat an event they have seen as done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Phase = Literal["preparing", "training", "validating", "testing", "exporting", "publishing", "building"]


@dataclass(frozen=True, kw_only=True)
class Started:
    """An attempt began; `resumed_step` is the step of the checkpoint it continues from, if there was one."""

    type: ClassVar[str] = "started"
    pid: int
    device: str = ""
    resumed_step: int | None = None


@dataclass(frozen=True, kw_only=True)
class PhaseStarted:
    """The job entered a phase of its work."""

    type: ClassVar[str] = "phase"
    phase: Phase


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """How far the job is: `done` of `total` in `unit`, and the seconds that are left, if that can be told."""

    type: ClassVar[str] = "progress"
    done: int
    total: int
    unit: str
    seconds_left: float | None = None
    per_second: float | None = None
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A metric row: mean values over the steps `first_step` to `step`, both included.

    Rows depend on the specification and the seed alone, never on the clock: a resumed run writes the same rows.
    """

    type: ClassVar[str] = "metrics"
    step: int
    first_step: int
    epoch: float
    values: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved:
    """A checkpoint is complete on disk; work before `step` is never done again."""

    type: ClassVar[str] = "checkpoint"
    step: int
    best_step: int | None = None


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A line for people."""

    type: ClassVar[str] = "log"
    text: str
    level: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, kw_only=True)
class Published:
    """The result lies complete in the folder `result` of the attempt; `manifest` is the sha256 of its manifest."""

    type: ClassVar[str] = "published"
    folder: str
    manifest: str
    facts: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The last event of an attempt that ended by itself. An attempt that stops without it has crashed."""

    type: ClassVar[str] = "ended"
    outcome: Literal["finished", "stopped", "failed"]
    code: str = ""
    message: str = ""


Event: TypeAlias = Started | PhaseStarted | Progressed | Measured | CheckpointSaved | Logged | Published | Ended
_TYPES: dict[str, type[Event]] = {
    kind.type: kind for kind in (Started, PhaseStarted, Progressed, Measured, CheckpointSaved, Logged, Published, Ended)
}


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """An event with its place: number within the job, attempt that wrote it, and time (seconds since 1970, UTC)."""

    seq: int
    attempt: int
    time: float
    event: Event

    def to_json(self) -> dict[str, Json]:
        head: dict[str, Json] = {"seq": self.seq, "attempt": self.attempt, "time": self.time, "type": self.event.type}
        return head | dataclasses.asdict(self.event)

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> Envelope:
        """Reads what `to_json` wrote; raises `ValueError` for anything else."""
        try:
            kind = _TYPES[str(line["type"])]
            names = {attribute.name for attribute in dataclasses.fields(kind)}
            event = kind(**{name: value for name, value in line.items() if name in names})  # type: ignore[arg-type]
            return cls(
                seq=int(str(line["seq"])),
                attempt=int(str(line["attempt"])),
                time=float(str(line["time"])),
                event=event,
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"This line is no event: {error}.") from error
