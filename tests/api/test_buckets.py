"""A bucket over REST, command line and client: imported by a real worker, killed and gone on with, its key nowhere."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
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


PICTURES = {f"{name}/{n}.png": encode(make_photo(16, 12, seed=n)) for name in ("crow", "owl") for n in range(5)}
ROWS = "".join(f"{path},{path.partition('/')[0]}s\n" for path in PICTURES)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def parquet() -> bytes:
    images = [{"bytes": content, "path": None} for content in PICTURES.values()]
    buffer = io.BytesIO()
    pq.write_table(pa.table({"image": images, "label": [path.partition("/")[0] for path in PICTURES]}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("objects", "address", "classes", "note"),
    [
        ({"zips/birds.zip": zipped(PICTURES)}, "zips", ["crow", "owl"], ""),
        ({"file/birds.zip": zipped(PICTURES), "file/x/1.png": b""}, "file/birds.zip", ["crow", "owl"], ""),
        ({"parquet/train.parquet": parquet()}, "parquet", ["crow", "owl"], ""),
        (
            {"table/t.csv": f"image,label\n{ROWS}".encode(), **{f"table/{k}": v for k, v in PICTURES.items()}},
            "table",
            ["crows", "owls"],
            "",
        ),
        (
            {"deep/t.csv": f"image,label\n{ROWS}".encode(), **{f"deep/all/{k}": v for k, v in PICTURES.items()}},
            "deep",
            ["crows", "owls"],
            "",
        ),
        (
            {"odd/t.csv": b"a,b\n1,2\n", "odd/more.zip": b"PK", **{f"odd/{k}": v for k, v in PICTURES.items()}},
            "odd",
            ["crow", "owl"],
            "Class folders were read, and not more.zip, t.csv",
        ),
    ],
    ids=["archive", "one file", "parquet", "table", "table above a folder", "class folders"],
)
def test_what_lies_in_a_bucket_beside_class_folders_is_read_or_named(
    client: TestClient, server: BucketServer, objects: dict[str, bytes], address: str, classes: list[str], note: str
) -> None:
    server.put("things", objects)
    body = asked(server, bucket=f"s3://things/{address}")
    found = wait(client, client.post("/api/v1/datasets", json=body).json())
    assert (found["state"], found["num_samples"]) == ("ready", 10), found["message"]
    assert found["manifest"]["classes"] == classes
    assert any(each.startswith(note) for each in found["manifest"]["notes"]) or not note, found["manifest"]["notes"]
    assert found["manifest"]["rejected_by_code"] == {}


def test_a_bucket_without_pictures_names_the_files_that_were_not_read(client: TestClient, server: BucketServer) -> None:
    server.put("things", {"none/a.csv": b"x\n", "none/b.csv": b"y\n"})
    made = client.post("/api/v1/datasets", json=asked(server, bucket="s3://things/none")).json()
    found = wait(client, made)
    assert (found["state"], found["code"]) == ("failed", "bucket.files")
    assert "a.csv, b.csv: name one file by its own address" in found["message"]
