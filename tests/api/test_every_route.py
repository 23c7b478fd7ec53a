"""Every route, mount and socket with every identity: nothing answers whom it should not."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount
from starlette.testclient import TestClient, WebSocketDisconnect

from tenfold.core.accounts.model import Role, Scope
from tenfold.core.accounts.policy import POLICY, Actor
from tenfold.core.ids import UserId
from tenfold.interfaces.api.access import Access, Public, all_routes, seal
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.api.gate import Gate

from .conftest import ORIGIN, Site

IDENTITIES: dict[str, tuple[Role, Scope] | None] = {
    "nobody": None,
    "revoked": None,
    "unknown": None,
    "viewer": ("viewer", "admin"),
    "editor": ("editor", "admin"),
    "reader": ("owner", "read"),
    "owner": ("owner", "admin"),
}
FILLED = {"name": "nothing", "id": "tok_0000000000000000", "index": "0", "secret": "wrong", "path": "nothing"}


def routes_of(site: Site) -> list[tuple[str, str, Access | Public]]:
    """(method, path, what it asks) of everything that can be reached, static files apart."""
    assert isinstance(site.app, Gate)
    app = site.app._app
    assert isinstance(app, FastAPI)
    found = []
    for route in prefixed(app):
        for method in sorted(route[1].methods - {"HEAD"}):
            asked = next(
                each.dependency for each in route[1].dependencies if isinstance(each.dependency, Access | Public)
            )
            found.append((method, route[0], asked))
    return found


def prefixed(app: FastAPI) -> list[tuple[str, APIRoute]]:
    """Routes with their whole paths, as the OpenAPI-independent router has them."""
    listed = []
    for route in app.routes:
        included = getattr(route, "original_router", None)
        prefix = getattr(getattr(route, "include_context", None), "prefix", "") if included is not None else ""
        for each in all_routes([route]):
            if isinstance(each, Mount):
                assert each.name == "static"
                continue
            assert isinstance(each, APIRoute)
            listed.append((prefix + each.path, each))
    return listed


def filled(path: str) -> str:
    for name, value in FILLED.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
    assert "{" not in path, path
    return path


@pytest.mark.parametrize("identity", IDENTITIES)
def test_who_may_and_who_may_not(site: Site, identity: str) -> None:
    client = site.client(identity)
    who = IDENTITIES[identity]
    routes = [route for route in routes_of(site) if not route[1].endswith("/events")]
    assert len(routes) > 40
    for method, path, asked in routes:
        if method == "POST" and path.endswith(("/sign-out", "/jobs/warm")):
            continue
        answer = client.request(method, filled(path), follow_redirects=False, headers={"origin": ORIGIN})
        place = f"{identity}: {method} {path} -> {answer.status_code}"
        assert answer.status_code < 500, place
        if isinstance(asked, Public):
            continue
        if who is None:
            if path.startswith("/api/") or method != "GET":
                assert answer.status_code == 401, place
            else:
                assert answer.status_code == 303, place
                assert answer.headers["location"].startswith("/sign-in"), place
            continue
        actor = Actor(user=UserId("x"), name="x", role=who[0], scope=who[1])
        if actor.may(asked.action):
            assert answer.status_code not in {401, 403}, place
        else:
            assert answer.status_code == 403, place


def test_the_event_stream_needs_somebody(site: Site) -> None:
    for identity in ("nobody", "revoked", "unknown"):
        assert site.client(identity).get("/api/v1/events").status_code == 401


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_pages_of_others_change_nothing(site: Site, headers: dict[str, str]) -> None:
    client = site.client()
    for method, path, _ in routes_of(site):
        if method != "GET":
            answer = client.request(method, filled(path), headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "origin"), (method, path)


def test_a_cookie_without_an_origin_changes_nothing(site: Site) -> None:
    secret = site.services.accounts.open_session(site.services.owner.user)
    client = TestClient(site.app, base_url=ORIGIN, cookies={"tenfold_session": secret})
    assert client.get("/api/v1/me").status_code == 200
    refused = client.post("/api/v1/tokens", json={"name": "stolen"})
    assert (refused.status_code, refused.json()["code"]) == (403, "origin")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", ""])
def test_other_hosts_are_not_answered(site: Site, host: str) -> None:
    client = site.client()
    for method, path, _ in routes_of(site):
        answer = client.request(method, filled(path), headers={"host": host, "origin": ORIGIN})
        assert (answer.status_code, answer.json()["code"]) == (403, "host"), (method, path)


def test_there_are_no_sockets(site: Site) -> None:
    with pytest.raises(WebSocketDisconnect), site.client().websocket_connect("/api/v1/events"):
        pass


def test_unknown_paths_need_somebody_too(site: Site) -> None:
    outside = site.client("nobody").get("/api/v1/../../etc/passwd", follow_redirects=False)
    assert outside.status_code in {303, 401, 404}
    assert site.client("nobody").get("/api/v1/nothing").status_code == 401
    assert site.client().get("/api/v1/nothing").status_code == 404


def test_every_answer_carries_the_security_headers(site: Site) -> None:
    for identity, path in (("nobody", "/api/v1/me"), ("nobody", "/healthz"), ("owner", "/api/v1/runs")):
        headers = site.client(identity).get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_route_that_does_not_say_whom_it_serves_stops_the_start(site: Site) -> None:
    def add_open_route(app: FastAPI) -> None:
        app.add_api_route("/open", lambda: "hello")

    with pytest.raises(AssertionError, match="/open does not say whom it serves"):
        create_app(site.services, local_secret="x", hosts={"127.0.0.1"}, add_pages=add_open_route)


def test_a_mount_outside_the_policy_stops_the_start() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.mount("/inside", FastAPI())
    with pytest.raises(AssertionError, match="/inside is mounted outside the policy"):
        seal(app)


def test_every_action_of_the_policy_is_used(site: Site) -> None:
    used = {asked.action for _, _, asked in routes_of(site) if isinstance(asked, Access)}
    assert used == set(POLICY)
