"""Adding pictures to a dataset that is there: a job that makes its next revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.job import ImportJob
from tenfold.core.events import Json
from tenfold.core.ids import JobId, new_id
from tenfold.core.jobs.model import Job
from tenfold.core.repository import Database
from tenfold.services.desk import JobDesk
from tenfold.services.revisions import RevisionService


class AdditionService:
    """Accepts additions. While one goes on the dataset is used as it is, and nobody edits it.

    `Dataset.progress` tells of it: `adding` is its job while that is open, `problem` why the last one failed.
    """

    def __init__(
        self,
        database: Database,
        *,
        desk: JobDesk,
        revisions: RevisionService,
        roots: list[str],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._desk = desk
        self._revisions = revisions
        self._roots = roots
        self._clock = clock

    def add(self, actor: Actor, name_or_id: str, source: Mapping[str, Json]) -> Dataset:
        """Begins to add what a source holds (see `ImportJob.source`); a table is read by the dataset's own columns.

        Raises `Conflict` while the dataset is built or added to.
        """
        dataset = self._revisions.editable(actor, name_or_id)
        now = self._clock()
        job = Job(
            id=JobId(new_id("job")),
            kind="import",
            subject=dataset.id,
            owner=actor.user,
            order=int(now * 1e6),
            created_at=now,
            slot="import",
        )
        with self._database.write() as tx:
            dataset = tx.datasets.get(dataset.id)
            self._revisions.require_current(tx, dataset, dataset.revision)
            told = ImportJob(
                dataset=dataset.id,
                dataset_name=dataset.name,
                task=dataset.task,
                revision=new_id("revision"),
                source={**_columns_of(dataset), **source},
                spec=dataset.spec,
                roots=list(self._roots),
                parent=dataset.revision,
            )
            tx.jobs.add(job)
            dataset = tx.datasets.update(replace(dataset, progress={"adding": job.id}))
            self._desk.prepare(job, told.to_json())
        self._desk.submit(job)
        return dataset


def _columns_of(dataset: Dataset) -> dict[str, Json]:
    """The columns that the dataset was made by, where somebody chose them."""
    return {"columns": dataset.source["columns"]} if dataset.source.get("columns") else {}
