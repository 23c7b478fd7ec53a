"""The whole application in this process, over a data folder of its own, with one token for each kind of person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from one_template import one_template
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tenfold.bootstrap.server import build_services
from tenfold.client import Client
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.entry import add_pages
from tenfold.settings import Settings
from tenfold.testing.pictures import write_shapes

__all__ = ["one_template"]
ORIGIN = "http://127.0.0.1:5000"
PASSWORD = "correct horse battery"


@dataclass
class Site:
    """The application with its services and the secrets of the people who use it."""

    app: ASGIApp
    services: Services
    tokens: dict[str, str]
    home: Path

    def client(self, identity: str = "owner") -> TestClient:
        """A client that is signed in as somebody; `nobody` is not."""
        secret = self.tokens.get(identity)
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        return TestClient(self.app, base_url=ORIGIN, headers=headers, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    write_shapes(home / "shapes", per_class=12)
    (home / "data").mkdir()
    services = build_services(Settings(data=home / "data", roots=[home]))
    accounts, owner = services.accounts, services.owner
    tokens = {"owner": accounts.create_token(owner, "owner", "admin")[1]}
    accounts.set_password(owner, owner.name, PASSWORD)
    for role in ("editor", "viewer"):
        user = accounts.add_user(owner, role, role=role, password=PASSWORD)
        tokens[role] = accounts.create_token(accounts.actor_of_user(user.id), role, "admin")[1]
    tokens["reader"] = accounts.create_token(owner, "reader", "read")[1]
    revoked, tokens["revoked"] = accounts.create_token(owner, "revoked", "admin")
    accounts.revoke_token(owner, revoked.id)
    tokens["unknown"] = "tfd_nobody-ever-made-this"
    app = create_app(services, local_secret="local", hosts={"127.0.0.1", "localhost"}, add_pages=add_pages)
    yield Site(app, services, tokens, home)
    services.close()


@pytest.fixture(scope="module")
def owner(site: Site) -> TestClient:
    return site.client()


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[Client]:
    """The Python client, as the owner, through the application in this process."""

    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            inner = TestClient(site.app, base_url=ORIGIN, raise_server_exceptions=False)
            answer = inner.request(
                request.method, str(request.url), content=request.read(), headers=dict(request.headers)
            )
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with Client(ORIGIN, site.tokens["owner"], transport=Transport()) as made:
        yield made
