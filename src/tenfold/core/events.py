"""What a job tells the world: the events of `events.jsonl` in its folder, and nothing else, pass from worker to server.

Every event is one JSON object on one line. `seq` counts from 1 over the whole life of the job and `attempt` tells which
execution wrote it. Consumers read lines in order, skip a torn line, and treat an event they have seen as done. A line
that is whole and yet no event is a lie: nothing of its attempt is believed any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import inf
from types import UnionType
from typing import Any, ClassVar, Literal, TypeAlias, get_args, get_origin, get_type_hints

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Phase = Literal[
    "preparing",
    "training",
    "validating",
    "testing",
    "exporting",
    "publishing",
    "building",
    "verifying",
    "packing",
    "checking",
]
MAX_WHOLE = 2**63
MAX_DEPTH = 32
"""How deeply lists and objects may stand in each other: what is read must be readable by whoever shows it."""
LATEST = 1e11
"""Seconds since 1970 up to which a time can be written as a date."""
MOST_FIGURES = 100
"""Numbers with a name in one event, and metrics of one run."""
MAX_NAME = 100
MAX_WORD = 4096
"""Characters of a device, a unit, a code or a path; texts for people are cut where they are kept."""
MAX_TEXT = 10_000
_TEXTS = frozenset({"text", "message"})


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
class Taken:
    """What an attempt's training took: the most memory above its start, on its device, and the seconds to `steps`."""

    type: ClassVar[str] = "taken"
    memory_bytes: int
    seconds: float
    steps: int


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What a step of `batch` samples took: the most memory above the start, on the device, and seconds."""

    type: ClassVar[str] = "probed"
    batch: int
    memory_bytes: int
    step_s: float


@dataclass(frozen=True, kw_only=True)
class LayerSeen:
    """What is inside the layer `number` of `total`: facts of its output and of its tensors, with files of tiles."""

    type: ClassVar[str] = "layer"
    number: int
    total: int
    path: str
    facts: dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What is in a network of Python or a model of others, or what is wrong with it, with the line or the field."""

    type: ClassVar[str] = "inspected"
    facts: dict[str, Json]


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


Event: TypeAlias = (
    Started
    | PhaseStarted
    | Progressed
    | Measured
    | Taken
    | Probed
    | LayerSeen
    | Inspected
    | CheckpointSaved
    | Logged
    | Published
    | Ended
)
_TYPES: dict[str, type[Event]] = {kind.type: kind for kind in get_args(Event)}


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
        """Reads what `to_json` wrote; raises `ValueError` that names the first field which is not as declared."""
        require_plain(line)
        try:
            kind = _TYPES[str(line["type"])]
            values = {name: line[name] for name in _hints(kind.type) if name in line}
            head = {name: line[name] for name in ("seq", "attempt", "time")}
            event = kind(**values)  # type: ignore[arg-type]
        except (KeyError, TypeError) as error:
            raise ValueError(f"it is no event: {error}") from None
        for name, hint in (_hints(kind.type) | {"seq": int, "attempt": int, "time": float}).items():
            value = head[name] if name in head else getattr(event, name)
            if not _fits(value, hint):
                raise ValueError(f"`{name}` of {kind.type!r} is {value!r:.80}")
            if isinstance(value, str) and name not in _TEXTS and len(value) > MAX_WORD:
                raise ValueError(f"`{name}` of {kind.type!r} has {len(value):,} characters, more than {MAX_WORD:,}")
            if get_args(hint)[1:] == (float,):
                require_figures(value)
        if not 0 <= float(str(head["time"])) < LATEST:
            raise ValueError(f"`time` is {head['time']!r}, which is no time")
        return cls(
            seq=int(str(head["seq"])), attempt=int(str(head["attempt"])), time=float(str(head["time"])), event=event
        )


@cache
def _hints(name: str) -> dict[str, Any]:
    """The fields of an event's type and what they hold."""
    kind = _TYPES[name]
    hints = get_type_hints(kind)
    return {attribute.name: hints[attribute.name] for attribute in dataclasses.fields(kind)}


def _fits(value: object, hint: Any) -> bool:
    """Whether a JSON value is one of a declared type; a whole number may stand for a broken one, truth for neither."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in inner
    if origin is UnionType:
        return any(_fits(value, each) for each in inner)
    if origin is dict:
        return isinstance(value, dict) and (inner[1] is not float or all(_fits(each, float) for each in value.values()))
    if hint is float:
        return type(value) in {int, float}
    return type(value) is hint


def require_figures(values: object) -> None:
    """Raises `ValueError` for what is not a few numbers, each under a name that can be shown."""
    if not _fits(values, dict[str, float]) or not isinstance(values, dict):
        raise ValueError(f"figures are {values!r:.80}, which are no numbers with names")
    if len(values) > MOST_FIGURES:
        raise ValueError(f"it tells {len(values):,} figures, more than {MOST_FIGURES}")
    for name in values:
        if not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise ValueError(f"{name!r:.80} is no name for a figure")


def cut(text: str) -> str:
    """A text for people as it is kept: its beginning where it is longer than one reads."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} ... ({len(text):,} characters)"


def require_plain(value: object, depth: int = 0) -> None:
    """Raises `ValueError` for what JSON as Python reads it may hold, and no store and no page can show."""
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, int | float):
        if not abs(value) < (inf if isinstance(value, float) else MAX_WHOLE):
            raise ValueError(f"it holds {value}, which is no number to work with")
    elif isinstance(value, Mapping):
        for name, each in value.items():
            require_plain(name)
            require_plain(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            require_plain(each, depth + 1)
