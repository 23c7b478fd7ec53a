"""Checkups of datasets: asking for one, what the last one found, and mending it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.datasets.edits import Edit
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.health.findings import Report
from tenfold.core.datasets.health.judging import JudgeSpec, require_judge
from tenfold.core.datasets.health.spec import LabelSearch
from tenfold.core.datasets.marks import Marks
from tenfold.core.datasets.model import ONE_CLASS, SPLITS
from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.errors import Changed, Conflict, Invalid, InvalidFields, NotFound, Problem
from tenfold.core.fields import parse_spec
from tenfold.core.ids import RevisionId
from tenfold.core.inference.model import Model, model_id
from tenfold.core.jobs.model import JobState
from tenfold.core.repository import Database, Query, Transaction
from tenfold.core.training.run import Run
from tenfold.services.checkup_book import CheckupBook, newest_checkup
from tenfold.services.checkup_jobs import CheckupObserver, CheckupQueue, Progress
from tenfold.services.desk import JobDesk
from tenfold.services.models import ModelService
from tenfold.services.revisions import RevisionService
from tenfold.services.runs import RunService

MOST_JUDGES = 50
JUDGE = "judge the pictures of a dataset: nobody knows what it has learnt from"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the checkup of a revision stands: of the newest job the state, and the newest report there is.

    `state` is `none` where none was ever asked for; `progress` has `done` and `total` while it runs.
    """

    revision: RevisionId
    state: JobState | Literal["none"] = "none"
    message: str = ""
    reason: str = ""
    progress: Progress
    report: Report | None = None
    checked_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.state in {"waiting", "running", "stopping"}


@dataclass(frozen=True, kw_only=True)
class CheckupParts:
    """What stands behind checkups, and what others hear of or ask."""

    queue: CheckupQueue
    book: CheckupBook
    observer: CheckupObserver
    read: Callable[[RevisionId], RevisionReader]


class CheckupService:
    """What people do with checkups."""

    def __init__(
        self,
        database: Database,
        *,
        desk: JobDesk,
        revisions: RevisionService,
        runs: RunService,
        models: ModelService,
        parts: CheckupParts,
    ) -> None:
        self._database = database
        self._runs = runs
        self._models = models
        self._desk = desk
        self._revisions = revisions
        self._book = parts.book
        self._queue = parts.queue
        self._observer = parts.observer
        self._read = parts.read

    def check(self, actor: Actor, name_or_id: str, *, model: str = "") -> Standing:
        """Lets the current revision be checked, once more if it was; a model, if one is named, judges labels.

        Without one those judge that judged before. Raises `Conflict` while there is no revision, `NotFound`.
        """
        dataset = self._checkable(actor, name_or_id)
        judges = None
        if model:
            chosen = self._models.named.get(actor, model)
            chosen.require_trained_here(JUDGE)
            with self._database.read() as tx:
                judges = [_judge_of_model(tx, chosen, dataset, self._queue.folder_of)]
        self._queue.queue(dataset, actor.user, judges=judges)
        return self.standing(actor, dataset)

    def judge(self, actor: Actor, name_or_id: str, model: str) -> Standing:
        """Lets a model judge every picture of the current revision, so that they can be sorted by its confidence.

        Findings stay those of the last checkup. Raises `Invalid` for a model that does not fit, `Conflict`, `NotFound`.
        """
        dataset = self._checkable(actor, name_or_id)
        if not model:
            raise InvalidFields([Problem("model", "Name the model that judges.", "required")])
        chosen = self._models.named.get(actor, model)
        self._require_fit(chosen, dataset)
        with self._database.read() as tx:
            judges = [_judge_of_model(tx, chosen, dataset, self._queue.folder_of)]
        self._queue.queue(dataset, actor.user, judges=judges, is_judgement=True)
        return self.standing(actor, dataset)

    def able_judges(self, actor: Actor, dataset: Dataset) -> tuple[tuple[Model, bool], ...]:
        """The newest models that fit the current revision, and whether each has judged it."""
        query = Query(where={"task": dataset.task}, limit=MOST_JUDGES)
        able = []
        for model in self._models.named.page(actor, query).items:
            try:
                self._require_fit(model, dataset)
            except (Invalid, NotFound, Conflict):
                continue
            able.append((model, self._book.judgement(dataset.revision, model.id) is not None))
        return tuple(able)

    def _require_fit(self, model: Model, dataset: Dataset) -> None:
        model.require_trained_here(JUDGE)
        if self._models.is_python(model):
            raise Invalid(f"{model.name} is a network of Python, which cannot judge pictures yet.", code="model.python")
        manifest = self._read(dataset.revision).manifest
        if model.task != dataset.task or manifest.label_kind not in ONE_CLASS:
            raise Invalid(f"{model.name} judges no pictures with labels like these.", code="model.other-classes")
        pictures = self._models.pictures(model)
        if (pictures.shape, pictures.dtype) != (manifest.preprocessing.shape, manifest.preprocessing.dtype.name):
            taken, given = (" × ".join(map(str, each)) for each in (pictures.shape, manifest.preprocessing.shape))
            text = (
                f"{model.name} takes pictures of {taken} in {pictures.dtype}, not of {given} in "
                f"{manifest.preprocessing.dtype.name}: choose one that was trained on pictures like these."
            )
            raise Invalid(text, code="model.other-pictures")
        counts = [manifest.counts[split] for split in SPLITS]
        present = [name for name, *each in zip(manifest.classes, *counts, strict=True) if any(each)]
        require_judge(pictures.classes, present, model.name)

    def find_wrong_labels(self, actor: Actor, name_or_id: str, values: Mapping[str, object]) -> Standing:
        """Queues a run for each fold and, when all are over, a checkup that they judge.

        Raises what `start` of `RunService` does for the first run, and then nothing was queued.
        """
        dataset = self._checkable(actor, name_or_id)
        search = parse_spec(LabelSearch, values)
        self._runs.require_judge(actor, search.network)
        wanted = {"dataset": dataset.id, "network": search.network, "epochs": search.epochs, "folds": search.folds}
        runs = [self._runs.start(actor, {**wanted, "fold": fold}, {}) for fold in range(1, search.folds + 1)]
        judges = [_judge_of_run(run, self._queue.folder_of) for run in runs]
        self._queue.queue(dataset, actor.user, judges=judges, after=tuple(run.job for run in runs))
        return self.standing(actor, dataset)

    def _checkable(self, actor: Actor, name_or_id: str) -> Dataset:
        dataset = self._revisions.editable(actor, name_or_id)
        if dataset.state != "ready" or dataset.trashed_at is not None:
            state = "in the trash" if dataset.trashed_at is not None else dataset.state
            raise Conflict(f"{dataset.name} is {state}; it can be checked once it is ready.")
        with self._database.read() as tx:
            is_in_place = tx.revisions.get(dataset.revision).is_in_place
        if is_in_place:
            raise Conflict(f"The pictures of {dataset.name} are used in place; they are checked once they are packed.")
        return dataset

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
            reason=job.reason if job is not None else "",
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


def _judge_of_run(run: Run, folder_of: Callable[[str], str]) -> JudgeSpec:
    """The judge that a run's model will be."""
    return JudgeSpec(
        model=model_id(run.id),
        name=run.name,
        task=run.task,
        parameters=run.parameters,
        revision_folder=folder_of(run.revision),
        fold=int(str(run.spec.get("fold") or 0)),
        folds=int(str(run.spec.get("folds") or 0)),
    )


def _judge_of_model(tx: Transaction, model: Model, dataset: Dataset, folder_of: Callable[[str], str]) -> JudgeSpec:
    """A model as a judge; one that learnt from another dataset has seen nothing of this one."""
    revision = tx.revisions.find(id=model.revision)
    is_own = revision is not None and revision.dataset == dataset.id
    parameters = model.facts.get("parameters")
    return JudgeSpec(
        model=model.id,
        name=model.name,
        task=model.task,
        parameters=parameters if isinstance(parameters, dict) else {},
        revision_folder=folder_of(model.revision) if is_own else "",
        fold=int(str(model.facts.get("fold") or 0)),
        folds=int(str(model.facts.get("folds") or 0)),
    )
