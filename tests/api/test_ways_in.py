"""Lists, tables, arrays and databases over REST: recognised, chosen, refused, and imported."""

from __future__ import annotations

import io
import shutil
import time
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sending import send_files
from starlette.testclient import TestClient

from tenfold.testing.picture_files import encode, write_class_folders
from tenfold.testing.pictures import write_shapes

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
    body = {"source": {"upload": outside}, "prefix": str(pictures / "files")}
    answer = owner.post("/api/v1/datasets", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "source.none-there")
    mixed = send_files(owner, {"train.txt": f"{lines}/etc/passwd a\n".encode()})
    found = imported(owner, source={"upload": mixed}, prefix=str(pictures / "files"))
    assert found["manifest"]["rejected_by_code"] == {"file.link-outside": 1}


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


def test_what_the_place_of_a_split_lacks_is_told(owner: TestClient, site: Site) -> None:
    home = site.home / "lacking"
    write_class_folders(home / "learn", {"a": 6, "b": 6})
    write_class_folders(home / "exam", {"a": 3, "z": 3})
    source = {"folder": str(home / "learn")}
    none = imported(owner, source=source, val_folder=str(home / "exam" / "z"))["manifest"]
    assert "Nothing that was given for validation can be used: look at the files left out." in none["notes"]
    strange = imported(owner, source=source, test_folder=str(home / "exam"))["manifest"]
    assert "No picture is for training in the classes z: they cannot be learnt." in strange["notes"]
    assert strange["counts"]["train"][strange["classes"].index("z")] == 0


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


@pytest.fixture(scope="module")
def archives(site: Site) -> Path:
    """The same class folders as archives of several kinds, and one that is none."""
    root = write_class_folders(site.home / "packed" / "owls", {"a": 5, "b": 5})
    for kind in ("zip", "gztar", "xztar", "tar"):
        shutil.make_archive(str(root), kind, root.parent, root.name)
    (root.parent / "broken.zip").write_bytes(b"PK no zip at all")
    return root.parent


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tar.xz"])
def test_an_archive_of_the_server_is_unpacked_and_imported(owner: TestClient, archives: Path, ending: str) -> None:
    path = str(archives / f"owls.{ending}")
    found = owner.get("/api/v1/folders/preview", params={"path": path}).json()
    assert (found["layout"], found["sentence"]) == (
        "archive",
        "This is an archive: it is unpacked and recognised when the dataset is made.",
    )
    assert path in owner.get("/api/v1/folders/complete", params={"prefix": str(archives / "ow")}).json()
    made = imported(owner, source={"folder": path})
    assert (made["state"], made["num_samples"], made["manifest"]["classes"]) == ("ready", 10, ["a", "b"])
    assert made["name"].partition("-")[0] == "owls"


def test_an_archive_may_hold_one_split(owner: TestClient, archives: Path) -> None:
    folders = {"val_folder": str(archives / "owls.zip"), "test_folder": str(archives / "owls.tar")}
    made = imported(owner, source={"folder": str(archives / "owls")}, **folders)
    assert made["manifest"]["split_sizes"] == {"train": 10, "val": 10, "test": 10}


def test_what_is_in_an_archive_cannot_stay_where_it_is(owner: TestClient, archives: Path) -> None:
    for source, more in (("owls.zip", {}), ("owls", {"test_folder": str(archives / "owls.zip")})):
        body = {"source": {"folder": str(archives / source)}, "storage": "in place", **more}
        answer = owner.post("/api/v1/datasets", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "storage.not-here"), source


def test_a_file_that_is_no_archive_fails_by_name(owner: TestClient, archives: Path) -> None:
    made = imported(owner, source={"folder": str(archives / "broken.zip")})
    assert (made["state"], made["code"]) == ("failed", "archive.format"), made["message"]


def test_the_first_picture_of_any_source_is_shown(owner: TestClient, pictures: Path, site: Site) -> None:
    first = (pictures / "files" / "a" / "0000.png").read_bytes()
    rows = "image,label\n" + "".join(f"{path.relative_to(pictures)},x\n" for path in sorted(pictures.rglob("*.png")))
    (pictures / "other.csv").write_text(rows)
    image = {"bytes": first, "path": None}
    pq.write_table(pa.table({"image": [image, image], "label": ["a", "b"]}), pictures.parent / "in.parquet")
    folder = site.home / "lonely"
    folder.mkdir()
    with lmdb.open(str(folder), map_size=1 << 20) as database, database.begin(write=True) as put:
        put.put(b"0", b"\x08\x01\x10\x02\x18\x02\x22\x04" + bytes([0, 85, 170, 255]) + b"\x28\x00")
    for path in (pictures / "other.csv", pictures.parent / "in.parquet", folder):
        for more in ({}, {"resize": "crop", "width": "9", "height": "7"}):
            answer = owner.get("/api/v1/folders/picture", params={"path": str(path), **more})
            assert answer.headers.get("content-type") == "image/png", (path, more, answer.text)
    chosen = {"path": str(pictures / "table.csv"), "label": "kind of bird"}
    assert owner.get("/api/v1/folders/picture", params=chosen).status_code == 200
    assert owner.get("/api/v1/folders/picture", params={"path": str(pictures / "none.csv")}).status_code == 404
    assert owner.get("/api/v1/folders/picture", params={"path": "/etc"}).status_code == 403


def test_the_first_picture_of_what_was_sent_is_shown(owner: TestClient, pictures: Path, site: Site) -> None:
    first = (pictures / "files" / "a" / "0000.png").read_bytes()
    upload = send_files(owner, {"b/t.csv": b"image,label\n1.png,x\n", "b/1.png": first})
    answer = owner.get(f"/api/v1/uploads/{upload}/picture", params={"resize": "squash", "width": "9", "height": "7"})
    assert Image.open(io.BytesIO(answer.content)).size == (9, 7)
    assert site.client("editor").get(f"/api/v1/uploads/{upload}/picture").status_code == 404
    lost = send_files(owner, {"t.csv": b"image,label\n1.png,x\n"})
    assert owner.get(f"/api/v1/uploads/{lost}/picture").status_code == 204
    answer = owner.post("/api/v1/datasets", json={"source": {"upload": lost}})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (422, "source", "source.none-there")
    assert error["message"].startswith(
        "Of the first 1 pictures that t.csv names, 1 are not there; the first one missing is 1.png."
    )


def refused_fields(owner: TestClient, **body: Any) -> list[str]:
    answer = owner.post("/api/v1/datasets", json=body)
    assert answer.status_code == 422, answer.text
    return [each["field"] for each in answer.json()["errors"]]


def test_what_a_look_tells_is_refused_before_a_job_is_made(owner: TestClient, pictures: Path, site: Site) -> None:
    before = owner.get("/api/v1/datasets").json()["total"]
    folder = {"folder": str(pictures / "files")}
    assert refused_fields(owner, source=folder, label_kind="number") == ["label_kind"]
    assert refused_fields(owner, source=folder, label_kind="order", class_order="a, c") == ["class_order"]
    np.savez(site.home / "all.npz", x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    assert refused_fields(owner, source={"folder": str(site.home / "all.npz")}, storage="in place") == ["storage"]
    apart = {"source": folder, "storage": "in place", "val_folder": str(site.home / "all.npz")}
    assert refused_fields(owner, **apart) == ["storage"]
    assert owner.get("/api/v1/datasets").json()["total"] == before


def test_a_split_of_the_same_pictures_is_refused(owner: TestClient, pictures: Path, site: Site) -> None:
    folder, other = str(pictures / "files"), str(site.home / "shapes")
    assert refused_fields(owner, source={"folder": folder}, val_folder=folder + "/") == ["val_folder"]
    assert refused_fields(owner, source={"folder": folder}, test_folder=f"{folder}/../files") == ["test_folder"]
    both = refused_fields(owner, source={"folder": folder}, val_folder=other, test_folder=other)
    assert both == ["test_folder"]


def test_the_preview_takes_folders_for_validation_and_test(owner: TestClient, site: Site) -> None:
    for name, seed in (("train", 1), ("held", 2), ("last", 3)):
        write_shapes(site.home / "apart" / name, per_class=seed + 1, seed=seed)
    asked = {"path": str(site.home / "apart" / "train"), "test_folder": str(site.home / "apart" / "last")}
    found = owner.get(
        "/api/v1/folders/preview", params={**asked, "val_folder": str(site.home / "apart" / "held")}
    ).json()
    assert [(each["split"], each["count"]) for each in found["counts"]] == [("train", 6), ("val", 9), ("test", 12)]
    assert found["sentence"].index("6") < found["sentence"].index("9") < found["sentence"].index("12")
    same = owner.get("/api/v1/folders/preview", params={**asked, "val_folder": asked["path"]})
    assert same.json()["errors"][0]["field"] == "val_folder"
    picture = owner.get("/api/v1/folders/picture", params=asked)
    assert picture.content.startswith(b"\x89PNG")
