"""The doctor of a dataset over REST: what a checkup found, asking for one, and mending."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from tenfold.interfaces.api import present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.bodies import described, json_object
from tenfold.interfaces.api.routes.revisions import asked_revision
from tenfold.interfaces.schemas import objects
from tenfold.interfaces.schemas.requests import label_search_request, turn_request

router = APIRouter(tags=["datasets"])


@router.get("/datasets/{name}/checkup", dependencies=[Depends(Access("read"))])
def show_checkup(name: str, caller: CallerNow, services: ServicesNow) -> objects.Checkup:
    """What is wrong with the current revision, worst first."""
    dataset = services.datasets.named.get(caller, name)
    return present.checkup(dataset, services.checkups.standing(caller, dataset))


@router.post("/datasets/{name}/checkup", status_code=202, dependencies=[Depends(Access("dataset.edit"))])
def start_checkup(
    name: str, caller: CallerNow, services: ServicesNow, model: Annotated[str, Query(max_length=200)] = ""
) -> objects.Checkup:
    """Looks for what is wrong with the current revision; the answer comes at once.

    With a `model`, by name or id, this judges labels and features.
    """
    standing = services.checkups.check(caller, name, model=model)
    return present.checkup(services.datasets.named.get(caller, name), standing)


@router.get("/datasets/{name}/judges", dependencies=[Depends(Access("read"))])
def list_judges(name: str, caller: CallerNow, services: ServicesNow) -> list[objects.Judge]:
    """The newest models that fit the current revision, and whether its pictures can be sorted by each by now."""
    dataset = services.datasets.named.get(caller, name)
    found = services.checkups.able_judges(caller, dataset) if dataset.state == "ready" else ()
    return [objects.Judge(id=model.id, name=model.name, has_judged=has_judged) for model, has_judged in found]


@router.post("/datasets/{name}/judge", status_code=202, dependencies=[Depends(Access("dataset.edit"))])
def start_judgement(
    name: str, caller: CallerNow, services: ServicesNow, model: Annotated[str, Query(max_length=200)] = ""
) -> objects.Checkup:
    """Lets a model judge the current revision, to sort its samples by; the answer comes at once.

    Findings stay those of the last checkup.
    """
    standing = services.checkups.judge(caller, name, model)
    return present.checkup(services.datasets.named.get(caller, name), standing)


@router.post(
    "/datasets/{name}/checkup/labels",
    status_code=202,
    dependencies=[Depends(Access("dataset.edit"))],
    openapi_extra=described(label_search_request()),
)
async def find_wrong_labels(name: str, request: Request, caller: CallerNow, services: ServicesNow) -> objects.Checkup:
    """Queues a run for each fold, and the checkup that they judge together once all are over."""
    dataset = await run_in_threadpool(services.revisions.editable, caller, name)
    body = await json_object(request)
    standing = await run_in_threadpool(services.checkups.find_wrong_labels, caller, dataset.id, body)
    return present.checkup(await run_in_threadpool(services.datasets.named.get, caller, dataset.id), standing)


@router.post("/datasets/{name}/checkup/stop", dependencies=[Depends(Access("dataset.edit"))])
def stop_checkup(name: str, caller: CallerNow, services: ServicesNow) -> objects.Checkup:
    """Stops the checkup that waits or runs."""
    standing = services.checkups.stop(caller, name)
    return present.checkup(services.datasets.named.get(caller, name), standing)


@router.post(
    "/datasets/{name}/findings/{code}/fix",
    status_code=201,
    dependencies=[Depends(Access("dataset.edit"))],
    openapi_extra=described(turn_request()),
)
async def fix_finding(
    name: str, code: str, request: Request, caller: CallerNow, services: ServicesNow
) -> objects.Revision:
    """Makes the revision that the finding's fix leads to; the one before stays."""
    dataset = await run_in_threadpool(services.revisions.editable, caller, name)
    on = asked_revision(await json_object(request))
    made = await run_in_threadpool(lambda: services.checkups.fix(caller, dataset.id, code, on=on))
    return present.revision(await run_in_threadpool(services.datasets.named.get, caller, dataset.id), made)
