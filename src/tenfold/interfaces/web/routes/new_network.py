"""The page that brings a network in from files: Caffe's, or a text in our own language."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import BadNetwork, InvalidFields, NameTaken
from tenfold.core.networks.network import Network
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.network_files import FILES, ImportForm, read_form
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.presenters.imported import new_network_page
from tenfold.interfaces.web.site import SiteNow, lead

router = APIRouter(include_in_schema=False)
OWN_SUFFIX = ".network"


@router.get("/networks/new", dependencies=[Depends(Access("network.create"))])
def show_new_network(request: Request, site: SiteNow) -> Response:
    """The form for files."""
    return site.show(request, new_network_page({}))


@router.post("/networks/new", dependencies=[Depends(Access("network.create"))])
async def create_network(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """Takes the files; what is wrong comes back with the form."""
    async with request.form(max_files=len(FILES), max_fields=20) as form:
        typed = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            made = await run_in_threadpool(_made, services, caller, read_form(form))
        except (InvalidFields, BadNetwork, NameTaken) as error:
            return site.show(request, new_network_page(typed, error=error), status=status_of(error))
    return lead(address("networks", made.name))


def _made(services: Services, caller: Actor, sent: ImportForm) -> Network:
    file, name = sent.files.network, sent.name or None
    if file.name.casefold().endswith(OWN_SUFFIX) and sent.files.weights is None:  # it may have mistakes: a draft
        return services.networks.create(caller, name, bytes(file.content).decode("utf-8", "replace"))
    given = {field: value for field, value in sent.values.items() if value != ""}
    return services.network_imports.import_files(caller, sent.files, given, name=name)
