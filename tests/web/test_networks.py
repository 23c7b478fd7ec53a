"""The pages of networks that people keep, as a browser without scripts meets them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient
from unit.caffe.caffe_texts import layer, lenet, picture

from tenfold.bootstrap.server import build_services
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.web.entry import add_pages
from tenfold.settings import Settings

ORIGIN = "http://127.0.0.1:5000"
TEXT = """language 1
network small "A first try"
param classes = 10 in 2..1000
input image = image(1, 28, 28)
conv1 = conv(8, 5)
relu
flatten
fc = dense(classes)
output logits
"""
BROKEN = TEXT.replace("conv(8, 5)", "convv(8, 5)")
SIZE = {"channels": "1", "height": "28", "width": "28"}
PROTOTXT = lenet(picture(1, 28)).text + layer("odd", "Mystery", ["ip2"])


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("networks")
    services = build_services(Settings(data=home, roots=[home]))
    app = create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=add_pages)
    headers = {"accept": "text/html", "origin": ORIGIN, "authorization": "Bearer local"}
    yield TestClient(app, base_url=ORIGIN, headers=headers)
    services.close()


def text_of(page: str) -> str:
    """The words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def send(browser: TestClient, file: str, content: str, **form: str) -> tuple[int, str, str]:
    """Status, address and text of the page that a form with a file leads to."""
    answer = browser.post("/networks/new", files={"network": (file, content)}, data=form)
    return answer.status_code, answer.url.path, text_of(answer.text)


def test_a_caffe_file_becomes_a_page_that_says_what_was_left_out(browser: TestClient) -> None:
    files = {"network": ("train.prototxt", PROTOTXT), "solver": ("solver.prototxt", 'base_lr: 0.05 lr_policy: "step"')}
    answer = browser.post("/networks/new", files=files, data={"name": "from caffe", "classes": "", "height": ""})
    page = text_of(answer.text)
    assert (answer.status_code, answer.url.path) == (200, "/networks/from caffe")
    assert "odd Mystery: there is no layer for it." in page
    assert "lr_policy is step, for which a training has no field." in page
    address = next(each for each in re.findall(r'href="([^"]+)"', answer.text) if "rate=0.05" in each)
    form = browser.get(address.replace("&amp;", "&")).text
    assert 'name="rate" value="0.05"' in form
    assert "from caffe" in form


def test_an_own_text_becomes_a_network_that_is_renamed_trashed_and_restored(browser: TestClient) -> None:
    assert send(browser, "mine.network", TEXT)[:2] == (200, "/networks/small")
    assert "A first try" in text_of(browser.get("/networks").text)
    renamed = browser.post("/networks/small/about", data={"name": "tiny", "note": "n", "tags": "a"})
    assert renamed.url.path == "/networks/tiny"
    assert browser.get("/networks/small").url.path == "/networks/tiny"
    refused = browser.post("/networks/tiny/about", data={"name": "lenet"})
    assert (refused.status_code, "is taken" in text_of(refused.text)) == (422, True)
    assert browser.post("/networks/tiny/trash").url.path == "/networks"
    (undo,) = re.findall(r'action="(/trash/networks/[^"]+)"', browser.get("/trash").text)
    assert browser.post(undo).url.path == "/networks/tiny"


def test_a_draft_has_a_page_and_is_not_offered_for_training(browser: TestClient) -> None:
    status, path, _ = send(browser, "draft.network", BROKEN, name="a draft")
    assert (status, path) == (200, "/networks/a draft")
    assert "a draft" not in text_of(browser.get("/runs/new").text)
    listed = browser.get("/networks").text
    assert re.search(r"a draft\s*</a> <span class=\"tag\">draft</span>", listed)
    assert re.search(r"nothing yet\s*Mend a draft", text_of(listed))
    assert "network=a+draft" not in listed


@pytest.mark.parametrize(
    ("file", "content", "form", "words"),
    [
        ("a.prototxt", "layer {\n", {}, "This bracket is never closed"),
        ("a.prototxt", PROTOTXT, {"classes": "0"}, "Classes is 0; allowed is 1 to 100000."),
        ("a.prototxt", PROTOTXT, {"name": "lenet"}, "is taken by another network"),
        ("a.network", "", {}, "There is nothing in the text"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(
    browser: TestClient, file: str, content: str, form: dict[str, str], words: str
) -> None:
    answer = browser.post("/networks/new", files={"network": (file, content)}, data={**SIZE, **form})
    assert answer.status_code in {409, 422}
    assert words in text_of(answer.text)
    assert 'name="width" value="28"' in answer.text
    assert answer.text.count('aria-invalid="true"') >= 1


def test_a_form_without_a_file_says_so(browser: TestClient) -> None:
    answer = browser.post("/networks/new", files={"solver": ("s", "base_lr: 1")})
    assert (answer.status_code, "Choose the file" in text_of(answer.text)) == (422, True)


def names_in(page: str) -> list[str]:
    return re.findall(r'<a class="name" href="/networks/([^"]+)"', page)


def test_the_list_is_searched_and_has_pages(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.post("/networks/new", data={"text": TEXT, "name": "searched"})
    assert names_in(browser.get("/networks?search=ResNet-50").text) == ["resnet50"]
    assert names_in(browser.get("/networks?search=mobilenetv3").text) == ["mobilenet_v3_large", "mobilenet_v3_small"]
    nothing = browser.get("/networks?search=nowhere").text
    assert "No network has “nowhere”" in text_of(nothing)
    monkeypatch.setattr("tenfold.interfaces.web.routes.networks.PAGE", 9)
    found: list[str] = []
    url = "/networks"
    while url:
        page = browser.get(url).text
        found += [unquote(name) for name in names_in(page)]
        url = unescape(next(iter(re.findall(r'href="([^"]+)" rel="next"', page)), ""))
    whole = [each["name"] for each in browser.get("/api/v1/networks?limit=100").json()["items"]]
    assert found == whole
    assert len(found) > 18


SOURCE = """\
from torch import nn


class Network(nn.Module):
    def __init__(self, classes: int = 4, input_shape=(1, 12, 12)):
        super().__init__()
        self.head = nn.Linear(144, classes)

    def forward(self, images):
        return self.head(images.flatten(1))
"""


def inspected(browser: TestClient, url: str) -> str:
    """The page of a network of Python once its inspection is over."""
    deadline = time.monotonic() + 60
    while "HX-Refresh" not in browser.get(f"{url}/inspection").headers:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return browser.get(url).text


def test_a_source_that_is_pasted_becomes_a_page_with_its_layers(browser: TestClient) -> None:
    form = browser.get("/networks/new").text
    assert "Or write it in Python" in form
    sent = browser.post("/networks/-/python", data={"name": "pasted", "text": SOURCE})
    assert (sent.status_code, sent.url.path) == (200, "/networks/pasted")
    assert "A worker" in text_of(sent.text)

    page = inspected(browser, "/networks/pasted")

    words = text_of(page)
    assert "Executed on inputs of 1 × 12 × 12 for 4 classes" in words
    assert "onfined (level " in words
    assert 'href="#line-8"' in page
    assert "Graph of 2 nodes, from input to head." in page
    assert "580" in words
    assert 'href="/runs/new?network=pasted"' in page
    assert "pasted" in text_of(browser.get("/runs/new?network=pasted").text)


def test_a_file_of_python_with_a_mistake_shows_its_line_and_is_mended(browser: TestClient) -> None:
    status, path, _ = send(browser, "wrong.py", SOURCE.replace("144", "100"))
    assert (status, path) == (200, "/networks/wrong")
    page = inspected(browser, path)
    assert '<a href="#line-11">Line 11</a>: RuntimeError' in page
    assert '<li id="line-11" class="is-bad">' in page
    assert "Train it" not in page

    current = re.search(r'name="current" value="([^"]+)"', page)
    assert current is not None
    form = {"current": current[1], "text": f"# language python 1\r\n{SOURCE}"}
    mended = browser.post("/networks/wrong/source", data=form)
    assert mended.url.path == "/networks/wrong"
    assert "Executed on inputs of" in text_of(inspected(browser, path))
    again = browser.post("/networks/wrong/source", data=form)
    assert (again.status_code, "version 2 is current" in text_of(again.text)) == (409, True)
    for tab in ("difference", "history"):
        assert browser.get(f"/networks/wrong?tab={tab}").status_code == 200


def test_what_is_refused_of_a_source_comes_back_with_it(browser: TestClient) -> None:
    taken = browser.post("/networks/-/python", data={"name": "pasted", "text": SOURCE})
    assert (taken.status_code, "is taken" in taken.text, "class Network" in taken.text) == (409, True, True)
    empty = browser.post("/networks/-/python", data={"name": "nothing", "text": " "})
    assert empty.status_code == 422


def test_lines_of_a_source_are_counted_as_python_counts_them(browser: TestClient) -> None:
    text = "# one line\u2028for Python\nraise ValueError('here')\n"
    browser.post("/networks/-/python", data={"name": "separated", "text": text})

    page = inspected(browser, "/networks/separated")

    assert '<li id="line-3" class="is-bad"><code>raise ValueError' in page
