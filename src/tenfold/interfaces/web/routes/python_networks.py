"""What the page of a network of Python does: save its source, have it inspected, and hear what came of that."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from tenfold.core.errors import Changed, Invalid
from tenfold.core.networks.custom import is_python
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.presenters.python_network import python_page
from tenfold.interfaces.web.site import FormNow, SiteNow, lead
from tenfold.services.inspections import Wish

router = APIRouter(include_in_schema=False)


@router.post("/networks/{name}/inspect", dependencies=[Depends(Access("network.create"))])
def inspect(name: str, caller: CallerNow, services: ServicesNow, form: FormNow) -> Response:
    """Has a worker execute the source, on the pictures of a dataset where one is named."""
    dataset = form.get("dataset", "")
    services.inspections.ask(caller, name, Wish(dataset=dataset))
    query = f"?{urlencode({'dataset': dataset})}" if dataset else ""
    return lead(f"{address('networks', name)}{query}#found")


@router.get("/networks/{name}/inspection", dependencies=[Depends(Access("read"))])
def hear(name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """The part of the page that tells how the inspection stands; when it is over, the whole page is to be loaded."""
    entry = services.networks.find(caller, name)
    if not is_python(entry.text):
        return lead(address("networks", name))
    page = python_page(services, caller, entry, name, request.query_params)
    is_over = not page.inspection.more_url
    return HTMLResponse(site.part(page, "found"), headers={"HX-Refresh": "true"} if is_over else {})


@router.post("/networks/{name}/source", dependencies=[Depends(Access("network.change"))])
def save(
    name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow
) -> Response:
    """Keeps the source as the next version and has it inspected; what is refused comes back as it was typed."""
    text = form.get("text", "")
    try:
        services.networks.save(caller, name, text, on=form.get("current", ""))
    except (Invalid, Changed) as error:
        entry = services.networks.find(caller, name)
        if not is_python(entry.text):
            raise
        page = python_page(services, caller, entry, name, {}, refused=(text, error.message))
        return site.show(request, page, status=status_of(error))
    if is_python(services.networks.find(caller, name).text):
        services.inspections.ask(caller, name, Wish())
    return lead(f"{address('networks', name)}#found")
