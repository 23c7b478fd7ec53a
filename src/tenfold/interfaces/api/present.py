"""Entities as the API shows them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from tenfold.core import repository
from tenfold.core.accounts import model as accounts
from tenfold.core.datasets import dataset as datasets
from tenfold.core.datasets.browsing import FolderListing
from tenfold.core.datasets.health.findings import Judged
from tenfold.core.datasets.layouts import LayoutPreview
from tenfold.core.datasets.model import RevisionManifest, SampleRecord
from tenfold.core.datasets.ports import IndexedSample
from tenfold.core.datasets.sample_data import SampleDataset
from tenfold.core.datasets.uploads import Upload
from tenfold.core.entities import Named
from tenfold.core.fields import format_number
from tenfold.core.inference import model as models
from tenfold.core.jobs import model as jobs
from tenfold.core.training import run as runs
from tenfold.core.training.preflight import forecast as forecasts
from tenfold.core.workstation import environments
from tenfold.interfaces.schemas import objects
from tenfold.services.checkups import Standing

SchemaT = TypeVar("SchemaT", bound=BaseModel)


_FOR_JOBS = frozenset({"web", "internal_hosts", "secret"})  # what a source tells the job that reads it alone


def dataset(entity: datasets.Dataset, used_by: list[str] | None = None) -> objects.Dataset:
    source = {name: value for name, value in entity.source.items() if name not in _FOR_JOBS}
    return read(objects.Dataset, entity, used_by=used_by, source=source)


def revision(dataset: datasets.Dataset, entity: datasets.Revision) -> objects.Revision:
    return read(
        objects.Revision,
        entity,
        name=f"{dataset.name}@{entity.number}",
        state="current" if entity.id == dataset.revision else "earlier",
        author=entity.author or dataset.owner,
        num_samples=entity.num_samples,
        num_classes=entity.num_classes,
        content=entity.content,
    )


def checkup(dataset: datasets.Dataset, standing: Standing) -> objects.Checkup:
    report = standing.report
    told = report.to_json() if report is not None else {}
    return objects.Checkup.model_validate(
        {
            "id": standing.revision,
            "name": dataset.name,
            "state": standing.state,
            "message": standing.message,
            "reason": standing.reason,
            "progress": standing.progress,
            "checked_at": standing.checked_at,
            "num_samples": 0,
            "findings": [],
            "checked": [],
            "judged": asdict(Judged()),
            **told,
        }
    )


def run(entity: runs.Run, used_by: list[str] | None = None) -> objects.Run:
    return read(objects.Run, entity, used_by=used_by)


def forecast(told: forecasts.Forecast) -> objects.Forecast:
    return objects.Forecast.model_validate(told.to_json())


def model(entity: models.Model, used_by: list[str] | None = None) -> objects.Model:
    return read(objects.Model, entity, state="ready", used_by=used_by)


def job(entity: jobs.Job, name: str) -> objects.Job:
    return read(objects.Job, entity, name=name)


def environment(entity: environments.Environment) -> objects.Environment:
    return objects.Environment(
        id=entity.kind.name,
        name=entity.kind.name,
        state=entity.state,
        title=entity.kind.title,
        serves=entity.kind.serves,
        python=entity.python,
        versions=dict(entity.versions),
        size_bytes=entity.size_bytes,
        message=entity.why_not,
    )


def user(entity: accounts.User) -> objects.User:
    state = "disabled" if entity.disabled else "enabled"
    return read(objects.User, entity, state=state, has_password=bool(entity.password_hash))


def token(entity: accounts.Token, secret: str | None = None) -> objects.Token:
    state = "revoked" if entity.revoked_at is not None else "valid"
    return read(objects.Token, entity, state=state, token=secret)


def thumbnail_address(dataset: str, revision: str, index: int) -> str:
    """Where a picture of a dataset is; with the revision in it, what lies there never changes."""
    return f"/api/v1/datasets/{quote(dataset, safe='')}/samples/{index}/thumbnail?revision={revision}"


def pixel_revision(revision: str, manifest: RevisionManifest) -> str:
    """The revision that names a dataset's pictures in addresses, so that an edit changes none.

    It is the last one that brought pictures: it has all of them, also those that were deleted since.
    """
    return (manifest.pixels[-1].revision if manifest.pixels else "") or revision


def sample(dataset: datasets.Dataset, manifest: RevisionManifest, indexed: IndexedSample) -> objects.Sample:
    record = indexed.record
    return objects.Sample(
        index=indexed.index,
        path=record.path,
        label=label_text(manifest.classes, record),
        classes=[manifest.classes[each] for each in (record.classes or _one(record.label))],
        value=record.value,
        group=record.group,
        weight=record.weight,
        split=record.split or "excluded",
        width=record.width,
        height=record.height,
        size_bytes=record.size_bytes,
        brightness=round(record.brightness, 6),
        contrast=round(record.contrast, 6),
        thumbnail=thumbnail_address(dataset.name, pixel_revision(dataset.revision, manifest), indexed.index),
    )


def label_text(classes: tuple[str, ...], record: SampleRecord) -> str:
    """A label as people read it: the class, several of them, a number, or `no class`."""
    if record.value is not None:
        return format_number(record.value)
    return ", ".join(classes[each] for each in (record.classes or _one(record.label))) or "no class"


def _one(label: int) -> tuple[int, ...]:
    return (label,) if label >= 0 else ()


def layout(preview: LayoutPreview) -> objects.LayoutPreview:
    look = preview.look
    return objects.LayoutPreview(
        path=preview.path,
        layout=preview.layout,
        sentence=preview.sentence,
        counts=[objects.SplitCount(split=each.split, count=each.count, is_exact=each.is_exact) for each in look.counts],
        classes=list(look.classes),
        columns=list(look.columns),
        chosen={role: name for role, name in look.chosen.items()},
        rows=[list(row) for row in look.rows],
        notes=list(look.notes),
    )


def folders(listing: FolderListing) -> objects.FolderListing:
    return objects.FolderListing(
        path=listing.path,
        parent=listing.parent,
        pictures=listing.pictures.count,
        more_pictures=not listing.pictures.is_complete,
        folders=[
            objects.Folder(
                path=each.path,
                name=each.name,
                pictures=each.pictures.count,
                more_pictures=not each.pictures.is_complete,
            )
            for each in listing.folders
        ],
        is_complete=listing.is_complete,
    )


def sample_set(sample: SampleDataset) -> objects.SampleSet:
    return objects.SampleSet(
        id=sample.name,
        name=sample.name,
        title=sample.title,
        description=sample.description,
        licence=sample.licence,
        download_bytes=sample.download_bytes,
        num_samples=sample.num_pictures,
    )


def page(found: repository.Page[Any], items: list[Any]) -> dict[str, Any]:
    """A page of things that were presented already."""
    return {"items": items, "cursor": found.cursor, "total": found.total}


def read(schema: type[SchemaT], entity: object, **more: object) -> SchemaT:
    """The attributes of an entity that a schema names, with more beside them."""
    names = schema.model_fields
    values = {name: getattr(entity, name) for name in names if hasattr(entity, name)}
    if isinstance(entity, Named):
        values["tags"] = list(entity.tags)
    return schema.model_validate({**values, **more})


def upload(found: Upload) -> objects.Upload:
    return objects.Upload(
        id=found.id,
        name=found.name,
        state="ready" if found.is_complete else "receiving",
        num_files=found.num_files,
        size_bytes=found.size_bytes,
        offset=found.offset,
        digest=found.digest,
        refused=[
            objects.RefusedFile(number=number, path=each.path, code=each.code, message=each.message)
            for number, each in found.refused.items()
        ],
    )
