"""Datasets over REST, and what they are made from: folders, uploads, samples."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS
from tenfold.core.errors import NotFound
from tenfold.interfaces.api import present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.bodies import JsonBody, described, json_object
from tenfold.interfaces.api.first_picture import ResizeQuery, shown_picture
from tenfold.interfaces.api.lists import ListQuery, SampleQuery
from tenfold.interfaces.api.sources import ReadingAsked, choice_from, import_request, source_on_server
from tenfold.interfaces.schemas import objects
from tenfold.interfaces.schemas.requests import dataset_request, filter_parameters
from tenfold.interfaces.services import Services
from tenfold.services.repeats import Request as Repeatable

router = APIRouter(tags=["datasets"])
IMMUTABLE = {"cache-control": "private, max-age=31536000, immutable"}
MAY_CHANGE = {"cache-control": "private, no-cache"}


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
    reader = services.datasets.reader(caller, found) if found.state == "ready" else None
    shown = present.dataset(found, services.datasets.named.used_by(caller, found))
    return objects.DatasetDetail(
        **shown.model_dump(),
        manifest=reader.manifest.to_json() if reader else None,
        label_facts=asdict(reader.label_facts) if reader else None,
    )


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
    """Stops building it, adding to it or packing it."""
    return present.dataset(services.datasets.stop_import(caller, name))


@router.post("/datasets/{name}/pack", dependencies=[Depends(Access("dataset.change"))])
def pack_dataset(name: str, caller: CallerNow, services: ServicesNow) -> objects.Dataset:
    """Packs pictures that are used in place, where that was stopped or failed."""
    return present.dataset(services.datasets.pack(caller, name))


@router.get(
    "/datasets/{name}/samples",
    dependencies=[Depends(Access("read"))],
    openapi_extra={"parameters": filter_parameters()},
)
def list_samples(
    name: str,
    wanted: SampleQuery,
    caller: CallerNow,
    services: ServicesNow,
    cursor: Annotated[str, Query(max_length=40)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
    revision: Annotated[str, Query(max_length=40, description="Number or id of an earlier revision.")] = "",
) -> objects.Page[objects.Sample]:
    """The samples that fit, in the order asked for."""
    found = services.datasets.named.get(caller, name)
    found = services.revisions.at(caller, found, revision) if revision else found
    reader = services.datasets.reader(caller, found)
    marks = services.checkups.marks(caller, found, wanted)
    page = reader.page(wanted, cursor=cursor, limit=limit, marks=marks)
    items = [present.sample(found, reader.manifest, each) for each in page.items]
    return objects.Page(items=items, cursor=page.after, total=page.total)


@router.get(
    "/datasets/{name}/samples/{index}/thumbnail",
    dependencies=[Depends(Access("read"))],
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
def show_thumbnail(name: str, index: int, caller: CallerNow, services: ServicesNow, revision: str = "") -> Response:
    """The stored picture as PNG, as the revision that the address names has it; browsers keep that for good."""
    dataset = services.datasets.named.get(caller, name)
    shown = services.revisions.at(caller, dataset, revision) if revision else dataset
    picture = services.datasets.reader(caller, shown).thumbnail(index)
    return Response(picture, media_type="image/png", headers=IMMUTABLE if revision else MAY_CHANGE)


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


@router.get("/folders/preview", dependencies=[Depends(Access("folder.browse"))])
def preview_layout(
    services: ServicesNow, reading: ReadingAsked, path: str = "", label_kind: str = ""
) -> objects.LayoutPreview:
    """What a folder or file of the server (without a path, the first root) is recognised as; nothing is imported."""
    asked = {**reading.asked(), "label_kind": label_kind}
    found, choice = source_on_server(services, path or next(iter(services.folders.roots()), "/"), asked)
    return present.layout(services.layouts.preview(found, choice))


@router.get(
    "/folders/picture",
    dependencies=[Depends(Access("folder.browse"))],
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
def preview_picture(
    caller: CallerNow,
    services: ServicesNow,
    asked: Annotated[ResizeQuery, Depends()],
    reading: ReadingAsked,
    path: str = "",
) -> Response:
    """A picture of the server, or the first of a folder, list, table or database, as PNG.

    With `resize` it is as an import would store it. Without a path, the first below the first root; without a picture
    there, an empty answer, and that is no error.
    """
    choice = choice_from(services, reading.asked())
    return shown_picture(lambda: services.previews.of_path(caller, path, asked.values(), choice))


@router.get("/folders/complete", dependencies=[Depends(Access("folder.browse"))])
def complete_folder(services: ServicesNow, prefix: str = "") -> list[str]:
    """Folders whose path begins like this."""
    return services.folders.complete(prefix)


@router.get("/samples", dependencies=[Depends(Access("read"))])
def list_sample_sets() -> list[objects.SampleSet]:
    """Public datasets that Tenfold can fetch."""
    return [present.sample_set(sample) for sample in SAMPLE_DATASETS.values()]


def _import_once(services: Services, caller: Actor, repeat: Repeatable, body: dict[str, Any]) -> Dataset:
    earlier = services.datasets.earlier_import(caller, repeat)
    return earlier or services.datasets.import_samples(caller, import_request(services, caller, body), repeat=repeat)


def change(named: Any, caller: CallerNow, name: str, body: objects.Change) -> Any:
    """What all things with a name share: rename, note, tags; all that is given or nothing."""
    return named.change(caller, name, name=body.name, note=body.note, tags=body.tags)
