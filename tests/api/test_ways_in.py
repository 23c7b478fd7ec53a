"""Lists, tables, arrays and databases over REST: recognised, chosen, refused, and imported."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sending import send_files
from starlette.testclient import TestClient

from tenfold.testing.picture_files import encode, write_class_folders

from .conftest import Site

PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def pictures(site: Site) -> Path:
    """A folder with pictures and, beside them, a table that calls its columns oddly and a list without labels."""
    root = write_class_folders(site.home / "birds" / "files", {"a": 5, "b": 5}).parent
    rows = [f"files/{name}/{number:04d}.png,{name},p{number}\n" for name in "ab" for number in range(5)]
    (root / "table.csv").write_text("where,kind of bird,patient\n" + "".join(rows))
    return root


def imported(owner: TestClient, **body: Any) -> dict[str, Any]:
    answer = owner.post("/api/v1/datasets", json=body)
    assert answer.status_code == 201, answer.text
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, Any] = owner.get(f"/api/v1/datasets/{answer.json()['id']}").json()
        if found["state"] != "building":
            return found
        assert time.monotonic() < deadline, "the import does not end"
        time.sleep(0.05)


def test_a_preview_tells_layout_columns_and_rows(owner: TestClient, pictures: Path) -> None:
    found = owner.get("/api/v1/folders/preview", params={"path": str(pictures / "table.csv")}).json()
    assert found["layout"] == "table"
    assert found["sentence"] == "This is a table with a row for every picture: 10 pictures to be divided."
    assert found["columns"] == ["where", "kind of bird", "patient"]
    assert found["chosen"] == {"image": "where", "group": "patient"}
    assert found["rows"][0] == ["files/a/0000.png", "a", "p0"]
    chosen = {"path": str(pictures / "table.csv"), "label": "kind of bird"}
    found = owner.get("/api/v1/folders/preview", params=chosen).json()
    assert (found["chosen"]["label"], found["classes"]) == ("kind of bird", ["a", "b"])


def test_nothing_outside_is_told_of(owner: TestClient, site: Site, pictures: Path) -> None:
    ask = "/api/v1/folders/preview"
    assert owner.get(ask, params={"path": "/etc/passwd"}).status_code == 403
    assert owner.get(ask, params={"path": str(pictures / "none.csv")}).status_code == 404
    assert owner.get(ask, params={"path": str(pictures), "prefix": "/etc"}).status_code == 403
    assert owner.get(ask, params={"path": str(pictures), "layout": "nonsense"}).status_code == 422
    assert owner.get(ask, params={"path": str(pictures / "table.csv"), "label": "none"}).status_code == 422
    assert site.client("viewer").get(ask, params={"path": str(pictures)}).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"layout": "nonsense"}, "layout"),
        ({"layout": 7}, "layout"),
        ({"columns": []}, "columns"),
        ({"columns": {"picture": "x"}}, "columns"),
        ({"columns": {"image": 3}}, "columns.image"),
        ({"prefix": 3}, "prefix"),
    ],
)
def test_a_choice_that_is_none_is_named(owner: TestClient, pictures: Path, wrong: dict[str, Any], field: str) -> None:
    answer = owner.post("/api/v1/datasets", json={"source": {"folder": str(pictures)}, **wrong})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_a_table_is_imported_with_the_chosen_columns(owner: TestClient, pictures: Path) -> None:
    source = {"folder": str(pictures / "table.csv")}
    found = imported(owner, source=source, columns={"label": "kind of bird"}, layout="table")
    assert (found["state"], found["num_samples"], found["manifest"]["classes"]) == ("ready", 10, ["a", "b"])
    refused = imported(owner, source=source)
    assert (refused["state"], refused["code"]) == ("failed", "table.no-label")
    assert "There are where, kind of bird, patient." in refused["message"]


def test_a_parquet_file_may_be_sent(owner: TestClient, pictures: Path) -> None:
    images = [{"bytes": path.read_bytes(), "path": None} for path in sorted(pictures.rglob("*.png"))]
    buffer = io.BytesIO()
    pq.write_table(pa.table({"image": images, "label": ["a"] * 5 + ["b"] * 5}), buffer)
    found = imported(owner, source={"upload": send_files(owner, {"x.parquet": buffer.getvalue()})})
    assert (found["state"], found["num_samples"]) == ("ready", 10)


def test_a_list_may_be_sent_that_names_pictures_of_the_server(owner: TestClient, pictures: Path) -> None:
    lines = "".join(f"{name}/{number:04d}.png {name}\n" for name in "ab" for number in range(5))
    sent = send_files(owner, {"train.txt": lines.encode()})
    found = imported(owner, source={"upload": sent}, prefix=str(pictures / "files"))
    assert (found["state"], found["num_samples"]) == ("ready", 10)
    outside = send_files(owner, {"train.txt": b"/etc/passwd a\n/etc/hosts b\n"})
    refused = imported(owner, source={"upload": outside}, prefix=str(pictures / "files"))
    assert refused["state"] == "failed"
    assert "outside the folders" in refused["message"]


def test_a_digits_job_is_imported(owner: TestClient, site: Site) -> None:
    job = site.home / "20170101-1200-abcd"
    picture = encode(np.full((6, 6, 3), 90, np.uint8))
    for split, count in (("train", 8), ("val", 4)):
        (job / f"{split}_db").mkdir(parents=True)
        with lmdb.open(str(job / f"{split}_db"), map_size=1 << 24) as database, database.begin(write=True) as writing:
            for number in range(count):
                content = b"\x22" + bytes([len(picture)]) + picture + bytes([0x28, number % 2, 0x38, 1])
                writing.put(b"%08d" % number, content)
    (job / "labels.txt").write_text("cat\ndog\n")
    (job / "status.pickle").write_bytes(b"never opened")
    found = imported(owner, source={"folder": str(job)})
    assert found["state"] == "ready", found["message"]
    assert found["manifest"]["counts"]["val"] == [2, 2]
    assert any("status.pickle is not opened" in note for note in found["manifest"]["notes"])


@pytest.mark.parametrize("text", ["just a few words", "", "name,kind\na,b\n", "\x00\x01\x02 binary\n"])
def test_a_text_that_is_no_list_is_refused_at_once(owner: TestClient, site: Site, text: str) -> None:
    (site.home / "notes.txt").write_text(text)
    for answer in (
        owner.post("/api/v1/datasets", json={"source": {"folder": str(site.home / "notes.txt")}}),
        owner.get("/api/v1/folders/preview", params={"path": str(site.home / "notes.txt")}),
        owner.post(
            "/api/v1/datasets", json={"source": {"upload": send_files(owner, {"notes.txt": b"x" + text.encode()})}}
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "list.none")
        assert "notes.txt is no list of pictures" in answer.json()["detail"]


def test_splits_may_lie_in_three_places(owner: TestClient, site: Site, pictures: Path) -> None:
    for name, count in (("learn", 6), ("check", 2), ("exam", 3)):
        write_class_folders(site.home / "apart" / name, {"a": count, "b": count})
    apart = {"val_folder": str(site.home / "apart" / "check"), "test_folder": str(site.home / "apart" / "exam")}
    path = str(site.home / "apart" / "learn")
    found = imported(owner, source={"folder": path}, **apart)
    assert found["manifest"]["counts"] == {"train": [6, 6], "val": [2, 2], "test": [3, 3]}, found["message"]
    seen = owner.get("/datasets/new", params={"source": "folder", "folder": path, **apart}).text
    assert "12 pictures for training, 4 pictures for validation, 6 pictures for testing" in seen
    outside = owner.post("/api/v1/datasets", json={"source": {"folder": path}, "val_folder": "/etc"})
    assert outside.status_code == 403
