"""Runs and the queue over REST."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool

from tenfold.core.errors import InvalidFields, Problem
from tenfold.interfaces.api import present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.bodies import JsonBody, described, json_object
from tenfold.interfaces.api.lists import ListQuery
from tenfold.interfaces.api.routes.datasets import change
from tenfold.interfaces.schemas import objects
from tenfold.interfaces.schemas.requests import run_request

router = APIRouter(tags=["runs"])


@router.get("/runs", dependencies=[Depends(Access("read"))])
def list_runs(query: ListQuery, caller: CallerNow, services: ServicesNow) -> objects.Page[objects.Run]:
    """All runs, newest first."""
    found = services.runs.named.page(caller, query)
    return objects.Page(**present.page(found, [present.run(item) for item in found.items]))


@router.post(
    "/runs", status_code=201, dependencies=[Depends(Access("run.start"))], openapi_extra=described(run_request())
)
async def start_run(
    request: Request,
    caller: CallerNow,
    services: ServicesNow,
    idempotency_key: Annotated[str, Header(max_length=200)] = "",
) -> objects.Run:
    """Submits a run. The answer 201 means that it is stored and survives whatever happens to the server."""
    values, parameters = await _asked(request)
    return present.run(await run_in_threadpool(services.runs.start, caller, values, parameters, key=idempotency_key))


@router.post("/runs/preflight", dependencies=[Depends(Access("run.start"))], openapi_extra=described(run_request()))
async def check_run(
    request: Request,
    caller: CallerNow,
    services: ServicesNow,
    probe: Annotated[bool, Query(description="Whether a few steps are tried; ask again until they are over.")] = True,
) -> objects.Forecast:
    """Says what a run would take, without submitting it; another question of the caller ends the probe of the last."""
    values, parameters = await _asked(request)
    return present.forecast(await run_in_threadpool(services.runs.preflight, caller, values, parameters, probe=probe))


@router.get("/runs/{name}", dependencies=[Depends(Access("read"))])
def show_run(name: str, caller: CallerNow, services: ServicesNow) -> objects.Run:
    """One run."""
    found = services.runs.named.get(caller, name)
    return present.run(found, services.runs.named.used_by(caller, found))


@router.patch(
    "/runs/{name}",
    dependencies=[Depends(Access("run.change"))],
    openapi_extra=described(objects.Change.model_json_schema()),
)
def change_run(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    body: Annotated[objects.Change, Depends(JsonBody(objects.Change))],
) -> objects.Run:
    """Renames, notes or tags."""
    return present.run(change(services.runs.named, caller, name, body))


@router.delete("/runs/{name}", dependencies=[Depends(Access("run.change"))])
def trash_run(name: str, caller: CallerNow, services: ServicesNow) -> objects.Run:
    """Puts it in the trash; its model stays."""
    return present.run(services.runs.named.trash(caller, name))


@router.post("/runs/{name}/restore", dependencies=[Depends(Access("run.change"))])
def restore_run(name: str, caller: CallerNow, services: ServicesNow) -> objects.Run:
    """Takes it out of the trash; `name` is its id."""
    return present.run(services.runs.named.restore(caller, name))


@router.post("/runs/{name}/stop", dependencies=[Depends(Access("run.change"))])
def stop_run(name: str, caller: CallerNow, services: ServicesNow) -> objects.Run:
    """Stops it at the next step; the best model so far is kept."""
    return present.run(services.runs.stop(caller, name))


@router.post("/runs/{name}/resume", dependencies=[Depends(Access("run.change"))])
def resume_run(name: str, caller: CallerNow, services: ServicesNow) -> objects.Run:
    """Lets it go on from its newest checkpoint."""
    return present.run(services.runs.resume(caller, name))


@router.get("/runs/{name}/metrics", dependencies=[Depends(Access("read"))])
def show_metrics(name: str, caller: CallerNow, services: ServicesNow) -> objects.History:
    """Its metric series, thinned to 400 points each."""
    return objects.History(series=services.runs.history(caller, name))


@router.get("/runs/{name}/log", dependencies=[Depends(Access("read"))])
def show_log(name: str, caller: CallerNow, services: ServicesNow) -> list[objects.LogLine]:
    """What it told people, oldest first."""
    lines = services.runs.log(caller, name)
    return [objects.LogLine(at=line.at, level=line.level, text=line.text) for line in lines]


@router.get("/jobs", dependencies=[Depends(Access("read"))])
def list_jobs(caller: CallerNow, services: ServicesNow) -> list[objects.Job]:
    """The queue: what waits or runs, in order."""
    return [present.job(job, services.subject_name(caller, job)) for job in services.desk.queue()]


@router.post("/jobs/warm", status_code=202, dependencies=[Depends(Access("run.start"))])
def warm_up(services: ServicesNow) -> dict[str, object]:
    """Makes the next start quick."""
    services.desk.warm()
    return dict(services.desk.executor_facts())


async def _asked(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of a run, and the parameters of its network."""
    body = await json_object(request)
    parameters = body.pop("parameters", {})
    if not isinstance(parameters, dict):
        text = f'Network parameters are an object, as in {{"width1": 32}}, not {type(parameters).__name__}.'
        raise InvalidFields([Problem("parameters", text, "type")])
    return body, parameters
