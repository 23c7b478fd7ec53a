"""Keeps runs up to date with their jobs, and makes a model of what a run publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from tenfold.core.artifacts import ArtifactStore
from tenfold.core.events import (
    Envelope,
    Json,
    Measured,
    PhaseStarted,
    Progressed,
    Published,
    Started,
    Taken,
    require_figures,
)
from tenfold.core.ids import JobId
from tenfold.core.inference.model import Model, model_id
from tenfold.core.jobs.model import Job
from tenfold.core.jobs.ports import JobFolders
from tenfold.core.names import propose_name
from tenfold.core.networks.custom import is_python
from tenfold.core.repository import Database, Transaction
from tenfold.core.training.run import Run
from tenfold.services.hub import Hub

_PROGRESS = ("epoch", "epochs", "samples_per_second")
_RESULT = ("metrics", "step", "tested_on")


class ResultSealer(Protocol):
    """Says of what a training has published which folder becomes the model's."""

    def __call__(self, job_id: JobId, attempt: int, manifest: str) -> tuple[Path, str]:
        """The folder and the sha256 of its manifest. Of what executed code of people, one that is made anew.

        Data is copied into it, all else written; doing it again gives the same. Raises `Damaged` for a result that
        cannot be, `StorageFull`.
        """


class RunObserver:
    """Fulfils `tenfold.services.following.JobObserver` for training jobs."""

    def __init__(
        self, database: Database, *, artifacts: ArtifactStore, folders: JobFolders, hub: Hub, seal: ResultSealer
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._folders = folders
        self._seal = seal
        self._hub = hub
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._outdated: dict[str, Model] = {}
        self._taken_in: dict[JobId, int] = {}
        self._without_code: set[JobId] = set()

    def on_event(self, tx: Transaction, job: Job, envelope: Envelope) -> None:
        event = envelope.event
        if isinstance(event, Measured):
            self._measure(tx, job, event)
        elif isinstance(event, Progressed) and event.unit == "steps":
            facts: dict[str, Json] = {
                "step": event.done,
                "steps": event.total,
                "seconds_left": event.seconds_left,
                "steps_per_second": event.per_second,
                **{name: event.facts[name] for name in _PROGRESS if name in event.facts},
            }
            _update(tx, job, lambda run: _progress(run, facts))
        elif isinstance(event, PhaseStarted):
            phase: dict[str, Json] = {"phase": event.phase}
            _update(tx, job, lambda run: _progress(run, phase))
        elif isinstance(event, Started):
            started: dict[str, Json] = {"device": event.device, "resumed_step": event.resumed_step}
            _update(tx, job, lambda run: _progress(run, started))
        elif isinstance(event, Taken):
            taken: dict[str, Json] = {
                "memory_bytes": event.memory_bytes,
                "seconds": event.seconds,
                "steps": event.steps,
            }
            _update(tx, job, lambda run: _progress(run, {"taken": taken}))
        elif isinstance(event, Published) and envelope.attempt == tx.jobs.get(job.id).attempt:
            self._publish(tx, job, envelope, event)

    def on_state(self, tx: Transaction, job: Job) -> None:
        _update(
            tx,
            job,
            lambda run: replace(
                run,
                state=job.state,
                code=job.code,
                message=job.message,
                progress={**run.progress, "reason": job.reason, "attempt": job.attempt},
            ),
        )

    def why_not(self, job: Job) -> str:
        """Of a network of Python, that whose run it is may no longer run own code, or sign in."""
        if job.id in self._without_code:
            return ""
        with self._database.read() as tx:
            run = tx.runs.find(id=job.subject)
            if run is None or not is_python(run.network_text):
                self._without_code.add(job.id)
                return ""
            user = tx.users.find(id=run.owner)
        if user is None or user.may_run_code:
            return ""
        if user.disabled:
            text = f"The account of {user.name}, whose run it is, is disabled, so its Python code is not run."
            return f"{text} Resume it when the owner of this Tenfold enables the account again."
        text = f"{user.name}, whose run it is, may not run own Python code on this machine any more."
        return f"{text} Resume it when the owner of this Tenfold allows it again."

    def announce(self, job: Job) -> None:
        with self._database.read() as tx:
            run = tx.runs.find(id=job.subject)
            self._remove_outdated(tx, job)
        if (attempt := self._taken_in.pop(job.id, None)) is not None:
            self._folders.remove_result(job.id, attempt)
        if run is None:
            return
        head = {"id": run.id, "name": run.name}
        rows = self._rows.pop(job.subject, [])
        if rows:
            self._hub.publish("run.metrics", {**head, "rows": rows})
        facts = {"state": run.state, "progress": run.progress, "metrics": run.metrics, "message": run.message}
        self._hub.publish("run.progress", {**head, **facts})

    def _remove_outdated(self, tx: Transaction, job: Job) -> None:
        """Lets go of what a run published before, once the store names what it published since."""
        earlier = self._outdated.get(job.subject)
        now = tx.models.find(id=earlier.id) if earlier is not None else None
        if earlier is not None and (now is None or now.files != earlier.files):
            del self._outdated[job.subject]
            self._artifacts.remove("models", earlier.files)

    def _measure(self, tx: Transaction, job: Job, event: Measured) -> None:
        tx.histories.put(job.subject, event.step, event.epoch, event.values)
        self._rows.setdefault(job.subject, []).append({"step": event.step, "epoch": event.epoch, **event.values})
        _update(tx, job, lambda run: replace(run, metrics=_merged(run, event.values)))

    def _publish(self, tx: Transaction, job: Job, envelope: Envelope, event: Published) -> None:
        run = tx.runs.get(job.subject)
        own = model_id(run.id)
        published, manifest = self._seal(job.id, envelope.attempt, event.manifest)
        earlier = tx.models.find(id=own)
        metrics, facts = _result(event)
        model = Model(
            id=own,
            name=_free_name(tx, run.name),
            owner=run.owner,
            created_at=envelope.time,
            changed_at=envelope.time,
            task=run.task,
            run=run.id,
            revision=run.revision,
            network=run.network,
            manifest=manifest,
            size_bytes=0,
            step=int(str(facts["step"])),
            metrics=metrics,
            facts={**facts, "dataset": run.spec["dataset"], "parameters": run.parameters, **_fold(run)},
        )
        model = replace(model, size_bytes=self._artifacts.adopt(published, "models", model.files, manifest))
        self._taken_in[job.id] = envelope.attempt
        if earlier is not None and earlier.files != model.files:
            self._outdated[job.subject] = earlier
        if earlier is None:
            tx.models.add(model)
        else:
            name = earlier.name if earlier.trashed_at is None else _free_name(tx, earlier.name)
            tx.models.update(replace(model, name=name, note=earlier.note, tags=earlier.tags, version=earlier.version))
        tx.runs.update(replace(run, model=own, metrics=_merged(run, metrics)))


def _free_name(tx: Transaction, wish: str) -> str:
    return propose_name(wish, lambda name: tx.models.find(name=name, trashed_at=None) is not None)


def _fold(run: Run) -> dict[str, Json]:
    """Which fold of how many a run's model has not learnt from, where it trained on folds."""
    return {name: run.spec[name] for name in ("fold", "folds") if run.spec.get(name)}


def _result(event: Published) -> tuple[dict[str, float], dict[str, Json]]:
    """The metrics and the facts that a training tells of its model; raises `LookupError`, `ValueError`.

    It may have executed code of people, so nothing else is kept of what it tells.
    """
    told: Any = event.facts.get("metrics") or {}
    require_figures(told)
    step, split = event.facts["step"], event.facts.get("tested_on", "test")
    if type(step) is not int or step < 0 or split not in ("test", "val"):
        raise ValueError(f"its model is of step {step!r:.40}, tested on {split!r:.40}")
    return {name: float(value) for name, value in told.items()}, {
        name: event.facts[name] for name in _RESULT if name in event.facts
    }


def _merged(run: Run, values: Mapping[str, float]) -> dict[str, float]:
    """The metrics of a run with newer ones; raises `ValueError` where they become more and more."""
    merged = {**run.metrics, **values}
    require_figures(merged)
    return merged


def _progress(run: Run, facts: dict[str, Json]) -> Run:
    return replace(run, progress={**run.progress, **facts})


def _update(tx: Transaction, job: Job, change: Callable[[Run], Run]) -> None:
    run = tx.runs.find(id=job.subject)
    if run is not None:
        tx.runs.update(change(run))
