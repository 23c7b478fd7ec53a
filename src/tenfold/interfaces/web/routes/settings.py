"""Settings: one's own password and browser, tokens, people."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from tenfold.core.errors import Busy, Conflict, Forbidden, InvalidFields, NameTaken, TenfoldError
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.web.presenters import settings
from tenfold.interfaces.web.routes.entry import set_session
from tenfold.interfaces.web.site import LETTERS_COOKIE, THEME_COOKIE, YEAR_S, FormNow, SiteNow, lead

router = APIRouter(include_in_schema=False)
PEOPLE = "/settings?tab=people"
LOOKS = {
    "theme": (THEME_COOKIE, ("system", "light", "dark")),
    "letters": (LETTERS_COOKIE, ("on", "off")),
}
REFUSED = (InvalidFields, Conflict, Forbidden, Busy)


@router.get("/settings", dependencies=[Depends(Access("account.self"))])
def show_settings(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, tab: str = "") -> Response:
    """Settings at a tab."""
    return site.show(request, settings.settings_page(services, caller, tab))


@router.post("/settings/password", dependencies=[Depends(Access("account.self"))])
def set_own_password(
    request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow
) -> Response:
    """Sets one's own password; other browsers are signed out, this one stays."""
    if form.get("password") != form.get("again"):
        page = settings.refused(services, caller, "you", "password", {}, {"again": "This is another password."})
        return site.show(request, page, status=422)
    try:
        services.accounts.set_password(caller, caller.user, form.get("password", ""), current=form.get("current", ""))
    except REFUSED as error:
        problems = _problems(error, "current" if isinstance(error, Forbidden | Busy) else "password")
        page = settings.refused(services, caller, "you", "password", {}, problems)
        return site.show(request, page, status=422)
    response = lead("/settings", "The password is set. Other browsers are signed out.")
    set_session(request, response, services.accounts.open_session(caller.user))
    return response


@router.post("/settings/browser", dependencies=[Depends(Access("account.self"))])
def set_browser(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow) -> Response:
    """Keeps what this browser shall look like, in the browser."""
    problems = {
        name: f"It is {form.get(name, '')!r}; allowed is {', '.join(allowed)}."
        for name, (_, allowed) in LOOKS.items()
        if form.get(name) not in allowed
    }
    if problems:
        page = settings.refused(services, caller, "you", "browser", form, problems)
        return site.show(request, page, status=422)
    response = lead("/settings", "Saved for this browser.")
    for name, (cookie, _) in LOOKS.items():
        response.set_cookie(cookie, form[name], max_age=YEAR_S, samesite="lax")
    return response


@router.post("/settings/tokens", dependencies=[Depends(Access("account.self"))])
def create_token(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow) -> Response:
    """Makes a token and shows its secret this once."""
    try:
        _, secret = services.accounts.create_token(caller, form.get("name", ""), form.get("scope", "read"))
    except REFUSED as error:
        page = settings.refused(services, caller, "tokens", "token", form, _problems(error, "name"))
        return site.show(request, page, status=status_of(error))
    return site.show(request, settings.settings_page(services, caller, "tokens", new_secret=secret))


@router.post("/settings/tokens/{id}/revoke", dependencies=[Depends(Access("account.self"))])
def revoke_token(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Ends a token."""
    token = services.accounts.revoke_token(caller, id)
    return lead("/settings?tab=tokens", f"The token {token.name} is revoked.")


@router.post("/settings/people", dependencies=[Depends(Access("user.manage"))])
def add_person(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow) -> Response:
    """Adds an account."""
    try:
        services.accounts.add_user(
            caller,
            form.get("name", ""),
            role=form.get("role", ""),
            password=form.get("password", ""),
            run_code=form.get("run_code") == "true",
        )
    except REFUSED as error:
        kept = {name: value for name, value in form.items() if name != "password"}
        page = settings.refused(services, caller, "people", "person", kept, _problems(error, "name"))
        return site.show(request, page, status=status_of(error))
    return lead(PEOPLE, f"{form['name']} can sign in now.")


@router.post("/settings/people/{id}/disable", dependencies=[Depends(Access("user.manage"))])
def disable_person(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Locks somebody out at once."""
    return lead(PEOPLE, f"{services.accounts.set_disabled(caller, id, True).name} is disabled and signed out.")


@router.post("/settings/people/{id}/enable", dependencies=[Depends(Access("user.manage"))])
def enable_person(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Lets somebody in again."""
    return lead(PEOPLE, f"{services.accounts.set_disabled(caller, id, False).name} can sign in again.")


@router.post("/settings/people/{id}/allow-code", dependencies=[Depends(Access("user.manage"))])
def allow_code(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Lets somebody run own Python code."""
    return lead(PEOPLE, f"{services.accounts.set_run_code(caller, id, True).name} may run own Python code.")


@router.post("/settings/people/{id}/refuse-code", dependencies=[Depends(Access("user.manage"))])
def refuse_code(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Takes that right away."""
    user = services.accounts.set_run_code(caller, id, False)
    return lead(
        PEOPLE, f"{user.name} may no longer run own Python code; runs and inspections of theirs that do are ended."
    )


@router.post("/settings/people/{id}/password", dependencies=[Depends(Access("user.manage"))])
def reset_password(
    id: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow
) -> Response:
    """Gives somebody a new password."""
    try:
        user = services.accounts.set_password(caller, id, form.get("password", ""))
    except InvalidFields as error:
        page = settings.refused(services, caller, "people", f"reset-{id}", {}, _problems(error, "password"))
        return site.show(request, page, status=status_of(error))
    return lead(PEOPLE, f"{user.name} has a new password.")


def _problems(error: TenfoldError, field: str) -> dict[str, str]:
    """What is wrong by field; a sentence without a field of its own stands at `field`."""
    if isinstance(error, InvalidFields):
        return {problem.field: problem.message for problem in error.problems}
    return {"name" if isinstance(error, NameTaken) else field: error.message}
