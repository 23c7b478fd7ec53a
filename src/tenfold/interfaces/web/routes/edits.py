"""Changing the pictures of a dataset from its page, and going back."""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.errors import Conflict, Invalid, InvalidFields, NotFound, Problem, TenfoldError
from tenfold.core.fields import parse_spec
from tenfold.core.numerals import whole_number
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.api.sources import source_from
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters import datasets
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.presenters.gallery import asked_filter
from tenfold.interfaces.web.receiving import chosen_files, receive
from tenfold.interfaces.web.site import MAX_FORM_FIELDS, SiteNow, lead
from tenfold.interfaces.web.views.datasets import DatasetPage, EditForm

router = APIRouter(include_in_schema=False)
NEEDED = {"relabel": ("label", "to_class"), "move": ("to_split", "to_split")}


@router.post("/datasets/{name}/edit", dependencies=[Depends(Access("dataset.edit"))])
async def edit_pictures(
    name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow
) -> Response:
    """Takes the form under the gallery; what is refused comes back with its ticks."""
    dataset = await run_in_threadpool(services.revisions.editable, caller, name)
    async with request.form(max_fields=MAX_FORM_FIELDS) as form:
        typed = {key: value for key, value in form.multi_items() if isinstance(value, str)}
        indices = [whole_number(value) for value in form.getlist("index") if isinstance(value, str)]
    chosen = frozenset(index for index in indices if index is not None)

    def answer() -> Response:
        try:
            made = _edit(services, caller, dataset, typed, chosen)
        except (Invalid, Conflict, NotFound) as error:
            return site.show(
                request, _refused(services, caller, dataset, typed, chosen, error), status=status_of(error)
            )
        query = f"?{typed['query']}" if typed.get("query") else ""
        url = address("datasets", dataset.name)
        said = f"{made.summary}: revision {made.number}."
        return lead(f"{url}{query}#pictures", said, undo_url=f"{url}/revisions/{made.id}/undo")

    return await run_in_threadpool(answer)


@router.post("/datasets/{name}/add", dependencies=[Depends(Access("dataset.edit"))])
async def add_pictures(name: str, request: Request, caller: CallerNow, services: ServicesNow) -> Response:
    """Begins to add a folder of the server, or an archive that comes with the form."""
    dataset = await run_in_threadpool(services.revisions.editable, caller, name)
    async with request.form(max_fields=MAX_FORM_FIELDS) as form:
        source = {"folder": str(form.get("folder", ""))}
        if isinstance(sent := form.get("upload"), str) and sent:
            source = {"upload": sent}
        elif files := chosen_files(form, "archive"):
            source = {"upload": (await receive(services, caller, files)).id}

    def begin() -> Response:
        if source.get("folder") == "":
            raise InvalidFields([Problem("folder", "Type the folder to add, or choose an archive.", "required")])
        services.additions.add(caller, dataset.id, source_from(services, caller, {"source": source})[0])
        return lead(address("datasets", dataset.name))

    return await run_in_threadpool(begin)


@router.post("/datasets/{name}/revisions/{id}/undo", dependencies=[Depends(Access("dataset.edit"))])
def undo_edit(name: str, id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Makes the revision current that this one, the current one, was made from."""
    return _turned(services, caller, name, services.revisions.undo(caller, name, on=id), back="redo")


@router.post("/datasets/{name}/revisions/{id}/redo", dependencies=[Depends(Access("dataset.edit"))])
def redo_edit(name: str, id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Takes the undo back that led to this revision."""
    return _turned(services, caller, name, services.revisions.redo(caller, name, on=id), back="undo")


def _turned(services: Services, caller: Actor, name: str, current: Revision, *, back: str) -> Response:
    url = address("datasets", services.datasets.named.get(caller, name).name)
    said = f"Revision {current.number} is the current one."
    return lead(f"{url}#pictures", said, undo_url=f"{url}/revisions/{current.id}/{back}")


def _edit(
    services: Services, caller: Actor, dataset: Dataset, typed: dict[str, str], chosen: frozenset[int]
) -> Revision:
    values = {"action": typed.get("action", "")}
    if values["action"] in NEEDED:
        field, name = NEEDED[values["action"]]
        values[field] = typed.get(name, "")
    change = parse_spec(Change, values)
    if not chosen and not typed.get("all"):
        raise Invalid("No picture is chosen: tick some, or all that the filter finds.", code="edit.nothing")
    wanted = None
    if typed.get("all"):
        reader = services.datasets.reader(caller, dataset)
        wanted = asked_filter(reader, _asked(typed), marks=lambda each: services.checkups.marks(caller, dataset, each))
    edit = Edit(change, wanted or tuple(sorted(chosen)))
    return services.revisions.edit(caller, dataset.id, edit, on=typed.get("revision", ""))


def _refused(
    services: Services,
    caller: Actor,
    dataset: Dataset,
    typed: dict[str, str],
    chosen: frozenset[int],
    error: TenfoldError,
) -> DatasetPage:
    shown = EditForm(
        chosen=chosen,
        is_all=bool(typed.get("all")),
        to_class=typed.get("to_class", ""),
        to_split=typed.get("to_split", ""),
        problem=error.message,
    )
    now = services.datasets.named.get(caller, dataset.id)
    return datasets.dataset_page(services, caller, now, filters=_asked(typed), edit=shown)


def _asked(typed: dict[str, str]) -> dict[str, str]:
    """The filter that was shown, from the address that the form remembers."""
    return dict(parse_qsl(typed.get("query", "")))
