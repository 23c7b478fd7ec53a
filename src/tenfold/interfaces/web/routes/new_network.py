"""The page that brings a network in: from Caffe's files, from a text in our own language, or as Python."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import BadNetwork, InvalidFields, NameTaken
from tenfold.core.names import clean_name
from tenfold.core.networks.custom import as_python
from tenfold.core.networks.network import Network
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.network_files import FILES, ImportForm, read_form
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.presenters.imported import new_network_page
from tenfold.interfaces.web.site import FormNow, SiteNow, lead
from tenfold.interfaces.web.views.new_network import NewNetworkPage
from tenfold.services.inspections import Wish

router = APIRouter(include_in_schema=False)
OWN_SUFFIX, PYTHON_SUFFIX = ".network", ".py"
Refusal = InvalidFields | BadNetwork | NameTaken


@router.get("/networks/new", dependencies=[Depends(Access("network.create"))])
def show_new_network(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """The form for files."""
    return site.show(request, _page(services, caller, {}))


@router.post("/networks/new", dependencies=[Depends(Access("network.create"))])
async def create_network(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """Takes the files; what is wrong comes back with the form."""
    async with request.form(max_files=len(FILES), max_fields=20) as form:
        typed = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            made = await run_in_threadpool(_made, services, caller, read_form(form))
        except (InvalidFields, BadNetwork, NameTaken) as error:
            return site.show(request, _page(services, caller, typed, error), status=status_of(error))
    return lead(address("networks", made.name))


@router.post("/networks/-/python", dependencies=[Depends(Access("network.create"))])
def create_python(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow) -> Response:
    """Keeps a source that was typed and has it inspected; what is wrong comes back with the form."""
    try:
        made = _kept_python(services, caller, form.get("name") or None, form.get("text", ""))
    except (InvalidFields, BadNetwork, NameTaken) as error:
        return site.show(request, _page(services, caller, form, error), status=status_of(error))
    return lead(f"{address('networks', made.name)}#found")


def _made(services: Services, caller: Actor, sent: ImportForm) -> Network:
    file, name = sent.files.network, sent.name or None
    kind = file.name.casefold()
    if kind.endswith(OWN_SUFFIX) and sent.files.weights is None:  # it may have mistakes: a draft
        return services.networks.create(caller, name, bytes(file.content).decode("utf-8", "replace"))
    if kind.endswith(PYTHON_SUFFIX):
        wish = clean_name(file.name[: -len(PYTHON_SUFFIX)], "network")
        text = bytes(file.content).decode("utf-8", "replace")
        return _kept_python(services, caller, name or services.networks.free_name(wish), text)
    given = {field: value for field, value in sent.values.items() if value != ""}
    return services.network_imports.import_files(caller, sent.files, given, name=name)


def _kept_python(services: Services, caller: Actor, name: str | None, text: str) -> Network:
    made = services.networks.create(caller, name, as_python(text))
    services.inspections.ask(caller, made.id, Wish())
    return made


def _page(services: Services, caller: Actor, typed: Mapping[str, str], error: Refusal | None = None) -> NewNetworkPage:
    confined = services.inspections.level(caller).says() if caller.run_code else ""
    return new_network_page(typed, error=error, confined=confined)
