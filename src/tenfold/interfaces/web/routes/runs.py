"""The pages of runs."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from tenfold.core.errors import BadNetwork, Conflict, InvalidFields, NameTaken, Problem, TenfoldError, Unavailable
from tenfold.core.repository import Query
from tenfold.core.training.run import Run
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow, is_led_here
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.web.presenters import new_run, runs
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.presenters.preflight import forecast_view
from tenfold.interfaces.web.routes.named import change_about, moved, put_in_trash
from tenfold.interfaces.web.site import FormNow, SiteNow, lead
from tenfold.interfaces.web.views.frame import AboutForm
from tenfold.interfaces.web.views.runs import RunsPage

router = APIRouter(include_in_schema=False)
PAGE = 100
PLACE = re.compile(r": \d+:\d+ ")  # line and column of a network text, which the form does not show


@router.get("/runs", dependencies=[Depends(Access("read"))])
def list_runs(
    request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, search: str = "", cursor: str = ""
) -> Response:
    """All runs, newest first."""
    found = services.runs.named.page(caller, Query(search=search, cursor=cursor, limit=PAGE))
    next_url = f"/runs?{urlencode({'search': search, 'cursor': found.cursor})}" if found.cursor else ""
    page = RunsPage(
        rows=tuple(runs.run_row(services, caller, run) for run in found.items),
        num_runs=found.total,
        search=search,
        next_url=next_url,
        can_edit=caller.may("run.start"),
    )
    return site.show(request, page)


@router.get("/runs/new", dependencies=[Depends(Access("run.start"))])
def show_new_run(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """The form for a run, filled from the address; `like` begins from another run."""
    typed = dict(request.query_params)
    level = typed.pop("level", "common")
    like = typed.pop("like", "")
    if like:
        typed = {**new_run.values_like(services.runs.named.get(caller, like)), **typed}
    is_own = not is_led_here(request)
    if is_own:
        services.desk.warm()
    return site.show(request, new_run.new_run_page(services, caller, typed, level=level, probe=is_own))


@router.post("/runs/new", dependencies=[Depends(Access("run.start"))])
def start_run(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow) -> Response:
    """Submits the form; what is wrong comes back with it."""
    level = form.pop("level", "common")
    values, parameters = new_run.split_parameters(form)
    try:
        run = services.runs.start(caller, values, parameters)
    except (InvalidFields, BadNetwork, Conflict, Unavailable) as error:
        page = new_run.new_run_page(services, caller, form, level=level, problems=_problems(error))
        return site.show(request, page, status=status_of(error))
    return lead(address("runs", run.name))


@router.post("/runs/new/check", dependencies=[Depends(Access("run.start"))])
def check_field(caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow, field: str = "") -> Response:
    """One field as it stands after a person left it."""
    return HTMLResponse(site.field(new_run.check_field(services, caller, form, field)))


@router.post("/runs/new/preflight", dependencies=[Depends(Access("run.start"))])
def show_forecast(caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow) -> Response:
    """What the run would take as the form stands."""
    typed = {name: value for name, value in form.items() if name != "level"}
    return HTMLResponse(site.preflight(forecast_view(services, caller, typed)))


@router.get("/runs/{name}", dependencies=[Depends(Access("read"))])
def show_run(name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """One run."""
    found = services.runs.named.get(caller, name)
    return moved("runs", found, name) or site.show(request, runs.run_page(services, caller, found))


@router.post("/runs/{name}/about", dependencies=[Depends(Access("run.change"))])
def change_run(
    name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow
) -> Response:
    """Renames, notes or tags."""

    def refuse(run: Run, form: AboutForm) -> Response:
        return site.show(request, runs.run_page(services, caller, run, about_form=form), status=422)

    return change_about(services.runs.named, caller, name, form, kind="runs", refuse=refuse)


@router.post("/runs/{name}/trash", dependencies=[Depends(Access("run.change"))])
def trash_run(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Puts it in the trash; its model stays."""
    return put_in_trash(services.runs.named, caller, name, kind="runs")


@router.post("/trash/runs/{id}/restore", dependencies=[Depends(Access("run.change"))])
def restore_run(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Takes it out of the trash."""
    return lead(address("runs", services.runs.named.restore(caller, id).name))


@router.post("/runs/{name}/stop", dependencies=[Depends(Access("run.change"))])
def stop_run(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Stops it; the best model so far is kept."""
    return lead(address("runs", services.runs.stop(caller, name).name))


@router.post("/runs/{name}/resume", dependencies=[Depends(Access("run.change"))])
def resume_run(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Lets it go on from its newest checkpoint."""
    return lead(address("runs", services.runs.resume(caller, name).name))


def _problems(error: TenfoldError) -> tuple[Problem, ...]:
    """What is wrong, beside the field that causes it."""
    if isinstance(error, InvalidFields):
        return error.problems
    field = "network" if isinstance(error, BadNetwork) else "name" if isinstance(error, NameTaken) else ""
    message = PLACE.sub(": ", error.message).replace("`", "") if isinstance(error, BadNetwork) else error.message
    return (Problem(field, message, error.code),)
