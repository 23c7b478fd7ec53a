"""A bucket over REST, command line and client: imported by a real worker, killed and gone on with, its key nowhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bucket_server import ACCESS, SECRET, BucketServer, bucket_server
from starlette.testclient import TestClient

from tenfold.bootstrap.server import build_services
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.settings import Settings
from tenfold.testing.picture_files import encode, make_photo

NUM_EACH = 40
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    with bucket_server() as started:
        content = [encode(make_photo(80, 60, seed=n), "JPEG") for n in range(NUM_EACH)]
        started.put(
            "garden", {f"set/{name}/{n}.jpg": content[n] for name in ("rose", "tulip") for n in range(NUM_EACH)}
        )
        yield started


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def services(server: BucketServer, data: Path) -> Iterator[Services]:
    made = build_services(Settings(data=data, roots=[data.parent], internal_hosts=[server.host]))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(services: Services) -> TestClient:
    app = create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=lambda _app: None)
    return TestClient(app, base_url="http://127.0.0.1:5000", headers={"authorization": "Bearer local"})


def asked(server: BucketServer, **more: str) -> dict[str, Any]:
    keys = {"access_key": ACCESS, "secret_key": SECRET}
    return {
        "source": {"bucket": "s3://garden/set", "endpoint": server.endpoint, **keys, **more},
        "width": 32,
        "height": 32,
    }


def wait(client: TestClient, made: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, Any] = client.get(f"/api/v1/datasets/{made['id']}").json()
        if found["state"] != "building":
            return found
        assert time.monotonic() < deadline, "the import does not end"
        time.sleep(0.05)


def test_a_bucket_becomes_a_dataset_and_its_key_is_nowhere(
    client: TestClient, data: Path, server: BucketServer
) -> None:
    made = client.post("/api/v1/datasets", json=asked(server))
    assert made.status_code == 201, made.text
    found = wait(client, made.json())
    assert (found["state"], found["name"], found["num_samples"]) == ("ready", "set", 2 * NUM_EACH), found["message"]
    told = client.get(f"/api/v1/datasets/{made.json()['id']}").text + made.text
    assert SECRET not in told
    assert ACCESS not in told
    for path in data.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
    deadline = time.monotonic() + PATIENCE_S
    while [path.name for path in (data / "secrets").iterdir()] != ["key"]:
        assert time.monotonic() < deadline, "the key stays"
        time.sleep(0.05)


def test_a_killed_import_goes_on(client: TestClient, services: Services, server: BucketServer) -> None:
    made = client.post("/api/v1/datasets", json=asked(server)).json()
    job = services.datasets.named.get(services.owner, made["id"]).job
    deadline = time.monotonic() + PATIENCE_S
    while not services.desk._folders.read_events(job, 0)[0]:
        assert time.monotonic() < deadline, "it does not begin"
        time.sleep(0.002)
    services.desk._executor.kill(job)
    found = wait(client, made)
    assert (found["state"], found["num_samples"]) == ("ready", 2 * NUM_EACH), found["message"]


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ({"bucket": "s3://garden", "endpoint": "http://169.254.169.254"}, 403, "url.internal"),
        ({"bucket": "s3://garden", "endpoint": "http://localhost:9001"}, 403, "url.internal"),
        ({"bucket": "nothing at all"}, 422, "invalid-fields"),
        ({"bucket": "s3://garden", "access_key": "half"}, 422, "invalid-fields"),
        ({"bucket": "s3://garden", "folder": "/"}, 422, "invalid-fields"),
    ],
)
def test_what_may_not_be_asked_is_refused_at_once(
    client: TestClient, source: dict[str, str], status: int, code: str
) -> None:
    answer = client.post("/api/v1/datasets", json={"source": source})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_bucket_that_is_not_there_fails_with_its_name(client: TestClient, server: BucketServer) -> None:
    made = client.post("/api/v1/datasets", json=asked(server, bucket="s3://not-here")).json()
    found = wait(client, made)
    assert (found["state"], found["code"]) == ("failed", "bucket.not-found")
    assert "There is no bucket not-here" in found["message"]
