"""Revisions of a dataset over REST: edits, undo and redo, their history, and the files that were left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.datasets.edits import MAX_CHOSEN, Change, Edit
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.fields import parse_spec
from tenfold.core.numerals import whole_number
from tenfold.interfaces.api import present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.bodies import described, json_object
from tenfold.interfaces.api.sources import SOURCE_CHOICES, source_from
from tenfold.interfaces.schemas import objects
from tenfold.interfaces.schemas.requests import addition_request, edit_request, turn_request
from tenfold.interfaces.services import Services

router = APIRouter(tags=["datasets"])
Turn = Callable[..., Revision]


@router.post(
    "/datasets/{name}/edits",
    status_code=201,
    dependencies=[Depends(Access("dataset.edit"))],
    openapi_extra=described(edit_request()),
)
async def edit_dataset(name: str, request: Request, caller: CallerNow, services: ServicesNow) -> objects.Revision:
    """Changes samples, named or found by a filter, and makes the result the current revision."""
    dataset = await run_in_threadpool(services.revisions.editable, caller, name)
    body = await json_object(request)
    edit, on = edit_from(body), asked_revision(body)
    made = await run_in_threadpool(lambda: services.revisions.edit(caller, dataset.id, edit, on=on))
    return await run_in_threadpool(_shown, services, caller, dataset, made)


@router.post(
    "/datasets/{name}/undo",
    dependencies=[Depends(Access("dataset.edit"))],
    openapi_extra=described(turn_request()),
)
async def undo_edit(name: str, request: Request, caller: CallerNow, services: ServicesNow) -> objects.Revision:
    """Makes the revision current that the current one was made from."""
    return await _turn(name, request, caller, services, services.revisions.undo)


@router.post(
    "/datasets/{name}/redo",
    dependencies=[Depends(Access("dataset.edit"))],
    openapi_extra=described(turn_request()),
)
async def redo_edit(name: str, request: Request, caller: CallerNow, services: ServicesNow) -> objects.Revision:
    """Takes the last undo back."""
    return await _turn(name, request, caller, services, services.revisions.redo)


@router.post(
    "/datasets/{name}/add",
    status_code=202,
    dependencies=[Depends(Access("dataset.edit"))],
    openapi_extra=described(addition_request()),
)
async def add_samples(name: str, request: Request, caller: CallerNow, services: ServicesNow) -> objects.Dataset:
    """Adds pictures; the answer comes at once, and `progress` tells how far it is until the next revision is there."""
    dataset = await run_in_threadpool(services.revisions.editable, caller, name)
    body = await json_object(request)
    known = ("source", *SOURCE_CHOICES)
    text = f"is no field of an addition; these are {', '.join(known)}."
    strange = [Problem(each, f"{each!r} {text}", "unknown") for each in body if each not in known]
    if strange:
        raise InvalidFields(strange)
    source, _ = await run_in_threadpool(source_from, services, caller, body)
    return present.dataset(await run_in_threadpool(services.additions.add, caller, dataset.id, source))


@router.get("/datasets/{name}/revisions", dependencies=[Depends(Access("read"))])
def list_revisions(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    cursor: Annotated[str, Query(max_length=500)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> objects.Page[objects.Revision]:
    """The revisions of a dataset, newest first."""
    dataset = services.datasets.named.get(caller, name)
    page = services.revisions.history(caller, dataset, cursor=cursor, limit=limit)
    return objects.Page(**present.page(page, [present.revision(dataset, each) for each in page.items]))


@router.get("/datasets/{name}/rejected", dependencies=[Depends(Access("read"))])
def list_rejected(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    cursor: Annotated[str, Query(max_length=20)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> objects.Page[objects.RejectedFile]:
    """The files that could not be used, by path."""
    reader = services.datasets.reader(caller, services.datasets.named.get(caller, name))
    first = whole_number(cursor) if cursor else 0
    if first is None:
        raise InvalidFields([Problem("cursor", "This cursor is not one that a list gave.", "cursor")])
    total = reader.manifest.num_rejected
    found = reader.rejected(after=first, limit=limit)
    items = [objects.RejectedFile(path=each.path, code=each.code, message=each.message) for each in found]
    after = first + len(items)
    return objects.Page(items=items, cursor=str(after) if after < total else "", total=total)


def edit_from(body: dict[str, Any]) -> Edit:
    """The edit that a body asks for; raises `InvalidFields` with every problem."""
    values = {name: value for name, value in body.items() if name not in {"revision", "indices", "filter"}}
    problems: list[Problem] = []
    change = _checked(lambda: parse_spec(Change, values), problems, "")
    if ("indices" in body) == ("filter" in body):
        problems.append(Problem("indices", "Name the samples by indices, or all that a filter finds.", "required"))
    elif "filter" in body:
        wanted = body["filter"] if isinstance(body["filter"], dict) else {"": body["filter"]}
        chosen: Any = _checked(lambda: parse_spec(SampleFilter, wanted), problems, "filter.")
    else:
        chosen = _checked(lambda: _indices(body["indices"]), problems, "")
    if problems:
        raise InvalidFields(problems)
    return Edit(change, chosen)


def _checked(parse: Callable[[], Any], problems: list[Problem], prefix: str) -> Any:
    try:
        return parse()
    except InvalidFields as error:
        problems += [Problem(prefix + each.field, each.message, each.code) for each in error.problems]
        return None


def _indices(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(each) is int and 0 <= each < 2**31 for each in value):
        raise InvalidFields([Problem("indices", "Indices are a list of whole numbers from 0 on.", "type")])
    if len(value) > MAX_CHOSEN:
        text = f"These are {len(value):,} indices; at most {MAX_CHOSEN:,} are allowed: say it by a filter."
        raise InvalidFields([Problem("indices", text, "length")])
    return tuple(value)


def asked_revision(body: dict[str, Any]) -> str:
    """The revision that a body says it is asked for on; raises `InvalidFields`."""
    revision = body.get("revision")
    if not isinstance(revision, str) or not revision:
        text = "Name the revision that this is asked for on, as the dataset's `revision` has it."
        raise InvalidFields([Problem("revision", text, "required")])
    return revision


async def _turn(name: str, request: Request, caller: Actor, services: Services, turn: Turn) -> objects.Revision:
    dataset = await run_in_threadpool(services.revisions.editable, caller, name)
    on = asked_revision(await json_object(request))
    chosen = await run_in_threadpool(turn, caller, dataset.id, on=on)
    return await run_in_threadpool(_shown, services, caller, dataset, chosen)


def _shown(services: Services, caller: Actor, dataset: Dataset, revision: Revision) -> objects.Revision:
    return present.revision(services.datasets.named.get(caller, dataset.id), revision)
