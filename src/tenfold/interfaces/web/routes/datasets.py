"""The pages of datasets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tenfold.core import repository
from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS
from tenfold.core.errors import NotFound, TenfoldError
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters import datasets, new_dataset
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.receiving import chosen_files, receive
from tenfold.interfaces.web.routes.named import change_about, moved, put_in_trash
from tenfold.interfaces.web.site import MAX_FORM_FIELDS, FormNow, SiteNow, lead
from tenfold.interfaces.web.views.datasets import DatasetsPage, SortHeading
from tenfold.interfaces.web.views.frame import AboutForm
from tenfold.services.datasets import ImportRequest

router = APIRouter(include_in_schema=False)
PAGE = 50
NEWEST = "-created_at"
SORTED_BY = {"name": "name", "created_at": NEWEST, "changed_at": "-changed_at"}
"""The columns that the list is sorted by, and the order that a first press on their heading gives."""


@dataclass(frozen=True)
class ListAddress:
    """The address of a list: what is looked for, how it is sorted, from where on."""

    search: str = ""
    sort: str = NEWEST
    cursor: str = ""

    def query(self) -> repository.Query:
        """The query; an order that there is not is the usual one."""
        column = self.sort.removeprefix("-")
        sort = self.sort if column in SORTED_BY else NEWEST
        return repository.Query(
            search=self.search,
            sort=sort.removeprefix("-"),
            descending=sort.startswith("-"),
            cursor=self.cursor,
            limit=PAGE,
        )

    def url(self, *, sort: str = "", cursor: str = "") -> str:
        kept = {"search": self.search, "sort": sort or self.sort, "cursor": cursor}
        query = urlencode({name: value for name, value in kept.items() if value and (name, value) != ("sort", NEWEST)})
        return f"/datasets?{query}" if query else "/datasets"


def _heading(asked: ListAddress, column: str) -> SortHeading:
    is_down = asked.sort == f"-{column}"
    is_by = is_down or asked.sort == column
    turned = column if is_down else f"-{column}"
    return SortHeading(
        url=asked.url(sort=turned if is_by else SORTED_BY[column]),
        order="" if not is_by else "descending" if is_down else "ascending",
    )


@router.get("/datasets", dependencies=[Depends(Access("read"))])
def list_datasets(
    request: Request,
    caller: CallerNow,
    services: ServicesNow,
    site: SiteNow,
    asked: Annotated[ListAddress, Depends()],
) -> Response:
    """All datasets, newest first unless they are sorted otherwise."""
    found = services.datasets.named.page(caller, asked.query())
    rows = tuple(datasets.dataset_row(services, caller, each) for each in found.items)
    page = DatasetsPage(
        rows=rows,
        search=asked.search,
        next_url=asked.url(cursor=found.cursor) if found.cursor else "",
        headings={column: _heading(asked, column) for column in SORTED_BY},
        can_edit=caller.may("dataset.create"),
    )
    return site.show(request, page)


@router.get("/datasets/new", dependencies=[Depends(Access("dataset.create"))])
def show_new_dataset(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """The form for a new dataset, filled from the address."""
    return _with_camera(site.show(request, new_dataset.new_dataset_page(services, caller, dict(request.query_params))))


@router.post("/datasets/new", dependencies=[Depends(Access("dataset.create"))])
async def create_dataset(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """Takes the form; a file in it is stored first, so that it is not sent twice when the form is refused."""
    async with request.form(max_fields=MAX_FORM_FIELDS) as form:
        typed = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        refusal: TenfoldError | None = None
        is_look = "look" in request.query_params  # the form again, by a way that puts no key into an address
        files = chosen_files(form, "archive") if not is_look else []
        if files and typed.get("source") == "archive":
            try:
                typed["upload"] = (await receive(services, caller, files)).id
            except TenfoldError as refused:
                refusal = refused
    if is_look:
        seen = await run_in_threadpool(new_dataset.new_dataset_page, services, caller, typed)
        return _with_camera(await run_in_threadpool(site.show, request, seen))
    answer = await run_in_threadpool(new_dataset.submit, services, caller, typed, refusal)
    if isinstance(answer, Dataset):
        return lead(address("datasets", answer.name))
    page, error = answer
    return _with_camera(await run_in_threadpool(lambda: site.show(request, page, status=status_of(error))))


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


def _with_camera(response: Response) -> Response:
    """Lets this one page ask for the camera; all others may not."""
    response.headers["permissions-policy"] = "camera=(self), geolocation=(), microphone=()"
    return response


def _made_from(services: Services, caller: Actor, sample: str) -> Dataset | None:
    query = repository.Query(where={"state": ("ready", "building")}, limit=repository.MAX_PAGE)
    found = services.datasets.named.page(caller, query).items
    return next((dataset for dataset in found if dataset.source.get("sample") == sample), None)
