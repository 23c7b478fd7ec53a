"""The pages over a real data folder, a real database and real workers, in this process."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tenfold.bootstrap.server import build_services
from tenfold.core.networks.custom import as_python
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.entry import add_pages
from tenfold.services.inspections import Wish
from tenfold.settings import Settings
from tenfold.testing.pictures import write_shapes

ORIGIN = "http://127.0.0.1:5000"
PATIENCE_S = 300.0
ARCHIVE_TYPES = "application/zip"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("site")
    write_shapes(home / "shapes", per_class=24)
    (home / "shapes" / "ring" / "torn.png").write_bytes(b"\x89PNG torn")
    (home / "lonely" / "only").mkdir(parents=True)
    Image.new("L", (8, 8)).save(home / "lonely" / "only" / "one.png")
    return home


@pytest.fixture(scope="module")
def services(home: Path) -> Iterator[Services]:
    (home / "data").mkdir()
    nobody = {"hub": "http://127.0.0.1:9", "internal_hosts": ["127.0.0.1"]}
    opened = build_services(Settings(data=home / "data", roots=[home], **nobody))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(services: Services) -> ASGIApp:
    return create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=add_pages)


@pytest.fixture(scope="module")
def browser(app: ASGIApp, services: Services) -> TestClient:
    """Signed in by the printed link, as a browser would be."""
    client = TestClient(app, base_url=ORIGIN, headers={"accept": "text/html", "origin": ORIGIN})
    answer = client.get(f"/link/{services.accounts.make_link(services.owner.user)}")
    assert answer.url.path == "/"
    assert answer.status_code == 200
    return client


@pytest.fixture(scope="module")
def dataset(browser: TestClient, services: Services, home: Path) -> str:
    answer = browser.post("/datasets/new", data={"source": "folder", "folder": str(home / "shapes"), "name": "shapes"})
    assert answer.url.path == "/datasets/shapes"
    wait_for(lambda: services.datasets.named.get(services.owner, "shapes").state == "ready")
    return "shapes"


@pytest.fixture(scope="module")
def model(browser: TestClient, services: Services, dataset: str) -> str:
    form = {"dataset": dataset, "network": "lenet", "name": "first", "epochs": "2", "parameters.hidden": "32"}
    answer = browser.post("/runs/new", data=form)
    assert answer.url.path == "/runs/first"
    wait_for(lambda: services.runs.named.get(services.owner, "first").state == "finished")
    return "first"


def wait_for(happened: object) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def text_of(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def test_an_empty_home_shows_the_way(browser: TestClient, services: Services) -> None:
    if services.datasets.named.page(services.owner, query()).total:
        pytest.skip("another test was first")
    assert "Try with MNIST" in browser.get("/").text


def test_a_new_dataset_is_built_and_names_what_it_leaves_out(browser: TestClient, dataset: str) -> None:
    page = text_of(browser.get(f"/datasets/{dataset}").text)
    assert "72 pictures in 3 classes" in page
    assert "1 file left out" in page
    assert "ring/torn.png" in page
    gallery = browser.get(f"/datasets/{dataset}?class=ring&split=test")
    assert set(re.findall(r'alt="(\w+)"', gallery.text)) == {"ring"}
    thumbnail = re.findall(r'<img class="pix" src="([^"]+)"', gallery.text)[0]
    assert browser.get(thumbnail).headers["content-type"] == "image/png"


def test_a_dataset_can_be_taken_out_in_every_format(browser: TestClient, dataset: str) -> None:
    page = browser.get(f"/datasets/{dataset}").text
    addresses = [unescape(each) for each in re.findall(r'href="(/api/v1/[^"]+/export[^"]+)"', page)]
    assert [address.rpartition("=")[2] for address in addresses] == ["folders", "csv", "coco", "parquet"]
    for address in addresses:
        with zipfile.ZipFile(io.BytesIO(browser.get(address).content)) as archive:
            assert archive.testzip() is None


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"source": "folder", "folder": ""}, "Type or choose a folder."),
        ({"source": "folder", "folder": "/etc"}, "outside"),
        ({"source": "archive"}, "Drop or choose what is to be sent."),
        ({"source": "moon"}, "Say where the pictures are."),
        ({"source": "sample", "sample": "mnist", "test_share": "95"}, "allowed is 0 to 90"),
        ({"source": "sample", "sample": "mnist", "validation_share": "60", "test_share": "40"}, "training needs some"),
        ({"source": "sample", "sample": "mnist", "name": "a/b"}, "leave it out"),
    ],
)
def test_a_wrong_form_comes_back_with_its_error_and_its_values(
    browser: TestClient, form: dict[str, str], words: str
) -> None:
    answer = browser.post("/datasets/new", data={**form, "seed": "31"})
    assert answer.status_code in {403, 422}
    assert words in text_of(answer.text)
    assert 'value="31"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_an_archive_may_come_with_the_form(browser: TestClient, services: Services, home: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in (home / "shapes").rglob("*.png"):
            archive.write(path, path.relative_to(home / "shapes"))
    files = {"archive": ("packed.zip", buffer.getvalue(), ARCHIVE_TYPES)}
    wrong = browser.post("/datasets/new", data={"source": "archive", "seed": "x"}, files=files)
    assert wrong.status_code == 422
    upload = re.findall(r'name="upload" value="([^"]+)"', wrong.text)
    assert "packed.zip has arrived" in text_of(wrong.text), "it is not sent twice"
    right = browser.post("/datasets/new", data={"source": "archive", "upload": upload[0]})
    assert right.url.path == "/datasets/packed"
    wait_for(lambda: services.datasets.named.get(services.owner, "packed").state == "ready")


def test_a_dataset_that_cannot_be_built_says_why_on_home(browser: TestClient, services: Services, home: Path) -> None:
    browser.post("/datasets/new", data={"source": "folder", "folder": str(home / "lonely")})
    wait_for(lambda: services.datasets.named.get(services.owner, "lonely").state == "failed")
    assert "lonely could not be built" in text_of(browser.get("/").text)
    assert "could not be built" in text_of(browser.get("/datasets/lonely").text)
    browser.post("/datasets/lonely/trash")


def test_the_form_of_a_run_keeps_everything_when_it_is_refused(browser: TestClient, dataset: str) -> None:
    form = {"dataset": dataset, "network": "lenet", "level": "essential", "rate": "0,001", "parameters.width1": "0"}
    answer = browser.post("/runs/new", data=form)
    assert answer.status_code == 422
    page = text_of(answer.text)
    assert "Write 0.001" in page
    assert 'value="0,001"' in answer.text
    both = browser.post("/runs/new", data={**form, "rate": "0.001"})
    assert "allowed is 1 to 512" in text_of(both.text)


def test_a_hub_that_does_not_answer_leaves_the_form_as_it_is(
    browser: TestClient, services: Services, dataset: str
) -> None:
    text = services.networks.get(services.owner, "lenet").text
    services.networks.create(services.owner, "tuned", f'{text}\npretrained "hub:someone/net@v1"\n')
    answer = browser.post("/runs/new", data={"dataset": dataset, "network": "tuned", "rate": "0.0123"})
    assert answer.status_code == 503
    assert "does not answer" in text_of(answer.text)
    assert "name it folder:NAME" in text_of(answer.text).replace("`", "")
    assert 'value="0.0123"' in answer.text


def test_a_field_is_judged_when_it_is_left(browser: TestClient, dataset: str) -> None:
    form = {"dataset": dataset, "network": "lenet", "epochs": "0", "parameters.window": "9"}
    assert "allowed is 1 to 10000" in text_of(browser.post("/runs/new/check?field=epochs", data=form).text)
    assert "allowed is 2 to 4" in text_of(browser.post("/runs/new/check?field=parameters.window", data=form).text)
    fine = browser.post("/runs/new/check?field=epochs", data={**form, "epochs": "7"}).text
    assert "changed" in fine
    assert "aria-invalid" not in fine


def test_a_network_that_does_not_fit_stays_visible_with_its_reason(browser: TestClient, dataset: str) -> None:
    page = browser.get(f"/runs/new?dataset={dataset}").text
    assert "does not fit pictures of 28 × 28" in text_of(page)
    assert re.search(r'value="alexnet" disabled', page)
    assert re.search(r'value="lenet" checked', page)


def test_the_first_page_of_a_finished_run_is_its_result(browser: TestClient, model: str) -> None:
    page = browser.get(f"/runs/{model}")
    words = text_of(page.text)
    assert "Finished" in words
    assert "test pictures are right" in words
    assert f'href="/api/v1/models/{model}/download"' in page.text
    assert "hidden 32" in words
    series = browser.get(f"/api/v1/runs/{model}/metrics").json()["series"]
    assert {"train_loss", "val_loss", "val_accuracy"} <= set(series)
    part = browser.get(f"/runs/{model}", headers={"HX-Request": "true", "HX-Target": "epochs"}).text
    assert part.strip().startswith('<div id="epochs"')
    assert part.count("<tr") == 3


def test_another_run_begins_from_what_was_typed_for_one(browser: TestClient, model: str) -> None:
    page = browser.get(f"/runs/new?like={model}").text
    assert re.search(r'name="epochs" value="2"', page)
    assert re.search(r'name="parameters.hidden" value="32"', page)
    assert not re.search(rf'name="name" value="{model}"', page), "the name is taken"


def test_a_model_is_reported_and_tested(browser: TestClient, model: str, home: Path) -> None:
    report = text_of(browser.get(f"/models/{model}").text)
    assert "What is taken for what" in report
    page = browser.get(f"/models/{model}?tab=test").text
    sample = re.findall(r'data-test-picture href="([^"]+)"', page)[0].replace("&amp;", "&")
    assert re.search(r"it is \w+, so this is (right|wrong)", text_of(browser.get(sample).text))
    picture = next((home / "shapes" / "bar").glob("*.png"))
    sent = browser.post(f"/models/{model}/classify", files={"file": ("mine.png", picture.read_bytes(), "image/png")})
    assert sent.status_code == 200
    told = browser.post(
        f"/api/v1/models/{model}/classify", files={"file": ("mine.png", picture.read_bytes(), "image/png")}
    ).json()["predictions"]
    assert f"{told[0]['probability'] * 100:.2f} %" in text_of(sent.text)
    wrong = browser.post(f"/models/{model}/classify", files={"file": ("note.txt", b"no picture", "text/plain")})
    assert wrong.status_code == 422
    assert "no picture" in text_of(wrong.text) or "cannot be read" in text_of(wrong.text)
    assert browser.post(f"/models/{model}/classify").status_code == 422


def test_things_are_renamed_noted_tagged_trashed_and_had_back(browser: TestClient, model: str) -> None:
    about = {"name": "second", "note": "wider", "tags": "night, first"}
    answer = browser.post(f"/models/{model}/about", data=about)
    assert answer.url.path == "/models/second"
    assert "wider" in answer.text
    assert browser.get(f"/models/{model}").url.path == "/models/second", "the old name leads on"
    assert "second" in browser.get("/models?search=night").text
    refused = browser.post("/models/second/about", data={**about, "name": "new"})
    assert refused.status_code == 422
    assert "is reserved" in text_of(refused.text)
    browser.post("/models/second/about", data={**about, "name": model})
    gone = browser.post(f"/models/{model}/trash")
    assert gone.url.path == "/models"
    assert f"{model} is in the trash." in text_of(gone.text)
    undo = re.findall(r'action="(/trash/[^"]+)"', gone.text)
    assert f"{model} is in the trash." not in text_of(browser.get("/models").text), "it is said once"
    assert model in text_of(browser.get("/trash").text)
    page = browser.get(undo[0].removeprefix("/trash").removesuffix("/restore"))
    assert page.status_code == 404
    assert not page.history, "the name may be another's by now"
    assert browser.post(undo[0]).url.path == f"/models/{model}"


def test_every_page_answers(browser: TestClient, model: str) -> None:
    for path in (
        "/",
        "/datasets",
        "/datasets?search=nothing",
        "/datasets/new",
        "/datasets/shapes?tab=runs",
        "/runs",
        "/runs/new?level=everything",
        "/models",
        "/networks",
        "/networks/lenet",
        "/networks/new",
        "/queue",
        "/settings",
        "/settings?tab=tokens",
        "/settings?tab=people",
        "/trash",
        "/more",
        "/-/components",
    ):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert "None" not in text_of(answer.text), path


def test_a_layer_tells_what_is_not_ordinary_about_it(browser: TestClient) -> None:
    page = text_of(browser.get("/networks/lenet").text)
    assert "conv 5 × 5, 20 filters" in page
    assert "pad 0" not in page
    assert "pad 2" in text_of(browser.get("/networks/alexnet").text)


def test_a_finished_run_has_a_log(browser: TestClient, model: str) -> None:
    log = text_of(browser.get(f"/runs/{model}").text.split("<log-tail")[1])
    for words in ("Attempt 1 begins", "Epoch 1: validation loss", "Tests the best model.", "Finished."):
        assert words in log


def test_strange_addresses_are_no_failures(browser: TestClient, dataset: str, model: str) -> None:
    for path in (
        f"/datasets/{dataset}?after=-1&first=x&class=moon&split=west",
        f"/datasets/{dataset}?after=99999999999",
        f"/datasets/{dataset}?first=0",
        f"/models/{model}?tab=test&page=99999999999&sample=99999999",
        f"/models/{model}?tab=moon&sample=٣",
        "/runs/new?dataset=gone&network=gone&level=moon&epochs=many",
    ):
        assert browser.get(path).status_code == 200, path
    assert browser.get("/runs?cursor=moon").status_code == 422


def test_what_is_not_there_has_a_page_with_a_way_on(browser: TestClient) -> None:
    answer = browser.get("/runs/no-such-run")
    assert answer.status_code == 404
    assert "All runs" in answer.text
    assert "no-such-run" in answer.text
    assert browser.get("/nowhere").status_code == 404
    assert browser.get("/api/v1/runs/no-such-run").headers["content-type"] == "application/problem+json"


def test_files_with_a_hash_in_their_name_are_kept_by_browsers(browser: TestClient) -> None:
    script = re.findall(r'<script type="module" src="([^"]+)"', browser.get("/").text)[0]
    assert "immutable" in browser.get(script).headers["cache-control"]


def test_a_sentence_left_by_nobody_of_ours_is_nothing(browser: TestClient) -> None:
    for value in ("moon", "[]", "%7B%22text%22:%22x%22%7D"):
        assert "toast" not in browser.get("/more", headers={"cookie": f"tenfold_toast={value}"}).text.split("<main")[0]


def test_settings_look_and_passwords(app: ASGIApp, services: Services) -> None:
    client = TestClient(app, base_url=ORIGIN, headers={"accept": "text/html", "origin": ORIGIN})
    client.get(f"/link/{services.accounts.make_link(services.owner.user)}")
    saved = client.post("/settings/browser", data={"theme": "dark", "letters": "off"})
    assert 'data-theme="dark"' in saved.text
    assert 'data-letters="off"' in saved.text
    early = client.post("/settings/people", data={"name": "anna", "role": "editor", "password": "long enough"})
    assert early.status_code == 409
    assert "password" in text_of(early.text)
    short = client.post("/settings/password", data={"password": "short", "again": "short"})
    assert "has 5 characters" in text_of(short.text)
    unlike = client.post("/settings/password", data={"password": "one thing long", "again": "another"})
    assert "another password" in text_of(unlike.text)
    good = client.post("/settings/password", data={"password": "one thing long", "again": "one thing long"})
    assert "The password is set" in text_of(good.text), "this browser stays signed in"
    wrong = client.post("/settings/password", data={"current": "x", "password": "other thing", "again": "other thing"})
    assert wrong.status_code == 422
    added = client.post("/settings/people", data={"name": "anna", "role": "viewer", "password": "long enough"})
    assert "anna can sign in now." in text_of(added.text)
    token = client.post("/settings/tokens", data={"name": "ci", "scope": "read"})
    secret = re.findall(r"tfd_[\w-]+", token.text)[0]
    assert client.get("/api/v1/me", headers={"authorization": f"Bearer {secret}"}).status_code == 200
    ended = client.post(re.findall(r'action="(/settings/tokens/[^"]+/revoke)"', token.text)[0])
    assert "is revoked" in text_of(ended.text)
    client.post("/sign-out")
    assert client.get("/runs").url.path == "/sign-in"


def test_who_signs_in_by_name_sees_what_their_role_may(app: ASGIApp, services: Services, dataset: str) -> None:
    client = TestClient(app, base_url=ORIGIN, headers={"accept": "text/html", "origin": ORIGIN})
    if not services.accounts.owner_has_password():
        services.accounts.set_password(services.owner, services.owner.name, "one thing long")
        services.accounts.add_user(services.owner, "anna", role="viewer", password="long enough")
    wanted = client.get(f"/datasets/{dataset}?tab=runs")
    assert wanted.url.path == "/sign-in"
    refused = client.post("/sign-in", data={"name": "anna", "password": "wrong", "next": "/runs"})
    assert refused.status_code == 401
    assert "do not belong together" in text_of(refused.text)
    target = re.findall(r'name="next" value="([^"]+)"', wanted.text)[0].replace("&amp;", "&")
    inside = client.post("/sign-in", data={"name": "anna", "password": "long enough", "next": target})
    assert inside.url.path == f"/datasets/{dataset}"
    assert "Train on this" not in inside.text
    assert "Rename" not in inside.text
    forbidden = client.get("/runs/new")
    assert forbidden.status_code == 403
    assert "This is not allowed" in text_of(forbidden.text)
    away = client.post("/sign-in", data={"name": "anna", "password": "long enough", "next": "//evil.example"})
    assert away.url.path == "/"


def query() -> object:
    from tenfold.core.repository import Query

    return Query(limit=1)


def test_a_chosen_path_is_recognised_and_its_columns_can_be_chosen(
    browser: TestClient, services: Services, home: Path
) -> None:
    rows = [f"{path.relative_to(home)},{path.parent.name}\n" for path in sorted((home / "shapes").glob("*/0*.png"))]
    (home / "t.csv").write_text("where,what it is,of\n" + "".join(row.replace("\n", ",1\n") for row in rows))
    browser.get(f"/link/{services.accounts.make_link(services.owner.user)}")  # others have signed it out
    asked = {"source": "folder", "folder": str(home / "t.csv")}
    page = browser.get("/datasets/new", params=asked).text
    assert "This is a table with a row for every picture: 72 pictures to be divided." in text_of(page)
    assert '<option value="where" selected>where</option>' in page
    assert "shapes/bar/" in page
    part = browser.get(
        "/datasets/new",
        params={**asked, "label_column": "what it is", "split_column": "of another table"},
        headers={"hx-request": "true", "hx-target": "layout"},
    ).text
    assert '<div id="layout"' in part.strip()[:500]
    assert '<option value="what it is" selected>what it is</option>' in part
    refused = browser.get("/datasets/new", params={"folder": str(home / "none")})
    assert "There is no such folder or file." in text_of(refused.text)
    form = {**asked, "label_column": "what it is", "image_column": "where", "layout": "", "prefix": ""}
    answer = browser.post("/datasets/new", data={**form, "name": "tabled"})
    assert answer.url.path == "/datasets/tabled"
    wait_for(lambda: services.datasets.named.get(services.owner, "tabled").state == "ready")
    assert services.datasets.named.get(services.owner, "tabled").num_classes == 3


COUNTING = """\
from torch import nn


class Network(nn.Module):
    def __init__(self, classes: int = 3, channels: int = 1):
        super().__init__()
        self.steps = 0
        self.head = nn.LazyLinear(classes)

    def forward(self, images):
        self.steps += 1
        return self.head(images.flatten(1))
"""


def test_a_network_of_python_is_warned_of_and_offers_what_there_is_for_it(
    browser: TestClient, services: Services, dataset: str, model: str
) -> None:
    owner = services.owner
    services.networks.create(owner, "counting", as_python(COUNTING))
    wait_for(lambda: not services.inspections.ask(owner, "counting", Wish(dataset=dataset)).is_open)
    page = browser.get(f"/networks/counting?dataset={dataset}").text
    assert "Exports to ONNX: yes." in page
    assert "self.steps changes while it runs" in page
    form = {"dataset": dataset, "network": "counting", "name": "counted", "epochs": "1"}
    assert "self.steps changes while it runs" in browser.post("/runs/new/preflight", data=form).text

    assert browser.post("/runs/new", data=form).url.path == "/runs/counted"
    wait_for(lambda: services.runs.named.get(owner, "counted").state in {"finished", "failed"})

    browser.post("/runs/new", data={**form, "name": "stuck", "epochs": "1000"})
    wait_for(lambda: services.runs.named.get(owner, "stuck").progress.get("step"))

    pages = ("/runs/counted", "/models/counted")
    for path in pages:
        shown = browser.get(path).text
        assert (shown.count("Copy its network"), f"{path}/inside" in shown) == (1, False), path
    ended = browser.post(f"/settings/people/{owner.user}/refuse-code")
    assert "may no longer run own Python code" in ended.text
    for path in pages:
        assert "Copy its network" not in browser.get(path).text
    wait_for(lambda: services.runs.named.get(owner, "stuck").state == "failed")
    failed = ("/", "/runs/stuck")
    for path in failed:
        shown = browser.get(path).text
        assert ("Change and run again" in shown, "/runs/stuck/resume" in shown) == (True, False), path
    assert "may run own Python code" in browser.post(f"/settings/people/{owner.user}/allow-code").text
    assert all("/runs/stuck/resume" in browser.get(path).text for path in failed)
    with services.database.write() as tx:
        tx.runs.update(replace(tx.runs.get(services.runs.named.get(owner, "stuck").id), state="stopped"))
    assert "/runs/stuck/resume" in browser.get("/runs/stuck").text
    browser.post(f"/settings/people/{owner.user}/refuse-code")
    shown = browser.get("/runs/stuck").text
    assert ("Run again, changed" in shown, "/runs/stuck/resume" in shown) == (True, False)
    browser.post(f"/settings/people/{owner.user}/allow-code")
    assert f"/runs/{model}/inside" in browser.get(f"/runs/{model}").text
