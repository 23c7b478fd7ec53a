"""Checkups of datasets: asking for one, what the last one found, and mending it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.datasets.edits import Edit
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.health.findings import Report
from tenfold.core.datasets.health.ports import CheckupReader
from tenfold.core.datasets.marks import NO_MARKS, Marks
from tenfold.core.errors import Changed, Conflict, Invalid, NotFound
from tenfold.core.ids import RevisionId
from tenfold.core.jobs.model import Job, JobState
from tenfold.core.repository import Database
from tenfold.services.checkup_jobs import CheckupObserver, CheckupQueue, Progress, newest_checkup
from tenfold.services.desk import JobDesk
from tenfold.services.revisions import RevisionService

OPEN_CHECKUPS = 16


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the checkup of a revision stands: of the newest job the state, and the newest report there is.

    `state` is `none` where none was ever asked for; `progress` has `done` and `total` while it runs.
    """

    revision: RevisionId
    state: JobState | Literal["none"] = "none"
    message: str = ""
    progress: Progress
    report: Report | None = None
    checked_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.state in {"waiting", "running", "stopping"}


class CheckupBook:
    """What checkups found, by revision. Thread-safe."""

    def __init__(
        self, database: Database, *, artifacts: ArtifactStore, open_checkup: Callable[[Path], CheckupReader]
    ) -> None:
        self._database = database
        self._open = lru_cache(OPEN_CHECKUPS)(lambda job: open_checkup(artifacts.path("checkups", job)))

    def newest(self, revision: str) -> tuple[Job, CheckupReader] | None:
        """The newest checkup of a revision that is finished."""
        with self._database.read() as tx:
            job = newest_checkup(tx, revision, "finished")
        return (job, self._open(job.id)) if job is not None else None

    def marks(self, revision: str, wanted: SampleFilter) -> Marks:
        """What a filter needs of the newest checkup of a revision; nothing for a filter that names no finding."""
        if wanted.finding is None:
            return NO_MARKS
        newest = self.newest(revision)
        if newest is None:
            return NO_MARKS
        job, checkup = newest
        return Marks(key=f"{job.id} {wanted.finding}", found=checkup.samples(wanted.finding))


@dataclass(frozen=True, kw_only=True)
class CheckupParts:
    """What stands behind checkups, and what others hear of or ask."""

    queue: CheckupQueue
    book: CheckupBook
    observer: CheckupObserver


class CheckupService:
    """What people do with checkups."""

    def __init__(self, database: Database, *, desk: JobDesk, revisions: RevisionService, parts: CheckupParts) -> None:
        self._database = database
        self._desk = desk
        self._revisions = revisions
        self._book = parts.book
        self._queue = parts.queue
        self._observer = parts.observer

    def check(self, actor: Actor, name_or_id: str) -> Standing:
        """Lets the current revision be checked, once more if it was; raises `Conflict` while there is none."""
        dataset = self._revisions.editable(actor, name_or_id)
        if dataset.state != "ready" or dataset.trashed_at is not None:
            state = "in the trash" if dataset.trashed_at is not None else dataset.state
            raise Conflict(f"{dataset.name} is {state}; it can be checked once it is ready.")
        self._queue.queue(dataset, actor.user)
        return self.standing(actor, dataset)

    def stop(self, actor: Actor, name_or_id: str) -> Standing:
        """Stops the checkup that waits or runs; raises `Conflict` where none does."""
        dataset = self._revisions.editable(actor, name_or_id)
        with self._database.read() as tx:
            job = newest_checkup(tx, dataset.revision)
        if job is None or not job.is_open:
            raise Conflict(f"{dataset.name} is not being checked.")
        self._desk.stop(job.id)
        return self.standing(actor, dataset)

    def standing(self, actor: Actor, dataset: Dataset) -> Standing:
        """How the checkup of the current revision stands."""
        actor.require("read")
        with self._database.read() as tx:
            job = newest_checkup(tx, dataset.revision)
        newest = self._book.newest(dataset.revision)
        return Standing(
            revision=dataset.revision,
            state=job.state if job is not None else "none",
            message=job.message if job is not None else "",
            progress=self._observer.progress(job.id) if job is not None else {},
            report=newest[1].report if newest is not None else None,
            checked_at=newest[0].ended_at if newest is not None else None,
        )

    def marks(self, actor: Actor, dataset: Dataset, wanted: SampleFilter) -> Marks:
        """What the filter needs to be looked for in the current revision."""
        actor.require("read")
        return self._book.marks(dataset.revision, wanted)

    def fix(self, actor: Actor, name_or_id: str, code: str, *, on: str) -> Revision:
        """Makes the revision that a finding's fix leads to; `on` is the revision whose finding it is.

        Raises `NotFound` where the checkup has no such finding, `Invalid` where nothing mends it, and what `edit` of
        `RevisionService` raises.
        """
        dataset = self._revisions.editable(actor, name_or_id)
        if on != dataset.revision:
            text = f"{dataset.name} was changed meanwhile: look at what is found in it now."
            raise Changed(text, current=dataset.revision)
        newest = self._book.newest(dataset.revision)
        finding = newest[1].report.finding(code) if newest is not None else None
        if newest is None or finding is None:
            raise NotFound(f"The last checkup of {dataset.name} has no finding {code!r}.", code="finding.not-found")
        if finding.fix is None:
            raise Invalid(f"No edit mends {code!r}: {finding.why}", code="finding.no-fix")
        chosen = tuple(newest[1].chosen(code).tolist())
        return self._revisions.edit(actor, dataset.id, Edit(finding.fix.change, chosen), on=on)
