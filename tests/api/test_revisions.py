"""Samples, edits and revisions over REST and by the client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tenfold.client import Client, ConflictError, InvalidError
from tenfold.testing.picture_files import encode, make_photo

from .conftest import Site


@pytest.fixture
def shapes(site: Site, owner: TestClient) -> Iterator[str]:
    """A dataset of 36 pictures for one test alone, with one file that is no picture."""
    (site.home / "shapes" / "ring" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    body = {"source": {"folder": str(site.home / "shapes")}}
    name = owner.post("/api/v1/datasets", json=body).json()["name"]
    while owner.get(f"/api/v1/datasets/{name}").json()["state"] == "building":
        time.sleep(0.02)
    yield name
    owner.delete(f"/api/v1/datasets/{name}")


def samples(owner: TestClient, name: str, **params: Any) -> Any:
    return owner.get(f"/api/v1/datasets/{name}/samples", params=params).json()


def test_samples_are_found_by_what_they_are(owner: TestClient, shapes: str) -> None:
    everything = samples(owner, shapes, limit=500)
    assert everything["total"] == 36
    dark = samples(owner, shapes, sort="brightness", limit=4)
    least = sorted(item["brightness"] for item in everything["items"])[:4]
    assert [item["brightness"] for item in dark["items"]] == least
    following = samples(owner, shapes, sort="brightness", limit=4, cursor=dark["cursor"])
    assert not {item["index"] for item in following["items"]} & {item["index"] for item in dark["items"]}
    text = everything["items"][7]["path"][-12:]
    assert samples(owner, shapes, text=text.upper())["items"][0]["path"].endswith(text)
    assert samples(owner, shapes, split="train", label="bar", min_width="1")["total"] == 10
    assert samples(owner, shapes, split="", label="")["total"] == 36
    wrong = samples(owner, shapes, split="west", min_width="wide", sort="moon", min_bytes=9, max_bytes=3)
    assert {each["field"] for each in wrong["errors"]} == {"split", "min_width", "sort"}
    assert samples(owner, shapes, min_bytes=9, max_bytes=3)["errors"][0]["field"] == "min_bytes"
    assert samples(owner, shapes, label="moon")["code"] == "class.not-found"


def test_an_edit_its_undo_and_its_redo(owner: TestClient, shapes: str) -> None:
    at = f"/api/v1/datasets/{shapes}"
    first = owner.get(at).json()["revision"]
    picture = samples(owner, shapes)["items"][0]["thumbnail"]
    body = {"revision": first, "action": "relabel", "label": "disc", "filter": {"label": "ring", "split": "train"}}
    answer = owner.post(f"{at}/edits", json=body)
    made = answer.json()
    assert (answer.status_code, made["name"], made["state"]) == (201, f"{shapes}@2", "current")
    assert (made["summary"], made["parent"]) == ("10 pictures from ring to disc", first)
    found = owner.get(at).json()
    assert found["revision"] == made["id"]
    assert found["manifest"]["classes"] == ["bar", "cross", "ring", "disc"]
    assert samples(owner, shapes, label="disc")["items"][0]["thumbnail"].startswith("/api/v1/")
    assert samples(owner, shapes)["items"][0]["thumbnail"] == picture  # so browsers keep what they have
    assert "immutable" in owner.get(picture).headers["cache-control"]
    again = owner.post(f"{at}/edits", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "changed")
    assert "revision 2 is the current one, and this was asked for on revision 1" in again.json()["detail"]
    undone = owner.post(f"{at}/undo", json={"revision": made["id"]}).json()
    assert (undone["id"], undone["state"], undone["number"]) == (first, "current", 1)
    assert owner.post(f"{at}/undo", json={"revision": first}).json()["code"] == "revision.none"
    assert owner.post(f"{at}/redo", json={"revision": first}).json()["id"] == made["id"]
    listed = owner.get(f"{at}/revisions", params={"limit": 1}).json()
    assert (listed["total"], listed["items"][0]["number"]) == (2, 2)
    rest = owner.get(f"{at}/revisions", params={"cursor": listed["cursor"]}).json()
    assert [(each["number"], each["state"], each["parent"]) for each in rest["items"]] == [(1, "earlier", "")]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"action", "indices"}),
        ({"action": "exclude"}, {"indices"}),
        ({"action": "exclude", "indices": [1], "filter": {}}, {"indices"}),
        ({"action": "exclude", "indices": [True]}, {"indices"}),
        ({"action": "exclude", "indices": [-1]}, {"indices"}),
        ({"action": "exclude", "indices": [2**63]}, {"indices"}),
        ({"action": "exclude", "indices": "all"}, {"indices"}),
        ({"action": "exclude", "indices": [0] * 100_001}, {"indices"}),
        ({"action": "exclude", "filter": 3}, {"filter."}),
        ({"action": "exclude", "filter": {"split": "west", "size": 3}}, {"filter.split", "filter.size"}),
        ({"action": "relabel", "filter": {}}, {"label"}),
        ({"action": "move", "to_split": "excluded", "colour": 1, "indices": [1]}, {"to_split", "colour"}),
        ({"action": "exclude", "indices": [1], "revision": 7}, {"revision"}),
    ],
)
def test_all_that_is_wrong_with_an_edit_is_told(
    site: Site, owner: TestClient, body: dict[str, Any], fields: set[str]
) -> None:
    name = owner.get("/api/v1/datasets").json()["items"][0]["name"] if _has_any(owner) else _made(site, owner)
    answer = owner.post(f"/api/v1/datasets/{name}/edits", json={"revision": "rev_x", **body})
    assert answer.status_code == 422, answer.text
    assert {each["field"] for each in answer.json()["errors"]} == fields


def test_an_earlier_revision_can_be_looked_at(owner: TestClient, client: Client, shapes: str) -> None:
    url = f"/api/v1/datasets/{shapes}"
    first = owner.get(url).json()["revision"]
    client.datasets.edit(shapes, indices=[0, 1], action="exclude")
    for revision, excluded in (("1", 0), (first, 0), ("2", 2), ("", 2)):
        params = {"split": "excluded", **({"revision": revision} if revision else {})}
        assert owner.get(f"{url}/samples", params=params).json()["total"] == excluded
    assert len(list(client.datasets.samples(shapes, revision="1", split="excluded"))) == 0
    missing = owner.get(f"{url}/samples", params={"revision": "9"})
    assert missing.status_code == 404
    assert missing.json()["detail"] == f"{shapes} has no revision '9'; it has 1 to 2."
    told = owner.get(f"{url}/revisions").json()["items"]
    assert len({each["content"] for each in told}) == 2
    client.datasets.edit(shapes, indices=[0, 1], action="restore")
    assert owner.get(f"{url}/revisions").json()["items"][0]["content"] == told[1]["content"]


def test_what_is_deleted_is_gone_until_it_is_undone(owner: TestClient, client: Client, shapes: str) -> None:
    url = f"/api/v1/datasets/{shapes}"
    picture = samples(owner, shapes)["items"][0]["thumbnail"]
    made = client.datasets.edit(shapes, indices=[0, 1, 2], action="delete")
    assert (made.summary, made.num_samples) == ("3 deleted", 33)
    for split in ("", "excluded", "train"):
        assert not {0, 1, 2} & {item["index"] for item in samples(owner, shapes, split=split, limit=500)["items"]}
    manifest = owner.get(url).json()["manifest"]
    assert (manifest["num_deleted"], manifest["num_excluded"]) == (3, 0)
    for action in ("restore", "exclude", "delete"):
        refused = owner.post(f"{url}/edits", json={"revision": made.id, "action": action, "indices": [1, 5]})
        assert (refused.status_code, refused.json()["code"]) == (404, "sample.not-found")
    gone = owner.get(f"{url}/samples/1/thumbnail")
    assert (gone.status_code, gone.json()["code"]) == (404, "sample.not-found")
    assert owner.get(f"{url}/samples/1/thumbnail", params={"revision": made.id}).status_code == 404
    earlier = samples(owner, shapes, revision="1", limit=500)["items"]
    assert {0, 1, 2} <= {item["index"] for item in earlier}
    assert owner.get(picture).content == owner.get(earlier[0]["thumbnail"]).content
    with pytest.raises(InvalidError, match="No picture fits"):
        client.datasets.edit(shapes, where={"split": "excluded"}, action="restore")
    client.datasets.undo(shapes)
    assert owner.get(f"{url}/samples/1/thumbnail").status_code == 200


def test_a_filter_that_does_not_exist_is_named(owner: TestClient, shapes: str) -> None:
    answer = owner.get(f"/api/v1/datasets/{shapes}/samples", params={"class": "ring", "limit": 5})
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["field"] == "class"
    assert problem["message"].startswith("There is no such filter. There are split, label, ")


def _has_any(owner: TestClient) -> bool:
    return bool(owner.get("/api/v1/datasets").json()["items"])


def _made(site: Site, owner: TestClient) -> str:
    made = owner.post("/api/v1/datasets", json={"source": {"folder": str(site.home / "shapes")}}).json()
    return str(made["name"])


def test_strangers_are_refused_before_their_body_is_looked_at(site: Site, shapes: str) -> None:
    for verb in ("edits", "undo", "redo"):
        for identity in ("editor", "viewer", "reader"):
            answer = site.client(identity).post(f"/api/v1/datasets/{shapes}/{verb}", content=b"no json")
            assert answer.status_code == 403, (verb, identity)
    assert site.client("viewer").get(f"/api/v1/datasets/{shapes}/revisions").status_code == 200


def test_every_rejected_file_is_named(owner: TestClient, shapes: str) -> None:
    at = f"/api/v1/datasets/{shapes}/rejected"
    page = owner.get(at).json()
    assert (page["total"], page["cursor"]) == (1, "")
    assert page["items"][0]["path"] == "ring/torn.png"
    assert page["items"][0]["code"].startswith("image.")
    assert owner.get(at, params={"cursor": "1"}).json()["items"] == []
    assert owner.get(at, params={"cursor": "x"}).status_code == 422


def test_the_client_does_all_of_it(client: Client, shapes: str) -> None:
    lights = [sample.brightness for sample in client.datasets.samples(shapes, sort="-brightness", split="train")]
    assert lights == sorted(lights, reverse=True)
    first = client.datasets.get(shapes).revision
    made = client.datasets.edit(shapes, action="exclude", indices=[0, 1])
    assert (made.summary, made.num_samples) == ("2 excluded", 34)
    assert [sample.index for sample in client.datasets.samples(shapes, split="excluded")] == [0, 1]
    restored = client.datasets.edit(shapes, action="restore", where={"split": "excluded"})
    assert restored.summary == "2 restored"
    assert client.datasets.undo(shapes).number == 2
    assert client.datasets.redo(shapes).number == 3
    with pytest.raises(ConflictError, match="was changed meanwhile"):
        client.datasets.edit(shapes, action="exclude", indices=[5], revision=first)
    with pytest.raises(InvalidError, match="Name the class for relabel"):
        client.datasets.edit(shapes, action="relabel", indices=[5])
    assert [each.number for each in client.datasets.revisions(shapes)] == [3, 2, 1]
    assert [each.path for each in client.datasets.rejected(shapes)] == ["ring/torn.png"]


def wait_added(owner: TestClient, name: str) -> Any:
    while "adding" in (found := owner.get(f"/api/v1/datasets/{name}").json())["progress"]:
        time.sleep(0.02)
    return found


def test_pictures_are_added_as_the_next_revision(site: Site, owner: TestClient, client: Client, shapes: str) -> None:
    more = site.home / "more"
    for number in range(9):
        (more / "blob").mkdir(parents=True, exist_ok=True)
        (more / "blob" / f"{number}.png").write_bytes(encode(make_photo(40, 30, seed=number)))
    known = next((site.home / "shapes" / "ring").glob("*.png"))
    (more / "blob" / "known.png").write_bytes(known.read_bytes() if known.stem != "torn" else b"")
    at = f"/api/v1/datasets/{shapes}"
    first = owner.get(at).json()
    answer = owner.post(f"{at}/add", json={"source": {"folder": str(more)}})
    assert (answer.status_code, answer.json()["state"]) == (202, "ready")
    edit = {"revision": first["revision"], "action": "exclude", "indices": [1]}
    meanwhile = owner.post(f"{at}/edits", json=edit)
    if "adding" in owner.get(at).json()["progress"]:
        assert (meanwhile.status_code, meanwhile.json()["code"]) == (409, "dataset.adding")
    found = wait_added(owner, shapes)
    assert found["progress"] == {}
    assert (found["num_samples"], found["num_classes"]) == (45, 4)
    assert found["manifest"]["skipped_by_reason"]["in the dataset already"] == 1
    newest = owner.get(f"{at}/revisions").json()["items"][0]
    assert (newest["summary"], newest["parent"], newest["state"]) == ("9 added", first["revision"], "current")
    blobs = list(client.datasets.samples(shapes, label="blob"))
    assert [sample.index for sample in blobs] == list(range(36, 45))
    assert owner.get(blobs[0].thumbnail).content.startswith(b"\x89PNG")
    assert client.datasets.undo(shapes).number == 1
    assert client.datasets.redo(shapes).number == 2
    client.datasets.add_folder(shapes, more)
    again = client.datasets.wait_added(shapes)
    assert "All 10 pictures are in the dataset already" in again.progress["problem"]
    assert (again.state, again.num_samples) == ("ready", 45)
    page = site.client().get(f"/datasets/{shapes}").text
    assert "Nothing was added: All 10 pictures" in page


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"source": {"folder": "/etc"}}, 403), ({"source": {"sample": "mnist"}, "name": "x"}, 422)],
)
def test_what_cannot_be_added_is_refused_at_once(
    owner: TestClient, shapes: str, body: dict[str, Any], status: int
) -> None:
    assert owner.post(f"/api/v1/datasets/{shapes}/add", json=body).status_code == status
    assert owner.get(f"/api/v1/datasets/{shapes}").json()["progress"].get("adding") is None
