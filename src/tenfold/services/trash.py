"""The trash is emptied: what lay in it for thirty days goes for good, with its files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import structlog

from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.datasets.remote import SecretStore
from tenfold.core.datasets.uploads import UploadStore
from tenfold.core.errors import TenfoldError
from tenfold.core.ids import JobId
from tenfold.core.inference.model import Model, owner_of, run_of
from tenfold.core.jobs.ports import JobFolders
from tenfold.core.networks.network import Network
from tenfold.core.repository import MAX_PAGE, Database, EntityT, Query, Repository, Transaction
from tenfold.core.training.run import Run
from tenfold.services.named import TRASH_DAYS, NamedT

DAY_S = 86_400.0
SECRET_DAYS = 7
_log = structlog.get_logger("tenfold.trash")


class TrashService:
    """Empties the trash when it is opened and once a day.

    Files go before their row, in its transaction: where the server dies between, the next time ends it. Revisions go
    with their dataset, unless a run or a model needs one of them: then with the last of these.
    """

    def __init__(
        self,
        database: Database,
        *,
        artifacts: ArtifactStore,
        folders: JobFolders,
        uploads: UploadStore,
        secrets: SecretStore,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._folders = folders
        self._uploads = uploads
        self._secrets = secrets
        self._clock = clock
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Begins, in the background."""
        self._thread = threading.Thread(target=self._daily, name="trash", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends when what is being removed is gone."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def empty(self) -> None:
        """Removes what was put in the trash more than thirty days ago, and what nothing came to name in a day."""
        old = self._clock() - TRASH_DAYS * DAY_S
        self._remove_old(lambda tx: tx.models, self._remove_model, old)
        self._remove_old(lambda tx: tx.runs, self._remove_run, old)
        self._remove_old(lambda tx: tx.networks, self._remove_network, old)
        self._remove_old(lambda tx: tx.datasets, self._remove_dataset, old)
        self._remove_unused_revisions()
        self._remove_lost_revisions()
        self._remove_lost_weights()
        self._remove_lost_models()
        self._remove_forgotten_uploads()
        self._remove_forgotten_arrivals()

    def _daily(self) -> None:
        while not self._closing.is_set():
            try:
                self.empty()
            except (TenfoldError, OSError) as error:
                _log.error("the trash could not be emptied", action="trash-failed", error=str(error))
            self._closing.wait(DAY_S)

    def _remove_old(
        self,
        of: Callable[[Transaction], Repository[NamedT]],
        remove: Callable[[Transaction, NamedT], None],
        old: float,
    ) -> None:
        with self._database.read() as tx:
            found = [thing.id for thing in _all(of(tx), Query(trashed=True, limit=MAX_PAGE))]
        for thing in found:
            try:
                self._remove(thing, of, remove, old)
            except (TenfoldError, OSError) as error:  # the others shall not stay because of it
                _log.error("it could not be removed", action="trash-failed", thing=thing, error=str(error))

    def _remove(
        self,
        id: str,
        of: Callable[[Transaction], Repository[NamedT]],
        remove: Callable[[Transaction, NamedT], None],
        old: float,
    ) -> None:
        with self._database.write() as tx:
            thing = of(tx).find(id=id)
            if thing is None or thing.trashed_at is None or thing.trashed_at > old:
                return
            remove(tx, thing)
            for redirect in _all(tx.redirects, Query(where={"target": id}, limit=MAX_PAGE)):
                tx.redirects.remove(redirect.id)
            of(tx).remove(id)

    def _remove_model(self, tx: Transaction, model: Model) -> None:
        self._artifacts.remove("models", model.files)
        run = tx.runs.find(id=model.run)
        if run is not None and run.model == model.id:
            tx.runs.update(replace(run, model=None))

    def _remove_run(self, tx: Transaction, run: Run) -> None:
        tx.histories.remove(run.id)
        self._remove_job(tx, run.job)

    def _remove_network(self, tx: Transaction, network: Network) -> None:
        if network.weights:
            self._artifacts.remove("weights", network.weights)
        for version in _all(tx.network_versions, Query(where={"network": network.id}, limit=MAX_PAGE)):
            self._artifacts.remove("inspections", version.id)
            tx.network_versions.remove(version.id)

    def _remove_dataset(self, tx: Transaction, dataset: Dataset) -> None:
        for job in list(_all(tx.jobs, Query(where={"subject": dataset.id}, limit=MAX_PAGE))):
            self._remove_job(tx, job.id)

    def _remove_job(self, tx: Transaction, job: JobId) -> None:
        self._folders.remove(job)
        for line in _all(tx.log_lines, Query(where={"job": job}, limit=MAX_PAGE)):
            tx.log_lines.remove(line.id)
        if tx.jobs.find(id=job) is not None:
            tx.jobs.remove(job)

    def _remove_unused_revisions(self) -> None:
        """Removes the revisions of a dataset that is gone, all or none: their pixels may lie in any of them."""
        with self._database.read() as tx:
            found = {revision.dataset for revision in _all(tx.revisions, Query(limit=MAX_PAGE))}
        for dataset in found:
            with self._database.write() as tx:
                if tx.datasets.find(id=dataset) is not None:
                    continue
                revisions = list(_all(tx.revisions, Query(where={"dataset": dataset}, limit=MAX_PAGE)))
                if any(tx.runs.count(revision=each.id) + tx.models.count(revision=each.id) for each in revisions):
                    continue
                for revision in revisions:
                    self._remove_checkups(tx, revision)
                    self._artifacts.remove("revisions", revision.id)
                    tx.revisions.remove(revision.id)

    def _remove_checkups(self, tx: Transaction, revision: Revision) -> None:
        for job in _all(tx.jobs, Query(where={"subject": revision.id}, limit=MAX_PAGE)):
            self._artifacts.remove("checkups", job.id)
            self._remove_job(tx, job.id)

    def _remove_lost_revisions(self) -> None:
        """Removes folders that a killed server published or began, and that no dataset came to name."""
        old = self._artifacts.ids("revisions", before=self._clock() - DAY_S)
        with self._database.read() as tx:
            named = (tx.revisions.find(id=each) or tx.datasets.find(revision=each) for each in old)
            lost = [each for each, thing in zip(old, named, strict=True) if thing is None]
        for each in lost:
            self._artifacts.remove("revisions", each)

    def _remove_lost_weights(self) -> None:
        """Removes weights that a killed server published before it kept their network."""
        old = self._artifacts.ids("weights", before=self._clock() - DAY_S)
        if not old:
            return
        with self._database.read() as tx:
            named = {
                network.weights
                for trashed in (False, True)
                for network in _all(tx.networks, Query(trashed=trashed, limit=MAX_PAGE))
            }
        for each in old:
            if each not in named:
                self._artifacts.remove("weights", each)

    def _remove_lost_models(self) -> None:
        """Removes folders that a killed server adopted before their row, or did not remove when it named another."""
        old = self._artifacts.ids("models", before=self._clock() - DAY_S)
        with self._database.read() as tx:
            lost = [each for each in old if _is_lost(tx, each)]
        for each in lost:
            with self._database.write() as tx:  # folders are adopted in such a transaction, so none is now
                if _is_lost(tx, each):
                    self._artifacts.remove("models", each)

    def _remove_forgotten_uploads(self) -> None:
        forgotten = self._uploads.idle_since(self._clock() - DAY_S)
        with self._database.read() as tx:
            building = list(_all(tx.datasets, Query(where={"state": "building"}, limit=MAX_PAGE)))
        needed = {dataset.source.get("upload") for dataset in building}
        for upload in forgotten:
            if upload not in needed:
                self._uploads.remove(upload)
        needed = {dataset.source.get("secret") for dataset in building}
        for secret in self._secrets.kept_before(self._clock() - SECRET_DAYS * DAY_S):
            if secret not in needed:
                self._secrets.remove(secret)

    def _remove_forgotten_arrivals(self) -> None:
        """Removes models that were sent a day ago, and of which nobody said what was still to be said."""
        for each in self._artifacts.ids("arrivals", before=self._clock() - DAY_S):
            self._artifacts.remove("arrivals", each)


def _is_lost(tx: Transaction, files: str) -> bool:
    """Whether no model names a folder and none will: a job that is open may have told of it, and not been heard."""
    owner = owner_of(files)
    if owner is None:
        return False
    model = tx.models.find(id=owner)
    if model is not None and model.files == files:
        return False
    run = tx.runs.find(id=run_of(owner))
    job = tx.jobs.find(id=run.job) if run is not None else None
    return job is None or not job.is_open


def _all(repository: Repository[EntityT], query: Query) -> Iterator[EntityT]:
    """Everything that matches, page by page, as it is now."""
    found: list[EntityT] = []
    query = replace(query, sort="id")
    while True:
        page = repository.page(query)
        found += page.items
        if not page.cursor:
            return iter(found)
        query = replace(query, cursor=page.cursor)
