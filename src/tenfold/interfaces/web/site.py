"""What every page route needs: renderer, frame, forms, and sentences that survive a redirect."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tenfold.core.accounts.policy import Actor
from tenfold.interfaces.api.access import services_of
from tenfold.interfaces.web.presenters.frame import frame
from tenfold.interfaces.web.rendering import Renderer
from tenfold.interfaces.web.views.frame import Page, Toast
from tenfold.interfaces.web.views.settings import ErrorPage

THEME_COOKIE = "tenfold_theme"
LETTERS_COOKIE = "tenfold_letters"
TOAST_COOKIE = "tenfold_toast"
TOAST_S = 30
MAX_FORM_FIELDS = 300
UNDOING = ("/trash/", "/datasets/")  # where the button of a toast may lead
YEAR_S = 31_536_000


class Site:
    """The pages of one application."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self.now = now or (lambda: datetime.now(UTC))
        zone = datetime.now().astimezone().tzinfo or UTC
        self._renderer = Renderer(now=self.now, zone=zone)
        self.field = self._renderer.field
        self.part = self._renderer.part
        self.preflight = self._renderer.preflight
        self.warm = self._renderer.warm

    def show(self, request: Request, page: Page, *, status: int = 200) -> Response:
        """The page, or the one part of it that a script of ours asks for."""
        actor = request.state.actor
        said = toast_of(request)
        around = frame(
            services_of(request),
            actor if isinstance(actor, Actor) else None,
            theme=request.cookies.get(THEME_COOKIE, ""),
            letters=request.cookies.get(LETTERS_COOKIE, ""),
            toast=said,
            place=getattr(request.state, "place", ""),
        )
        wanted = request.headers.get("hx-target", "") if "hx-request" in request.headers else ""
        response = HTMLResponse(self._renderer.render(page, around, fragment=wanted), status)
        if said is not None and not wanted:
            response.delete_cookie(TOAST_COOKIE)
        return response

    def show_error(self, request: Request, *, status: int, sentence: str, code: str) -> Response:
        """A page for when the one that was asked for cannot be shown."""
        titles = {403: "This is not allowed", 404: "There is nothing here", 409: "This does not fit now"}
        title = titles.get(status, "This cannot be done" if status < 500 else "Something went wrong inside Tenfold")
        page = ErrorPage(status=status, title=title, sentence=sentence, code=code, what_next=_ways_on(request, status))
        return self.show(request, page, status=status)


def site_of(request: Request) -> Site:
    site = request.app.state.site
    assert isinstance(site, Site)
    return site


async def read_form(request: Request) -> dict[str, str]:
    """The texts of a form; of a name that comes twice the last counts, as with a box and the value for its absence."""
    async with request.form(max_fields=MAX_FORM_FIELDS) as form:
        return {name: value for name, value in form.multi_items() if isinstance(value, str)}


async def remember_place(request: Request) -> None:
    """Keeps where the news stand before a page reads anything, so that its script hears what happens from then on."""
    request.state.place = services_of(request).hub.place


SiteNow = Annotated[Site, Depends(site_of)]
FormNow = Annotated[dict[str, str], Depends(read_form)]


def lead(url: str, said: str = "", *, undo_url: str = "") -> Response:
    """Leads the browser on, with a sentence for the next page."""
    response = RedirectResponse(url, 303)
    if said:
        text = quote(json.dumps({"text": said, "undo_url": undo_url}))
        response.set_cookie(TOAST_COOKIE, text, max_age=TOAST_S, httponly=True, samesite="lax")
    return response


def toast_of(request: Request) -> Toast | None:
    """The sentence that a redirect left behind; whatever else is in that cookie is nothing."""
    try:
        told = json.loads(unquote(request.cookies.get(TOAST_COOKIE, "")))
        text, undo_url = str(told["text"]), str(told["undo_url"])
    except (ValueError, TypeError, KeyError):
        return None
    return Toast(text=text[:500], undo_url=undo_url if undo_url.startswith(UNDOING) else "")


def safe_target(url: str) -> str:
    """An address of this site, `/` for anything else."""
    is_here = url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable()
    return url if is_here else "/"


def _ways_on(request: Request, status: int) -> tuple[tuple[str, str], ...]:
    place = "/" + request.url.path.split("/")[1]
    known = {"/datasets": "All datasets", "/runs": "All runs", "/models": "All models", "/networks": "All networks"}
    ways = [("Home", "/")]
    if place in known and request.url.path != place:
        ways.insert(0, (known[place], place))
    if status >= 500 and request.method == "GET":
        ways.insert(0, ("Try again", request.url.path))
    return tuple(ways)
