"""The pages that look inside networks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, Response

from tenfold.core.numerals import whole_number
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow, is_led_here
from tenfold.interfaces.web.presenters.inside import inside_of_model, inside_of_run, look_view
from tenfold.interfaces.web.routes.named import moved
from tenfold.interfaces.web.site import SiteNow, lead
from tenfold.interfaces.web.views.frame import Link
from tenfold.interfaces.web.views.inside import InsidePage, LookView
from tenfold.services.inside import Looked

router = APIRouter(include_in_schema=False)


@router.get("/runs/{name}/inside", dependencies=[Depends(Access("classify"))])
def show_run(name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """A checkpoint of a run, with a sample of its dataset."""
    run = services.runs.named.get(caller, name)
    led = moved("runs", run, name, "")
    if led is not None:
        return lead(f"{led.headers['location']}/inside")
    page = inside_of_run(services, caller, run, _asked(request), problem=_no_number(request))
    return site.show(request, page, status=422 if _no_number(request) else 200)


@router.get("/models/{name}/inside", dependencies=[Depends(Access("classify"))])
def show_model(name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """A model, with a sample of its dataset."""
    model = services.models.named.get(caller, name)
    led = moved("models", model, name, "")
    if led is not None:
        return lead(f"{led.headers['location']}/inside")
    page = inside_of_model(services, caller, model, _asked(request), problem=_no_number(request))
    return site.show(request, page, status=422 if _no_number(request) else 200)


@router.post("/runs/{name}/inside", dependencies=[Depends(Access("classify"))])
async def look_into_run(
    name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow
) -> Response:
    """A checkpoint of a run, with a picture that was sent; it is kept as long as what is seen of it."""
    content, file = await _sent(request)
    step = whole_number(request.query_params.get("step", ""))

    def look() -> Response:
        run = services.runs.named.get(caller, name)
        page = inside_of_run(services, caller, run, Looked(picture=content, step=step), file=file)
        return site.show(request, page, status=422 if page.look.problem else 200)

    return await run_in_threadpool(look)


@router.post("/models/{name}/inside", dependencies=[Depends(Access("classify"))])
async def look_into_model(
    name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow
) -> Response:
    """A model, with a picture that was sent; it is kept as long as what is seen of it."""
    content, file = await _sent(request)

    def look() -> Response:
        model = services.models.named.get(caller, name)
        page = inside_of_model(services, caller, model, Looked(picture=content), file=file)
        return site.show(request, page, status=422 if page.look.problem else 200)

    return await run_in_threadpool(look)


@router.get("/insides/{id}/layers", dependencies=[Depends(Access("classify"))])
def more_layers(
    id: str,
    caller: CallerNow,
    services: ServicesNow,
    site: SiteNow,
    after: Annotated[int, Query(ge=0)] = 0,
) -> HTMLResponse:
    """The layers that were seen since, and where to ask for those that follow."""
    return HTMLResponse(site.part(_only(look_view(services.inside.look(caller, id), after=after)), "layers"))


def _only(look: LookView) -> InsidePage:
    """A page that is shown for its layers alone."""
    return InsidePage(kind="models", of=Link(text="", url=""), url="", look=look)


def _asked(request: Request) -> Looked | None:
    """What is asked for; nothing where a link of another site led here, which shall set nothing to work."""
    if is_led_here(request):
        return None
    asked = request.query_params
    return Looked(sample=whole_number(asked.get("sample", "")), step=whole_number(asked.get("step", "")))


def _no_number(request: Request) -> str:
    """What is asked for by something else than a number, in words; empty where nothing is."""
    for name in ("sample", "step"):
        written = request.query_params.get(name, "")
        if written and whole_number(written) is None:
            return f"The {name} is “{written[:40]}”: write a whole number from 0."
    return ""


async def _sent(request: Request) -> tuple[bytes, str]:
    async with request.form(max_fields=1, max_files=1) as form:
        file = form.get("file")
        if isinstance(file, UploadFile):
            return await file.read(), file.filename or "picture"
    return b"", ""
