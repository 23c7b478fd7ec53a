"""All services over the in-memory database and real folders; the processes of jobs are played by the test."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tenfold.adapters.confinement.process import survey
from tenfold.adapters.devices.gauges import SystemGauges
from tenfold.adapters.environments.folder import EnvironmentFolder
from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.formats.download import build_download
from tenfold.adapters.formats.hub_layout import HubFolders
from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.formats.revisions.derived import derive_revision
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.adapters.storage.artifacts import FolderArtifacts
from tenfold.adapters.storage.job_folders import LocalJobFolders, WorkerFolder
from tenfold.adapters.storage.memory import InMemoryDatabase
from tenfold.adapters.storage.secrets import FolderSecrets
from tenfold.adapters.storage.uploads import FolderUploads
from tenfold.bootstrap.hub import CachedHub
from tenfold.bootstrap.sealing import Sealer
from tenfold.core.accounts.model import Role, Scope
from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.entities import Named
from tenfold.core.errors import TenfoldError
from tenfold.core.events import Ended, Event, Json, Measured, PhaseStarted, Published, Started
from tenfold.core.export.contents import CONTENTS
from tenfold.core.fields import parse_spec
from tenfold.core.ids import JobId, UserId
from tenfold.core.inference.ports import Prediction
from tenfold.core.jobs.model import Job
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.training.run import Run
from tenfold.core.workstation.machine import Gauges
from tenfold.services.accounts import AccountService
from tenfold.services.additions import AdditionService
from tenfold.services.code_guard import CodeGuard
from tenfold.services.datasets import DatasetService, ImportObserver, ImportRequest
from tenfold.services.desk import JobDesk
from tenfold.services.environments import EnvironmentService
from tenfold.services.errands import Errands
from tenfold.services.forecasts import ForecastService
from tenfold.services.hub import Hub
from tenfold.services.inspections import InspectionService
from tenfold.services.machine import MachineService
from tenfold.services.models import ModelService
from tenfold.services.networks import NetworkService
from tenfold.services.probes import ProbeService
from tenfold.services.revisions import RevisionService
from tenfold.services.run_observer import RunObserver
from tenfold.services.runs import RunParts, RunService
from tenfold.services.weights import WeightService
from tenfold.tasks.classification.task import Classification
from tenfold.testing.pictures import write_shapes
from tenfold.testing.training import ManualClock

SLOTS = (("cpu", 1), ("import", 1))


class PlayedProcesses:
    """Fulfils `Executor`: what starts lives until the test ends it."""

    def __init__(self) -> None:
        self.started: list[tuple[JobId, int, str]] = []
        self.alive: set[JobId] = set()
        self.killed: list[JobId] = []
        self.words = ""
        self.refuses: TenfoldError | OSError | None = None

    def warm(self) -> None:
        """Nothing gets quicker."""

    def start(self, job_id: JobId, attempt: int, slot: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.started.append((job_id, attempt, slot))
        self.alive.add(job_id)

    def is_alive(self, job_id: JobId) -> bool:
        return job_id in self.alive

    def kill(self, job_id: JobId) -> None:
        if job_id in self.alive:
            self.killed.append(job_id)
            self.alive.remove(job_id)

    def last_words(self, job_id: JobId) -> str:
        return self.words

    def facts(self) -> dict[str, Json]:
        return {"template": "off", "memory_bytes": 0}

    def close(self) -> None:
        """Nothing is held."""


class NamesAsPredictions:
    """Fulfils `Predictor`: says of each picture which model looked at it."""

    def __init__(self) -> None:
        self.is_closed = False

    def classify(self, folder: Path, pictures: list[bytes]) -> list[tuple[Prediction, ...]]:
        return [(Prediction(f"{folder.name} {len(picture)}", 1.0),) for picture in pictures]

    def close(self) -> None:
        self.is_closed = True


class Bench:
    """Services, people, and the test's own hand as every worker."""

    def __init__(self, home: Path, *, catalogue: Iterable[CatalogueEntry] = ()) -> None:
        self.home = home
        self.data = home / "data"
        self.clock = ManualClock(tick_s=0.01)
        self.monotonic = ManualClock(tick_s=0.01)
        self.database = InMemoryDatabase()
        self.folders = LocalJobFolders(_made(self.data) / "jobs")
        self.artifacts = FolderArtifacts(self.data)
        self.uploads = FolderUploads(self.data / "uploads")
        self.secrets = FolderSecrets(self.data / "secrets")
        self.processes = PlayedProcesses()
        self.hub = Hub()
        self.hub_address = "http://127.0.0.1:9"
        self.predictor = NamesAsPredictions()
        self.accounts = AccountService(self.database, PlainHasher(), self.clock)
        self.networks = NetworkService(
            [*read_catalogue(), *catalogue], self.database, clock=self.clock, worked=time.thread_time
        )
        self.errands = Errands(self.folders, self.processes, monotonic=self.monotonic, why_not=CodeGuard(self.database))
        self.gauges: Gauges = SystemGauges(self.data)
        self.machine = MachineService(self.gauges)
        self.desk = self.open_desk()
        self.owner = self.accounts.actor_of_user(self.accounts.ensure_owner("ada").id)
        self.editor = self.person("editor")
        self.viewer = self.person("viewer")

    def open_desk(self, *, rebooted: bool = False) -> JobDesk:
        """A desk as a new life of the server has it, with the services that use it."""
        desk = JobDesk(
            self.database,
            folders=self.folders,
            executor=self.processes,
            slots=SLOTS,
            clock=self.clock,
            monotonic=self.monotonic,
            rebooted=rebooted,
        )
        about: dict[str, Any] = {"artifacts": self.artifacts, "folders": self.folders, "hub": self.hub}
        desk.observe("train", RunObserver(self.database, seal=Sealer(self.data, self.folders), **about))
        desk.observe("import", ImportObserver(self.database, uploads=self.uploads, secrets=self.secrets, **about))
        self.datasets = DatasetService(
            self.database,
            desk=desk,
            artifacts=self.artifacts,
            open_revision=open_revision,
            roots=[str(self.home)],
            clock=self.clock,
        )
        self.revisions = RevisionService(
            self.database,
            datasets=self.datasets.named,
            artifacts=self.artifacts,
            derive=derive_revision,
            clock=self.clock,
        )
        self.additions = AdditionService(
            self.database, desk=desk, revisions=self.revisions, roots=[str(self.home)], clock=self.clock
        )
        self.models = ModelService(
            self.database,
            artifacts=self.artifacts,
            predictor=self.predictor,
            apart=self.predictor,
            build_download=build_download,
            clock=self.clock,
        )
        self.inspections = InspectionService(
            self.errands, self.networks, self.datasets, artifacts=self.artifacts, survey=survey
        )
        self.runs = RunService(
            self.database,
            desk=desk,
            parts=RunParts(
                datasets=self.datasets,
                networks=self.networks,
                weights=WeightService(
                    self.models.named,
                    self.artifacts,
                    find_folder=HubFolders(lambda: (str(self.home),)),
                    find_hub=CachedHub(data=self.data, endpoint=self.hub_address, internal_hosts=("127.0.0.1",)),
                ),
                forecasts=ForecastService(self.gauges),
                environments=EnvironmentService(EnvironmentFolder(self.home / "environments")),
                probes=ProbeService(self.errands, slots=desk.slots, is_training=desk.is_training),
                inspections=self.inspections,
            ),
            tasks={"classification": Classification()},
            clock=self.clock,
        )
        self.desk = desk
        return desk

    # people

    def person(self, role: Role, *, name: str = "", scope: Scope = "admin") -> Actor:
        """Somebody of a role."""
        return Actor(user=UserId(f"usr_{name or role:0>16}"), name=name or role, role=role, scope=scope)

    def editor_of(self, thing: Named) -> Actor:
        """The owner of a thing, as an editor."""
        return Actor(user=thing.owner, name="its owner", role="editor")

    # what they do

    def import_shapes(self, name: str = "shapes", *, actor: Actor | None = None, **values: object) -> Dataset:
        """A dataset that begins to be built of three classes of six pictures."""
        folder = self.home / "shapes"
        if not folder.exists():
            write_shapes(folder, per_class=6)
        request = ImportRequest(source={"folder": str(folder)}, values=values, name=name)
        return self.datasets.import_samples(actor or self.owner, request)

    def ready(self, name: str = "shapes", *, actor: Actor | None = None) -> Dataset:
        """A dataset that is ready."""
        dataset = self.import_shapes(name, actor=actor)
        self.build(dataset)
        return self.datasets.named.get(self.owner, dataset.id)

    def coder(self, name: str) -> Actor:
        """An editor with an account, who may run own Python code."""
        if not self.accounts.owner_has_password():
            self.accounts.set_password(self.owner, self.owner.user, "one long password")
        added = self.accounts.add_user(self.owner, name, role="editor", password="another long one", run_code=True)
        return self.accounts.actor_of_user(added.id)

    def start(self, dataset: str = "shapes", *, actor: Actor | None = None, **values: object) -> Run:
        """A run of LeNet."""
        return self.runs.start(actor or self.owner, {"dataset": dataset, "epochs": 1, **values}, {})

    def trained(self, name: str, *, actor: Actor | None = None) -> Run:
        """A run that is over and left a model."""
        run = self.start(name=name, actor=actor)
        self.train(run)
        return self.runs.named.get(self.owner, run.id)

    # what the processes do

    def job(self, job_id: JobId) -> Job:
        with self.database.read() as tx:
            return tx.jobs.get(job_id)

    def worker(self, job_id: JobId) -> WorkerFolder:
        """The worker's side of the attempt that lives."""
        return WorkerFolder(self.folders.path(job_id), self.job(job_id).attempt)

    def tell(self, job_id: JobId, *events: Event) -> None:
        """The live attempt tells events, and the desk hears them."""
        worker = self.worker(job_id)
        for event in events:
            worker.emit(event)
        worker.close()
        self.desk.tick()

    def end(self, job_id: JobId, *events: Event) -> Job:
        """The live attempt tells its last events and is gone."""
        worker = self.worker(job_id)
        for event in events:
            worker.emit(event)
        worker.close()
        self.processes.alive.discard(job_id)
        self.desk.tick()
        return self.job(job_id)

    def build(self, dataset: Dataset) -> Job:
        """Plays the import to its end."""
        worker = self.worker(dataset.job)
        staged = worker.staging()
        manifest = build_revision(
            ImageFolder(Path(str(dataset.source["folder"]))),
            parse_spec(DatasetSpec, dataset.spec),
            BuildPlaces(work=worker.workspace(), destination=staged),
            decoder=PillowDecoder(),
            report=lambda _done, _total: None,
        )
        assert manifest is not None
        facts: dict[str, Json] = {"num_samples": manifest.num_samples, "num_classes": len(manifest.classes)}
        sha256 = worker.publish(staged)
        worker.close()
        return self.end(
            dataset.job,
            Started(pid=1),
            PhaseStarted(phase="building"),
            Published(folder="result", manifest=sha256, facts=facts),
            Ended(outcome="finished"),
        )

    def publish_model(self, run: Run, **texts: str) -> Published:
        """Puts a model's folder in its place, as a training does, and gives the event that tells of it."""
        worker = self.worker(run.job)
        staged = worker.staging()
        for name in CONTENTS:
            (staged / name).write_text(texts.get(name, f"{name} of {run.id}"), "utf-8")
        (staged / "metrics.json").write_text(json.dumps({"metrics": {"accuracy": 0.9}}), "utf-8")
        sha256 = worker.publish(staged)
        worker.close()
        return Published(folder="result", manifest=sha256, facts={"metrics": {"test_accuracy": 0.9}, "step": 7})

    def train(self, run: Run, *, values: Mapping[str, float] | None = None) -> Job:
        """Plays the training to its end."""
        measured = Measured(step=7, first_step=1, epoch=1.0, values=dict(values or {"train_loss": 0.5}))
        published = self.publish_model(run)
        return self.end(run.job, Started(pid=1, device="CPU"), measured, published, Ended(outcome="finished"))


class PlainHasher:
    """Fulfils `PasswordHasher` at once; argon2 has a test of its own."""

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def matches(self, hash: str, password: str) -> bool:
        return hash == f"hash of {password}"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
