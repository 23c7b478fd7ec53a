"""What checkups found: kept as published folders, looked up by the revision that they are of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.filtering import BY_CONFIDENCE, SampleFilter
from tenfold.core.datasets.health.ports import CheckupReader
from tenfold.core.datasets.marks import NO_MARKS, Marks
from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.jobs.model import Job, JobKind, JobState
from tenfold.core.repository import Database, Query, Transaction

KIND: JobKind = "check"
OPEN_CHECKUPS = 64
MOST_LOOKED_AT = 100


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
        """The newest checkup of a revision that is finished and looked for findings."""
        with self._database.read() as tx:
            return next((each for each in self.finished(tx, revision) if not each[1].report.is_judgement), None)

    def judgement(self, revision: str, model: str = "") -> tuple[Job, CheckupReader] | None:
        """The newest checkup or judgement of a revision in which a model judged, alone where it is named by its id."""
        with self._database.read() as tx:
            for job, checkup in self.finished(tx, revision):
                judges = [str(each["model"]) for each in checkup.report.judged.judges]
                if judges == [model] if model else judges:
                    return job, checkup
        return None

    def finished(self, tx: Transaction, revision: str) -> Iterator[tuple[Job, CheckupReader]]:
        """The last finished checkups and judgements of a revision, newest first."""
        where = {"subject": revision, "kind": KIND, "state": ("finished",)}
        for job in tx.jobs.page(Query(where=where, limit=MOST_LOOKED_AT)).items:
            yield job, self._open(job.id)

    def read(self, job: Job) -> CheckupReader:
        """What a finished job published."""
        return self._open(job.id)

    def marks(self, revision: str, wanted: SampleFilter) -> Marks:
        """What a filter needs of the newest checkup of a revision; nothing for a filter that asks for none."""
        newest = self.newest(revision) if wanted.finding is not None else None
        judged = self._judged(revision, wanted) if wanted.sort in BY_CONFIDENCE else newest
        if newest is None and judged is None:
            return NO_MARKS
        told = {name: judged[1].judged(name) if judged else None for name in ("confidence", "guesses", "sureness")}
        return Marks(
            key=" ".join([wanted.finding or "", *(each[0].id if each else "-" for each in (newest, judged))]),
            found=newest[1].samples(wanted.finding) if newest and wanted.finding is not None else None,
            **told,
        )

    def _judged(self, revision: str, wanted: SampleFilter) -> tuple[Job, CheckupReader] | None:
        if wanted.model is None:
            return self.judgement(revision)
        with self._database.read() as tx:
            found = tx.models.find(id=wanted.model) or tx.models.find(name=wanted.model, trashed_at=None)
        if found is None:
            text = f"There is no model named {wanted.model[:80]!r}."
            raise InvalidFields([Problem("model", text, "model.not-found")])
        return self.judgement(revision, found.id)
