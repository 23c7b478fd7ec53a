"""A dataset leaves over REST, by the client and on the command line."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from .conftest import Site


@pytest.fixture(scope="module")
def shapes(site: Site, owner: TestClient) -> Iterator[str]:
    """A dataset of 36 pictures, one of them excluded in its second revision."""
    name = owner.post("/api/v1/datasets", json={"source": {"folder": str(site.home / "shapes")}}).json()["name"]
    while (made := owner.get(f"/api/v1/datasets/{name}").json())["state"] == "building":
        time.sleep(0.02)
    edit = {"revision": made["revision"], "action": "exclude", "indices": [3]}
    assert owner.post(f"/api/v1/datasets/{name}/edits", json=edit).status_code == 201
    yield name
    owner.delete(f"/api/v1/datasets/{name}")


def pictures(content: bytes) -> list[str]:
    return [each for each in zipfile.ZipFile(io.BytesIO(content)).namelist() if each.endswith(".png")]


def test_any_revision_leaves_as_an_archive(owner: TestClient, shapes: str) -> None:
    current = owner.get(f"/api/v1/datasets/{shapes}/export")
    assert (current.status_code, current.headers["content-type"]) == (200, "application/zip")
    assert current.headers["content-disposition"].endswith(f"''{shapes}.zip")
    assert len(pictures(current.content)) == 35
    first = owner.get(f"/api/v1/datasets/{shapes}/export", params={"format": "csv", "revision": "1"})
    assert first.headers["content-disposition"].endswith("revision%201.zip")
    assert len(pictures(first.content)) == 36


def test_what_cannot_leave_is_named(owner: TestClient, shapes: str) -> None:
    address = f"/api/v1/datasets/{shapes}/export"
    assert owner.get(address, params={"format": "tar"}).json()["errors"][0]["field"] == "format"
    for revision in ("9", "rev_0000000000000000", "x" * 40):
        assert owner.get(address, params={"revision": revision}).json()["code"] == "revision.not-found"
    assert owner.get("/api/v1/datasets/none/export").status_code == 404
