"""The unit of scheduling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tenfold.core.entities import Entity
from tenfold.core.ids import JobId, UserId

JobKind = Literal["import", "train", "check"]
JobState = Literal["waiting", "running", "stopping", "finished", "stopped", "failed"]
OWN_SLOTS: tuple[JobKind, ...] = ("import", "check")
"""Kinds of job that have places of their own, named like them: no run asks for these."""
OPEN_STATES: frozenset[JobState] = frozenset({"waiting", "running", "stopping"})
LIVE_STATES: frozenset[JobState] = frozenset({"running", "stopping"})
AttemptEnd = Literal["finished", "stopped", "failed", "crashed", "lost"]


@dataclass(frozen=True, kw_only=True)
class Job(Entity):
    """Something to be executed: at least once, by at most one attempt at a time, with exactly one published result.

    `attempt` counts executions from 1 and is the fencing token: what an earlier attempt still writes is refused.
    `crashes` counts attempts that died without a new checkpoint since the crash before. `slot` is what the job asks for
    (`auto`, `cpu`, `cuda:0`, `import`, `check`) and `granted` what it has. `read_offset`: bytes of events
    that are taken in.
    """

    SORTABLE: ClassVar[tuple[str, ...]] = ("created_at", "id")

    id: JobId
    kind: JobKind
    subject: str
    owner: UserId
    order: int
    created_at: float
    slot: str
    after: tuple[JobId, ...] = ()
    state: JobState = "waiting"
    attempt: int = 0
    granted: str = ""
    crashes: int = 0
    stop_asked: bool = False
    started_at: float | None = None
    ended_at: float | None = None
    reason: str = ""
    code: str = ""
    message: str = ""
    read_offset: int = 0

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_STATES
