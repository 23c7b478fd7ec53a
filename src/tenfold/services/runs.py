"""Runs: starting, stopping and resuming them, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.errors import BadNetwork, Conflict, InvalidFields, NotFound, Problem
from tenfold.core.events import Json
from tenfold.core.fields import parse_spec, spec_values
from tenfold.core.ids import JobId, RunId, new_id
from tenfold.core.jobs.model import OWN_SLOTS, Job
from tenfold.core.names import check_name
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.repository import Database, Query, Repository, Transaction
from tenfold.core.training.job import TrainJob
from tenfold.core.training.run import LogLine, Run
from tenfold.core.training.spec import TrainingSpec
from tenfold.core.training.task import Task
from tenfold.services.datasets import DatasetService
from tenfold.services.desk import JobDesk
from tenfold.services.named import Kind, NamedThings
from tenfold.services.networks import NetworkService
from tenfold.services.repeats import Request

MAX_POINTS = 400


@dataclass(frozen=True)
class _Accepted:
    """A checked request: everything a run is made of."""

    spec: TrainingSpec
    dataset: Dataset
    network: CatalogueEntry
    parameters: dict[str, Json]


class RunService:
    """What people do with runs."""

    def __init__(
        self,
        database: Database,
        *,
        desk: JobDesk,
        datasets: DatasetService,
        networks: NetworkService,
        artifacts: ArtifactStore,
        tasks: Mapping[str, Task],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._desk = desk
        self._datasets = datasets
        self._networks = networks
        self._artifacts = artifacts
        self._tasks = tasks
        self._clock = clock
        self.named = NamedThings(
            Kind(word="run", repository=_repository, change="run.change", used_by=_used_by), database, clock
        )

    def start(
        self, actor: Actor, values: Mapping[str, object], parameters: Mapping[str, object], *, key: str = ""
    ) -> Run:
        """Accepts a run and returns it; it is stored when this returns.

        Raises `InvalidFields` with every problem of the fields, `BadNetwork` when the network does not fit the dataset.
        """
        actor.require("run.start")
        repeat = Request(actor, key, {"values": dict(values), "parameters": dict(parameters)})
        with self._database.read() as tx:
            earlier = repeat.earlier_result(tx)
            if earlier is not None:
                return tx.runs.get(earlier)
        accepted = self._check(actor, values, parameters)
        with self._database.write() as tx:
            earlier = repeat.earlier_result(tx)
            if earlier is not None:
                return tx.runs.get(earlier)
            run, job = self._accept(tx, actor, accepted)
            repeat.remember(tx, run.id, self._clock())
        self._desk.submit(job)
        return run

    def can_learn(self, dataset: Dataset) -> bool:
        """Whether its task learns from labels of the kind that a dataset has."""
        return dataset.label_kind in self._tasks[dataset.task].label_kinds

    def stop(self, actor: Actor, name_or_id: str) -> Run:
        """Asks a run to stop; its best model so far is kept."""
        run = self._changeable(actor, name_or_id)
        if run.state not in {"waiting", "running", "stopping"}:
            raise Conflict(f"{run.name} is {run.state}; only a run that waits or runs can be stopped.")
        self._desk.stop(run.job)
        return self.named.get(actor, run.id)

    def resume(self, actor: Actor, name_or_id: str) -> Run:
        """Lets a run that was stopped or has failed go on from its newest checkpoint."""
        run = self._changeable(actor, name_or_id)
        if run.trashed_at is not None:
            raise Conflict(f"{run.name} is in the trash: take it out, then resume it.", code="run.in-trash")
        if run.state not in {"stopped", "failed"}:
            raise Conflict(f"{run.name} is {run.state}; only a run that was stopped or has failed can be resumed.")
        self._desk.resume(run.job)
        resumed = self.named.get(actor, run.id)
        if resumed.trashed_at is not None:  # meanwhile
            self._desk.stop(run.job)
        return resumed

    def history(self, actor: Actor, name_or_id: str) -> dict[str, list[tuple[int, float]]]:
        """Metric series by name, at most 400 points each with every bucket's smallest and largest value kept."""
        run = self.named.get(actor, name_or_id)
        with self._database.read() as tx:
            rows = tx.histories.rows(run.id)
        series: dict[str, list[tuple[int, float]]] = {}
        for step, _, values in rows:
            for name, value in values.items():
                series.setdefault(name, []).append((step, value))
        return {name: thin(points, MAX_POINTS) for name, points in series.items()}

    def log(self, actor: Actor, name_or_id: str) -> tuple[LogLine, ...]:
        """The newest lines the run told people, oldest first."""
        run = self.named.get(actor, name_or_id)
        with self._database.read() as tx:
            page = tx.log_lines.page(Query(where={"job": run.job}, sort="id", limit=500))
        return tuple(reversed(page.items))

    def job(self, actor: Actor, run: Run) -> Job:
        """The job that executes a run."""
        actor.require("read")
        with self._database.read() as tx:
            return tx.jobs.get(run.job)

    def _check(self, actor: Actor, values: Mapping[str, object], parameters: Mapping[str, object]) -> _Accepted:
        spec = parse_spec(TrainingSpec, values)
        problems: list[Problem] = []
        dataset = self._named_dataset(actor, spec.dataset, problems)
        network = self._named_network(actor, spec.network, problems)
        devices = ["auto", *(slot for slot in self._desk.slots() if slot not in OWN_SLOTS)]
        if spec.device not in devices:
            text = f"This machine has no {spec.device}; it has {', '.join(devices[1:])}."
            problems.append(Problem("device", text, "device.not-found"))
        if problems or dataset is None or network is None:
            raise InvalidFields(problems)
        task = self._tasks[dataset.task]
        classes = self._datasets.reader(actor, dataset).manifest.classes if dataset.state == "ready" else ()
        decided = task.network_parameters(classes)
        parsed = self._networks.parse_parameters(network.text, parameters, decided)
        if dataset.state == "ready":
            manifest = self._datasets.reader(actor, dataset).manifest
            shape = (manifest.channels, manifest.height, manifest.width)
            try:
                self._networks.require_fit(network.text, {**parsed, **decided}, shape)
            except BadNetwork as error:
                message = f"{network.name} does not fit {dataset.name}: {error.message}"
                raise BadNetwork(message, problems=error.values.get("problems")) from None
        return _Accepted(spec, dataset, network, cast("dict[str, Json]", parsed))

    def _named_dataset(self, actor: Actor, name: str, problems: list[Problem]) -> Dataset | None:
        try:
            dataset = self._datasets.named.get(actor, name)
        except NotFound as error:
            problems.append(Problem("dataset", error.message, error.code))
            return None
        if dataset.trashed_at is not None:
            problems.append(_in_trash(dataset))
            return None
        if dataset.state == "failed":
            problems.append(Problem("dataset", f"{name} could not be built: {dataset.message}", "dataset.failed"))
            return None
        if not self.can_learn(dataset):
            has = "several classes" if dataset.label_kind == "classes" else "a number"
            text = f"The pictures of {name} have {has} each: training learns one class a picture so far."
            problems.append(Problem("dataset", text, "dataset.label-kind"))
            return None
        return dataset

    def _named_network(self, actor: Actor, name: str, problems: list[Problem]) -> CatalogueEntry | None:
        try:
            return self._networks.get(actor, name)
        except NotFound as error:
            problems.append(Problem("network", error.message, error.code))
            return None

    def _accept(self, tx: Transaction, actor: Actor, accepted: _Accepted) -> tuple[Run, Job]:
        now = self._clock()
        spec, dataset = accepted.spec, tx.datasets.get(accepted.dataset.id)
        if dataset.trashed_at is not None:
            raise InvalidFields([_in_trash(dataset)])
        wish = f"{accepted.network.name}-{dataset.name}{_fold_of(spec)}"
        name = check_name(spec.name) if spec.name else self.named.free_name(tx, wish)
        self.named.claim_name(tx, name)
        run = Run(
            id=RunId(new_id("run")),
            name=name,
            owner=actor.user,
            created_at=now,
            changed_at=now,
            task=dataset.task,
            state="waiting",
            job=JobId(new_id("job")),
            dataset=dataset.id,
            revision=dataset.revision,
            network=accepted.network.name,
            network_text=accepted.network.text,
            parameters=accepted.parameters,
            spec=cast("dict[str, Json]", {**spec_values(spec), "name": name, "dataset": dataset.name}),
        )
        job = Job(
            id=run.job,
            kind="train",
            subject=run.id,
            owner=actor.user,
            order=int(now * 1e6),
            created_at=now,
            slot=spec.device,
            after=(dataset.job,) if dataset.state == "building" else (),
        )
        told = TrainJob(
            run=run.id,
            run_name=name,
            task=run.task,
            dataset_name=dataset.name,
            revision=run.revision,
            revision_folder=self._artifacts.relative_path("revisions", run.revision),
            network=run.network,
            network_text=run.network_text,
            parameters=run.parameters,
            spec=run.spec,
        )
        tx.runs.add(run)
        tx.jobs.add(job)
        self._desk.prepare(job, told.to_json())
        return run, job

    def _changeable(self, actor: Actor, name_or_id: str) -> Run:
        run = self.named.get(actor, name_or_id)
        actor.require("run.change", owner=run.owner)
        return run


def thin(points: list[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """At most `most` points: the smallest and the largest of each bucket, and always the first and the last."""
    if len(points) <= most:
        return points
    buckets = (most - 2) // 2
    inner = points[1:-1]
    kept = [points[0]]
    for number in range(buckets):
        part = inner[number * len(inner) // buckets : (number + 1) * len(inner) // buckets]
        ends = {min(part, key=_value), max(part, key=_value)}
        kept += sorted(ends)
    return [*kept, points[-1]]


def _fold_of(spec: TrainingSpec) -> str:
    """What tells the runs on the folds of a dataset apart."""
    return f"-fold-{spec.fold}-of-{spec.folds}" if spec.fold is not None else ""


def _value(point: tuple[int, float]) -> float:
    return point[1]


def _repository(tx: Transaction) -> Repository[Run]:
    return tx.runs


def _in_trash(dataset: Dataset) -> Problem:
    return Problem("dataset", f"{dataset.name} is in the trash: take it out first.", "dataset.in-trash")


def _used_by(_tx: Transaction, run: Run) -> list[str]:
    return ["its own job, which is not over"] if run.state in {"waiting", "running", "stopping"} else []
