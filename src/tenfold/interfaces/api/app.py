"""The web application: the gate, the REST API and the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fastapi import FastAPI
from starlette.types import ASGIApp

from tenfold.interfaces.api.access import seal
from tenfold.interfaces.api.gate import Gate
from tenfold.interfaces.api.problems import handle_errors
from tenfold.interfaces.api.routes import (
    accounts,
    checkups,
    datasets,
    environments,
    exports,
    inside,
    live,
    models,
    networks,
    revisions,
    runs,
    uploads,
)
from tenfold.interfaces.services import Services

PUBLIC_PATHS = ("/healthz", "/static/", "/sign-in", "/link/")
AddPages = Callable[[FastAPI], None]


def create_app(services: Services, *, local_secret: str, hosts: Iterable[str], add_pages: AddPages) -> ASGIApp:
    """The application over these services.

    `local_secret` is the owner's own key for this life of the server; `hosts` are the names it answers to.
    """
    app = FastAPI(title="Tenfold", version=services.version, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.services = services
    handle_errors(app)
    for module in (
        datasets,
        uploads,
        exports,
        revisions,
        checkups,
        runs,
        inside,
        models,
        networks,
        accounts,
        environments,
        live,
    ):
        app.include_router(module.router, prefix="/api/v1")
    app.include_router(live.health)
    add_pages(app)
    seal(app)
    return Gate(app, accounts=services.accounts, local=(local_secret, services.owner), hosts=hosts, public=PUBLIC_PATHS)
