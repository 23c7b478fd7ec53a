"""Values that no person types and every scanner sends: refused in words, never an error of the server's own."""

from __future__ import annotations

import base64
import json
import time

import pytest
from sending import announce
from starlette.testclient import TestClient

from .conftest import ORIGIN, Site

SURROGATE = "\ud800"
PATIENCE_S = 300.0


@pytest.fixture(scope="module", autouse=True)
def odd(site: Site, owner: TestClient) -> None:
    """A dataset to send strange things to, whichever of the tests a process has."""
    owner.post("/api/v1/datasets", json={"source": {"folder": str(site.home / "shapes")}, "name": "odd"})
    deadline = time.monotonic() + PATIENCE_S
    while owner.get("/api/v1/datasets/odd").json()["state"] == "building":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps([value, "x"]).encode()).decode()


@pytest.mark.parametrize(
    "value", [10**30, -(10**30), float("inf"), float("nan"), True, None, SURROGATE, "\x00", [], {"a": 1}, 1.5, "x"]
)
@pytest.mark.parametrize("sort", ["created_at", "name", "-name", "tags", "spec", "id", "--name", "version"])
def test_a_cursor_of_ones_own(owner: TestClient, value: object, sort: str) -> None:
    answer = owner.get("/api/v1/runs", params={"cursor": cursor(value), "sort": sort})
    assert answer.status_code in {200, 422}
    if value in (10**30, None, SURROGATE) or value is True:
        assert answer.status_code == 422


@pytest.mark.parametrize("after", ["\u00b2", "\u0663", "-1", "9" * 20, "1.0"])
def test_a_place_among_samples_is_a_number(owner: TestClient, after: str) -> None:
    answer = owner.get("/api/v1/datasets/odd/samples", params={"cursor": after})
    assert answer.status_code == 422


@pytest.mark.parametrize("index", ["-1", "99", "9" * 30, "x"])
def test_a_picture_that_is_not_there(owner: TestClient, index: str) -> None:
    assert owner.get(f"/api/v1/datasets/odd/samples/{index}/thumbnail").status_code in {404, 422}


@pytest.mark.parametrize("search", ["\x00", "%", "_", "\\", "'", '"', "\ud7ff", "a" * 200, "; drop table runs"])
def test_a_search_is_for_letters(owner: TestClient, search: str) -> None:
    answer = owner.get("/api/v1/runs", params={"search": search})
    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize("name", ["%00", "%ff", "%ED%A0%80", "a" * 5000, "-x", "@"])
@pytest.mark.parametrize("noun", ["datasets", "runs", "models", "networks"])
def test_a_name_that_nothing_has(owner: TestClient, noun: str, name: str) -> None:
    assert owner.get(f"/api/v1/{noun}/{name}").status_code == 404
    assert owner.get(f"/{noun}/{name}").status_code in {404, 422}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PATCH", "/api/v1/datasets/odd", {"note": SURROGATE}, "note"),
        ("PATCH", "/api/v1/datasets/odd", {"name": SURROGATE}, "name"),
        ("PATCH", "/api/v1/datasets/odd", {"tags": [SURROGATE]}, "tags"),
        ("PATCH", "/api/v1/datasets/odd", {"tags": [None]}, "tags.0"),
        ("PATCH", "/api/v1/datasets/odd", {"note": 5}, "note"),
        ("POST", "/api/v1/tokens", {"name": SURROGATE}, "name"),
        ("POST", "/api/v1/users", {"name": SURROGATE, "password": "correct horse"}, "name"),
        ("POST", "/api/v1/runs", {"dataset": "odd", "epochs": 1e300}, "epochs"),
        ("POST", "/api/v1/runs", {"dataset": "odd", "device": "cuda:\u00b2"}, "device"),
        ("POST", "/api/v1/runs", {"dataset": "odd", "device": "cuda:" + "9" * 5000}, "device"),
        ("POST", "/api/v1/runs", {"dataset": "odd", "device": "cuda:7"}, "device"),
        ("POST", "/api/v1/runs", {"dataset": "odd", "device": "import"}, "device"),
        ("POST", "/api/v1/runs", {"dataset": "odd", "seed": 2**63}, "seed"),
        ("POST", "/api/v1/runs", {"dataset": "odd", "name": SURROGATE}, "name"),
    ],
)
def test_a_text_or_number_that_cannot_be_kept(
    owner: TestClient, method: str, path: str, body: dict[str, object], field: str
) -> None:
    headers = {"content-type": "application/json"}
    answer = owner.request(method, path, content=json.dumps(body).encode(), headers=headers)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_numbers_of_thousands_of_digits_are_refused_early(owner: TestClient) -> None:
    content = b'{"dataset": "odd", "epochs": ' + b"9" * 100_000 + b"}"
    answer = owner.post("/api/v1/runs", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["\x00", "a" * 9000, "~root", "..", "\ud7ff"])
def test_a_folder_that_cannot_be(site: Site, owner: TestClient, path: str) -> None:
    for whole in (path, f"{site.home}/{path}"):
        if path == ".." and whole != path:
            continue
        assert owner.get("/api/v1/folders", params={"path": whole}).status_code in {403, 404}
        assert owner.get("/api/v1/folders/complete", params={"prefix": whole}).status_code == 200


@pytest.mark.parametrize("path", ["", "..", "a/../b", "\x00", "\u00e9" * 400, "\u202e.jpg", "nul"])
def test_a_file_that_may_not_be_sent_is_named(owner: TestClient, path: str) -> None:
    answer = announce(owner, {path: b"x"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "files"
    begun = announce(owner, {path: b"x", "good.jpg": b"xy"})
    assert begun.status_code == 201
    assert [each["number"] for each in begun.json()["refused"]] == [0]
    assert owner.delete(f"/api/v1/uploads/{begun.json()['id']}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"files": []}, {"files": "x"}, {"files": [{"path": "a"}]}, {"files": [{"path": "a", "size_bytes": -1}]}],
)
def test_an_announcement_that_is_none(owner: TestClient, body: object) -> None:
    assert owner.post("/api/v1/uploads", json=body).status_code == 422


@pytest.mark.parametrize("offset", ["", "-1", "x", "9" * 30, "\u0663"])
def test_an_offset_that_is_none(owner: TestClient, offset: str) -> None:
    upload = announce(owner, {"odd.jpg": b"xyz"}).json()["id"]
    headers = {"upload-offset": offset.encode(), "content-type": "application/octet-stream"}
    assert owner.patch(f"/api/v1/uploads/{upload}", content=b"x", headers=headers).status_code in {409, 422}
    assert owner.delete(f"/api/v1/uploads/{upload}").status_code == 200


@pytest.mark.parametrize("value", ["\x00", "9" * 5000, "x" * 3000])
def test_forms_come_back_with_what_is_wrong(owner: TestClient, value: str) -> None:
    origin = {"origin": ORIGIN}
    assert owner.get("/runs/new", params=dict.fromkeys(["dataset", "network", "epochs"], value)).status_code == 200
    assert owner.post("/runs/new", data={"dataset": "odd", "epochs": value}, headers=origin).status_code == 422
    checked = owner.post("/runs/new/check", params={"field": "epochs"}, data={"epochs": value}, headers=origin)
    assert checked.status_code == 200


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "[", "http://\u00b2", "http://127.0.0.1:5000x"])
def test_an_origin_that_is_none_changes_nothing(owner: TestClient, origin: str) -> None:
    answer = owner.post("/api/v1/jobs/warm", headers={"origin": origin.encode()})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin")


def test_guessing_a_password_is_braked(site: Site) -> None:
    browser = site.client("nobody")
    answers = []
    while len(answers) < 30 and (not answers or answers[-1].status_code == 401):
        body = {"name": "guessed", "password": "x"}
        answers.append(browser.post("/sign-in", data=body, headers={"origin": ORIGIN}))
    assert len(answers) > 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "Too many wrong passwords" in answers[-1].text


@pytest.mark.parametrize("length", [b"\xb2", b"9" * 5000, b"x"])
def test_a_length_that_is_no_number_is_counted(owner: TestClient, length: bytes) -> None:
    answer = owner.post("/api/v1/runs", json={"dataset": "odd", "epochs": 0}, headers={"content-length": length})
    assert answer.status_code == 422
