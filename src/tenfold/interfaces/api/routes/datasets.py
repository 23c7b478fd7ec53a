"""Datasets over REST, and what they are made from: folders, uploads, samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.model import SPLITS, Split
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS
from tenfold.core.errors import InvalidFields, NotFound, Problem
from tenfold.core.events import Json
from tenfold.core.numerals import whole_number
from tenfold.interfaces.api import present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.bodies import JsonBody, described, json_object
from tenfold.interfaces.api.lists import ListQuery
from tenfold.interfaces.schemas import objects
from tenfold.interfaces.schemas.requests import dataset_request
from tenfold.interfaces.services import Services
from tenfold.services.datasets import ImportRequest
from tenfold.services.repeats import Request as Repeatable

router = APIRouter(tags=["datasets"])
IMMUTABLE = {"cache-control": "private, max-age=31536000, immutable"}
MAY_CHANGE = {"cache-control": "private, no-cache"}


@dataclass(frozen=True)
class ResizeQuery:
    """The fields of an import that its preview shows."""

    resize: str = ""
    width: str = ""
    height: str = ""
    background: str = ""
    colour: str = ""
    profile: str = ""


@router.get("/datasets", dependencies=[Depends(Access("read"))])
def list_datasets(query: ListQuery, caller: CallerNow, services: ServicesNow) -> objects.Page[objects.Dataset]:
    """All datasets, newest first."""
    found = services.datasets.named.page(caller, query)
    return objects.Page(**present.page(found, [present.dataset(item) for item in found.items]))


@router.post(
    "/datasets",
    status_code=201,
    dependencies=[Depends(Access("dataset.create"))],
    openapi_extra=described(dataset_request()),
)
async def create_dataset(
    request: Request,
    caller: CallerNow,
    services: ServicesNow,
    idempotency_key: Annotated[str, Header(max_length=200)] = "",
) -> objects.Dataset:
    """Imports pictures; the answer comes at once and the dataset builds on."""
    body = await json_object(request)
    repeat = Repeatable(caller, idempotency_key, body)
    return present.dataset(await run_in_threadpool(_import_once, services, caller, repeat, body))


@router.get("/datasets/{name}", dependencies=[Depends(Access("read"))])
def show_dataset(name: str, caller: CallerNow, services: ServicesNow) -> objects.DatasetDetail:
    """One dataset with the manifest of its revision."""
    found = services.datasets.named.get(caller, name)
    manifest = services.datasets.reader(caller, found).manifest.to_json() if found.state == "ready" else None
    shown = present.dataset(found, services.datasets.named.used_by(caller, found))
    return objects.DatasetDetail(**shown.model_dump(), manifest=manifest)


@router.patch(
    "/datasets/{name}",
    dependencies=[Depends(Access("dataset.change"))],
    openapi_extra=described(objects.Change.model_json_schema()),
)
def change_dataset(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    body: Annotated[objects.Change, Depends(JsonBody(objects.Change))],
) -> objects.Dataset:
    """Renames, notes or tags."""
    return present.dataset(change(services.datasets.named, caller, name, body))


@router.delete("/datasets/{name}", dependencies=[Depends(Access("dataset.change"))])
def trash_dataset(name: str, caller: CallerNow, services: ServicesNow) -> objects.Dataset:
    """Puts it in the trash."""
    return present.dataset(services.datasets.named.trash(caller, name))


@router.post("/datasets/{name}/restore", dependencies=[Depends(Access("dataset.change"))])
def restore_dataset(name: str, caller: CallerNow, services: ServicesNow) -> objects.Dataset:
    """Takes it out of the trash; `name` is its id."""
    return present.dataset(services.datasets.named.restore(caller, name))


@router.post("/datasets/{name}/stop", dependencies=[Depends(Access("dataset.change"))])
def stop_dataset(name: str, caller: CallerNow, services: ServicesNow) -> objects.Dataset:
    """Stops building it."""
    return present.dataset(services.datasets.stop_import(caller, name))


@router.get("/datasets/{name}/samples", dependencies=[Depends(Access("read"))])
def list_samples(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    split: str = "",
    label: str = "",
    cursor: Annotated[str, Query(max_length=20)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> objects.Page[objects.Sample]:
    """Samples in order, of a split and a class if named."""
    found = services.datasets.named.get(caller, name)
    reader = services.datasets.reader(caller, found)
    manifest = reader.manifest
    index = _class_index(manifest.classes, label)
    chosen = _split(split)
    after = _after(cursor)
    samples = reader.page(split=chosen, label=index, after=after, limit=limit + 1)
    items = [present.sample(found, manifest.classes, sample) for sample in samples[:limit]]
    total = len(reader.indices(chosen, index))
    more = len(samples) > limit
    return objects.Page(items=items, cursor=str(items[-1].index) if more else "", total=total)


@router.get(
    "/datasets/{name}/samples/{index}/thumbnail",
    dependencies=[Depends(Access("read"))],
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
def show_thumbnail(name: str, index: int, caller: CallerNow, services: ServicesNow, revision: str = "") -> Response:
    """The stored picture as PNG; browsers keep it for good when the address names the revision that it is of."""
    dataset = services.datasets.named.get(caller, name)
    headers = IMMUTABLE if revision == dataset.revision else MAY_CHANGE
    return Response(services.datasets.reader(caller, dataset).thumbnail(index), media_type="image/png", headers=headers)


@router.get(
    "/datasets/{name}/mean",
    dependencies=[Depends(Access("read"))],
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
def show_mean(name: str, caller: CallerNow, services: ServicesNow, revision: str = "") -> Response:
    """The mean picture of the training split as PNG."""
    dataset = services.datasets.named.get(caller, name)
    mean = services.datasets.reader(caller, dataset).mean_image()
    if mean is None:
        raise NotFound(f"{dataset.name} has no mean picture: it was not imported.", code="dataset.no-mean")
    headers = IMMUTABLE if revision == dataset.revision else MAY_CHANGE
    return Response(mean, media_type="image/png", headers=headers)


@router.get("/folders", dependencies=[Depends(Access("folder.browse"))])
def show_folder(services: ServicesNow, path: str = "") -> objects.FolderListing:
    """A folder of the server with its folders and picture counts; without a path, the first root."""
    return present.folders(services.folders.list_folder(path or None))


@router.get(
    "/folders/picture",
    dependencies=[Depends(Access("folder.browse"))],
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
def preview_picture(
    caller: CallerNow, services: ServicesNow, asked: Annotated[ResizeQuery, Depends()], path: str = ""
) -> Response:
    """A picture of the server, or the first of a folder, as PNG: with `resize` as an import would store it.

    Without a path, the first below the first root.
    """
    given: dict[str, object] = {name: value for name, value in vars(asked).items() if value}
    previews = services.previews
    content = previews.resized(caller, path, given) if asked.resize else previews.original(caller, path)
    return Response(content, media_type="image/png", headers=MAY_CHANGE)


@router.get("/folders/complete", dependencies=[Depends(Access("folder.browse"))])
def complete_folder(services: ServicesNow, prefix: str = "") -> list[str]:
    """Folders whose path begins like this."""
    return services.folders.complete(prefix)


@router.post(
    "/uploads",
    status_code=201,
    dependencies=[Depends(Access("upload.create"))],
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {}}}}},
)
async def create_upload(
    request: Request, services: ServicesNow, name: Annotated[str, Query(max_length=500)] = "upload"
) -> objects.Upload:
    """Takes a file: the body is its content, as it is."""
    stored = await services.uploads.receive(name, request.stream())
    return objects.Upload(id=stored.id, name=stored.name, size_bytes=stored.size_bytes)


@router.get("/samples", dependencies=[Depends(Access("read"))])
def list_sample_sets() -> list[objects.SampleSet]:
    """Public datasets that Tenfold can fetch."""
    return [present.sample_set(sample) for sample in SAMPLE_DATASETS.values()]


def _import_once(services: Services, caller: Actor, repeat: Repeatable, body: dict[str, Any]) -> Dataset:
    earlier = services.datasets.earlier_import(caller, repeat)
    return earlier or services.datasets.import_samples(caller, import_request(services, body), repeat=repeat)


def import_request(services: Services, body: dict[str, Any]) -> ImportRequest:
    """The import that a body or a form asks for; raises `InvalidFields`, `NotFound`, `Forbidden`."""
    values = {key: value for key, value in body.items() if key not in {"source", "name"}}
    source, wish = _source(services, body.get("source"))
    name = body.get("name") or ""
    if not isinstance(name, str):
        raise InvalidFields([Problem("name", f"A name is a text, not {name!r}.", "type")])
    return ImportRequest(source=source, values=values, name=name, proposed_name=wish)


def change(named: Any, caller: CallerNow, name: str, body: objects.Change) -> Any:
    """What all things with a name share: rename, note, tags; all that is given or nothing."""
    return named.change(caller, name, name=body.name, note=body.note, tags=body.tags)


def _source(services: Services, source: object) -> tuple[dict[str, Json], str]:
    """The source and the name it proposes."""
    if not isinstance(source, dict) or len(source) != 1 or not all(isinstance(each, str) for each in source.values()):
        text = 'Name one source: a folder, an upload or a sample, as in {"sample": "mnist"}.'
        raise InvalidFields([Problem("source", text, "required")])
    kind, value = next(iter(source.items()))
    if kind == "folder":
        path = services.folders.resolve(value)
        return {"folder": path}, PurePosixPath(path).name
    if kind == "upload":
        upload = services.uploads.get(value)
        return {"upload": upload.id, "file": upload.name}, upload.name.partition(".")[0]
    if kind == "sample":
        if value not in SAMPLE_DATASETS:
            known = ", ".join(SAMPLE_DATASETS)
            raise NotFound(f"There is no sample dataset {value!r}; there are {known}.", code="sample.not-found")
        return {"sample": value}, value
    raise InvalidFields([Problem("source", f"A source is folder, upload or sample, not {kind!r}.", "choice")])


def _split(text: str) -> Split | None:
    for split in SPLITS:
        if text == split:
            return split
    if text:
        raise InvalidFields([Problem("split", f"A split is train, val or test, not {text!r}.", "choice")])
    return None


def _class_index(classes: tuple[str, ...], label: str) -> int | None:
    if not label:
        return None
    if label not in classes:
        raise NotFound(f"There is no class {label!r}.", code="class.not-found")
    return classes.index(label)


def _after(cursor: str) -> int:
    after = whole_number(cursor) if cursor else -1
    if after is None:
        raise InvalidFields([Problem("cursor", "This cursor is not one that a list gave.", "cursor")])
    return after
