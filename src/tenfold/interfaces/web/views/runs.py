"""Runs: the list, a new one, and one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from tenfold.core.fields import Level
from tenfold.interfaces.web.views.datasets import Fact
from tenfold.interfaces.web.views.forms import FieldGroup, FieldView, LevelTab
from tenfold.interfaces.web.views.frame import AboutForm, Link, NamedView, Page, Place, State
from tenfold.interfaces.web.views.home import Action, Failure, Progress, RunRow
from tenfold.interfaces.web.views.preflight import ForecastView


@dataclass(frozen=True, kw_only=True)
class RunsPage(Page):
    """All runs, newest first."""

    template: ClassVar[str] = "runs.html"
    place: ClassVar[Place] = "runs"
    fragments: ClassVar[frozenset[str]] = frozenset({"runs"})

    rows: tuple[RunRow, ...]
    num_runs: int
    search: str = ""
    next_url: str = ""
    can_edit: bool = True


@dataclass(frozen=True, kw_only=True)
class NetworkChoice:
    """A network that may be trained; `why_not` says why it cannot be on this dataset."""

    name: str
    title: str
    about: str
    num_parameters: int | None
    input_text: str
    is_chosen: bool
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class NewRunPage(Page):
    """The form for a new run, generated from the declared fields at one of three levels."""

    template: ClassVar[str] = "run-new.html"
    place: ClassVar[Place] = "runs"
    fragments: ClassVar[frozenset[str]] = frozenset({"parameters", "changes", "naming", "learnt"})

    title: str
    level: Level
    tabs: tuple[LevelTab, ...]
    dataset: FieldView
    name: FieldView
    networks: tuple[NetworkChoice, ...]
    network_problem: str
    groups: tuple[FieldGroup, ...]
    parameters: tuple[FieldView, ...]
    hidden: tuple[FieldView, ...]
    changed: tuple[FieldView, ...]
    problems: tuple[FieldView, ...]
    dataset_note: str = ""
    is_building: bool = False
    problem: str = ""
    has_datasets: bool = True
    forecast: ForecastView = field(default_factory=ForecastView)


@dataclass(frozen=True, kw_only=True)
class ChartLine:
    """A metric drawn as a line: hue 1 to 6, 0 for the accent; `smooth` is the number of rows in the mean."""

    key: str
    label: str
    hue: int
    smooth: int = 0
    points: bool = False


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart over epochs."""

    title: str
    about: str
    lines: tuple[ChartLine, ...]
    is_log: bool = False
    unit: str = ""
    height: Literal["", "tall", "short"] = ""


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """The values at the end of an epoch."""

    epoch: int
    train_loss: float | None
    val_loss: float | None
    train_accuracy: float | None
    val_accuracy: float | None
    rate: float | None
    is_best: bool = False


LogLevel = Literal["info", "warning", "error"]
LOG_LEVELS: tuple[LogLevel, ...] = ("info", "warning", "error")


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """A line for people."""

    at: datetime
    level: LogLevel
    text: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run that ended has brought: its model, and how good it is on the split that judged it."""

    model: Link
    download_url: str
    split: str
    accuracy: float
    low: float
    high: float
    num_judged: int
    best_epoch: int


@dataclass(frozen=True, kw_only=True)
class ForecastAndFact:
    """What was said of a run before it started, beside what it took; empty where one is not known."""

    term: str
    forecast: str
    fact: str
    difference: str = ""


@dataclass(frozen=True, kw_only=True)
class RunPage(Page):
    """One run, while it waits, runs, and after it ended."""

    template: ClassVar[str] = "run.html"
    place: ClassVar[Place] = "runs"
    fragments: ClassVar[frozenset[str]] = frozenset({"run", "epochs"})

    named: NamedView
    state: State
    dataset: Link
    revision: int
    network: Link
    why_waiting: str = ""
    progress: Progress | None = None
    device: str = ""
    phase: str = ""
    started_at: datetime | None = None
    seconds: float | None = None
    val_accuracy: float | None = None
    best_accuracy: float | None = None
    best_epoch: int | None = None
    val_loss: float | None = None
    train_loss: float | None = None
    num_judged: int | None = None
    samples_per_second: float | None = None
    seconds_per_epoch: float | None = None
    rate: float | None = None
    schedule: str = ""
    steps_per_epoch: int = 1
    epochs_wanted: int = 1
    metrics_url: str = ""
    charts: tuple[Chart, ...] = ()
    epochs: tuple[EpochRow, ...] = ()
    failure: Failure | None = None
    outcome: Outcome | None = None
    specification: tuple[Fact, ...] = ()
    forecast_and_fact: tuple[ForecastAndFact, ...] = ()
    changed: frozenset[str] = frozenset()
    log: tuple[LogLine, ...] = ()
    files: tuple[Fact, ...] = ()
    actions: tuple[Action, ...] = ()
    attempts: int = 1
    can_copy: bool = False
    has_inside: bool = True
    about_form: AboutForm | None = None

    @property
    def is_open(self) -> bool:
        return self.state in {"waiting", "running", "stopping", "paused"}
