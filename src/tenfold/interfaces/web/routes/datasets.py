"""The pages of datasets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from tenfold.core import repository
from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS
from tenfold.core.errors import NotFound
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters import datasets, new_dataset
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.routes.named import change_about, moved, put_in_trash
from tenfold.interfaces.web.site import MAX_FORM_FIELDS, FormNow, SiteNow, lead
from tenfold.interfaces.web.views.datasets import DatasetsPage
from tenfold.interfaces.web.views.frame import AboutForm
from tenfold.services.datasets import ImportRequest

router = APIRouter(include_in_schema=False)
BLOCK = 1 << 20
PAGE = 50


@router.get("/datasets", dependencies=[Depends(Access("read"))])
def list_datasets(
    request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, search: str = "", cursor: str = ""
) -> Response:
    """All datasets, newest first."""
    found = services.datasets.named.page(caller, repository.Query(search=search, cursor=cursor, limit=PAGE))
    rows = tuple(datasets.dataset_row(services, caller, each) for each in found.items)
    next_url = f"/datasets?{urlencode({'search': search, 'cursor': found.cursor})}" if found.cursor else ""
    page = DatasetsPage(rows=rows, search=search, next_url=next_url, can_edit=caller.may("dataset.create"))
    return site.show(request, page)


@router.get("/datasets/new", dependencies=[Depends(Access("dataset.create"))])
def show_new_dataset(request: Request, services: ServicesNow, site: SiteNow) -> Response:
    """The form for a new dataset, filled from the address."""
    return site.show(request, new_dataset.new_dataset_page(services, dict(request.query_params)))


@router.post("/datasets/new", dependencies=[Depends(Access("dataset.create"))])
async def create_dataset(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """Takes the form; a file in it is stored first, so that it is not sent twice when the form is refused."""
    async with request.form(max_fields=MAX_FORM_FIELDS) as form:
        typed = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        file = form.get("archive")
        if isinstance(file, UploadFile) and file.filename and typed.get("source") == "archive":
            stored = await services.uploads.receive(file.filename, blocks_of(file))
            typed["upload"] = stored.id
    answer = await run_in_threadpool(new_dataset.submit, services, caller, typed)
    if isinstance(answer, Dataset):
        return lead(address("datasets", answer.name))
    page, error = answer
    return await run_in_threadpool(lambda: site.show(request, page, status=status_of(error)))


@router.post("/datasets/samples/{name}/try", dependencies=[Depends(Access("dataset.create"))])
def try_sample(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Leads to the filled form of a run on a well-known set, which is built meanwhile."""
    if name not in SAMPLE_DATASETS:
        raise NotFound(f"There is no known set {name!r}.", code="sample.not-found")
    dataset = _made_from(services, caller, name)
    if dataset is None:
        asked = ImportRequest(source={"sample": name}, values={}, proposed_name=name)
        dataset = services.datasets.import_samples(caller, asked)
    return lead(f"/runs/new?{urlencode({'dataset': dataset.name, 'level': 'essential'})}")


@router.get("/datasets/{name}", dependencies=[Depends(Access("read"))])
def show_dataset(name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """One dataset, at a tab, with the filters of its gallery."""
    found = services.datasets.named.get(caller, name)
    asked = request.query_params
    page = datasets.dataset_page(services, caller, found, tab=asked.get("tab", ""), filters=asked)
    return moved("datasets", found, name, request.url.query) or site.show(request, page)


@router.post("/datasets/{name}/about", dependencies=[Depends(Access("dataset.change"))])
def change_dataset(
    name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow
) -> Response:
    """Renames, notes or tags."""

    def refuse(dataset: Dataset, form: AboutForm) -> Response:
        page = datasets.dataset_page(services, caller, dataset, about_form=form)
        return site.show(request, page, status=422)

    return change_about(services.datasets.named, caller, name, form, kind="datasets", refuse=refuse)


@router.post("/datasets/{name}/trash", dependencies=[Depends(Access("dataset.change"))])
def trash_dataset(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Puts it in the trash."""
    return put_in_trash(services.datasets.named, caller, name, kind="datasets")


@router.post("/trash/datasets/{id}/restore", dependencies=[Depends(Access("dataset.change"))])
def restore_dataset(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Takes it out of the trash."""
    return lead(address("datasets", services.datasets.named.restore(caller, id).name))


@router.post("/datasets/{name}/stop", dependencies=[Depends(Access("dataset.change"))])
def stop_dataset(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Stops building it."""
    return lead(address("datasets", services.datasets.stop_import(caller, name).name))


@router.post("/datasets/{name}/pack", dependencies=[Depends(Access("dataset.change"))])
def pack_dataset(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Packs pictures that are used in place."""
    return lead(address("datasets", services.datasets.pack(caller, name).name))


def _made_from(services: Services, caller: Actor, sample: str) -> Dataset | None:
    query = repository.Query(where={"state": ("ready", "building")}, limit=repository.MAX_PAGE)
    found = services.datasets.named.page(caller, query).items
    return next((dataset for dataset in found if dataset.source.get("sample") == sample), None)


async def blocks_of(file: UploadFile) -> AsyncIterator[bytes]:
    """The content of a file in a form."""
    while block := await file.read(BLOCK):
        yield block
