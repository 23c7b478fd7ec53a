"""Home: what needs a person, what runs, what waits, what finished."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tenfold.interfaces.web.views.frame import Link, Page, Place, State


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that can be pressed: with `is_post` it changes something, else it leads somewhere."""

    word: str
    url: str
    is_post: bool = False
    is_key: bool = False


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A job that failed: what happened, why, and what can be done about it."""

    subject: Link
    what: str
    sentences: tuple[str, ...]
    code: str
    at: datetime
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is, and what is left of it."""

    kind: str
    name: str
    done: int
    total: int
    unit: str
    seconds_left: float | None = None
    epoch: int | None = None
    epochs: int | None = None
    is_still: bool = False

    @property
    def share(self) -> float:
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True, kw_only=True)
class RunningRow:
    """A job that is being executed: a run, or a dataset that is being built."""

    subject: Link
    about: str
    state: State
    progress: Progress
    curve: tuple[float, ...] = ()
    accuracy: float | None = None
    num_judged: int | None = None
    device: str = ""


@dataclass(frozen=True, kw_only=True)
class WaitingRow:
    """A job in the queue, with the reason why it waits."""

    place: int
    subject: Link
    kind: str
    why: str
    owner: str
    queued_at: datetime
    can_edit: bool = True


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One line in a list of runs."""

    subject: Link
    state: State
    dataset: Link | None
    network: Link | None
    started_at: datetime
    ended_at: datetime | None
    seconds: float | None
    curve: tuple[float, ...] = ()
    accuracy: float | None = None
    num_judged: int | None = None
    model: Link | None = None
    owner: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DatasetFact:
    """A dataset in one line."""

    subject: Link
    state: State
    num_samples: int


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A well-known dataset that can be had with one press; `try_url` opens the filled form of a run."""

    name: str
    title: str
    about: str
    num_samples: int
    num_bytes: int
    licence: str
    try_url: str


@dataclass(frozen=True, kw_only=True)
class HomePage(Page):
    """The first page."""

    template: ClassVar[str] = "home.html"
    place: ClassVar[Place] = "home"
    fragments: ClassVar[frozenset[str]] = frozenset({"headline", "work"})

    failures: tuple[Failure, ...] = ()
    running: tuple[RunningRow, ...] = ()
    waiting: tuple[WaitingRow, ...] = ()
    finished: tuple[RunRow, ...] = ()
    datasets: tuple[DatasetFact, ...] = ()
    samples: tuple[Sample, ...] = ()
    num_runs: int = 0
    num_datasets: int = 0
    latest_model_url: str = ""
    can_edit: bool = True

    @property
    def is_empty(self) -> bool:
        return self.num_runs == 0 and self.num_datasets == 0 and not self.failures
