"""Home, the queue, the trash, the page of all places, and the page of components."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from tenfold.core.repository import Query
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters import home
from tenfold.interfaces.web.presenters.frame import CHANGES, NamedKind, moment
from tenfold.interfaces.web.site import SiteNow
from tenfold.interfaces.web.views.components import example_page
from tenfold.interfaces.web.views.settings import MorePage, TrashPage, TrashRow
from tenfold.services.named import TRASH_DAYS, NamedThings

router = APIRouter(include_in_schema=False)
DAY_S = 86_400
MAX_TRASH = 200


@router.get("/", dependencies=[Depends(Access("read"))])
def show_home(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """What runs, what waits, what finished."""
    return site.show(request, home.home_page(services, caller, site.now()))


@router.get("/queue", dependencies=[Depends(Access("read"))])
def show_queue(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """What runs and what waits, in order."""
    return site.show(request, home.queue_page(services, caller))


@router.get("/more", dependencies=[Depends(Access("read"))])
def show_more(request: Request, site: SiteNow) -> Response:
    """The places that a phone's bar has no room for."""
    return site.show(request, MorePage())


@router.get("/-/components", dependencies=[Depends(Access("read"))])
def show_components(request: Request, site: SiteNow) -> Response:
    """Every part in all its states."""
    return site.show(request, example_page(site.now()))


@router.get("/trash", dependencies=[Depends(Access("read"))])
def show_trash(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """What was deleted and can be had back."""
    now = site.now().timestamp()
    rows = []
    for kind, named in _kinds(services).items():
        for thing in named.page(caller, Query(trashed=True, limit=MAX_TRASH)).items:
            deleted_at = thing.trashed_at or now
            rows.append(
                TrashRow(
                    id=thing.id,
                    kind=kind.removesuffix("s"),
                    name=thing.name,
                    deleted_at=moment(deleted_at),
                    kept_days=max(0, TRASH_DAYS - int((now - deleted_at) / DAY_S)),
                    restore_url=f"/trash/{kind}/{thing.id}/restore"
                    if caller.may(CHANGES[kind], owner=thing.owner)
                    else "",
                )
            )
    rows.sort(key=lambda row: row.deleted_at, reverse=True)
    return site.show(request, TrashPage(rows=tuple(rows), kept_days=TRASH_DAYS))


def _kinds(services: Services) -> dict[NamedKind, NamedThings[Any]]:
    return {
        "datasets": services.datasets.named,
        "networks": services.networks.named,
        "runs": services.runs.named,
        "models": services.models.named,
    }
