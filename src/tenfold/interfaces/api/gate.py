"""The outermost layer: nothing reaches a route without passing here.

Host and Origin are checked, the caller is found out, bodies are bounded, and every answer carries the security headers.
What is not public needs somebody who is signed in, also what no route answers.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from functools import partial
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import Forbidden, TenfoldError, TooLarge, Unauthenticated
from tenfold.core.numerals import whole_number
from tenfold.interfaces.api.problems import MAX_SHOWN, problem_response
from tenfold.services.accounts import AccountService

COOKIE = "tenfold_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY = 2_000_000
UPLOADS = "/api/v1/uploads"
MAX_ANNOUNCED = 64_000_000  # a row of two hundred thousand files
PICTURES_BODY = 64_000_000
NETWORKS = "/api/v1/networks"
NETWORK_TEXT_BODY = 24_000_000  # a text of 10 MB as JSON: what is too long in it is told by its line
NETWORK_FILES = ("/api/v1/networks/import", "/networks/new")
NETWORK_FILES_BODY = 2_030_000_000
FORM_UPLOAD = "/datasets/new"  # without scripts files come with the form
FORM_UPLOAD_BODY = 500_000_000
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self' blob:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Gate:
    """ASGI middleware. `hosts` are the names this server answers to; `public` path prefixes need nobody signed in."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        accounts: AccountService,
        local: tuple[str, Actor],
        hosts: Iterable[str],
        public: Iterable[str],
    ) -> None:
        self._app = app
        self._accounts = accounts
        self._local_secret, self._local_actor = local
        self._hosts = frozenset(hosts)
        self._public = tuple(public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        send_on = _with_headers(send)
        state = scope.setdefault("state", {})
        try:
            self._check_host(headers)
            self._check_origin(scope, headers)
            state["actor"] = await self._caller(scope, headers)
            state["look_again"] = partial(self._caller, scope, headers)
        except Unauthenticated as error:
            await _refuse(scope, error)(scope, receive, send_on)
            return
        except TenfoldError as error:
            await problem_response(error)(scope, receive, send_on)
            return
        await self._app(scope, _bounded(receive, _limit(scope["path"]), headers), send_on)

    def _check_host(self, headers: Headers) -> None:
        host = _host_name(headers.get("host", ""))
        if host not in self._hosts:
            allowed = ", ".join(sorted(self._hosts))
            raise Forbidden(f"This server does not answer to the host {host!r}, but to {allowed}.", code="host")

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        site = headers.get("sec-fetch-site")
        is_foreign = site not in {None, "same-origin", "none"}
        scope["state"]["is_foreign"] = is_foreign
        if scope["method"] in SAFE_METHODS:
            if is_foreign and headers.get("sec-fetch-mode") != "navigate":
                raise Forbidden("A page of another site may lead here, but not read from here.", code="origin")
            return
        origin = headers.get("origin")
        if origin is not None:
            if _place_of(origin) != headers.get("host"):
                raise Forbidden(f"A page of {origin[:MAX_SHOWN]} may not change anything here.", code="origin")
            return
        if is_foreign:
            raise Forbidden("A page of another site may not change anything here.", code="origin")
        if site is None and "cookie" in headers and "authorization" not in headers:
            text = "A change by a signed-in browser must say which page it comes from (the header Origin)."
            raise Forbidden(text, code="origin")

    async def _caller(self, scope: Scope, headers: Headers) -> Actor | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        is_public = scope["path"].startswith(self._public)
        try:
            if scheme:
                if scheme.lower() != "bearer":
                    raise Unauthenticated("Sign in with a token: Authorization: Bearer TOKEN.")
                if hmac.compare_digest(token.encode(), self._local_secret.encode()):
                    return self._local_actor
                return await run_in_threadpool(self._accounts.actor_of_token, token)
            if cookie:
                return await run_in_threadpool(self._accounts.actor_of_session, cookie)
        except Unauthenticated:
            if not is_public:
                raise
        if not is_public:
            raise Unauthenticated
        return None


def _refuse(scope: Scope, error: Unauthenticated) -> ASGIApp:
    """Programs are told; browsers are led to the sign-in page and back."""
    if scope["path"].startswith("/api/") or scope["method"] not in SAFE_METHODS:
        return problem_response(error)
    target = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
    location = "/sign-in" + (f"?next={quote(target)}" if target != "/" else "")

    async def redirect(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 303, "headers": [(b"location", location.encode())]})
        await send({"type": "http.response.body", "body": b""})

    return redirect


def _limit(path: str) -> int | None:
    """How many bytes a body may have; `None` where the route counts by itself."""
    if path.startswith(f"{UPLOADS}/"):
        return None
    if path == UPLOADS:
        return MAX_ANNOUNCED
    if path == FORM_UPLOAD:
        return FORM_UPLOAD_BODY
    if path in NETWORK_FILES:
        return NETWORK_FILES_BODY
    if path == NETWORKS or path.startswith(f"{NETWORKS}/"):
        return NETWORK_TEXT_BODY
    return PICTURES_BODY if path.endswith(("/classify", "/inside")) else MAX_BODY


def _bounded(receive: Receive, limit: int | None, headers: Headers) -> Receive:
    if limit is None:
        return receive
    declared = whole_number(headers.get("content-length", "")) or 0
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit or declared > limit:
            raise TooLarge(f"The request is over {limit // 10**6} MB, the most this address takes.")
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return wrapped


def _place_of(origin: str) -> str:
    """Host and port of an origin; empty for what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _host_name(host: str) -> str:
    """The name in a Host header, without the port; IPv6 keeps its brackets."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()
