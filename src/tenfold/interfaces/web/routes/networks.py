"""The pages of networks."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from tenfold.core.accounts.policy import Actor
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.network import NamedText, Network
from tenfold.core.repository import Query
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters import network_page, networks, python_network
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.routes.named import change_about, moved, put_in_trash
from tenfold.interfaces.web.site import FormNow, SiteNow, lead
from tenfold.interfaces.web.views.frame import AboutForm, Page
from tenfold.interfaces.web.views.networks import NetworksPage

router = APIRouter(include_in_schema=False)
PAGE = 50


@router.get("/networks", dependencies=[Depends(Access("read"))])
def list_networks(
    request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, search: str = "", cursor: str = ""
) -> Response:
    """The newest that people keep, then the catalogue."""
    found = services.networks.page(caller, Query(search=search, cursor=cursor, limit=PAGE))
    next_url = f"/networks?{urlencode({'search': search, 'cursor': found.cursor})}" if found.cursor else ""
    page = NetworksPage(
        rows=tuple(networks.network_row(services, caller, each) for each in services.networks.texts(caller, found)),
        new_url="/networks/new" if caller.may("network.create") else "",
        search=search,
        next_url=next_url,
    )
    return site.show(request, page)


@router.get("/networks/{name}", dependencies=[Depends(Access("read"))])
def show_network(name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """One network, `NAME@3` its third version; the address says which groups are open and which layer is chosen."""
    found = services.networks.find(caller, name)
    number = name.partition("@")[2]
    led = moved("networks", found.network, name) if found.network is not None and not number else None
    return led or site.show(request, _page(services, caller, found, name, request.query_params))


@router.post("/networks/{name}/about", dependencies=[Depends(Access("network.change"))])
def change_network(
    name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow
) -> Response:
    """Renames, notes or tags."""

    def refuse(network: Network, form: AboutForm) -> Response:
        found = services.networks.find(caller, network.id)
        page = _page(services, caller, found, network.name, {}, about_form=form)
        return site.show(request, page, status=422)

    return change_about(services.networks.named, caller, name, form, kind="networks", refuse=refuse)


@router.post("/networks/{name}/trash", dependencies=[Depends(Access("network.change"))])
def trash_network(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Puts it in the trash."""
    return put_in_trash(services.networks.named, caller, name, kind="networks")


@router.post("/trash/networks/{id}/restore", dependencies=[Depends(Access("network.change"))])
def restore_network(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Takes it out of the trash."""
    return lead(address("networks", services.networks.named.restore(caller, id).name))


def _page(
    services: Services,
    caller: Actor,
    found: NamedText,
    name: str,
    asked: Mapping[str, str],
    *,
    about_form: AboutForm | None = None,
) -> Page:
    """The page of a network in its language."""
    if is_python(found.text):
        return python_network.python_page(services, caller, found, name, asked, about_form=about_form)
    return network_page.network_page(services, caller, found, name, asked, about_form=about_form)
