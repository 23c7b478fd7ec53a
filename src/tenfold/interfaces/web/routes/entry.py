"""Coming in and going out: the printed link, name and password, the cookie."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from tenfold.core.errors import Busy, Unauthenticated
from tenfold.core.names import MAX_NAME_LENGTH
from tenfold.interfaces.api.access import Access, Public, ServicesNow
from tenfold.interfaces.api.gate import COOKIE
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.web.site import FormNow, SiteNow, lead, safe_target
from tenfold.interfaces.web.views.settings import SignInPage
from tenfold.services.accounts import SESSION_S

router = APIRouter(include_in_schema=False)


@router.get("/link/{secret}", dependencies=[Depends(Public())])
def follow_link(secret: str, request: Request, services: ServicesNow, site: SiteNow) -> Response:
    """Signs the browser in, once, and leads to the first page; whoever is in already just goes on."""
    try:
        session = services.accounts.follow_link(secret)
    except Unauthenticated as error:
        if request.state.actor is not None:
            return lead("/")
        page = SignInPage(problem=error.message, has_passwords=services.accounts.owner_has_password())
        return site.show(request, page, status=401)
    response = lead("/")
    set_session(request, response, session)
    return response


@router.get("/sign-in", dependencies=[Depends(Public())])
def show_sign_in(request: Request, services: ServicesNow, site: SiteNow, next: str = "/") -> Response:
    """Asks for name and password."""
    has_passwords = services.accounts.owner_has_password()
    return site.show(request, SignInPage(next_url=safe_target(next), has_passwords=has_passwords))


@router.post("/sign-in", dependencies=[Depends(Public())])
def sign_in(request: Request, services: ServicesNow, site: SiteNow, form: FormNow) -> Response:
    """Signs in and leads to where one wanted to go."""
    target = safe_target(form.get("next", "/"))
    try:
        session = services.accounts.sign_in(form.get("name", ""), form.get("password", ""), address=_address(request))
    except (Unauthenticated, Busy) as error:
        has_passwords = services.accounts.owner_has_password()
        name = form.get("name", "")[:MAX_NAME_LENGTH]
        page = SignInPage(next_url=target, name=name, problem=error.message, has_passwords=has_passwords)
        response = site.show(request, page, status=status_of(error))
        if isinstance(error, Busy):
            response.headers["retry-after"] = str(error.retry_after_s)
        return response
    response = lead(target)
    set_session(request, response, session)
    return response


@router.post("/sign-out", dependencies=[Depends(Access("account.self"))])
def sign_out(request: Request, services: ServicesNow) -> Response:
    """Ends the session of this browser."""
    services.accounts.sign_out(request.cookies.get(COOKIE, ""))
    response = lead("/sign-in")
    response.delete_cookie(COOKIE)
    return response


def set_session(request: Request, response: Response, secret: str) -> None:
    """Gives the browser its session; over TLS the cookie is bound to TLS."""
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, secret, max_age=SESSION_S, httponly=True, samesite="lax", secure=secure)


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""
