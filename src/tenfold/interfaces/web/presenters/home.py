"""Home and the queue: what runs, what waits, what finished, what failed."""

from __future__ import annotations

from datetime import datetime, timedelta

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import NotFound
from tenfold.core.jobs.model import Job
from tenfold.core.repository import Query
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import data_size
from tenfold.interfaces.web.presenters import datasets, runs
from tenfold.interfaces.web.presenters.doctor import checkup_progress
from tenfold.interfaces.web.presenters.frame import address, dataset_link, moment, person, split_size
from tenfold.interfaces.web.views.frame import Link
from tenfold.interfaces.web.views.home import Failure, HomePage, Progress, RunningRow, WaitingRow
from tenfold.interfaces.web.views.settings import QueuePage

FAILURES_FOR = timedelta(days=2)
SHOWN_DATASETS = 8
MAX_FAILURES = 100  # of a kind


def home_page(services: Services, actor: Actor, now: datetime) -> HomePage:
    """The first page; failures stay on it for two days, or until they are deleted or go on."""
    found = services.datasets.named.page(actor, Query(limit=SHOWN_DATASETS))
    queue = queue_page(services, actor)
    total = services.runs.named.page(actor, Query(limit=1)).total
    finished = runs.latest(services, actor, "finished", "stopped")
    models = services.models.named.page(actor, Query(limit=1)).items
    return HomePage(
        failures=_failures(services, actor, now),
        running=queue.running,
        waiting=queue.waiting,
        finished=tuple(runs.run_row(services, actor, run, with_curve=True) for run in finished),
        datasets=tuple(datasets.dataset_fact(dataset) for dataset in found.items),
        samples=datasets.samples(),
        num_runs=total,
        num_datasets=found.total,
        latest_model_url=address("models", models[0].name) if models else "",
        can_edit=actor.may("run.start"),
    )


def queue_page(services: Services, actor: Actor) -> QueuePage:
    """What runs and what waits, in order."""
    jobs = services.desk.queue()
    live = [_running(services, actor, job) for job in jobs if job.is_live]
    waiting = [job for job in jobs if not job.is_live]
    rows = [_waiting(services, actor, job, place) for place, job in enumerate(waiting, 1)]
    return QueuePage(
        running=tuple(row for row in live if row is not None),
        waiting=tuple(row for row in rows if row is not None),
        next_start=_next_start(services),
    )


def _next_start(services: Services) -> str:
    facts = services.desk.executor_facts()
    memory = data_size(float(str(facts["memory_bytes"])))
    return {
        "ready": f"A process is kept warm for the next run, in {memory} of memory until nobody needs it.",
        "warming": f"A process warms up for the next run; so far it takes {memory} of memory.",
        "outdated": f"Packages have changed: the warm process ({memory}) is replaced before the next run.",
        "off": "No process is kept warm: the form of a new run, or the next job, starts one.",
    }[str(facts["template"])]


def _running(services: Services, actor: Actor, job: Job) -> RunningRow | None:
    if job.kind == "import":
        return _building(services, actor, job)
    if job.kind == "check":
        return _checking(services, actor, job)
    try:
        run = services.runs.named.get(actor, job.subject)
    except NotFound:
        return None
    history = services.runs.history(actor, run.id)
    return RunningRow(
        subject=Link(text=run.name, url=address("runs", run.name)),
        about=f"{dataset_link(services, actor, run.dataset).text} · {run.network}",
        state=run.state,
        progress=runs.progress(run) or Progress(kind="run", name=run.name, done=0, total=0, unit="steps"),
        curve=tuple(value for _, value in history.get("val_accuracy", [])),
        accuracy=run.metrics.get("val_accuracy"),
        num_judged=split_size(services, run.revision, "val"),
        device={"cpu": "CPU"}.get(job.granted, job.granted.replace("cuda:", "GPU ")),
    )


def _building(services: Services, actor: Actor, job: Job) -> RunningRow | None:
    try:
        dataset = services.datasets.named.get(actor, job.subject)
    except NotFound:
        return None
    idle = Progress(kind="dataset", name=dataset.name, done=0, total=0, unit="pictures")
    return RunningRow(
        subject=Link(text=dataset.name, url=address("datasets", dataset.name)),
        about="dataset · packing pictures",
        state="building",
        progress=datasets.progress(dataset) or idle,
    )


def _checking(services: Services, actor: Actor, job: Job) -> RunningRow | None:
    try:
        dataset = services.dataset_of(actor, job)
    except NotFound:
        return None
    return RunningRow(
        subject=Link(text=dataset.name, url=address("datasets", dataset.name)),
        about="dataset · looking at its pictures",
        state="running",
        progress=checkup_progress(services.checkups.standing(actor, dataset), dataset),
    )


def _waiting(services: Services, actor: Actor, job: Job, place: int) -> WaitingRow | None:
    is_run = job.kind == "train"
    try:
        name = services.subject_name(actor, job)
    except NotFound:
        return None
    return WaitingRow(
        place=place,
        subject=Link(text=name, url=address("runs" if is_run else "datasets", name)),
        kind={"train": "run", "check": "checkup"}.get(job.kind, "dataset"),
        why=job.reason or "Starts in a moment.",
        owner=person(services, job.owner),
        queued_at=moment(job.created_at),
        can_edit=job.kind != "check" and actor.may("run.change" if is_run else "dataset.change", owner=job.owner),
    )


def _failures(services: Services, actor: Actor, now: datetime) -> tuple[Failure, ...]:
    since = (now - FAILURES_FOR).timestamp()
    cards = []
    for run in runs.latest(services, actor, "failed", limit=MAX_FAILURES):
        job = services.runs.job(actor, run)
        if (job.ended_at or run.changed_at) >= since:
            cards.append(runs.failure(actor, run, job))
    broken = services.datasets.named.page(actor, Query(where={"state": "failed"}, limit=MAX_FAILURES))
    for dataset in broken.items:
        if dataset.changed_at >= since:
            cards.append(datasets.failure(dataset, can_edit=actor.may("dataset.change", owner=dataset.owner)))
    return tuple(sorted(cards, key=lambda card: card.at, reverse=True))
