"""What the REST API takes, answers, and refuses."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from sending import send_files
from starlette.testclient import TestClient

from .conftest import PASSWORD, Site


@pytest.fixture(scope="module")
def shapes(site: Site, owner: TestClient) -> str:
    body = {"source": {"folder": str(site.home / "shapes")}, "name": "shapes"}
    assert owner.post("/api/v1/datasets", json=body).status_code == 201
    for _ in range(600):
        found = owner.get("/api/v1/datasets/shapes").json()
        if found["state"] != "building":
            break
        time.sleep(0.05)
    assert found["state"] == "ready", found["message"]
    return "shapes"


def test_health_needs_nobody(site: Site) -> None:
    assert site.client("nobody").get("/healthz").json() == {"status": "ok", "version": "0.1.0"}


def test_a_dataset_shows_its_manifest_and_its_samples(owner: TestClient, shapes: str) -> None:
    found = owner.get(f"/api/v1/datasets/{shapes}").json()
    assert found["manifest"]["classes"] == ["bar", "cross", "ring"]
    assert found["num_samples"] == 36
    page = owner.get(f"/api/v1/datasets/{shapes}/samples", params={"label": "ring", "limit": 5}).json()
    assert page["total"] == 12
    assert {item["label"] for item in page["items"]} == {"ring"}
    rest = owner.get(f"/api/v1/datasets/{shapes}/samples", params={"label": "ring", "cursor": page["cursor"]}).json()
    assert len(page["items"]) + len(rest["items"]) == 12
    assert rest["cursor"] == ""
    whole = owner.get(f"/api/v1/datasets/{shapes}/samples", params={"label": "ring", "limit": 12}).json()
    assert (len(whole["items"]), whole["cursor"]) == (12, "")
    picture = owner.get(page["items"][0]["thumbnail"])
    assert "immutable" in picture.headers["cache-control"]
    by_name = owner.get(page["items"][0]["thumbnail"].partition("?")[0])
    assert by_name.headers["cache-control"] == "private, no-cache"  # the name may come to mean another dataset
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "dataset"),
        ({"dataset": "nothing"}, "dataset"),
        ({"dataset": "shapes", "network": "nothing"}, "network"),
        ({"dataset": "shapes", "epochs": 0}, "epochs"),
        ({"dataset": "shapes", "epochs": "many"}, "epochs"),
        ({"dataset": "shapes", "epochs": 1.5}, "epochs"),
        ({"dataset": "shapes", "epochs": True}, "epochs"),
        ({"dataset": "shapes", "rate": "0,001"}, "rate"),
        ({"dataset": "shapes", "epoch": 3}, "epoch"),
        ({"dataset": "shapes", "optimizer": ["sgd"]}, "optimizer"),
        ({"dataset": "shapes", "device": "gpu"}, "device"),
        ({"dataset": ["shapes"]}, "dataset"),
        ({"dataset": "shapes", "name": "a/b"}, "name"),
        ({"dataset": "shapes", "name": "new"}, "name"),
        ({"dataset": "shapes", "parameters": []}, "parameters"),
        ({"dataset": "shapes", "parameters": {"width1": 10**9}}, "parameters.width1"),
        ({"dataset": "shapes", "parameters": {"widht1": 5}}, "parameters.widht1"),
    ],
)
def test_a_wrong_field_is_named(owner: TestClient, shapes: str, body: dict[str, Any], field: str) -> None:
    answer = owner.post("/api/v1/runs", json=body)
    problem = answer.json()
    assert answer.status_code == 422, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == 422
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["message"]


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"null",
        b"{",
        b'{"dataset": NaN}',
        b'{"a": 1, "a": 2}',
        b'"text"',
        b"\xff",
        b"[" * 5000,
        b"",
        b'{"\\ud800": 1}',
    ],
)
def test_what_is_no_json_object_is_refused(owner: TestClient, raw: bytes) -> None:
    answer = owner.post("/api/v1/runs", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid-fields"


def test_a_body_of_another_type_is_refused(owner: TestClient) -> None:
    answer = owner.post("/api/v1/runs", content=b'{"dataset": "shapes"}', headers={"content-type": "text/plain"})
    assert answer.status_code == 422
    assert "application/json" in answer.json()["detail"]


BODIES = [
    (b"{", "application/json", "body", "json"),
    (b"[]", "application/json", "body", "json"),
    (b'{"name": NaN}', "application/json", "body", "json"),
    (b'{"name": "a", "name": "b"}', "application/json", "body", "json"),
    (b'{"name": "a"}', "text/plain", "body", "json"),
    (b'{"name": 5}', "application/json", "name", "type"),
    (b'{"name": "a/b"}', "application/json", "name", "name.invalid"),
    (b'{"nmae": "a"}', "application/json", "nmae", "unknown"),
    (b" " * 2_100_000, "application/json", "body", "too-large"),
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/v1/datasets/shapes"),
        ("POST", "/api/v1/runs"),
        ("POST", "/api/v1/tokens"),
        ("POST", "/api/v1/users"),
    ],
)
def test_a_wrong_body_is_told_in_one_way(
    owner: TestClient, shapes: str, method: str, path: str, body: tuple[bytes, str, str, str]
) -> None:
    content, kind, field, code = body
    if path.endswith("/runs"):
        content = content.replace(b"{", b'{"dataset": "shapes", ', 1) if content.startswith(b'{"') else content
    elif path.endswith("/users"):
        content = content.replace(b"{", b'{"password": "correct horse", ', 1) if content.startswith(b'{"') else content
    answer = owner.request(method, path, content=content, headers={"content-type": kind})
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["code"]) == (
        (413, "too-large") if code == "too-large" else (422, "invalid-fields")
    )
    told = {(error["field"], error["code"]) for error in problem["errors"]}
    assert (field, code) in told, problem
    assert all(error["message"] for error in problem["errors"])


def test_a_form_that_is_too_large_or_none_is_told_in_the_same_way(owner: TestClient) -> None:
    large = owner.post("/api/v1/models/x/classify", files={"file": ("a.png", b"x" * 65_000_000)})
    assert (large.status_code, large.json()["code"]) == (413, "too-large")
    none = owner.post("/api/v1/models/x/classify", content=b"x", headers={"content-type": "multipart/form-data"})
    assert none.status_code in {400, 422}
    assert none.json()["errors"][0]["field"]


def test_a_wrong_question_is_told_in_the_same_way(owner: TestClient) -> None:
    problem = owner.get("/api/v1/runs", params={"limit": "many"}).json()
    assert problem["errors"] == [{"field": "limit", "message": "limit is a whole number, not 'many'.", "code": "type"}]
    assert owner.get("/api/v1/runs", params={"limit": 501}).json()["errors"][0]["code"] == "range"
    header = owner.post("/api/v1/runs", json={}, headers={"idempotency-key": "x" * 300}).json()
    assert [(error["field"], error["code"]) for error in header["errors"]] == [("idempotency-key", "length")]


def test_a_body_that_is_too_large_is_refused(owner: TestClient) -> None:
    answer = owner.post("/api/v1/runs", content=b" " * 2_100_000, headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_a_network_that_does_not_fit_is_refused_with_its_reason(owner: TestClient, shapes: str) -> None:
    answer = owner.post("/api/v1/runs", json={"dataset": shapes, "network": "alexnet"})
    problem = answer.json()
    assert answer.status_code == 422, problem
    assert problem["code"] == "network.invalid"
    assert problem["detail"].startswith("alexnet does not fit shapes")


def test_the_same_key_makes_one_run_and_another_body_is_a_conflict(owner: TestClient, shapes: str) -> None:
    headers = {"Idempotency-Key": "once"}
    body = {"dataset": shapes, "network": "lenet", "epochs": 1, "name": "once"}
    first = owner.post("/api/v1/runs", json=body, headers=headers)
    again = owner.post("/api/v1/runs", json=body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    other = owner.post("/api/v1/runs", json={**body, "epochs": 2}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.key-reused")
    taken = owner.post("/api/v1/runs", json=body)
    assert (taken.status_code, taken.json()["code"]) == (409, "name-taken")


def test_renaming_leads_on_and_trash_gives_back(owner: TestClient, shapes: str) -> None:
    made = owner.post("/api/v1/runs", json={"dataset": shapes, "network": "lenet", "epochs": 1, "name": "old"}).json()
    owner.post(f"/api/v1/runs/{made['id']}/stop")
    for _ in range(600):
        if owner.get("/api/v1/runs/old").json()["state"] in {"stopped", "finished"}:
            break
        time.sleep(0.05)
    renamed = owner.patch("/api/v1/runs/old", json={"name": "newer", "note": "why", "tags": ["b", "a", "a"]}).json()
    assert (renamed["name"], renamed["note"], renamed["tags"]) == ("newer", "why", ["a", "b"])
    assert owner.get("/api/v1/runs/old").json()["id"] == made["id"]
    assert owner.get("/api/v1/runs", params={"search": "why"}).json()["total"] == 1
    assert owner.delete("/api/v1/runs/newer").status_code == 200
    assert owner.get("/api/v1/runs/newer").status_code == 404
    assert owner.get("/api/v1/runs", params={"trashed": True}).json()["total"] == 1
    assert owner.post(f"/api/v1/runs/{made['id']}/restore").json()["name"] == "newer"
    assert owner.patch("/api/v1/runs/newer", json={"nmae": "x"}).status_code == 422


def test_lists_page_by_cursor(owner: TestClient, shapes: str) -> None:
    names = []
    cursor = ""
    while True:
        page = owner.get("/api/v1/runs", params={"limit": 1, "cursor": cursor, "sort": "name"}).json()
        names += [item["name"] for item in page["items"]]
        assert all("used_by" not in item for item in page["items"])
        cursor = page["cursor"]
        if not cursor:
            break
    assert names == sorted(names)
    assert len(names) == page["total"] >= 2
    assert f"the run {names[0]}" in owner.get(f"/api/v1/datasets/{shapes}").json()["used_by"]
    assert owner.get("/api/v1/runs", params={"cursor": "x"}).status_code == 422
    assert owner.get("/api/v1/runs", params={"limit": 100000}).status_code == 422


@pytest.mark.parametrize(
    ("noun", "sort"),
    [
        ("users", "password_hash"),
        ("users", "-run_code"),
        ("tokens", "secret_sha256"),
        ("runs", "tags"),
        ("runs", "spec"),
        ("datasets", "source"),
        ("models", "--name"),
        ("runs", ""),
    ],
)
def test_a_list_is_sorted_by_what_it_shows_only(owner: TestClient, shapes: str, noun: str, sort: str) -> None:
    answer = owner.get(f"/api/v1/{noun}", params={"sort": sort, "limit": 1})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["sort"]
    assert "created_at, " in answer.json()["detail"]
    assert owner.get(f"/api/v1/{noun}", params={"sort": "-name", "limit": 1}).status_code == 200


def test_an_editor_changes_own_things_only(site: Site, owner: TestClient, shapes: str) -> None:
    editor = site.client("editor")
    refused = editor.patch(f"/api/v1/datasets/{shapes}", json={"note": "mine"})
    assert refused.status_code == 403
    assert "belongs to somebody else" in refused.json()["detail"]


def test_folders_outside_the_roots_are_refused(site: Site, owner: TestClient) -> None:
    (site.home / "leak").symlink_to("/etc")
    for path in ("/etc", "/etc/passwd", str(site.home / ".."), str(site.home / "leak"), "relative", "/\x00"):
        listing = owner.get("/api/v1/folders", params={"path": path})
        assert listing.status_code in {403, 404}, path
        imported = owner.post("/api/v1/datasets", json={"source": {"folder": path}})
        assert imported.status_code in {403, 404, 422}, path


@pytest.mark.parametrize("source", [None, {}, [], {"folder": 1}, {"folder": "/a", "sample": "b"}, {"web": "http://x"}])
def test_a_source_is_one_of_those_that_there_are(owner: TestClient, source: object) -> None:
    answer = owner.post("/api/v1/datasets", json={"source": source})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "source"


def test_an_upload_becomes_a_dataset(site: Site, owner: TestClient, tmp_path: Any) -> None:
    import shutil

    archive = shutil.make_archive(str(tmp_path / "pictures"), "zip", site.home / "shapes")
    content = Path(archive).read_bytes()
    upload = send_files(owner, {"pictures.zip": content})
    asked = {"json": {"source": {"upload": upload}}, "headers": {"Idempotency-Key": "its answer got lost"}}
    made = owner.post("/api/v1/datasets", **asked).json()
    assert made["name"] == "pictures"
    for _ in range(600):
        found = owner.get(f"/api/v1/datasets/{made['id']}").json()
        if found["state"] != "building":
            break
        time.sleep(0.05)
    assert found["state"] == "ready", found["message"]
    for _ in range(600):
        if not (site.home / "data" / "uploads" / upload).exists():
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the archive stays")
    again = owner.post("/api/v1/datasets", **asked)
    assert (again.status_code, again.json().get("id")) == (201, made["id"]), (
        "as it would be asked had the answer got lost"
    )
    assert owner.post("/api/v1/datasets", json={"source": {"upload": "upl_0000000000000000"}}).status_code == 404


def test_passwords_and_accounts(site: Site, owner: TestClient) -> None:
    short = owner.post("/api/v1/users", json={"name": "kim", "password": "short"})
    assert short.json()["errors"][0]["field"] == "password"
    kim = owner.post("/api/v1/users", json={"name": "kim", "password": PASSWORD, "role": "viewer"}).json()
    assert (kim["role"], kim["run_code"], kim["state"]) == ("viewer", False, "enabled")
    assert "password_hash" not in json.dumps(kim)
    session = site.services.accounts.sign_in("kim", PASSWORD)
    browser = TestClient(site.app, base_url="http://127.0.0.1:5000", cookies={"tenfold_session": session})
    assert browser.get("/api/v1/me").json()["name"] == "kim"
    assert owner.post("/api/v1/users/kim/allow-code").json()["run_code"] is True
    assert browser.get("/api/v1/me").json()["run_code"] is True
    assert owner.post("/api/v1/users/kim/refuse-code").json()["run_code"] is False
    assert browser.get("/api/v1/me").json()["run_code"] is False
    assert owner.post("/api/v1/users/kim/disable").json()["state"] == "disabled"
    assert browser.get("/api/v1/me").status_code == 401
    own = owner.get("/api/v1/me").json()["name"]
    last = owner.post(f"/api/v1/users/{own}/disable")
    assert (last.status_code, last.json()["code"]) == (409, "user.last-owner")
    wrong = owner.post(f"/api/v1/users/{own}/password", json={"password": PASSWORD, "current": "wrong"})
    assert wrong.status_code == 403


def test_a_token_is_shown_once_and_ends_when_revoked(site: Site, owner: TestClient) -> None:
    made = owner.post("/api/v1/tokens", json={"name": "ci", "scope": "write"}).json()
    assert made["token"].startswith("tfd_")
    assert all(item["token"] is None for item in owner.get("/api/v1/tokens").json()["items"])
    script = TestClient(
        site.app, base_url="http://127.0.0.1:5000", headers={"authorization": f"Bearer {made['token']}"}
    )
    assert script.get("/api/v1/me").status_code == 200
    assert script.post("/api/v1/tokens", json={"name": "more"}).json()["code"] == "scope"
    assert owner.delete(f"/api/v1/tokens/{made['id']}").json()["state"] == "revoked"
    assert script.get("/api/v1/me").status_code == 401


def test_the_document_describes_what_is_taken(owner: TestClient) -> None:
    document = owner.get("/api/v1/openapi.json").json()
    body = document["paths"]["/api/v1/runs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["epochs"]["minimum"] == 1
    assert body["required"] == ["dataset"]
    assert body["additionalProperties"] is False


def test_preflight_says_what_a_run_would_take_and_starts_none(owner: TestClient, shapes: str) -> None:
    before = owner.get("/api/v1/runs").json()["total"]

    answer = owner.post(
        "/api/v1/runs/preflight", json={"dataset": shapes, "batch_size": 8, "parameters": {"width1": 4}}
    )

    told = answer.json()
    assert answer.status_code == 200
    assert told["verdict"] == "fits"
    assert sum(told["parts"].values()) == told["memory_bytes"] < told["memory_free_bytes"]
    assert owner.get("/api/v1/runs").json()["total"] == before


def test_preflight_tells_a_wrong_field_as_the_start_does(owner: TestClient, shapes: str) -> None:
    answer = owner.post("/api/v1/runs/preflight", json={"dataset": shapes, "batch_size": 0})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "batch_size"
