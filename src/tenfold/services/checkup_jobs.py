"""Checkups as jobs: one is queued for every revision that is made, and what it publishes is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.datasets.health.judging import JudgeSpec
from tenfold.core.datasets.health.ports import CheckJob
from tenfold.core.events import Envelope, Json, Progressed, Published
from tenfold.core.ids import JobId, RevisionId, UserId, new_id
from tenfold.core.jobs.model import OPEN_STATES, Job
from tenfold.core.jobs.ports import JobFolders
from tenfold.core.repository import Database, Transaction
from tenfold.services.checkup_book import KIND, CheckupBook, newest_checkup
from tenfold.services.desk import JobDesk
from tenfold.services.hub import Hub

Progress = dict[str, Json]


@dataclass(frozen=True)
class _Wanted:
    """What a checkup is to be: judged by whom, `None` for those that judged before, and after which jobs."""

    judges: Sequence[JudgeSpec] | None = None
    after: tuple[JobId, ...] = ()
    is_judgement: bool = False


class CheckupQueue:
    """Queues checkups. Thread-safe."""

    def __init__(
        self,
        database: Database,
        *,
        desk: JobDesk,
        artifacts: ArtifactStore,
        book: CheckupBook,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._desk = desk
        self._book = book
        self._artifacts = artifacts
        self._clock = clock

    def ensure(self, revision: RevisionId) -> None:
        """Queues a checkup of a revision that none was queued for; none of a dataset that is gone, or of
        pictures in place, which are checked once they are packed."""
        with self._database.write() as tx:
            made = tx.revisions.find(id=revision)
            dataset = tx.datasets.find(id=made.dataset) if made is not None else None
            if made is None or dataset is None or made.is_in_place or newest_checkup(tx, revision) is not None:
                return
            job = self._accept(tx, dataset, made, dataset.owner, _Wanted())
        self._desk.submit(job)

    def queue(
        self,
        dataset: Dataset,
        by: UserId,
        *,
        judges: Sequence[JudgeSpec] | None = None,
        after: tuple[JobId, ...] = (),
        is_judgement: bool = False,
    ) -> Job:
        """Queues a checkup of the current revision; without judges those judge that did before.

        Without judges and while one waits or runs, it is that one. With `is_judgement` the one judge judges, and
        nothing else is looked for.
        """
        with self._database.write() as tx:
            open_job = newest_checkup(tx, dataset.revision, *OPEN_STATES)
            if open_job is not None and judges is None:
                return open_job
            revision = tx.revisions.get(dataset.revision)
            wanted = _Wanted(judges, after, is_judgement)
            job = self._accept(tx, dataset, revision, by, wanted)
        self._desk.submit(job)
        return job

    def folder_of(self, revision: str) -> str:
        """Where a revision lies, relative to the data folder."""
        return self._artifacts.relative_path("revisions", revision)

    def _accept(
        self,
        tx: Transaction,
        dataset: Dataset,
        revision: Revision,
        owner: UserId,
        wanted: _Wanted,
    ) -> Job:
        now = self._clock()
        asked = None if wanted.judges is None else [each.to_json() for each in wanted.judges]
        earlier, known = self._earlier(tx, revision, asked if wanted.is_judgement else None)
        job = Job(
            id=JobId(new_id("job")),
            kind=KIND,
            subject=revision.id,
            owner=owner,
            order=int(now * 1e6),
            created_at=now,
            slot=KIND,
            after=wanted.after,
        )
        told = CheckJob(
            dataset=dataset.id,
            dataset_name=dataset.name,
            revision=revision.id,
            revision_folder=self.folder_of(revision.id),
            earlier=self._artifacts.relative_path("checkups", earlier.id) if earlier is not None else "",
            judges=[dict(each) for each in known] if asked is None else asked,
            is_judgement=wanted.is_judgement,
        )
        tx.jobs.add(job)
        self._desk.prepare(job, told.to_json())
        return job

    def _earlier(
        self, tx: Transaction, revision: Revision, judges: Sequence[dict[str, Json]] | None
    ) -> tuple[Job | None, Sequence[dict[str, Json]]]:
        """The newest checkup of this revision or of one before it, and who judged in it; with `judges` the newest
        one, be it a judgement, in which these judged."""
        known: Revision | None = revision
        while known is not None:
            for job, checkup in self._book.finished(tx, known.id):
                report = checkup.report
                if not report.is_judgement if judges is None else [*report.judged.judges] == judges:
                    return job, report.judged.judges
            known = tx.revisions.find(id=known.parent) if known.parent else None
        return None, ()


class CheckupObserver:
    """Fulfils `tenfold.services.following.JobObserver`: keeps what checkups publish and tells how far they are."""

    def __init__(self, database: Database, *, artifacts: ArtifactStore, folders: JobFolders, hub: Hub) -> None:
        self._database = database
        self._artifacts = artifacts
        self._folders = folders
        self._hub = hub
        self._mutex = threading.Lock()
        self._progress: dict[JobId, Progress] = {}

    def progress(self, job: JobId) -> Progress:
        """How far a checkup is, as far as this life of the server has heard."""
        with self._mutex:
            return self._progress.get(job, {})

    def on_event(self, tx: Transaction, job: Job, envelope: Envelope) -> None:
        event = envelope.event
        if isinstance(event, Progressed):
            told: Progress = {"done": event.done, "total": event.total, "seconds_left": event.seconds_left}
            with self._mutex:
                self._progress[job.id] = told
        elif isinstance(event, Published) and envelope.attempt == tx.jobs.get(job.id).attempt:
            published = Path(self._folders.result_folder(job.id, envelope.attempt))
            self._artifacts.adopt(published, "checkups", job.id, event.manifest)

    def on_state(self, tx: Transaction, job: Job) -> None:
        """The job's row is all that is stored of a checkup."""

    def why_not(self, job: Job) -> str:  # noqa: ARG002
        return ""  # it executes no code of people

    def announce(self, job: Job) -> None:
        with self._database.read() as tx:
            revision = tx.revisions.find(id=job.subject)
            dataset = tx.datasets.find(id=revision.dataset) if revision is not None else None
        if dataset is not None:
            facts = {"id": dataset.id, "name": dataset.name, "state": job.state, "progress": self.progress(job.id)}
            self._hub.publish("checkup.progress", facts)
        if not job.is_open:
            self._folders.remove_work(job.id)
            with self._mutex:
                self._progress.pop(job.id, None)
