"""Runs as pages show them."""

from __future__ import annotations

import math
from typing import cast

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import NotFound
from tenfold.core.events import Json
from tenfold.core.fields import fields_of, format_number
from tenfold.core.jobs.model import Job
from tenfold.core.networks.custom import is_python
from tenfold.core.repository import Query
from tenfold.core.training.run import Run
from tenfold.core.training.spec import TrainingSpec
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters.frame import address, dataset_link, moment, named_view, network_link, split_size
from tenfold.interfaces.web.presenters.preflight import forecast_and_fact
from tenfold.interfaces.web.views import runs as views
from tenfold.interfaces.web.views.datasets import Fact
from tenfold.interfaces.web.views.frame import AboutForm, Link, State
from tenfold.interfaces.web.views.home import Action, Failure, Progress, RunRow

Series = dict[str, list[tuple[int, float]]]
FAILURES = {
    "training.diverged": "diverged",
    "job.crashed": "crashed",
    "job.dependency-gone": "could not start",
    "storage-full": "found no room on the disk",
}
CHARTS = (
    views.Chart(
        title="Loss",
        about="cross-entropy; lower is better",
        lines=(
            views.ChartLine(key="train_loss", label="training", hue=2, smooth=9),
            views.ChartLine(key="val_loss", label="validation", hue=1, points=True),
        ),
        is_log=True,
    ),
    views.Chart(
        title="Accuracy",
        about="% right",
        lines=(
            views.ChartLine(key="train_accuracy", label="training", hue=2, smooth=9),
            views.ChartLine(key="val_accuracy", label="validation", hue=1, points=True),
        ),
        unit="%",
    ),
    views.Chart(
        title="Learning rate",
        about="the size of each step",
        lines=(views.ChartLine(key="rate", label="rate", hue=0),),
        height="short",
    ),
)


def run_row(services: Services, actor: Actor, run: Run, *, with_curve: bool = False) -> RunRow:
    """One line of a list; the curve costs a look into the history."""
    job = services.runs.job(actor, run)
    curve = services.runs.history(actor, run.id).get("val_accuracy", []) if with_curve else []
    return RunRow(
        subject=Link(text=run.name, url=address("runs", run.name)),
        state=run.state,
        dataset=dataset_link(services, actor, run.dataset),
        network=network_link(services, actor, run.network, run),
        started_at=moment(job.started_at or run.created_at),
        ended_at=moment(job.ended_at) if job.ended_at else None,
        seconds=job.ended_at - job.started_at if job.ended_at and job.started_at else None,
        curve=tuple(value for _, value in curve),
        accuracy=run.metrics.get("test_accuracy", run.metrics.get("val_accuracy")),
        num_judged=split_size(services, run.revision, "test" if "test_accuracy" in run.metrics else "val"),
        model=model_link(services, actor, run),
        note=run.note,
        tags=run.tags,
    )


def model_link(services: Services, actor: Actor, run: Run) -> Link | None:
    """The model that a run has made, as long as there is one."""
    if run.model is None:
        return None
    try:
        model = services.models.named.get(actor, run.model)
    except NotFound:
        return None
    return None if model.trashed_at else Link(text=model.name, url=address("models", model.name))


def progress(run: Run) -> Progress | None:
    """How far a run is; `None` as long as it waits, or when it never began."""
    told = run.progress
    if run.state == "waiting" or (not told.get("steps") and run.state not in {"running", "stopping"}):
        return None
    epochs = int(_number(told.get("epochs")) or _number(run.spec.get("epochs")) or 1)
    left = told.get("seconds_left")
    return Progress(
        kind="run",
        name=run.name,
        done=int(_number(told.get("step"))),
        total=int(_number(told.get("steps"))),
        unit="steps",
        seconds_left=_number(left) if left is not None and _number(left) >= 1 else None,
        epoch=max(1, math.ceil(_number(told.get("epoch")) - 1e-9)),
        epochs=epochs,
        is_still=run.state not in {"running", "stopping"},
    )


def failure(actor: Actor, run: Run, job: Job) -> Failure:
    """What a failed run tells: what, why, what to do."""
    url = address("runs", run.name)
    can_resume = run.code != "job.dependency-gone" and _may_run(actor, run)
    resume = (Action(word="Resume", url=f"{url}/resume", is_post=True, is_key=True),) if can_resume else ()
    offered = (
        *resume,
        Action(word="Change and run again", url=f"/runs/new?like={run.id}", is_key=not can_resume),
        Action(word="Delete", url=f"{url}/trash", is_post=True),
    )
    return Failure(
        subject=Link(text=run.name, url=url),
        what=FAILURES.get(run.code, "failed"),
        sentences=tuple(line for line in run.message.splitlines() if line.strip()) or ("It gave no reason.",),
        code=run.code or "failed",
        at=moment(job.ended_at or run.changed_at),
        actions=offered if actor.may("run.change", owner=run.owner) else (),
    )


def run_page(services: Services, actor: Actor, run: Run, *, about_form: AboutForm | None = None) -> views.RunPage:
    """One run with everything that is known of it."""
    job = services.runs.job(actor, run)
    series = services.runs.history(actor, run.id)
    can_edit = actor.may("run.change", owner=run.owner)
    now = progress(run)
    rows = epoch_rows(series, run)
    best = max((row for row in rows if row.val_accuracy is not None), key=_by_accuracy, default=None)
    held = services.runs.named.used_by(actor, run)
    samples_per_second = _number(run.progress.get("samples_per_second"))
    steps_per_second = _number(run.progress.get("steps_per_second"))
    per_epoch = steps_per_epoch(run)
    return views.RunPage(
        named=named_view(services, actor, "runs", run, held_by="; ".join(held)),
        state=run.state,
        dataset=dataset_link(services, actor, run.dataset),
        revision=revision_number(services, run.revision),
        network=network_link(services, actor, run.network, run),
        why_waiting=str(run.progress.get("reason") or job.reason or "Starts in a moment."),
        progress=now,
        device=_device(run, job),
        phase=str(run.progress.get("phase") or ""),
        started_at=moment(job.started_at) if job.started_at else None,
        seconds=job.ended_at - job.started_at if job.ended_at and job.started_at else None,
        val_accuracy=run.metrics.get("val_accuracy"),
        best_accuracy=best.val_accuracy if best else None,
        best_epoch=best.epoch if best else None,
        val_loss=run.metrics.get("val_loss"),
        train_loss=run.metrics.get("train_loss"),
        num_judged=split_size(services, run.revision, "val"),
        samples_per_second=samples_per_second or None,
        seconds_per_epoch=per_epoch / steps_per_second if steps_per_second else None,
        rate=run.metrics.get("rate"),
        schedule=_words("schedule", run.spec.get("schedule")),
        steps_per_epoch=per_epoch,
        epochs_wanted=int(_number(run.spec.get("epochs")) or 1),
        metrics_url=f"/api/v1{address('runs', run.name)}/metrics",
        charts=CHARTS,
        epochs=tuple(_marked(row, best) for row in rows),
        failure=failure(actor, run, job) if run.state == "failed" else None,
        outcome=outcome(services, actor, run),
        specification=specification(run),
        forecast_and_fact=forecast_and_fact(run),
        changed=_changed(run),
        log=tuple(
            views.LogLine(at=moment(line.at), level=_level(line.level), text=line.text)
            for line in services.runs.log(actor, run.id)
        ),
        actions=_actions(actor, run, can_edit=can_edit),
        attempts=max(1, job.attempt),
        can_copy=actor.may("network.create") and _may_run(actor, run),
        has_inside=run.state not in {"waiting", "failed"} and not is_python(run.network_text),
        about_form=about_form,
    )


def epoch_rows(series: Series, run: Run) -> list[views.EpochRow]:
    """The values at the end of each epoch, from the series of a run."""
    per_epoch = steps_per_epoch(run)
    ends = [step for step, _ in series.get("val_loss", [])]
    rows = []
    for step in ends:
        values = {name: _upto(points, step) for name, points in series.items()}
        rows.append(
            views.EpochRow(
                epoch=round(step / per_epoch),
                train_loss=values.get("train_loss"),
                val_loss=values.get("val_loss"),
                train_accuracy=values.get("train_accuracy"),
                val_accuracy=values.get("val_accuracy"),
                rate=values.get("rate"),
            )
        )
    return rows


def steps_per_epoch(run: Run) -> int:
    """Steps of an epoch; 1 as long as the run has not told how many there are."""
    return max(1, round(_number(run.progress.get("steps")) / (_number(run.spec.get("epochs")) or 1)))


def outcome(services: Services, actor: Actor, run: Run) -> views.Outcome | None:
    """What a run has brought; `None` without a model or without pictures to judge it by."""
    link = model_link(services, actor, run)
    if link is None or run.model is None:
        return None
    model = services.models.named.get(actor, run.model)
    written = services.models.report(actor, model)
    report = cast("dict[str, Json]", written.get("report") or {})
    interval = cast("list[float]", report.get("interval") or [])
    if not interval:
        return None
    return views.Outcome(
        model=link,
        download_url=f"/api/v1{link.url}/download",
        split="test" if written.get("tested_on") == "test" else "validation",
        accuracy=_number(report["accuracy"]),
        low=interval[0],
        high=interval[1],
        num_judged=int(_number(report["num_samples"])),
        best_epoch=max(1, round(_number(written.get("epochs")))),
    )


def specification(run: Run) -> tuple[Fact, ...]:
    """The declared values of a run and its network's parameters, in words."""
    declared = [
        Fact(term=field.label, value=_worded(field.name, run.spec.get(field.name), field.unit))
        for field in fields_of(TrainingSpec)
        if field.name not in {"name", "dataset", "network"} and run.spec.get(field.name) is not None
    ]
    return (*declared, *(Fact(term=name, value=plain(value)) for name, value in run.parameters.items()))


def revision_number(services: Services, revision: str) -> int:
    with services.database.read() as tx:
        found = tx.revisions.find(id=revision)
    return found.number if found is not None else 1


def latest(services: Services, actor: Actor, *states: State, limit: int = 8) -> list[Run]:
    """The newest runs in these states."""
    return list(services.runs.named.page(actor, Query(where={"state": states}, limit=limit)).items)


def _may_run(actor: Actor, run: Run) -> bool:
    """Whether somebody may have the network of a run trained, as far as that is one of Python."""
    return actor.run_code or not is_python(run.network_text)


def _actions(actor: Actor, run: Run, *, can_edit: bool) -> tuple[Action, ...]:
    url = address("runs", run.name)
    if not can_edit or run.state == "failed":
        return ()
    if run.state == "running":
        return (Action(word="Stop, keep best", url=f"{url}/stop", is_post=True),)
    if run.state == "waiting":
        return (Action(word="Cancel", url=f"{url}/stop", is_post=True),)
    again = Action(word="Run again, changed", url=f"/runs/new?like={run.id}")
    if run.state == "stopped" and _may_run(actor, run):
        return (Action(word="Resume", url=f"{url}/resume", is_post=True), again)
    return (again,) if run.state in {"stopped", "finished"} else ()


def _device(run: Run, job: Job) -> str:
    told = str(run.progress.get("device") or job.granted)
    return {"": "", "cpu": "the CPU"}.get(told, told.replace("cuda:", "GPU "))


def _changed(run: Run) -> frozenset[str]:
    return frozenset(
        field.label
        for field in fields_of(TrainingSpec)
        if not field.required and field.name not in {"name", "network"} and run.spec.get(field.name) != field.default
    )


def _worded(name: str, value: Json, unit: str) -> str:
    text = _words(name, value) or plain(value)
    return f"{text} {unit.removesuffix('s') if value == 1 else unit}".strip()


def _words(name: str, value: Json) -> str:
    """The label of a choice; empty for what is none."""
    field = next(field for field in fields_of(TrainingSpec) if field.name == name)
    return next((choice.label for choice in field.choices if choice.value == value), "")


def plain(value: Json) -> str:
    """A value as a sentence has it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return format_number(value) if isinstance(value, int | float) else str(value)


def _upto(points: list[tuple[int, float]], step: int) -> float | None:
    return next((value for at, value in reversed(points) if at <= step), None)


def _by_accuracy(row: views.EpochRow) -> tuple[float, float]:
    return (row.val_accuracy or 0.0, -(row.val_loss or 0.0))


def _marked(row: views.EpochRow, best: views.EpochRow | None) -> views.EpochRow:
    return row if row is not best else views.EpochRow(**{**vars(row), "is_best": True})


def _level(level: str) -> views.LogLevel:
    return next((known for known in views.LOG_LEVELS if known == level), "info")


def _number(value: Json) -> float:
    """A number that was told, 0 for none."""
    return float(value) if isinstance(value, int | float) else 0.0
