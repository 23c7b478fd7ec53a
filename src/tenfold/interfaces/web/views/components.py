"""Every macro and element in all states, with examples: the page `/-/components`, for who builds pages."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tenfold.core.errors import Problem
from tenfold.core.fields import Choice, Field
from tenfold.interfaces.web.views import models
from tenfold.interfaces.web.views.datasets import ClassRow
from tenfold.interfaces.web.views.forms import FieldView, field_views
from tenfold.interfaces.web.views.frame import AboutForm, Gauge, Link, NamedView, Page, State
from tenfold.interfaces.web.views.home import Failure, Progress, RunningRow, RunRow, WaitingRow
from tenfold.interfaces.web.views.runs import Chart, ChartLine

_FIELDS = (
    Field(
        name="whole",
        type="integer",
        label="A whole number",
        help="With a unit.",
        default=64,
        minimum=1,
        unit="pictures",
    ),
    Field(name="wrong", type="number", label="A wrong number", help="Shows what is allowed.", default=0.03, above=0.0),
    Field(
        name="choice",
        type="choice",
        label="A choice",
        help="With words for each value.",
        default="a",
        choices=(Choice("a", "The first", "What it does."), Choice("b", "The second")),
    ),
    Field(name="switch", type="boolean", label="A switch", help="On or off.", default=True),
    Field(name="nothing", type="integer", label="May stay empty", help="Then it is found by itself.", nullable=True),
)


@dataclass(frozen=True, kw_only=True)
class ComponentsPage(Page):
    """The examples; `example_page` makes them."""

    template: ClassVar[str] = "components.html"

    states: tuple[State, ...]
    progresses: tuple[Progress, ...]
    gauges: tuple[Gauge, ...]
    fields: tuple[FieldView, ...]
    failure: Failure
    running: tuple[RunningRow, ...]
    waiting: tuple[WaitingRow, ...]
    runs: tuple[RunRow, ...]
    report: models.Report
    result: models.TestResult
    chart: Chart
    classes: tuple[ClassRow, ...]
    named: NamedView
    about_form: AboutForm


def example_page(now: datetime) -> ComponentsPage:
    """The page with its examples, told at the time `now`."""
    link = Link(text="an-example", url="/-/components")
    progress = Progress(kind="run", name="none", done=42, total=100, unit="steps", seconds_left=72.0, epoch=2, epochs=3)
    ended = Progress(kind="run", name="none", done=100, total=100, unit="steps", is_still=True)
    row = RunRow(
        subject=link,
        state="finished",
        dataset=link,
        network=None,
        started_at=now,
        ended_at=now,
        seconds=124.0,
        curve=(0.1, 0.7, 0.9),
        accuracy=0.9917,
        num_judged=10_000,
        model=link,
    )
    waiting = WaitingRow(place=1, subject=link, kind="run", why="Waits for the CPU.", owner="owner", queued_at=now)
    return ComponentsPage(
        states=typing.get_args(State),
        progresses=(progress, ended),
        gauges=(
            Gauge(key="example-1", name="Busy", about="with a device", percent=87.0, text="87 %"),
            Gauge(key="example-2", name="Scarce", about="", percent=97.0, text="3 % free", is_scarce=True),
            Gauge(key="example-3", name="Unknown", about="", percent=None, text="not measured here"),
        ),
        fields=field_views(
            _FIELDS, {"wrong": "0,03", "switch": "false"}, [Problem("wrong", "“0,03” reads as two values. Write 0.03.")]
        ),
        failure=Failure(
            subject=link, what="failed", sentences=("Why it did, and what to do.",), code="example", at=now
        ),
        running=(RunningRow(subject=link, about="about it", state="running", progress=progress, curve=(0.1, 0.7)),),
        waiting=(waiting,),
        runs=(row,),
        report=_example_report(),
        result=models.TestResult(
            file="example.png",
            guesses=(models.Guess(label="cat", probability=0.9), models.Guess(label="dog", probability=0.1)),
        ),
        chart=Chart(
            title="A chart",
            about="without points yet",
            lines=(ChartLine(key="a", label="a", hue=1), ChartLine(key="b", label="b", hue=2, smooth=9)),
        ),
        classes=(ClassRow(name="cat", num_training=6, num_validation=2, num_test=2, url="/-/components"),),
        named=NamedView(kind="runs", id="run_none", name="an-example", owner="owner", created_at=now, tags=("a", "b")),
        about_form=AboutForm(name="mnist", note="", tags="a, b", problems={"name": "The name “mnist” is taken."}),
    )


def _example_report() -> models.Report:
    right = models.MatrixCell(number=9, heat=0, is_right=True, says="9 pictures of cat known")
    wrong = models.MatrixCell(number=3, heat=8, is_right=False, says="3 pictures of cat taken for dog")
    return models.Report(
        split="test",
        num_judged=24,
        num_wrong=6,
        accuracy=0.75,
        low=0.55,
        high=0.88,
        loss=0.6,
        worst="",
        labels=("cat", "dog"),
        matrix=(
            models.MatrixRow(label="cat", cells=(right, wrong), share_right=0.75),
            models.MatrixRow(label="dog", cells=(wrong, right), share_right=0.75),
        ),
        largest_error=3,
        classes=(),
    )
