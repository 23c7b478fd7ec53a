"""Coming in and going out: the printed link, the cookie."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import RedirectResponse, Response

from tenfold.interfaces.api.access import Public, ServicesNow
from tenfold.interfaces.api.gate import COOKIE
from tenfold.services.accounts import SESSION_S

router = APIRouter(include_in_schema=False)


def add_pages(app: FastAPI) -> None:
    """Adds the pages to the application."""
    app.include_router(router)


@router.get("/link/{secret}", dependencies=[Depends(Public())])
def follow_link(secret: str, request: Request, services: ServicesNow) -> Response:
    """Signs the browser in, once, and leads to the first page."""
    response = RedirectResponse("/", 303)
    set_session(request, response, services.accounts.follow_link(secret))
    return response


def set_session(request: Request, response: Response, secret: str) -> None:
    """Gives the browser its session; over TLS the cookie is bound to TLS."""
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, secret, max_age=SESSION_S, httponly=True, samesite="lax", secure=secure)
