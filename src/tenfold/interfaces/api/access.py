"""What a route asks of its caller. A route that asks nothing does not start: see `seal`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount

from tenfold.core.accounts.policy import POLICY, Actor
from tenfold.core.errors import Unauthenticated
from tenfold.interfaces.services import Services


class Access:
    """A dependency: the caller may do this."""

    def __init__(self, action: str) -> None:
        assert action in POLICY, f"{action} is not in the policy table"
        self.action = action

    def __call__(self, request: Request) -> None:
        caller(request).require(self.action)


class Public:
    """A dependency that says: anybody, also nobody."""

    def __call__(self) -> None:
        return None


def caller(request: Request) -> Actor:
    """Who asks; the gate has found out."""
    actor = request.state.actor
    if not isinstance(actor, Actor):
        raise Unauthenticated
    return actor


async def is_still_let_in(request: Request, action: str) -> bool:
    """Whether whoever began a long answer may go on reading it: the account, session or token may have ended since."""
    try:
        actor = await request.state.look_again()
    except Unauthenticated:
        return False
    return isinstance(actor, Actor) and actor.may(action)


def is_led_here(request: Request) -> bool:
    """Whether a page of another site leads here: then an address is shown, but nothing is set to work."""
    return bool(request.state.is_foreign)


def services_of(request: Request) -> Services:
    """The services of this application."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


CallerNow = Annotated[Actor, Depends(caller)]
ServicesNow = Annotated[Services, Depends(services_of)]


def seal(app: FastAPI) -> None:
    """Raises `AssertionError` if a route has not said whom it serves, or a mount is not one of static files."""
    for route in all_routes(app.routes):
        if isinstance(route, Mount):
            assert route.name == "static", f"{route.path} is mounted outside the policy"
            continue
        assert isinstance(route, APIRoute), f"{route} is no route that can say whom it serves"
        said = [each for each in route.dependencies if isinstance(each.dependency, Access | Public)]
        assert said, f"{route.path} does not say whom it serves"


def all_routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Every route, those of included routers among them (newer FastAPI keeps these as they are)."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from all_routes(included.routes)
        else:
            yield route
