"""Every route, mount and socket with every identity: nothing answers whom it should not."""

from __future__ import annotations

import time

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sending import send_files
from starlette.routing import Mount
from starlette.testclient import TestClient, WebSocketDisconnect

from tenfold.core.accounts.model import Role, Scope
from tenfold.core.accounts.policy import POLICY, Actor
from tenfold.core.ids import UserId
from tenfold.core.repository import Query
from tenfold.interfaces.api.access import Access, Public, all_routes, seal
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.api.gate import Gate
from tenfold.services.datasets import ImportRequest
from tenfold.services.inside import Looked

from .conftest import ORIGIN, PASSWORD, Site

IDENTITIES: dict[str, tuple[Role, Scope] | None] = {
    "nobody": None,
    "revoked": None,
    "unknown": None,
    "viewer": ("viewer", "admin"),
    "editor": ("editor", "admin"),
    "reader": ("owner", "read"),
    "owner": ("owner", "admin"),
}
MISSING = {
    "name": "nothing",
    "id": "tok_0000000000000000",
    "index": "0",
    "secret": "wrong",
    "path": "nothing",
    "code": "leak",
    "file": "0000-activation.png",
}
NAMES = {"datasets": "shapes", "runs": "first", "models": "first", "networks": "mine", "users": "guest"}
ENDING = ("/sign-out", "/jobs/warm")  # what ends the walk itself, or starts a process
PATIENCE_S = 300.0


@pytest.fixture(scope="module")
def furnished(site: Site) -> Site:
    """The site with a dataset, a trained run, its model, a person and a token, all of the owner's."""
    services, owner = site.services, site.services.owner
    request = ImportRequest(source={"folder": str(site.home / "shapes")}, values={}, name="shapes")
    services.datasets.import_samples(owner, request)
    services.runs.start(owner, {"dataset": "shapes", "name": "first", "epochs": 1, "device": "cpu"}, {})
    services.network_copies.copy_of(owner, "lenet", name="mine")
    deadline = time.monotonic() + PATIENCE_S
    while services.runs.named.get(owner, "first").state in {"waiting", "running"}:
        assert time.monotonic() < deadline, "the run does not end"
        time.sleep(0.05)
    assert services.runs.named.get(owner, "first").state == "finished"
    services.accounts.add_user(owner, "guest", role="viewer", password=PASSWORD)
    return site


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


def filled(path: str, values: dict[str, str] = MISSING) -> str:
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
    assert "{" not in path, path
    return path


def existing(site: Site, path: str) -> str:
    """The address of something that is there, made anew where the walk before has ended or trashed it."""
    services, owner = site.services, site.services.owner
    noun = next((part for part in path.split("/") if part in {*NAMES, "tokens", "people", "uploads", "insides"}), "")
    if noun in {"datasets", "networks", "runs", "models"}:
        named = getattr(services, noun).named
        for thing in named.page(owner, Query(trashed=True)).items:
            named.restore(owner, thing.id)
        thing = named.get(owner, NAMES[noun])
        values = {"name": thing.name, "id": thing.id}
    elif noun == "tokens":
        values = {"id": services.accounts.create_token(owner, "walked", "read")[0].id}
    elif noun == "uploads":
        values = {"id": sent_list(site)}
    elif noun == "insides":
        values = {"id": looked_into(site)}
    elif noun in {"users", "people"}:
        guest = services.accounts.set_disabled(owner, NAMES["users"], False)
        values = {"name": guest.name, "id": guest.id}
    else:
        values = {"name": NAMES.get(noun, "nothing")}
    return filled(path, {**MISSING, **values})


def looked_into(site: Site) -> str:
    """A look inside the model that is over."""
    inside, owner = site.services.inside, site.services.owner
    found = inside.of_model(owner, "first", Looked())
    deadline = time.monotonic() + PATIENCE_S
    while inside.look(owner, found.id).state != "finished":
        assert time.monotonic() < deadline, "the look does not end"
        time.sleep(0.05)
    return found.id


def sent_list(site: Site) -> str:
    """A complete upload of the editor's, which the owner of this Tenfold sees too."""
    uploads = site.services.uploads.of(site.services.owner)
    known = [each.id for each in uploads if each.is_complete and each.name == "list.txt"]
    return known[0] if known else send_files(site.client("editor"), {"list.txt": b"a.jpg cat\nb.jpg dog\n"})


def test_the_walk_has_every_route(site: Site) -> None:
    routes = {(method, path) for method, path, _ in routes_of(site)}
    described = site.client().get("/api/v1/openapi.json").json()["paths"]
    for path, operations in described.items():
        assert {(method.upper(), path) for method in operations} <= routes
    assert len(routes) > 80


@pytest.mark.parametrize("is_there", [False, True], ids=["missing", "existing"])
@pytest.mark.parametrize("identity", IDENTITIES)
def test_who_may_and_who_may_not(furnished: Site, identity: str, is_there: bool) -> None:
    with furnished.client(identity) as client:
        who = IDENTITIES[identity]
        for method, path, asked in routes_of(furnished):
            if path.endswith("/events") or path.endswith(ENDING):
                continue
            address = existing(furnished, path) if is_there else filled(path)
            body = {"note": "walked"} if method == "PATCH" else None
            answer = client.request(method, address, follow_redirects=False, headers={"origin": ORIGIN}, json=body)
            place = f"{identity}: {method} {address} -> {answer.status_code}"
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
            is_own = who[0] == "owner" or not (is_there and POLICY[asked.action].own and "{" in path)
            is_own = is_own or path.endswith("/classify")
            if not actor.may(asked.action) or not is_own:
                assert answer.status_code == 403, place
            else:
                assert answer.status_code not in {401, 403} or "/password" in path, place
                if is_there and method == "GET" and not path.startswith("/link"):
                    assert answer.status_code in {200, 204, 303}, place


def test_the_event_stream_needs_somebody(site: Site) -> None:
    for identity in ("nobody", "revoked", "unknown"):
        assert site.client(identity).get("/api/v1/events").status_code == 401


FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:5001"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_pages_of_others_change_nothing(furnished: Site, headers: dict[str, str]) -> None:
    with furnished.client() as client:
        paths = sorted({path for _, path, _ in routes_of(furnished)})
        for path in paths:
            address = existing(furnished, path)
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                answer = client.request(method, address, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "origin"), (method, path)


@pytest.mark.parametrize("site_of_page", ["cross-site", "same-site"])
def test_pages_of_others_read_nothing(furnished: Site, site_of_page: str) -> None:
    with furnished.client() as client:
        for method, path, _ in routes_of(furnished):
            if method == "GET":
                headers = {"sec-fetch-site": site_of_page, "sec-fetch-mode": "no-cors"}
                answer = client.get(existing(furnished, path), headers=headers, follow_redirects=False)
                assert (answer.status_code, answer.json()["code"]) == (403, "origin"), path


def test_a_link_on_another_site_shows_a_page_and_sets_nothing_to_work(furnished: Site) -> None:
    warmed: list[str] = []
    desk, client = furnished.services.desk, furnished.client()
    warm = desk.warm
    desk.warm = lambda: warmed.append("warm")  # type: ignore[method-assign]

    def begun() -> set[str]:
        return {path.name for path in (furnished.home / "data" / "jobs").glob("ern_*")}

    before = begun()
    try:
        led = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        assert client.get("/runs/new", headers=led).status_code == 200
        for path in ("/models/first/inside?sample=1", "/runs/first/inside?sample=1"):
            assert "press Look" in client.get(path, headers=led).text
        page = client.get("/models/first?tab=test&sample=0", headers=led)
        assert page.status_code == 200
        assert warmed == []
        assert begun() == before
        assert client.get("/runs/new", headers={"sec-fetch-site": "same-origin"}).status_code == 200
        assert warmed == ["warm"]
        own = client.get("/models/first?tab=test&sample=0", headers={"sec-fetch-site": "none"})
        assert len(own.text) > len(page.text)
    finally:
        desk.warm = warm  # type: ignore[method-assign]


@pytest.mark.parametrize("asked", ["sample=-1", "sample=x", "sample=1e3", "sample=%00"])
@pytest.mark.parametrize("page", ["models", "runs"])
def test_what_is_looked_at_is_asked_for_by_a_number(furnished: Site, page: str, asked: str) -> None:
    answer = furnished.client().get(f"/{page}/first/inside?{asked}")
    assert answer.status_code == 422
    assert "write a whole number from 0." in answer.text


def test_a_cookie_without_an_origin_changes_nothing(site: Site) -> None:
    secret = site.services.accounts.open_session(site.services.owner.user)
    client = TestClient(site.app, base_url=ORIGIN, cookies={"tenfold_session": secret})
    assert client.get("/api/v1/me").status_code == 200
    refused = client.post("/api/v1/tokens", json={"name": "stolen"})
    assert (refused.status_code, refused.json()["code"]) == (403, "origin")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", ""])
def test_other_hosts_are_not_answered(site: Site, host: str) -> None:
    with site.client() as client:
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
