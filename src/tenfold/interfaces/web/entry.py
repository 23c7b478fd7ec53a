"""The web door: adds the pages, their files and their error pages to the application."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from tenfold.core.errors import TenfoldError
from tenfold.interfaces.web.rendering import ASSETS_URL, BUILT
from tenfold.interfaces.web.routes import (
    datasets,
    doctor,
    edits,
    entry,
    home,
    inside,
    models,
    network_editor,
    networks,
    new_model,
    new_network,
    python_networks,
    runs,
    settings,
)
from tenfold.interfaces.web.site import Site, remember_place

NO_PAGES = ("/api/", "/v2/", "/healthz", ASSETS_URL)
Handler = Callable[[Request, Exception], Awaitable[Response]]


class BuiltFiles(StaticFiles):
    """Files with their content's hash in the name: they never change, so browsers may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def add_pages(app: FastAPI) -> Site:
    """Adds the pages to the application; raises `Unavailable` when scripts and styles are not built."""
    site = app.state.site = Site()
    for module in (
        *(entry, home, datasets, edits, doctor, runs, inside, new_model, models),
        *(network_editor, new_network, python_networks, networks, settings),
    ):
        app.include_router(module.router, dependencies=[Depends(remember_place)])
    app.mount(ASSETS_URL, BuiltFiles(directory=BUILT), name="static")
    for kind in (TenfoldError, RequestValidationError, HTTPException, Exception):
        handler: Any = app.exception_handlers[kind]
        app.add_exception_handler(kind, _as_page(site, handler))
    return site


def _as_page(site: Site, told: Handler) -> Handler:
    """Shows people a page with what programs are told as a problem document."""

    async def handle(request: Request, error: Exception) -> Response:
        response = await told(request, error)
        if request.url.path.startswith(NO_PAGES) or "text/html" not in request.headers.get("accept", ""):
            return response
        problem = json.loads(bytes(response.body))
        sentence, code = problem["detail"], problem["code"]
        return site.show_error(request, status=response.status_code, sentence=sentence, code=code)

    return handle
