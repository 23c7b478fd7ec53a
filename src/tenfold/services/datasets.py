"""Datasets: importing, looking at them, and what their import jobs tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import cast

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.dataset import Dataset, DatasetState, Revision
from tenfold.core.datasets.job import ImportJob
from tenfold.core.datasets.layouts import is_archive
from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.datasets.remote import SecretStore
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.datasets.uploads import UploadStore
from tenfold.core.errors import Conflict, InvalidFields, Problem
from tenfold.core.events import Envelope, Json, PhaseStarted, Progressed, Published
from tenfold.core.fields import parse_spec, spec_values
from tenfold.core.ids import DatasetId, JobId, RevisionId, new_id
from tenfold.core.inference.model import Model
from tenfold.core.jobs.model import OPEN_STATES, Job
from tenfold.core.jobs.ports import JobFolders
from tenfold.core.names import check_name
from tenfold.core.repository import MAX_PAGE, Database, Query, Repository, Transaction
from tenfold.services.desk import JobDesk
from tenfold.services.hub import Hub
from tenfold.services.named import Kind, NamedThings
from tenfold.services.repeats import Request

OPEN_READERS = 16


@dataclass(frozen=True)
class ImportRequest:
    """Where samples come from (see `ImportJob.source`), how they are prepared, and what the dataset is called."""

    source: Mapping[str, Json]
    values: Mapping[str, object]
    name: str = ""
    proposed_name: str = "dataset"


class DatasetService:
    """What people do with datasets."""

    def __init__(
        self,
        database: Database,
        *,
        desk: JobDesk,
        artifacts: ArtifactStore,
        open_revision: Callable[[Path], RevisionReader],
        roots: list[str],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._desk = desk
        self._artifacts = artifacts
        self._roots = roots
        self._clock = clock
        self.named = NamedThings(
            Kind(word="dataset", repository=_repository, change="dataset.change", used_by=_used_by), database, clock
        )
        self._open = lru_cache(OPEN_READERS)(lambda revision: open_revision(artifacts.path("revisions", revision)))

    def earlier_import(self, actor: Actor, repeat: Request) -> Dataset | None:
        """What the same request made before. Its source is not looked for again: an archive is gone by then."""
        actor.require("dataset.create")
        with self._database.read() as tx:
            earlier = repeat.earlier_result(tx)
            return tx.datasets.get(earlier) if earlier is not None else None

    def import_samples(self, actor: Actor, request: ImportRequest, *, repeat: Request | None = None) -> Dataset:
        """Accepts an import and returns the dataset that is being built, or that the same request made before."""
        actor.require("dataset.create")
        spec = parse_spec(DatasetSpec, request.values)
        if spec.storage == "in place" and not _can_stay(request.source):
            text = "Only files of this machine can be used in place: choose the storage Packed first."
            raise InvalidFields([Problem("storage", text, "storage.not-here")])
        repeat = repeat or Request(actor, "", None)
        with self._database.write() as tx:
            earlier = repeat.earlier_result(tx)
            if earlier is not None:
                return tx.datasets.get(earlier)
            dataset, jobs = self._accept(tx, actor, request, spec)
            repeat.remember(tx, dataset.id, self._clock())
        for job in jobs:
            self._desk.submit(job)
        return dataset

    def stop_import(self, actor: Actor, name_or_id: str) -> Dataset:
        """Stops building, and the dataset counts as failed; or stops adding to it, and it stays as it is."""
        with self._database.read() as tx:
            dataset = self.named.find(tx, name_or_id)
            actor.require("dataset.change", owner=dataset.owner)
            making = tx.jobs.find(id=dataset.job)
            job = making if making is not None and making.is_open else _open_job(tx, dataset)
        if job is None:
            raise Conflict(f"{dataset.name} is {dataset.state}; only an import that goes on can be stopped.")
        self._desk.stop(job.id)
        return self.named.get(actor, dataset.id)

    def pack(self, actor: Actor, name_or_id: str) -> Dataset:
        """Packs a dataset that is used in place, where that was stopped or failed; raises `Conflict` otherwise."""
        with self._database.write() as tx:
            dataset = self.named.find(tx, name_or_id)
            actor.require("dataset.change", owner=dataset.owner)
            revision = tx.revisions.find(id=dataset.revision)
            if revision is None or not revision.is_in_place:
                raise Conflict(f"The pictures of {dataset.name} are packed, or are being packed first.")
            if _open_job(tx, dataset) is not None:
                raise Conflict(f"The pictures of {dataset.name} are being packed already.")
            query = Query(where={"subject": dataset.id, "kind": "import"}, sort="created_at", limit=MAX_PAGE)
            job = next(job for job in tx.jobs.page(query).items if job.id != dataset.job)
            dataset = tx.datasets.update(replace(dataset, progress={"packing": job.id}))
        self._desk.resume(job.id)
        return dataset

    def revision(self, actor: Actor, dataset: Dataset) -> Revision | None:
        """The current revision; `None` until the first is ready."""
        actor.require("read")
        with self._database.read() as tx:
            return tx.revisions.find(id=dataset.revision)

    def reader(self, actor: Actor, dataset: Dataset) -> RevisionReader:
        """The reader of the current revision; raises `Conflict` while there is none."""
        actor.require("read")
        if dataset.state != "ready":
            raise Conflict(f"{dataset.name} is {dataset.state}; its pictures can be seen once it is ready.")
        return self._open(dataset.revision)

    def dataset_id(self, revision: RevisionId) -> DatasetId:
        """Whose revision it is; raises `NotFound`."""
        with self._database.read() as tx:
            return tx.revisions.get(revision).dataset

    def revision_reader(self, revision: RevisionId) -> RevisionReader:
        """The reader of any revision, for the program itself."""
        return self._open(revision)

    def revision_folder(self, revision: RevisionId) -> str:
        """Where a revision lies, relative to the data folder."""
        return self._artifacts.relative_path("revisions", revision)

    def _accept(
        self, tx: Transaction, actor: Actor, request: ImportRequest, spec: DatasetSpec
    ) -> tuple[Dataset, list[Job]]:
        """The dataset, and the job that makes it; of pictures in place also the one that packs them behind."""
        now = self._clock()
        name = check_name(request.name) if request.name else self.named.free_name(tx, request.proposed_name)
        self.named.claim_name(tx, name)
        values = cast("dict[str, Json]", spec_values(spec))
        dataset = Dataset(
            id=DatasetId(new_id("dataset")),
            name=name,
            owner=actor.user,
            created_at=now,
            changed_at=now,
            task="classification",
            state="building",
            revision=RevisionId(new_id("revision")),
            job=JobId(new_id("job")),
            spec=values,
            source=dict(request.source),
        )
        job = Job(
            id=dataset.job,
            kind="import",
            subject=dataset.id,
            owner=actor.user,
            order=int(now * 1e6),
            created_at=now,
            slot="import",
        )
        told = ImportJob(
            dataset=dataset.id,
            dataset_name=name,
            task=dataset.task,
            revision=dataset.revision,
            source=dict(request.source),
            spec=values,
            roots=list(self._roots),
        )
        tx.datasets.add(dataset)
        jobs = [(job, told)]
        if spec.storage == "in place":
            packed = new_id("revision")
            packing = replace(job, id=JobId(new_id("job")), order=job.order + 1, after=(job.id,))
            pack = replace(told, revision=packed, registered=told.revision)
            jobs = [(job, replace(told, packed=packed)), (packing, pack)]
        for each, what in jobs:
            tx.jobs.add(each)
            self._desk.prepare(each, what.to_json())
        return dataset, [each for each, _ in jobs]


class ImportObserver:
    """Keeps datasets up to date with their import jobs; `on_revision` hears of every revision that one made."""

    def __init__(
        self,
        database: Database,
        *,
        artifacts: ArtifactStore,
        folders: JobFolders,
        uploads: UploadStore,
        secrets: SecretStore,
        hub: Hub,
        on_revision: Callable[[RevisionId], None] = lambda _revision: None,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._folders = folders
        self._uploads = uploads
        self._secrets = secrets
        self._hub = hub
        self._on_revision = on_revision

    def on_event(self, tx: Transaction, job: Job, envelope: Envelope) -> None:
        event = envelope.event
        if isinstance(event, Progressed):
            progress: dict[str, Json] = {
                "done": event.done,
                "total": event.total,
                "seconds_left": event.seconds_left,
                "per_second": event.per_second,
            }
            self._update(tx, job, lambda dataset: replace(dataset, progress={**dataset.progress, **progress}))
        elif isinstance(event, PhaseStarted):
            phase: dict[str, Json] = {"phase": event.phase}
            self._update(tx, job, lambda dataset: replace(dataset, progress={**dataset.progress, **phase}))
        elif isinstance(event, Published) and envelope.attempt == tx.jobs.get(job.id).attempt:
            self._publish(tx, job, envelope, event)

    def on_state(self, tx: Transaction, job: Job) -> None:
        if job.is_open:
            return
        message = job.message or ("The import was stopped." if job.state == "stopped" else "")
        if not _is_first(tx, job):
            problem: dict[str, Json] = {"problem": message} if job.state == "failed" else {}
            self._update(tx, job, lambda dataset: replace(dataset, progress=problem))
            return
        state: DatasetState = "ready" if job.state == "finished" else "failed"
        code = job.code or ("dataset.stopped" if job.state == "stopped" else "")
        packing = tx.jobs.page(Query(where={"subject": job.subject, "state": tuple(OPEN_STATES)}, limit=1)).items
        progress: dict[str, Json] = {"packing": packing[0].id} if packing and state == "ready" else {}
        self._update(
            tx, job, lambda dataset: replace(dataset, state=state, code=code, message=message, progress=progress)
        )

    def why_not(self, job: Job) -> str:  # noqa: ARG002
        return ""  # it executes no code of people

    def announce(self, job: Job) -> None:
        with self._database.read() as tx:
            dataset = tx.datasets.find(id=job.subject)
        if dataset is not None:
            state = dataset.activity or dataset.state
            facts = {"id": dataset.id, "name": dataset.name, "state": state, "progress": dataset.progress}
            self._hub.publish("dataset.progress", facts)
        if not job.is_open:
            self._folders.remove_work(job.id)
            if dataset is not None:
                self._remove_upload(dataset)
                self._secrets.remove(str(dataset.source.get("secret", "")))
                if job.state == "finished":
                    self._on_revision(dataset.revision)

    def _remove_upload(self, dataset: Dataset) -> None:
        """An archive goes once its pictures are a revision, or never will be, unless another import reads it."""
        upload = dataset.source.get("upload")
        if isinstance(upload, str):
            with self._database.read() as tx:
                building = tx.datasets.page(Query(where={"state": "building"}, limit=MAX_PAGE)).items
            if all(other.source.get("upload") != upload for other in building):
                self._uploads.remove(upload)

    def _publish(self, tx: Transaction, job: Job, envelope: Envelope, event: Published) -> None:
        dataset = tx.datasets.get(job.subject)
        published = Path(self._folders.result_folder(job.id, envelope.attempt))
        made = RevisionId(str(event.facts.get("revision") or dataset.revision))
        size = self._artifacts.adopt(published, "revisions", made, event.manifest)
        if tx.revisions.find(id=made) is None:
            revision = Revision(
                id=made,
                dataset=dataset.id,
                number=1 + tx.revisions.count(dataset=dataset.id),
                created_at=envelope.time,
                manifest=event.manifest,
                size_bytes=size,
                facts={**event.facts, **({"author": job.owner} if "parent" in event.facts else {})},
            )
            tx.revisions.add(revision)
        num_samples, num_classes = (int(str(event.facts.get(name, 0))) for name in ("num_samples", "num_classes"))
        tx.datasets.update(replace(dataset, revision=made, num_samples=num_samples, num_classes=num_classes))

    @staticmethod
    def _update(tx: Transaction, job: Job, change: Callable[[Dataset], Dataset]) -> None:
        dataset = tx.datasets.find(id=job.subject)
        if dataset is not None:
            tx.datasets.update(change(dataset))


def _repository(tx: Transaction) -> Repository[Dataset]:
    return tx.datasets


def _is_first(tx: Transaction, job: Job) -> bool:
    """Whether a job makes the dataset, and does not add to it."""
    dataset = tx.datasets.find(id=job.subject)
    return dataset is None or dataset.job == job.id


def _can_stay(source: Mapping[str, Json]) -> bool:
    """Whether pictures lie on this machine, and in no archive."""
    paths = [str(source.get(name, "")) for name in ("folder", "val_folder", "test_folder")]
    return "folder" in source and not any(map(is_archive, paths))


def _open_job(tx: Transaction, dataset: Dataset) -> Job | None:
    """The job that makes the dataset or adds to it now."""
    jobs = tx.jobs.page(Query(where={"subject": dataset.id, "state": tuple(OPEN_STATES)}, limit=1)).items
    return jobs[0] if jobs else None


def _used_by(tx: Transaction, dataset: Dataset) -> list[str]:
    """What was made of it, as long as it is not in the trash itself, and the import that still makes it."""
    runs = tx.runs.page(Query(where={"dataset": dataset.id}, limit=MAX_PAGE)).items
    models = [model for made in _revision_ids(tx, dataset) for model in _models_of(tx, made)]
    is_busy = dataset.state == "building" or _open_job(tx, dataset) is not None
    building = ["its own import, which is not over"] if is_busy else []
    return building + [f"the run {run.name}" for run in runs] + [f"the model {model.name}" for model in models]


def _revision_ids(tx: Transaction, dataset: Dataset) -> Iterator[tuple[str, ...]]:
    """All revisions of a dataset, some hundred at a time."""
    query = Query(where={"dataset": dataset.id}, limit=MAX_PAGE)
    while True:
        page = tx.revisions.page(query)
        yield tuple(revision.id for revision in page.items)
        if not page.cursor:
            return
        query = replace(query, cursor=page.cursor)


def _models_of(tx: Transaction, revisions: tuple[str, ...]) -> tuple[Model, ...]:
    return tx.models.page(Query(where={"revision": revisions}, limit=MAX_PAGE)).items
