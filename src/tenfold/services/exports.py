"""Datasets on their way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.datasets.exporting import DatasetExporter, ExportSpec
from tenfold.core.errors import Conflict, NotFound
from tenfold.core.fields import parse_spec
from tenfold.core.numerals import whole_number
from tenfold.core.repository import Database, Transaction
from tenfold.services.datasets import DatasetService


class ExportService:
    """Writes any revision of a dataset as an archive."""

    def __init__(self, database: Database, *, datasets: DatasetService, export: DatasetExporter) -> None:
        self._database = database
        self._datasets = datasets
        self._export = export

    def export(
        self, actor: Actor, name_or_id: str, values: Mapping[str, object], *, revision: str = ""
    ) -> tuple[str, Iterator[bytes]]:
        """A file name and the archive in blocks; `revision` is an id or a number, empty for the current one.

        Raises `NotFound`, `Conflict` while there is no revision, `InvalidFields`, and `BadDataset` as the format does.
        """
        actor.require("read")
        spec = parse_spec(ExportSpec, values)
        dataset = self._datasets.named.get(actor, name_or_id)
        with self._database.read() as tx:
            chosen = _revision(tx, dataset, revision)
        stem = dataset.name if chosen.id == dataset.revision else f"{dataset.name} revision {chosen.number}"
        return f"{stem}.zip", self._export(self._datasets.revision_reader(chosen.id), dataset.name, spec)


def _revision(tx: Transaction, dataset: Dataset, wanted: str) -> Revision:
    if not wanted:
        current = tx.revisions.find(id=dataset.revision)
        if current is None:
            raise Conflict(f"{dataset.name} is {dataset.state}; it can be exported once it is ready.")
        return current
    number = whole_number(wanted)
    key = {"id": wanted} if number is None else {"number": number}
    found = tx.revisions.find(dataset=dataset.id, **key)
    if found is None:
        raise NotFound(f"{dataset.name} has no revision {wanted!r}.", code="revision.not-found")
    return found
