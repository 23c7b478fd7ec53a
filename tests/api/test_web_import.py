"""The web over REST: off until it is allowed, then archives, pages of links, and lists and tables of addresses."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback_web import Reply, web
from sending import send_files
from starlette.testclient import TestClient

from tenfold.bootstrap.server import build_services
from tenfold.interfaces.api.app import create_app
from tenfold.settings import Settings
from tenfold.testing.picture_files import encode, make_photo

from .conftest import Site

PATIENCE_S = 120.0
PICTURES = {f"{name}/{n}.jpg": encode(make_photo(60, 40, seed=n), "JPEG") for name in ("cat", "dog") for n in range(6)}


def pages() -> dict[str, Reply]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in PICTURES.items():
            archive.writestr(path, content)
    links = {f"/set/{name}/": "".join(f'<a href="{n}.jpg">' for n in range(6)).encode() for name in ("cat", "dog")}
    return {
        "/pets.zip": (200, {"Content-Type": "application/zip"}, buffer.getvalue()),
        "/cut.zip": (200, {"Content-Type": "application/zip"}, buffer.getvalue()[:-200]),
        "/set/": (200, {}, b'<a href="cat/"><a href="dog/">'),
        **{path: (200, {}, content) for path, content in links.items()},
        **{f"/set/{path}": (200, {"Content-Type": "image/jpeg"}, content) for path, content in PICTURES.items()},
    }


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with web(pages()) as (url, _):
        yield url


@pytest.fixture(scope="module")
def client(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    data: Path = tmp_path_factory.mktemp("data")
    hosts = [address.removeprefix("http://")]
    services = build_services(Settings(data=data, roots=[data.parent], web_import=True, internal_hosts=hosts))
    app = create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=lambda _app: None)
    yield TestClient(app, base_url="http://127.0.0.1:5000", headers={"authorization": "Bearer local"})
    services.close()


def imported(client: TestClient, source: dict[str, str], **more: Any) -> dict[str, Any]:
    made = client.post("/api/v1/datasets", json={"source": source, **more})
    assert made.status_code == 201, made.text
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, Any] = client.get(f"/api/v1/datasets/{made.json()['id']}").json()
        if found["state"] != "building":
            return found
        assert time.monotonic() < deadline, "the import does not end"
        time.sleep(0.05)


def test_the_web_is_off_until_it_is_allowed(site: Site) -> None:
    answer = site.client().post("/api/v1/datasets", json={"source": {"url": "https://example.org/pets.zip"}})
    assert (answer.status_code, answer.json()["code"]) == (403, "url.off")


def test_an_archive_is_fetched(client: TestClient, address: str) -> None:
    found = imported(client, {"url": f"{address}/pets.zip"})
    assert (found["state"], found["name"], found["num_samples"]) == ("ready", "pets", 12), found["message"]


def test_a_page_of_links_is_read_where_it_is(client: TestClient, address: str) -> None:
    found = imported(client, {"url": f"{address}/set/"})
    assert (found["state"], found["name"], found["num_samples"]) == ("ready", "set", 12), found["message"]
    assert found["manifest"]["classes"] == ["cat", "dog"]


@pytest.mark.parametrize("name", ["pets.txt", "pets.csv"])
def test_a_sent_list_may_name_addresses(client: TestClient, address: str, name: str) -> None:
    between = "," if name.endswith(".csv") else " "
    rows = [f"{address}/set/{path}{between}{path.partition('/')[0]}" for path in PICTURES]
    head = ["image,label"] if name.endswith(".csv") else []
    text = "\n".join([*head, *rows, f"http://169.254.169.254/x.jpg{between}cat", f"{address}/gone.jpg{between}dog"])
    found = imported(client, {"upload": send_files(client, {name: text.encode()})})
    assert (found["state"], found["num_samples"]) == ("ready", 12), found["message"]
    assert found["manifest"]["rejected_by_code"] == {"url.internal": 1, "file.vanished": 1}


def test_where_the_web_is_off_addresses_in_a_list_are_rejected(site: Site, address: str) -> None:
    text = "\n".join(f"{address}/set/{path} {path.partition('/')[0]}" for path in PICTURES)
    found = imported(site.client(), {"upload": send_files(site.client(), {"pets.txt": text.encode()})})
    assert (found["state"], "has not allowed" in found["message"]) == ("failed", True)


@pytest.mark.parametrize(
    ("url", "status"),
    [("http://127.0.0.1:9/x.zip", 403), ("http://169.254.169.254/latest/", 403), ("ftp://x/y", 422), ("nothing", 422)],
)
def test_what_may_not_be_asked_is_refused_at_once(client: TestClient, url: str, status: int) -> None:
    assert client.post("/api/v1/datasets", json={"source": {"url": url}}).status_code == status


@pytest.mark.parametrize(("path", "code"), [("cut.zip", "archive.damaged"), ("gone.zip", "url.not-found")])
def test_what_cannot_be_fetched_fails_with_its_reason(client: TestClient, address: str, path: str, code: str) -> None:
    found = imported(client, {"url": f"{address}/{path}"})
    assert (found["state"], found["code"]) == ("failed", code)
