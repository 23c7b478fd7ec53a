"""Revisions of a dataset: edits that make new ones, undo and redo between those that are there, and their history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.dataset import Dataset, Revision, revision_facts
from tenfold.core.datasets.edits import Edit
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.marks import NO_MARKS, Marks
from tenfold.core.datasets.model import RevisionManifest, tell_differences
from tenfold.core.datasets.ports import RevisionDeriver
from tenfold.core.errors import Changed, Conflict, NotFound
from tenfold.core.events import Json
from tenfold.core.ids import DatasetId, RevisionId, new_id
from tenfold.core.jobs.model import OPEN_STATES
from tenfold.core.repository import MAX_PAGE, Database, Page, Query, Transaction
from tenfold.services.named import NamedThings

MarksOf = Callable[[str, SampleFilter], Marks]
OnRevision = Callable[[RevisionId], None]


class RevisionService:
    """What people do with the revisions of a dataset.

    `marks` tells what checkups know of a revision's samples, and `on_revision` hears of every revision that was made.

    Every change names the revision that it was made on. Where that is not the current one any more it is refused, so
    that nobody changes what nobody has seen.
    """

    def __init__(
        self,
        database: Database,
        *,
        datasets: NamedThings[Dataset],
        artifacts: ArtifactStore,
        derive: RevisionDeriver,
        clock: Callable[[], float],
        marks: MarksOf = lambda _revision, _wanted: NO_MARKS,
        on_revision: OnRevision = lambda _revision: None,
    ) -> None:
        self._database = database
        self._datasets = datasets
        self._artifacts = artifacts
        self._derive = derive
        self._clock = clock
        self._marks = marks
        self._on_revision = on_revision

    def editable(self, actor: Actor, name_or_id: str) -> Dataset:
        """A dataset that this person may edit; raises `NotFound`, `Forbidden`."""
        with self._database.read() as tx:
            dataset = self._datasets.find(tx, name_or_id)
        actor.require("dataset.edit", owner=dataset.owner)
        return dataset

    def edit(self, actor: Actor, name_or_id: str, edit: Edit, *, on: str) -> Revision:
        """Makes an edited revision the current one; `on` is the revision that the edit was made on.

        Raises `Changed` when another is current by now, `Conflict` while the dataset is built or added to, and
        `Invalid`, `NotFound`, `BadDataset` as the edit itself deserves; then nothing was changed.
        """
        dataset = self.editable(actor, name_or_id)
        with self._database.read() as tx:
            self.require_current(tx, dataset, on)
        made: list[RevisionManifest] = []
        new = RevisionId(new_id("revision"))
        parent = self._artifacts.path("revisions", dataset.revision)

        marks = self._marks(dataset.revision, edit.chosen) if isinstance(edit.chosen, SampleFilter) else NO_MARKS

        def write(folder: Path) -> None:
            made.append(self._derive(parent, folder, edit, marks))

        sha256, size = self._artifacts.publish("revisions", new, write)
        try:
            with self._database.write() as tx:
                revision = self._adopt(
                    tx, actor, tx.datasets.get(dataset.id), made[0], on=on, id=new, stored=(sha256, size)
                )
        except BaseException:
            self._artifacts.remove("revisions", new)
            raise
        self._on_revision(new)
        return revision

    def undo(self, actor: Actor, name_or_id: str, *, on: str) -> Revision:
        """Makes the revision current that the current one was made from; raises `Conflict` on the first."""
        return self._turn_to(actor, name_or_id, on, _parent)

    def redo(self, actor: Actor, name_or_id: str, *, on: str) -> Revision:
        """Makes the newest revision current that was made from the current one; raises `Conflict` without any."""
        return self._turn_to(actor, name_or_id, on, _newest_child)

    def history(self, actor: Actor, dataset: Dataset, *, cursor: str = "", limit: int = MAX_PAGE) -> Page[Revision]:
        """The revisions, newest first."""
        actor.require("read")
        query = Query(where={"dataset": dataset.id}, sort="number", cursor=cursor, limit=limit)
        with self._database.read() as tx:
            return tx.revisions.page(query)

    def at(self, actor: Actor, dataset: Dataset, number: str) -> Dataset:
        """The dataset as it was at the revision of a number or id; raises `NotFound`."""
        actor.require("read")
        wanted = (
            {"number": int(number)} if number.isascii() and number.isdecimal() and len(number) < 10 else {"id": number}
        )
        with self._database.read() as tx:
            found = tx.revisions.find(dataset=dataset.id, **wanted)
            newest = tx.revisions.count(dataset=dataset.id)
        if found is None:
            text = f"{dataset.name} has no revision {number[:40]!r}; it has 1 to {newest}."
            raise NotFound(text, code="revision.not-found")
        return dataset.at(found)

    def size_bytes(self, actor: Actor, dataset: Dataset) -> int:
        """Bytes of all revisions; what they share counts once."""
        actor.require("read")
        with self._database.read() as tx:
            return sum(revision.size_bytes for revision in _all(tx, dataset.id))

    def numbers(self, actor: Actor, dataset: Dataset) -> dict[str, int]:
        """The numbers of all revisions by their ids."""
        actor.require("read")
        with self._database.read() as tx:
            return {revision.id: revision.number for revision in _all(tx, dataset.id)}

    def neighbours(self, actor: Actor, dataset: Dataset) -> tuple[Revision | None, Revision | None]:
        """What undo and redo would lead to."""
        actor.require("read")
        with self._database.read() as tx:
            current = tx.revisions.find(id=dataset.revision)
            return (_parent(tx, current), _newest_child(tx, current)) if current is not None else (None, None)

    def _turn_to(
        self, actor: Actor, name_or_id: str, on: str, choose: Callable[[Transaction, Revision], Revision | None]
    ) -> Revision:
        dataset = self.editable(actor, name_or_id)
        with self._database.write() as tx:
            dataset = tx.datasets.get(dataset.id)
            current = self.require_current(tx, dataset, on)
            chosen = choose(tx, current)
            if chosen is None:
                what = "the first: there is nothing to undo" if choose is _parent else "the last: nothing was undone"
                raise Conflict(f"Revision {current.number} of {dataset.name} is {what}.", code="revision.none")
            self._make_current(tx, dataset, chosen)
        return chosen

    def _adopt(
        self,
        tx: Transaction,
        actor: Actor,
        dataset: Dataset,
        manifest: RevisionManifest,
        *,
        on: str,
        id: RevisionId,
        stored: tuple[str, int],
    ) -> Revision:
        self.require_current(tx, dataset, on)
        facts: dict[str, Json] = {
            **revision_facts(manifest),
            "parent": on,
            "author": actor.user,
            "summary": tell_differences(manifest.differences),
        }
        revision = Revision(
            id=id,
            dataset=dataset.id,
            number=1 + tx.revisions.count(dataset=dataset.id),
            created_at=self._clock(),
            manifest=stored[0],
            size_bytes=stored[1],
            facts=facts,
        )
        tx.revisions.add(revision)
        self._make_current(tx, dataset, revision)
        return revision

    def _make_current(self, tx: Transaction, dataset: Dataset, revision: Revision) -> None:
        tx.datasets.update(replace(dataset.at(revision), changed_at=self._clock()))

    def require_current(self, tx: Transaction, dataset: Dataset, on: str) -> Revision:
        """The current revision; raises `Conflict` where nobody can edit now, `Changed` where it is not `on`."""
        if dataset.trashed_at is not None:
            raise Conflict(f"{dataset.name} is in the trash: take it out first.")
        if dataset.state != "ready":
            raise Conflict(f"{dataset.name} is {dataset.state}; it can be edited once it is ready.")
        if tx.jobs.page(Query(where={"subject": dataset.id, "state": tuple(OPEN_STATES)}, limit=1)).total:
            is_added_to = dataset.activity == "adding"
            what = f"Pictures are being added to {dataset.name}" if is_added_to else f"{dataset.name} is being packed"
            raise Conflict(f"{what}: edit it when that is done.", code="dataset.adding")
        current = tx.revisions.get(dataset.revision)
        if current.is_in_place:
            text = f"The pictures of {dataset.name} are used in place: pack them, then it can be edited."
            raise Conflict(text, code="dataset.in-place")
        if on != current.id:
            before = tx.revisions.find(id=on)
            made_on = f"revision {before.number}" if before is not None and before.dataset == dataset.id else "another"
            text = (
                f"{dataset.name} was changed meanwhile: revision {current.number} is the current one, and this was "
                f"asked for on {made_on}. Load it again, then choose."
            )
            raise Changed(text, current=current.id)
        return current


def _parent(tx: Transaction, revision: Revision) -> Revision | None:
    return tx.revisions.find(id=revision.parent) if revision.parent else None


def _newest_child(tx: Transaction, revision: Revision) -> Revision | None:
    return next((each for each in _all(tx, revision.dataset) if each.parent == revision.id), None)


def _all(tx: Transaction, dataset: DatasetId) -> Iterator[Revision]:
    """The revisions of a dataset, newest first."""
    query = Query(where={"dataset": dataset}, sort="number", limit=MAX_PAGE)
    while True:
        page = tx.revisions.page(query)
        yield from page.items
        if not page.cursor:
            return
        query = replace(query, cursor=page.cursor)
