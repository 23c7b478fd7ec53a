"""Datasets of several classes, of an order and of numbers, with groups and weights, through every door."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from tenfold.client import Client
from tenfold.testing.picture_files import encode, make_photo

from .conftest import ORIGIN, Site

NUM = 48
COLUMNS = {"classes": "tags", "order": "grade", "number": "age"}
ORDER = "mild, grave, fatal"


@pytest.fixture(scope="module")
def table(site: Site) -> Path:
    """A table with a column for each kind of label, four rows for each patient, and two bad rows."""
    root = site.home / "clinic"
    root.mkdir()
    with (root / "table.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "tags", "grade", "age", "patient", "weight"])
        for at in range(NUM):
            (root / f"{at:02d}.png").write_bytes(encode(make_photo(8, 8, seed=at)))
            tags = "|".join(["lung"] * (at % 2) + ["heart"] * (at % 3 == 0))
            grade = ("grave", "mild", "fatal")[at % 3]
            rows.writerow([f"{at:02d}.png", tags, grade, 20.5 + at, f"p{at // 4}", 0.5 if at % 2 else 2])
        rows.writerow(["00.png", "a|\x07", "grave", "old", "p0", 2])
        rows.writerow(["01.png", "lung", "mild", "3", "p0", -1])
    return root / "table.csv"


@pytest.fixture(scope="module")
def datasets(owner: TestClient, table: Path) -> Iterator[dict[str, dict[str, Any]]]:
    found = {}
    for kind, column in COLUMNS.items():
        order = {"class_order": ORDER} if kind == "order" else {}
        body = {
            "source": {"folder": str(table)},
            "columns": {"label": column},
            "label_kind": kind,
            "name": kind,
            **order,
        }
        assert owner.post("/api/v1/datasets", json=body).status_code == 201
        while (made := owner.get(f"/api/v1/datasets/{kind}").json())["state"] == "building":
            time.sleep(0.05)
        assert made["state"] == "ready", made["message"]
        found[kind] = made
    yield found
    for kind in COLUMNS:
        owner.delete(f"/api/v1/datasets/{kind}")


def samples(owner: TestClient, name: str, **params: Any) -> Any:
    return owner.get(f"/api/v1/datasets/{name}/samples", params={"limit": 500, **params}).json()


def page_text(owner: TestClient, address: str, **params: Any) -> str:
    answer = owner.get(address, params=params, headers={"accept": "text/html"})
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_the_objects_tell_kind_groups_and_ranges(datasets: dict[str, dict[str, Any]]) -> None:
    for kind, made in datasets.items():
        assert (made["label_kind"], made["num_samples"], made["manifest"]["num_groups"]) == (kind, NUM, NUM // 4)
        assert made["label_facts"]["num_torn"] == 0
        assert made["label_facts"]["weights"] == [0.5, 2.0]
        assert made["manifest"]["seen"] == NUM + 2
    assert datasets["number"]["label_facts"]["values"] == [20.5, 67.5]
    assert datasets["number"]["num_classes"] == 0
    assert datasets["order"]["manifest"]["classes"] == ["mild", "grave", "fatal"]
    assert datasets["number"]["manifest"]["rejected_by_code"] == {"label.number": 1, "table.weight": 1}
    assert datasets["classes"]["manifest"]["rejected_by_code"] == {"list.label": 1, "table.weight": 1}


def test_samples_tell_labels_groups_and_weights(owner: TestClient, datasets: dict[str, dict[str, Any]]) -> None:
    first = {
        kind: next(each for each in samples(owner, kind)["items"] if each["path"] == "03.png") for kind in datasets
    }
    assert (first["classes"]["label"], first["classes"]["classes"]) == ("heart, lung", ["heart", "lung"])
    assert (first["order"]["label"], first["order"]["classes"]) == ("grave", ["grave"])
    assert (first["number"]["label"], first["number"]["classes"], first["number"]["value"]) == ("23.5", [], 23.5)
    assert {(each["group"], each["weight"]) for each in first.values()} == {("p0", 0.5)}
    none = next(each for each in samples(owner, "classes")["items"] if each["path"] == "02.png")
    assert (none["label"], none["classes"]) == ("no class", [])


def test_samples_are_found_by_class_number_and_group(owner: TestClient, datasets: dict[str, dict[str, Any]]) -> None:
    assert samples(owner, "classes", label="lung")["total"] == 24
    assert samples(owner, "classes", label="heart")["total"] == 16
    assert samples(owner, "number", min_value=30, max_value=39.5)["total"] == 10
    assert [each["value"] for each in samples(owner, "number", sort="-label")["items"]][:2] == [67.5, 66.5]
    assert samples(owner, "order", group="p3")["total"] == 4
    assert samples(owner, "order", group="p99")["code"] == "group.not-found"
    assert samples(owner, "order", min_value=1)["errors"][0]["field"] == "min_value"


def test_a_preview_reads_labels_of_the_kind_asked_for(owner: TestClient, table: Path) -> None:
    asked = {"path": str(table), "label": "tags", "label_kind": "classes"}
    assert owner.get("/api/v1/folders/preview", params=asked).json()["classes"] == ["heart", "lung"]
    found = owner.get("/api/v1/folders/preview", params={**asked, "group": "-"}).json()
    assert "group" not in found["chosen"]
    refused = owner.get("/api/v1/folders/preview", params={**asked, "label_kind": "ordinal"})
    assert refused.json()["errors"][0]["field"] == "label_kind"


def test_moving_a_picture_moves_its_group(owner: TestClient, datasets: dict[str, dict[str, Any]]) -> None:
    one = next(each for each in samples(owner, "number")["items"] if each["split"] == "train")
    body = {"revision": datasets["number"]["revision"], "action": "move", "to_split": "test", "indices": [one["index"]]}
    made = owner.post("/api/v1/datasets/number/edits", json=body).json()
    assert made["summary"] == "4 moved from train to test"
    assert {each["split"] for each in samples(owner, "number", group=one["group"])["items"]} == {"test"}
    refused = {"revision": made["id"], "action": "relabel", "label": "x", "indices": [0]}
    assert owner.post("/api/v1/datasets/number/edits", json=refused).json()["code"] == "edit.label-kind"
    owner.post("/api/v1/datasets/number/undo", json={"revision": made["id"]})


def test_a_table_is_added_by_the_columns_that_the_dataset_was_made_by(
    owner: TestClient, site: Site, datasets: dict[str, dict[str, Any]]
) -> None:
    root = site.home / "more"
    root.mkdir()
    for at in range(100, 104):
        (root / f"{at}.png").write_bytes(encode(make_photo(8, 8, seed=at)))
    lines = "".join(f"{at}.png,lung|rib,{at},p0\n" for at in range(100, 104))
    (root / "more.csv").write_text(f"image,tags,age,patient\n{lines}")
    body = {"source": {"folder": str(root / "more.csv")}}
    assert owner.post("/api/v1/datasets/classes/add", json=body).status_code == 202
    while "adding" in (made := owner.get("/api/v1/datasets/classes").json())["progress"]:
        time.sleep(0.05)
    assert made["progress"] == {}
    assert (made["manifest"]["classes"], made["num_samples"]) == (["heart", "lung", "rib"], NUM + 4)
    found = samples(owner, "classes", group="p0")["items"]
    assert len({each["split"] for each in found}) == 1
    assert {each["label"] for each in found if each["index"] >= NUM} == {"lung, rib"}
    owner.post("/api/v1/datasets/classes/undo", json={"revision": made["revision"]})


def test_a_run_on_labels_that_no_task_learns_is_refused(owner: TestClient, datasets: dict[str, dict[str, Any]]) -> None:
    for kind, has in (("classes", "several classes"), ("number", "a number")):
        answer = owner.post("/api/v1/runs", json={"dataset": kind, "network": "lenet"})
        assert answer.status_code == 422
        (problem,) = answer.json()["errors"]
        assert (problem["field"], problem["code"]) == ("dataset", "dataset.label-kind")
        assert (
            problem["message"] == f"The pictures of {kind} have {has} each: training learns one class a picture so far."
        )
        assert f'value="{kind}"' not in owner.get("/runs/new", headers={"accept": "text/html"}).text
    told = page_text(owner, "/runs/new", dataset="order")
    assert "in 3 classes, 8 × 8, in colour. They count by their weights; validation and test count all alike." in told


def test_the_pages_tell_what_pictures_are_labelled_with(owner: TestClient, datasets: dict[str, dict[str, Any]]) -> None:
    told = page_text(owner, "/datasets/classes")
    assert "48 pictures in 2 classes, any number of them each." in told
    assert "16 pictures of no class. 12 groups: none is in two splits. Weights from 0.5 to 2." in told
    assert "Training on this kind of label is still to come." in told
    assert "Train on this" not in told
    assert "Give class" not in told
    number = page_text(owner, "/datasets/number")
    assert "48 pictures with a number each, from 20.5 to 67.5." in number
    assert "Numbers, sizes and light" in number
    assert "Train on this" in page_text(owner, "/datasets/order")


def test_the_gallery_is_filtered_by_group_and_number(owner: TestClient, datasets: dict[str, dict[str, Any]]) -> None:
    assert "1 to 4 of 4" in page_text(owner, "/datasets/number", group="p3")
    assert "1 to 10 of 10" in page_text(owner, "/datasets/number", min_value="30", max_value="39.5")
    assert "There is no group 'p99'." in page_text(owner, "/datasets/number", group="p99")
    assert "1 to 48 of 48" in page_text(owner, "/datasets/order", min_value="30")
    html = owner.get("/datasets/number", headers={"accept": "text/html"}).text
    assert 'data-label="23.5"' in html
    assert "group p0, 8 × 8" in html
    assert ", weight 0.5" in html


def test_what_cannot_be_folders_leaves_as_a_table(owner: TestClient, datasets: dict[str, dict[str, Any]]) -> None:
    refused = owner.get("/api/v1/datasets/classes/export").json()
    assert refused["code"] == "export.label-kind"
    assert refused["detail"].endswith("choose CSV, COCO-style JSON or Parquet.")
    content = owner.get("/api/v1/datasets/classes/export", params={"format": "csv"}).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("classes/samples.csv").decode())))
    assert {(row["label"], row["group"], row["weight"]) for row in rows if row["source"] == "03.png"} == {
        ("heart|lung", "p0", "0.5")
    }


def test_the_client_has_them_too(site: Site, datasets: dict[str, dict[str, Any]], table: Path) -> None:
    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            inner = TestClient(site.app, base_url=ORIGIN, raise_server_exceptions=False)
            answer = inner.request(
                request.method, str(request.url), content=request.read(), headers=dict(request.headers)
            )
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with Client(ORIGIN, site.tokens["owner"], transport=Transport()) as client:
        assert client.datasets.get("number").label_kind == "number"
        found = list(client.datasets.samples("number", min_value=66, sort="label"))
        assert [(each.value, each.group) for each in found] == [(66.5, "p11"), (67.5, "p11")]
        told = client.datasets.preview(table, columns={"label": "tags"}, label_kind="classes")
        assert told.classes == ["heart", "lung"]
