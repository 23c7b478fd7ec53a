"""Models that were trained elsewhere come in as ONNX, classify as any other, and harm nobody."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import foreign_models as made
import numpy as np
import onnx
import pytest
from kernel import level_here
from PIL import Image
from starlette.testclient import TestClient

from tenfold.client import Client, ConflictError, InvalidError
from tenfold.interfaces.schemas.objects import Model

from .conftest import Site

LABELS = ["ant", "bee", "cow", "dog", "eel"]
TEXT = 'language 1\nnetwork n "n"\ninput image = image(1, 28, 28)\nflatten\nfc = dense(3)\noutput logits\n'
HOSTILE = made.hostile()
KILLED = {
    "a loop without end": (made.endless(), "model.slow"),
    "10 GB of zeros": (made.bomb(), "model.memory"),
}


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of noise, 8 x 8."""
    path = tmp_path_factory.mktemp("pictures") / "noise.png"
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (8, 8, 3), np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def trained(client: Client, site: Site) -> Model:
    """LeNet, trained here on a few pictures."""
    made = client.datasets.import_folder(site.home / "shapes", name="shapes", width=28, height=28)
    client.datasets.wait(made.id)
    run = client.runs.start(dataset="shapes", network="lenet", epochs=1, name="at-home")
    assert client.runs.wait(run.id).state == "finished"
    return client.models.get("at-home")


@pytest.fixture(scope="module")
def brought(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model with its channels last, which takes whole numbers."""
    path = tmp_path_factory.mktemp("files") / "from-afar.onnx"
    path.write_bytes(made.linear(takes=made.LAST, producer_name="by hand", producer_version="1"))
    return client.models.import_file(path, labels=LABELS, range="0-255")


def send(owner: TestClient, content: bytes, **form: Any) -> Any:
    return owner.post("/api/v1/models/import", files={"file": ("sent.onnx", content)}, data=form)


def by_label(client: Client, name: str, *pictures: Path) -> list[dict[str, float]]:
    return [{each.label: each.probability for each in ranked} for ranked in client.models.classify(name, *pictures)]


def test_a_model_of_tenfold_that_comes_back_says_the_same(
    client: Client, trained: Model, site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    with zipfile.ZipFile(client.models.download("at-home", tmp_path / "out.zip")) as archive:
        archive.extractall(folder)
    stripped = onnx.load(folder / "at-home" / "model.onnx")
    for field in ("metadata_props", "producer_name", "producer_version", "doc_string"):
        stripped.ClearField(field)
    onnx.save(stripped, tmp_path / "stripped.onnx")
    operations = json.loads((folder / "at-home" / "preprocessing.json").read_text("utf-8"))["operations"]
    normalise = next(each for each in operations if each["op"] == "normalise")

    back = client.models.import_file(
        tmp_path / "stripped.onnx",
        labels=folder / "at-home" / "labels.txt",
        mean=normalise["mean"],
        std=normalise["std"],
        resize=operations[1]["mode"],
    )

    assert (back.name, back.run, back.revision, back.network, back.metrics) == ("stripped", "", "", "", {})
    pictures = sorted((site.home / "shapes").rglob("*.png"))[::5]
    assert len(pictures) > 3
    for known, found in zip(by_label(client, "at-home", *pictures), by_label(client, back.id, *pictures), strict=True):
        assert found == pytest.approx(known, abs=1e-5)


def test_a_model_made_by_hand_gets_the_pictures_that_it_takes(client: Client, brought: Model, picture: Path) -> None:
    pixels = np.asarray(Image.open(picture), np.float32)[None]
    known = dict(zip(LABELS, made.softmax(made.logits_of(pixels))[0], strict=True))

    (found,) = by_label(client, brought.name, picture)

    assert found == pytest.approx(known, abs=1e-5)
    about = brought.facts["file"]
    told = {name: about[name] for name in ("name", "layout", "output", "opset", "producer", "classes")}
    assert told == {
        "name": "from-afar.onnx",
        "layout": "nhwc",
        "output": "logits",
        "opset": 17,
        "producer": "by hand 1",
        "classes": 5,
    }
    assert about["confinement"]["level"] == level_here()
    assert len(about["sha256"]) == 64


def test_its_download_says_the_same_without_tenfold(
    client: Client, brought: Model, picture: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(client.models.download(brought.id, tmp_path / "out.zip")) as archive:
        archive.extractall(tmp_path)
    (folder,) = (each for each in tmp_path.iterdir() if each.is_dir())
    program = "from predict import Model; import sys, json; print(json.dumps(Model().classify(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", program, str(picture)], cwd=folder, capture_output=True, check=True)
    assert dict(json.loads(done.stdout)) == pytest.approx(by_label(client, brought.id, picture)[0], abs=1e-6)
    card = (folder / "MODEL_CARD.md").read_text("utf-8")
    assert "trained elsewhere" in card
    assert json.loads((folder / "origin.json").read_text("utf-8"))["sha256"] == brought.facts["file"]["sha256"]


def test_two_classes_of_one_name_are_told_apart_at_every_door(
    client: Client, owner: TestClient, picture: Path, tmp_path: Path
) -> None:
    path = tmp_path / "cranes.onnx"
    path.write_bytes(made.linear(ends="Softmax"))
    name = client.models.import_file(path, labels=["crane", "bee", "cow", "crane", "eel"]).name
    cranes = {"crane (class 0)", "crane (class 3)"}

    (found,) = by_label(client, name, picture)

    pixels = np.asarray(Image.open(picture), np.float32).transpose(2, 0, 1)[None] / 255
    known = made.softmax(made.logits_of(pixels))[0]
    assert (found["crane (class 0)"], found["crane (class 3)"]) == pytest.approx((known[0], known[3]), abs=1e-5)
    page = owner.post(f"/models/{name}/classify", files={"file": ("noise.png", picture.read_bytes())}).text
    assert all(page.count(f">{crane}<") for crane in cranes)
    with zipfile.ZipFile(client.models.download(name, tmp_path / "out.zip")) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "predict.py", str(picture)], cwd=tmp_path / name, capture_output=True, check=True, text=True
    )
    assert all(done.stdout.count(crane) == 1 for crane in cranes)


def test_it_is_renamed_put_away_and_brought_back_as_any_other(client: Client, owner: TestClient) -> None:
    one = Model.model_validate(send(owner, made.linear(), labels="\n".join(LABELS), name="first name").json())
    assert client.models.rename(one.id, "second-name").name == "second-name"
    assert "second-name" in [each.name for each in client.models.list()]
    client.models.trash("second-name")
    assert "second-name" not in [each.name for each in client.models.list()]
    assert client.models.restore(one.id).name == "second-name"


def test_without_labels_classes_are_numbered_and_names_are_made_of_files(owner: TestClient, client: Client) -> None:
    first, second = (send(owner, made.linear()).json() for _ in range(2))
    assert (first["name"], second["name"]) == ("sent", "sent-2")
    picture = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(picture, "PNG")
    (ranked,) = client.models.classify("sent", picture.getvalue())
    assert {each.label for each in ranked} == {f"class {number}" for number in range(5)}


def test_what_it_cannot_do_is_refused_with_the_reason(
    client: Client, owner: TestClient, brought: Model, trained: Model
) -> None:
    for attempt in (
        lambda: client.models.inside(brought.id),
        lambda: client.datasets.check("shapes", model=brought.name),
    ):
        with pytest.raises(ConflictError, match="trained elsewhere"):
            attempt()
    for answer in (
        owner.get(f"/api/v1/models/{brought.id}/report"),
        owner.post("/api/v1/networks", json={"copy_of": f"model:{brought.id}"}),
    ):
        assert answer.status_code == 404
        assert "trained elsewhere" in answer.json()["detail"]
    client.networks.create(f'{TEXT}pretrained "model:{brought.name}"\n', name="begins")
    with pytest.raises(InvalidError, match="trained elsewhere"):
        client.runs.start(dataset="shapes", network="begins", epochs=1)


@pytest.mark.parametrize("name", [*list(HOSTILE)[::3], *KILLED])
def test_what_cannot_be_used_is_refused_by_name_and_nothing_of_it_stays(
    owner: TestClient, site: Site, name: str
) -> None:
    content, code = {**HOSTILE, **KILLED}[name]
    before = _kept(site)

    answer = send(owner, content, name="hostile")

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.json()
    assert _kept(site) == before
    assert owner.get("/healthz").json()["status"] == "ok"
    assert owner.get("/api/v1/models/hostile").status_code == 404


def _kept(site: Site) -> list[str]:
    data = site.home / "data"
    folders = (data / "artifacts" / "models", data / "artifacts" / "arrivals")
    return sorted(
        str(each) for each in [*(each for one in folders for each in one.glob("*")), *data.glob("jobs/ern_*")]
    )


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({"labels": "one\ntwo"}, ["labels"]),
        ({"labels": "one\n\nthree"}, ["labels"]),
        ({"width": "9"}, ["width"]),
        ({"width": "x", "layout": "y"}, ["width", "layout"]),
        ({"colour": "red"}, ["colour"]),
        ({"output": "probabilities"}, ["output"]),
        ({"name": "a/b"}, ["name"]),
        ({"mean": "1, 2"}, ["mean"]),
    ],
)
def test_what_does_not_fit_is_named_by_its_field(owner: TestClient, form: dict[str, str], fields: list[str]) -> None:
    answer = send(owner, made.linear(), **form)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == fields


def test_a_name_that_is_taken_is_refused_with_a_free_one(owner: TestClient, brought: Model) -> None:
    answer = send(owner, made.linear(), name=brought.name)
    assert (answer.status_code, answer.json()["code"]) == (409, "name-taken")
    assert f"{brought.name}-2" in answer.json()["detail"]


def test_only_who_may_make_models_brings_them_in(site: Site) -> None:
    assert send(site.client("editor"), made.linear()).status_code == 201
    for identity in ("viewer", "reader", "nobody"):
        assert send(site.client(identity), made.linear()).status_code in {401, 403}


def test_a_graph_that_comes_to_no_end_later_is_ended_and_others_go_on(
    owner: TestClient, client: Client, site: Site, brought: Model, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper = send(owner, made.endless("white"), name="sleeper").json()
    assert sleeper["name"] == "sleeper", sleeper
    apart = site.services.models._apart
    white = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(white, "PNG")
    client.models.classify("sleeper", picture)
    monkeypatch.setattr(apart._predictor, "_seconds", 2.0)

    with pytest.raises(InvalidError, match="did not answer in time") as error:
        client.models.classify("sleeper", white.getvalue())

    assert error.value.problem.code == "model.slow"
    assert len(by_label(client, "sleeper", picture)[0]) == 5
    assert len(by_label(client, brought.id, picture)[0]) == 5


def test_a_page_asks_again_for_what_is_open_and_keeps_the_file(owner: TestClient, site: Site) -> None:
    assert "Bring a model in" in owner.get("/models").text
    content = made.linear(takes=["N", 3, "h", "w"])
    asked = owner.post("/models/new", files={"file": ("paged.onnx", content)}, data={"labels": "a\nb", "mean": "0.5"})
    assert asked.status_code == 422
    for text in (
        "leaves the width of its input open",
        "paged.onnx</b> is here already",
        "a\nb",
        'value="0.5"',
    ):
        assert text in asked.text

    (arrival,) = re.findall(r'name="arrival" value="(upl_\w+)"', asked.text)
    sizes = {"arrival": arrival, "width": "8", "height": "8", "mean": "0.5"}
    wrong = owner.post("/models/new", data={**sizes, "labels": "a\nb"})
    assert "There are 2 labels, and the model gives 5 numbers" in wrong.text
    others = site.client("editor").post("/models/new", data=sizes)
    assert (others.status_code, "no longer here" in others.text) == (404, True)
    made_now = owner.post("/models/new", data={**sizes, "labels": "\n".join(LABELS)}, follow_redirects=False)

    assert (made_now.status_code, made_now.headers["location"]) == (303, "/models/paged")
    page = owner.get("/models/paged").text
    for text in ("trained elsewhere, came as paged.onnx", "8 × 8", "mean 0.5", "prepared as was said"):
        assert text in page
    for text in ("Inside</a>", "Copy its network", "Report</a>"):
        assert text not in page
    assert "not measured" in owner.get("/models").text
    assert not list((site.home / "data" / "artifacts" / "arrivals").glob("*"))


def test_a_page_keeps_nothing_of_a_file_that_cannot_be_used(owner: TestClient, site: Site) -> None:
    refused = owner.post("/models/new", files={"file": ("bad.onnx", made.outside("../../x"))})
    assert (refused.status_code, "other files are not opened" in refused.text) == (422, True)
    assert 'name="arrival"' not in refused.text
    assert not list((site.home / "data" / "artifacts" / "arrivals").glob("*"))
    assert "Choose the ONNX file." in owner.post("/models/new", data={"name": "x"}).text
    assert owner.post("/models/new", data={"arrival": "../../etc"}).status_code == 404
