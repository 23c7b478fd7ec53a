"""Many files over REST: in parts, gone on with, looked at, quotas, other people's, and what becomes of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx
import pytest
from sending import announce, append, send_files
from starlette.testclient import TestClient

from tenfold.client import Client, InvalidError
from tenfold.interfaces.client import uploading
from tenfold.testing.picture_files import write_class_folders

from .conftest import Site
from .test_ways_in import imported


@pytest.fixture(scope="module")
def birds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Twelve pictures of two classes by their paths in a folder."""
    root = write_class_folders(tmp_path_factory.mktemp("birds"), {"crow": 6, "owl": 6})
    return {f"birds/{path.relative_to(root)}": path.read_bytes() for path in sorted(root.rglob("*.png"))}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def without_top(files: dict[str, bytes], *, of_class: str = "") -> dict[str, bytes]:
    """The files below their class folders, or those of one class without its folder."""
    inside = {path.removeprefix("birds/"): content for path, content in files.items()}
    if not of_class:
        return inside
    return {path.partition("/")[2]: content for path, content in inside.items() if path.startswith(of_class)}


def test_a_folder_comes_in_parts_and_goes_on_where_it_was(owner: TestClient, birds: dict[str, bytes]) -> None:
    stream = b"".join(birds.values())
    begun = announce(owner, birds)
    assert begun.json()["name"] == "birds"
    upload = begun.json()["id"]
    assert append(owner, upload, 0, stream[:100]).headers["upload-offset"] == "100"
    again = announce(owner, birds)
    assert (again.json()["id"], again.json()["offset"]) == (upload, 100)
    assert owner.head(f"/api/v1/uploads/{upload}").headers["upload-offset"] == "100"
    early = owner.post("/api/v1/datasets", json={"source": {"upload": upload}})
    assert (early.status_code, early.json()["code"]) == (409, "upload.incomplete")
    twice = append(owner, upload, 0, stream)
    assert (twice.status_code, twice.json()["code"]) == (409, "upload.offset")
    assert append(owner, upload, 100, stream[100:]).json()["state"] == "ready"
    found = imported(owner, source={"upload": upload})
    assert (found["state"], found["name"], found["num_samples"]) == ("ready", "birds", 12), found["message"]
    assert found["manifest"]["classes"] == ["crow", "owl"]


def test_a_wrong_digest_is_told_and_the_upload_begins_anew(owner: TestClient, birds: dict[str, bytes]) -> None:
    stream = b"".join(birds.values())
    upload = announce(owner, birds).json()["id"]
    refused = append(owner, upload, 0, stream, **{"upload-digest": "0" * 64})
    assert (refused.status_code, refused.json()["code"]) == (422, "upload.digest")
    assert owner.get(f"/api/v1/uploads/{upload}").status_code == 404


def test_refused_files_are_among_the_rejected_of_the_dataset(owner: TestClient, birds: dict[str, bytes]) -> None:
    files = {"birds/crow/con.png": b"x", **birds}
    begun = announce(owner, files).json()
    assert [each["path"] for each in begun["refused"]] == ["birds/crow/con.png"]
    append(owner, begun["id"], 0, b"".join(birds.values()))
    found = imported(owner, source={"upload": begun["id"]})
    assert found["manifest"]["rejected_by_code"] == {"upload.name": 1}
    assert found["manifest"]["seen"] == 13


def test_archives_of_classes_keep_their_names(owner: TestClient, birds: dict[str, bytes]) -> None:
    archives = {f"{name}.zip": zipped(without_top(birds, of_class=name)) for name in ("crow", "owl")}
    found = imported(owner, source={"upload": send_files(owner, archives)})
    assert (found["num_samples"], found["manifest"]["classes"]) == (12, ["crow", "owl"]), found["message"]


def test_archives_that_are_parts_of_one_are_put_together(owner: TestClient, birds: dict[str, bytes]) -> None:
    inside = list(without_top(birds).items())
    archives = {"part1.zip": zipped(dict(inside[::2])), "part2.zip": zipped(dict(inside[1::2]))}
    found = imported(owner, source={"upload": send_files(owner, archives)})
    assert (found["num_samples"], found["manifest"]["classes"]) == (12, ["crow", "owl"]), found["message"]


def test_archives_named_after_splits_are_splits(owner: TestClient, birds: dict[str, bytes]) -> None:
    inside = without_top(birds)
    archives = {"train.zip": zipped(inside), "val.zip": zipped({f"val/{path}": each for path, each in inside.items()})}
    found = imported(owner, source={"upload": send_files(owner, archives)}, test_share=0)
    assert found["manifest"]["counts"] == {"train": [6, 6], "val": [6, 6], "test": [0, 0]}, found["message"]


def test_a_file_that_two_archives_hold_is_named(owner: TestClient, birds: dict[str, bytes]) -> None:
    archives = {"part1.zip": zipped(without_top(birds)), "part2.zip": zipped(without_top(birds))}
    found = imported(owner, source={"upload": send_files(owner, archives)})
    assert (found["state"], found["code"]) == ("failed", "archive.twice")


def test_a_sent_list_is_looked_at_like_one_of_the_server(owner: TestClient, site: Site) -> None:
    pictures = write_class_folders(site.home / "listed", {"a": 4, "b": 4})
    lines = "".join(f"{path.relative_to(pictures)} {path.parent.name}\n" for path in sorted(pictures.rglob("*.png")))
    upload = send_files(owner, {"train.txt": lines.encode()})
    found = owner.get(f"/api/v1/uploads/{upload}/preview", params={"prefix": str(pictures)}).json()
    assert (found["layout"], found["classes"]) == ("list", ["a", "b"])
    outside = owner.get(f"/api/v1/uploads/{upload}/preview", params={"prefix": "/etc"})
    assert outside.status_code == 403


def test_a_sent_table_shows_its_columns(owner: TestClient) -> None:
    upload = send_files(owner, {"x.csv": b"file_name,kind\na.png,cat\nb.png,dog\n"})
    found = owner.get(f"/api/v1/uploads/{upload}/preview", params={"label": "kind"}).json()
    assert (found["columns"], found["chosen"]["label"]) == (["file_name", "kind"], "kind")
    assert found["path"] == "", "where uploads lie is nobody's business"


def test_what_an_archive_holds_is_told_later(owner: TestClient, birds: dict[str, bytes]) -> None:
    upload = send_files(owner, {"birds.zip": zipped(birds)})
    answer = owner.get(f"/api/v1/uploads/{upload}/preview")
    assert (answer.status_code, answer.json()["code"]) == (422, "upload.archive")


def test_another_person_knows_nothing_of_it(site: Site, owner: TestClient) -> None:
    upload = send_files(owner, {"private.txt": b"a.png cat\n"})
    editor = site.client("editor")
    for answer in (
        editor.get(f"/api/v1/uploads/{upload}"),
        editor.get(f"/api/v1/uploads/{upload}/preview"),
        editor.delete(f"/api/v1/uploads/{upload}"),
        append(editor, upload, 0, b"x"),
        editor.post("/api/v1/datasets", json={"source": {"upload": upload}}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "upload.not-found")
    assert upload not in [each["id"] for each in editor.get("/api/v1/uploads").json()]
    assert upload in [each["id"] for each in owner.get("/api/v1/uploads").json()]
    assert owner.delete(f"/api/v1/uploads/{upload}").status_code == 200
    assert not (site.home / "data" / "uploads" / upload).exists()


def test_a_form_without_scripts_brings_many_files(owner: TestClient, birds: dict[str, bytes]) -> None:
    files = [("archive", (path, content, "image/png")) for path, content in birds.items()]
    origin = {"origin": str(owner.base_url)}
    answer = owner.post(
        "/datasets/new", data={"source": "archive"}, files=files, headers=origin, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    name = answer.headers["location"].rpartition("/")[2]
    assert name.startswith("birds")


def test_a_file_of_no_use_is_refused_at_once(owner: TestClient, tmp_path: Path) -> None:
    upload = send_files(owner, {"thesis.pdf": b"%PDF-1.7"})
    answer = owner.post("/api/v1/datasets", json={"source": {"upload": upload}})
    assert (answer.status_code, answer.json()["code"]) == (422, "dataset.layout")
    assert "thesis.pdf alone makes no dataset" in answer.json()["detail"]


class Breaking(httpx.BaseTransport):
    """Loses every second part, before or after the server has seen it."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.parts = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "PATCH":
            return self._inner.handle_request(request)
        self.parts += 1
        if self.parts % 4 == 2:
            raise httpx.ConnectError("lost on the way", request=request)
        response = self._inner.handle_request(request)
        if self.parts % 4 == 0:
            raise httpx.ReadError("the answer was lost", request=request)
        return response


def test_the_client_goes_on_through_a_network_that_breaks(
    owner: TestClient, site: Site, birds: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, content in birds.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / "birds" / "owl" / "nul.png").write_bytes(b"x")
    monkeypatch.setattr(uploading, "CHUNK_BYTES", sum(map(len, birds.values())) // 6 + 1)
    monkeypatch.setattr(uploading, "PAUSES_S", (0.0,) * 7)
    breaking = Breaking(owner._transport)
    client = Client("http://127.0.0.1:5000", site.tokens["owner"], transport=breaking)
    heard: list[int] = []
    sent = client.datasets.upload(tmp_path / "birds", on_change=lambda upload: heard.append(upload.offset))
    assert (sent.state, sent.name, [each.path for each in sent.refused]) == ("ready", "birds", ["birds/owl/nul.png"])
    assert heard == sorted(heard)
    assert breaking.parts > 6
    made = client.datasets.wait(client.datasets.import_upload(sent).id)
    assert (made.state, made.num_samples) == ("ready", 12)
    assert [each.code for each in client.datasets.rejected(made.id)] == ["upload.name"]


def test_the_client_says_what_is_not_there(owner: TestClient, site: Site, tmp_path: Path) -> None:
    client = Client("http://127.0.0.1:5000", site.tokens["owner"], transport=owner._transport)
    with pytest.raises(InvalidError, match="There is no file or folder"):
        client.datasets.upload(tmp_path / "nowhere")
