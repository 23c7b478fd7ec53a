"""The pages of networks."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.web.presenters import networks
from tenfold.interfaces.web.site import SiteNow
from tenfold.interfaces.web.views.networks import NetworksPage

router = APIRouter(include_in_schema=False)


@router.get("/networks", dependencies=[Depends(Access("read"))])
def list_networks(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """All networks."""
    entries = services.networks.entries(caller)
    return site.show(
        request, NetworksPage(rows=tuple(networks.network_row(services, caller, entry) for entry in entries))
    )


@router.get("/networks/{name}", dependencies=[Depends(Access("read"))])
def show_network(name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """One network."""
    return site.show(request, networks.network_page(services, caller, services.networks.get(caller, name)))
