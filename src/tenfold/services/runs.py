"""Runs: starting, stopping and resuming them, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import cast

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.model import RevisionManifest
from tenfold.core.errors import BadNetwork, Conflict, InvalidFields, NotFound, Problem
from tenfold.core.events import Json
from tenfold.core.fields import parse_spec, spec_values
from tenfold.core.ids import JobId, RunId, new_id
from tenfold.core.jobs.model import OWN_SLOTS, Job
from tenfold.core.names import check_name
from tenfold.core.networks.custom import DECIDED, is_python
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.network import NamedText
from tenfold.core.networks.weights import PUBLISHED, WeightOrigin, require_same_heads
from tenfold.core.repository import Database, Query, Repository, Transaction
from tenfold.core.training.custom import graph_of_python, growing_as_read
from tenfold.core.training.frameworks import FRAMEWORKS, Framework
from tenfold.core.training.job import TrainJob
from tenfold.core.training.preflight.forecast import Forecast, Reading
from tenfold.core.training.preflight.statistics import lagging_statistics
from tenfold.core.training.run import LogLine, Run
from tenfold.core.training.spec import TrainingSpec
from tenfold.core.training.task import Task
from tenfold.services.datasets import DatasetService
from tenfold.services.desk import JobDesk
from tenfold.services.environments import EnvironmentService
from tenfold.services.forecasts import ForecastService, reading_of, workload
from tenfold.services.inspections import InspectionService
from tenfold.services.named import Kind, NamedThings
from tenfold.services.network_texts import parse_knobs
from tenfold.services.networks import NetworkService
from tenfold.services.probes import ProbeService
from tenfold.services.repeats import Request
from tenfold.services.weights import WeightService

MAX_POINTS = 400
READ_RUNS = 50


@dataclass(frozen=True)
class _Step:
    """What a step computes, known once the dataset is ready: the job, the graph and the revision."""

    job: TrainJob
    graph: LayerGraph
    manifest: RevisionManifest


@dataclass(frozen=True)
class _Accepted:
    """A checked request: everything a run is made of."""

    spec: TrainingSpec
    dataset: Dataset
    network: NamedText
    parameters: dict[str, Json]
    weights: list[WeightOrigin]
    step: _Step | None


@dataclass(frozen=True, kw_only=True)
class RunParts:
    """What a run is put together from."""

    datasets: DatasetService
    networks: NetworkService
    weights: WeightService
    forecasts: ForecastService
    environments: EnvironmentService
    probes: ProbeService
    inspections: InspectionService


class RunService:
    """What people do with runs."""

    def __init__(
        self,
        database: Database,
        *,
        desk: JobDesk,
        parts: RunParts,
        tasks: Mapping[str, Task],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._weights = parts.weights
        self._forecasts = parts.forecasts
        self._environments = parts.environments
        self._probes = parts.probes
        self._inspections = parts.inspections
        self._desk = desk
        self._datasets = parts.datasets
        self._networks = parts.networks
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
        told = self._forecast(accepted)
        if told is not None:
            told.require_room()
        self._probes.leave(actor)
        with self._database.write() as tx:
            earlier = repeat.earlier_result(tx)
            if earlier is not None:
                return tx.runs.get(earlier)
            run, job = self._accept(tx, actor, accepted, told)
            repeat.remember(tx, run.id, self._clock())
        self._desk.submit(job)
        return run

    def preflight(
        self, actor: Actor, values: Mapping[str, object], parameters: Mapping[str, object], *, probe: bool = True
    ) -> Forecast:
        """What a run would take, without starting it: reckoned, and measured when the probe that it begins is over.

        Raises what `start` raises for wrong fields, and `Conflict` while its dataset is being built.
        """
        actor.require("run.start")
        accepted = self._check(actor, values, parameters)
        told = self._forecast(accepted)
        if told is None and accepted.step is not None:
            return self._measured(actor, accepted, accepted.step, probe=probe)
        if told is None or accepted.step is None:
            name = values.get("dataset")
            raise Conflict(
                f"{name} is being built: what a run takes is known when it is ready.", code="dataset.building"
            )
        if not probe or told.time_how == "measured" or told.verdict == "never":
            self._probes.leave(actor)
            return told
        seen = self._probes.ask(actor, accepted.step.job)
        if seen.state == "finished":  # since what is told was put together
            told = self._forecast(accepted) or told
        return replace(told, probe=seen.state, probe_message=seen.message)

    def can_learn(self, dataset: Dataset) -> bool:
        """Whether its task learns from labels of the kind that a dataset has."""
        return dataset.label_kind in self._tasks[dataset.task].label_kinds

    def misfit(self, dataset: Dataset, network: NamedText) -> str:
        """Why a network cannot learn a dataset's task, whatever its size; empty where it can, or has errors."""
        graph = self._networks.meaning(network.text).graph
        return self._tasks[dataset.task].misfit(graph) if graph is not None else ""

    def is_learnable(self, network: NamedText) -> bool:
        """Whether there is a task that it can learn."""
        if is_python(network.text):
            return network.version is not None and network.version.num_parameters is not None
        graph = self._networks.meaning(network.text).graph
        return graph is None or any(not task.misfit(graph) for task in self._tasks.values())

    def require_judge(self, actor: Actor, network: str) -> None:
        """Raises `InvalidFields` for a network whose models cannot judge pictures, `NotFound`."""
        if is_python(self._networks.find(actor, network).text):
            text = f"{network} is written in Python: models of it cannot judge pictures yet. Choose another network."
            raise InvalidFields([Problem("network", text, "network.python")])

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
        if is_python(run.network_text):
            actor.require_code()
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
        framework = FRAMEWORKS[spec.framework]
        problems += self._framework_problems(framework, spec)
        if problems or dataset is None or network is None:
            raise InvalidFields(problems)
        if is_python(network.text):
            return self._check_python(actor, spec, dataset, network, parameters)
        network = _with_weights(network, spec)
        task = self._tasks[dataset.task]
        if misfit := self.misfit(dataset, network):
            text = f"{network.name} cannot learn {task.title.lower()}: {misfit}. Choose another network."
            raise InvalidFields([Problem("network", text, "network.task")])
        manifest = self._datasets.reader(actor, dataset).manifest if dataset.state == "ready" else None
        decided = task.network_parameters(manifest.classes if manifest is not None else ())
        self._require_no_draft(network)
        parsed = self._networks.parse_parameters(network.text, parameters, decided)
        weights = self._weights.origins(actor, self._networks.meaning(network.text).pretrained)
        _require_readable(framework, network, weights)
        accepted = _Accepted(spec, dataset, network, cast("dict[str, Json]", parsed), weights, None)
        graph = self._graph(accepted, decided, manifest)
        if graph is not None and (lacking := framework.why_not_network(graph)):
            raise InvalidFields([Problem("network", lacking, "network.unsupported-layer")])
        if graph is not None and manifest is not None:
            for origin in weights:
                require_same_heads(graph, origin)
            accepted = replace(accepted, step=_Step(self._job(accepted), graph, manifest))
        return accepted

    def _check_python(
        self, actor: Actor, spec: TrainingSpec, dataset: Dataset, network: NamedText, parameters: Mapping[str, object]
    ) -> _Accepted:
        """The same for a network of Python, of which only an inspection tells anything."""
        actor.require_code()
        kept = self._inspections.kept(network)
        if kept is None:
            text = f"{network.name} is a draft, which cannot be trained: inspect it first, and mend what that finds."
            raise BadNetwork(text, code="network.draft")
        if problems := self._python_problems(actor, spec, dataset):
            raise InvalidFields(problems)
        parsed = parse_knobs(kept.fields(), parameters, DECIDED)
        accepted = _Accepted(spec, dataset, network, cast("dict[str, Json]", parsed), [], None)
        manifest = self._datasets.reader(actor, dataset).manifest
        shape = (manifest.channels, manifest.height, manifest.width)
        graph = graph_of_python(shape, len(manifest.classes), kept.num_parameters)
        return replace(accepted, step=_Step(self._job(accepted), graph, manifest))

    def _measured(self, actor: Actor, accepted: _Accepted, step: _Step, *, probe: bool) -> Forecast:
        """What a probe says of a network that nothing can be reckoned of; raises `Conflict` until it does."""
        seen = self._probes.ask(actor, step.job) if probe else self._probes.known(step.job)
        told = self._forecast(accepted) if seen.state == "finished" else None
        if told is not None:
            return replace(told, probe=seen.state)
        if seen.state in {"waiting", "running"}:
            text = "A few steps with a small batch are being tried: ask again in a moment."
            raise Conflict(text, code="network.measuring")
        why = seen.message or "steps with two sizes of a batch are needed, and were too slow or the batch too small."
        raise Conflict(f"What a network of Python takes is measured alone: {why}", code="network.not-measured")

    def _python_problems(self, actor: Actor, spec: TrainingSpec, dataset: Dataset) -> list[Problem]:
        """What does not go with a network of Python."""
        problems = []
        if spec.framework != "torch":
            text = f"Networks of Python are trained by PyTorch, not by {FRAMEWORKS[spec.framework].title}."
            problems.append(Problem("framework", text, "framework.lacks"))
        if spec.weights != "as-written":
            text = "Networks of Python begin with the weights that their own code makes."
            problems.append(Problem("weights", text, "weights.unknown"))
        if dataset.state != "ready":
            text = f"{dataset.name} is being built: networks of Python are trained on datasets that are ready."
            problems.append(Problem("dataset", text, "dataset.building"))
        elif self._datasets.reader(actor, dataset).manifest.in_place is not None:
            text = f"The pictures of {dataset.name} are not packed yet, and confined code cannot read them elsewhere."
            problems.append(Problem("dataset", text, "dataset.in-place"))
        return problems

    def _graph(
        self, accepted: _Accepted, decided: Mapping[str, object], manifest: RevisionManifest | None
    ) -> LayerGraph | None:
        """The network over the pictures of its dataset; while those are not known, as its text has it, if it is one."""
        network = accepted.network
        if manifest is None:
            return self._networks.look(network.text, accepted.parameters).graph
        try:
            shape = (manifest.channels, manifest.height, manifest.width)
            return self._networks.require_fit(network.text, {**accepted.parameters, **decided}, shape)
        except BadNetwork as error:
            message = f"{network.name} does not fit {accepted.dataset.name}: {error.message}"
            raise BadNetwork(message, problems=error.values.get("problems")) from None

    def _forecast(self, accepted: _Accepted) -> Forecast | None:
        """What is known without a probe that is not over; nothing while the dataset is being built."""
        if accepted.step is None:
            return None
        graph, is_reckoned = accepted.step.graph, not is_python(accepted.network.text)
        readings = self._readings(accepted) if is_reckoned else ()
        if not readings:
            seen = self._probes.known(accepted.step.job)
            readings = seen.readings if seen.state == "finished" else ()
        if not is_reckoned:
            if len({reading.batch for reading in readings}) < 2:
                return None
            graph = growing_as_read(graph, readings, optimizer=accepted.spec.optimizer)
        spec = replace(accepted.spec, device=_slot(accepted.spec))
        told = self._forecasts.look(spec, graph, accepted.step.manifest, readings)
        warnings = list(self._inspections.warnings(accepted.network))
        work = workload(spec, graph, accepted.step.manifest)
        lagging = lagging_statistics(graph, num_steps=work.epochs * work.steps_per_epoch)
        if lagging and not accepted.weights:
            warnings.append(lagging)
        return replace(told, warnings=tuple(warnings))

    def _framework_problems(self, framework: Framework, spec: TrainingSpec) -> list[Problem]:
        """What a framework lacks of a specification, and of this machine."""
        why_not = self._environments.why_not(framework)
        missing = [Problem("framework", why_not, "environment.missing")] if why_not else []
        return [*missing, *framework.problems(spec)]

    def _readings(self, accepted: _Accepted) -> tuple[Reading, ...]:
        """What the newest run like this one took, if there was one."""
        text, parameters = accepted.network.text, accepted.parameters
        with self._database.read() as tx:
            runs = tx.runs.page(Query(where={"revision": accepted.dataset.revision}, limit=READ_RUNS)).items
        alike = (run for run in runs if run.network_text == text and run.parameters == parameters)
        found = (reading for run in alike if (reading := reading_of(run, accepted.spec)) is not None)
        return tuple(islice(found, 1))

    def _require_no_draft(self, network: NamedText) -> None:
        problems = self._networks.meaning(network.text).problems
        if network.version is not None and problems:
            lines = "\n".join(str(problem) for problem in problems)
            message = f"{network.name} is a draft, which cannot be trained. Mend its text first:\n{lines}"
            raise BadNetwork(message, problems=[problem.to_json() for problem in problems], code="network.draft")

    def _named_dataset(self, actor: Actor, name: str, problems: list[Problem]) -> Dataset | None:
        try:
            dataset = self._datasets.named.get(actor, name)
        except NotFound as error:
            problems.append(Problem("dataset", error.message, error.code))
            return None
        if dataset.trashed_at is not None:
            problems.append(_in_trash("dataset", dataset.name))
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

    def _named_network(self, actor: Actor, name: str, problems: list[Problem]) -> NamedText | None:
        try:
            found = self._networks.find(actor, name)
        except NotFound as error:
            problems.append(Problem("network", error.message, error.code))
            return None
        if found.network is not None and found.network.trashed_at is not None:
            problems.append(_in_trash("network", found.name))
            return None
        return found

    def _accept(self, tx: Transaction, actor: Actor, accepted: _Accepted, told: Forecast | None) -> tuple[Run, Job]:
        now = self._clock()
        spec, dataset = accepted.spec, tx.datasets.get(accepted.dataset.id)
        if dataset.trashed_at is not None:
            raise InvalidFields([_in_trash("dataset", dataset.name)])
        network, version = accepted.network.network, accepted.network.version
        if network is not None and tx.networks.get(network.id).trashed_at is not None:
            raise InvalidFields([_in_trash("network", network.name)])
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
            network_id=network.id if network is not None else None,
            network_version=version.number if version is not None else None,
            parameters=accepted.parameters,
            spec=cast("dict[str, Json]", {**spec_values(spec), "name": name, "dataset": dataset.name}),
            progress={"forecast": told.to_json()} if told is not None else {},
        )
        job = Job(
            id=run.job,
            kind="train",
            subject=run.id,
            owner=actor.user,
            order=int(now * 1e6),
            created_at=now,
            slot=_slot(spec),
            after=(dataset.job,) if dataset.state == "building" else (),
        )
        work = replace(
            self._job(accepted),
            run=run.id,
            run_name=name,
            revision=run.revision,
            revision_folder=self._datasets.revision_folder(run.revision),
            spec=run.spec,
        )
        tx.runs.add(run)
        tx.jobs.add(job)
        self._desk.prepare(job, work.to_json())
        return run, job

    def _job(self, accepted: _Accepted) -> TrainJob:
        """What a worker is told, of a run that has no name yet."""
        dataset = accepted.dataset
        return TrainJob(
            run="",
            run_name="",
            task=dataset.task,
            dataset_name=dataset.name,
            revision=dataset.revision,
            revision_folder=self._datasets.revision_folder(dataset.revision),
            network=accepted.network.name,
            network_text=accepted.network.text,
            parameters=accepted.parameters,
            spec=cast("dict[str, Json]", spec_values(accepted.spec)),
            weights=[origin.to_json() for origin in accepted.weights],
            environment=FRAMEWORKS[accepted.spec.framework].environment,
        )

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


def _slot(spec: TrainingSpec) -> str:
    """Where a run is to compute: `auto` is the CPU for a framework that has no GPUs."""
    return "cpu" if spec.device == "auto" and not FRAMEWORKS[spec.framework].has_gpus else spec.device


def _require_readable(framework: Framework, network: NamedText, weights: list[WeightOrigin]) -> None:
    """Raises `InvalidFields` where a text names published weights and the framework cannot read their files."""
    reason = framework.lacking_values.get("weights", {}).get("published", "")
    if reason and any(not origin.folder for origin in weights):
        text = f"{network.name} begins with published weights, which {reason}"
        raise InvalidFields([Problem("network", text, "framework.lacks")])


def _fold_of(spec: TrainingSpec) -> str:
    """What tells the runs on the folds of a dataset apart."""
    return f"-fold-{spec.fold}-of-{spec.folds}" if spec.fold is not None else ""


def _value(point: tuple[int, float]) -> float:
    return point[1]


def _repository(tx: Transaction) -> Repository[Run]:
    return tx.runs


def _in_trash(kind: str, name: str) -> Problem:
    return Problem(kind, f"{name} is in the trash: take it out first.", f"{kind}.in-trash")


def _used_by(_tx: Transaction, run: Run) -> list[str]:
    return ["its own job, which is not over"] if run.state in {"waiting", "running", "stopping"} else []


def _with_weights(network: NamedText, spec: TrainingSpec) -> NamedText:
    """The network with a line for the weights that the form asks for; raises `InvalidFields` where there are none.

    A kept network has those that it was imported with, or those of the one in the catalogue that it began as.
    """
    if spec.weights == "as-written":
        return network
    source = _published(network)
    if not source:
        text = f"{network.name} has no published weights; there are some for {', '.join(PUBLISHED)}."
        raise InvalidFields([Problem("weights", text, "weights.unknown")])
    return replace(network, text=f'{network.text.rstrip()}\npretrained "{source}"\n')


def _published(network: NamedText) -> str:
    """The source of weights that came with a network, as its text would name it; empty where there is none."""
    kept = network.network
    brought = kept.imported.get("weights") if kept is not None else None
    if isinstance(brought, dict) and brought.get("id"):
        return f"upload:{brought['id']}"
    begun_as = kept.origin.removeprefix("catalogue:") if kept is not None else network.name
    return f"catalogue:{begun_as}" if begun_as in PUBLISHED else ""
