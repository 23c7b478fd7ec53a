"""What checkups found: kept as published folders, looked up by the revision that they are of."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.health.ports import CheckupReader
from tenfold.core.datasets.marks import NO_MARKS, Marks
from tenfold.core.jobs.model import Job, JobKind, JobState
from tenfold.core.repository import Database, Query, Transaction

KIND: JobKind = "check"
OPEN_CHECKUPS = 16


def newest_checkup(tx: Transaction, revision: str, *states: JobState) -> Job | None:
    """The newest job that checks a revision, in any or in one of these states."""
    where = {"subject": revision, "kind": KIND, **({"state": states} if states else {})}
    found = tx.jobs.page(Query(where=where, limit=1)).items
    return found[0] if found else None


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

    def read(self, job: Job) -> CheckupReader:
        """What a finished job published."""
        return self._open(job.id)

    def marks(self, revision: str, wanted: SampleFilter) -> Marks:
        """What a filter needs of the newest checkup of a revision; nothing for a filter that asks for none."""
        needs_confidence = wanted.sort in {"confidence", "-confidence"}
        newest = self.newest(revision) if wanted.finding is not None or needs_confidence else None
        if newest is None:
            return NO_MARKS
        job, checkup = newest
        return Marks(
            key=f"{job.id} {wanted.finding}",
            found=checkup.samples(wanted.finding) if wanted.finding is not None else None,
            confidence=checkup.judged("confidence"),
            guesses=checkup.judged("guesses"),
            sureness=checkup.judged("sureness"),
        )
