"""The page of a dataset that is edited: what it offers to whom, what it does, and what it refuses."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tenfold.bootstrap.server import build_services
from tenfold.core.datasets.distribution import MOST_BARS, distribution
from tenfold.core.datasets.edits import Change, Edit
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.entry import add_pages
from tenfold.services.datasets import ImportRequest
from tenfold.settings import Settings
from tenfold.testing.pictures import write_shapes

ORIGIN = "http://127.0.0.1:5000"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("gallery")
    write_shapes(home / "shapes", per_class=80)
    for number in range(30):
        (home / "shapes" / "ring" / f"torn_{number:02d}.png").write_bytes(b"torn")
    (home / "data").mkdir()
    made = build_services(Settings(data=home / "data", roots=[home]))
    owner = made.owner
    made.datasets.import_samples(
        owner, ImportRequest(source={"folder": str(home / "shapes")}, values={}, name="shapes")
    )
    while made.datasets.named.get(owner, "shapes").state == "building":
        time.sleep(0.02)
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(services: Services) -> ASGIApp:
    return create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=add_pages)


@pytest.fixture
def browser(services: Services, app: ASGIApp) -> TestClient:
    owner, first = services.owner, services.datasets.named.get(services.owner, "shapes")
    while services.revisions.neighbours(owner, first)[0] is not None:
        services.revisions.undo(owner, "shapes", on=first.revision)
        first = services.datasets.named.get(owner, "shapes")
    return browser_of(app)


def browser_of(app: ASGIApp, secret: str = "local") -> TestClient:
    headers = {"authorization": f"Bearer {secret}", "accept": "text/html", "origin": ORIGIN}
    return TestClient(app, base_url=ORIGIN, headers=headers, follow_redirects=False)


def form(services: Services, **values: object) -> dict[str, object]:
    return {"revision": services.datasets.named.get(services.owner, "shapes").revision, **values}


def ticked(page: str) -> list[str]:
    return re.findall(r'name="index" value="(\d+)" checked', page)


def test_an_edit_leads_back_to_what_was_looked_at_with_an_undo(browser: TestClient, services: Services) -> None:
    page = browser.get("/datasets/shapes?class=ring&split=train").text
    assert 'name="query" value="split=train&amp;class=ring"' in page
    answer = browser.post(
        "/datasets/shapes/edit",
        data=form(services, action="relabel", to_class="disc", index=["3", "150"], query="class=ring&split=train"),
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/datasets/shapes?class=ring&split=train#pictures"
    after = browser.get("/datasets/shapes")
    said = re.search(r'<div class="toast".*?</div>', after.text, re.S)
    assert said is not None
    assert "1 picture from bar to disc, 1 picture from ring to disc: revision" in said[0]
    undo = re.search(r'action="([^"]+/undo)"', said[0])
    assert undo is not None
    assert browser.post(undo[1]).status_code == 303
    assert "Revision 1 is the current one." in browser.get("/datasets/shapes").text
    assert '<option value="disc">' not in browser.get("/datasets/shapes").text


def test_all_that_the_filter_finds_is_changed(browser: TestClient, services: Services) -> None:
    data = form(services, action="exclude", all="true", query="class=ring&split=test&sort=-brightness")
    assert browser.post("/datasets/shapes/edit", data=data).status_code == 303
    page = browser.get("/datasets/shapes").text
    assert "8 excluded</a>" in page
    excluded = browser.get("/datasets/shapes?split=excluded").text
    assert "1 to 8 of 8" in excluded
    restored = form(services, action="restore", all="true", query="split=excluded")
    assert browser.post("/datasets/shapes/edit", data=restored).status_code == 303
    assert "8 restored" in browser.get("/datasets/shapes?tab=revisions").text


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        ({"action": "exclude"}, 422, "No picture is chosen: tick some"),
        ({"action": "relabel", "index": ["1"], "to_class": ""}, 422, "Name the class for relabel."),
        ({"action": "relabel", "index": ["1"], "to_class": "a/b"}, 422, "in it: leave it out."),
        ({"action": "restore", "index": ["1"]}, 422, "The picture is in a split already"),
        ({"action": "paint", "index": ["1"]}, 422, "Change is"),
        ({"index": ["1"]}, 422, "Change is needed."),
        ({"action": "exclude", "index": ["9999"]}, 404, "There is no sample 9999"),
        ({"action": "exclude", "index": ["1"], "revision": "rev_0"}, 409, "shapes was changed meanwhile"),
        ({"action": "exclude", "all": "true"}, 422, "No picture would be left for training"),
    ],
)
def test_what_is_refused_is_told_beside_the_ticks(
    browser: TestClient, services: Services, values: dict[str, object], status: int, words: str
) -> None:
    answer = browser.post("/datasets/shapes/edit", data={**form(services, query="sort=index"), **values})
    assert answer.status_code == status
    bar = answer.text[answer.text.index('class="edit-bar"') :]
    assert words in bar
    assert ticked(answer.text) == (["1"] if values.get("index") == ["1"] else [])


def test_who_may_not_edit_is_offered_nothing(app: ASGIApp, services: Services) -> None:
    accounts, owner = services.accounts, services.owner
    accounts.set_password(owner, owner.name, "correct horse battery")
    viewer = accounts.add_user(owner, "looker", role="viewer", password="correct horse battery")
    secret = accounts.create_token(accounts.actor_of_user(viewer.id), "looker", "admin")[1]
    browser = browser_of(app, secret)
    page = browser.get("/datasets/shapes").text
    assert "edit-bar" not in page
    assert 'name="index"' not in page
    assert "/undo" not in page
    for path in ("edit", "revisions/rev_0/undo", "revisions/rev_0/redo"):
        assert browser.post(f"/datasets/shapes/{path}").status_code == 403


def test_left_out_files_have_pages(browser: TestClient) -> None:
    page = browser.get("/datasets/shapes").text
    assert "30 files left out" in page
    assert page[page.index('id="h-left"') :].count("torn_") == 20
    rejected = browser.get("/datasets/shapes?tab=rejected").text
    assert rejected[rejected.index('id="rejected"') :].count("torn_") == 30
    assert "torn_29" in browser.get("/datasets/shapes?tab=rejected&cursor=29").text
    assert browser.get("/datasets/shapes?tab=rejected&cursor=x").status_code == 200


def test_the_history_names_who_and_what(browser: TestClient, services: Services) -> None:
    for number in range(8):
        on = services.datasets.named.get(services.owner, "shapes").revision
        services.revisions.edit(services.owner, "shapes", Edit(Change(action="exclude"), (number,)), on=on)
    page = browser.get("/datasets/shapes").text
    shown = page[page.index('class="history"') :]
    assert shown.count("1 excluded") == 6
    total = services.revisions.history(services.owner, services.datasets.named.get(services.owner, "shapes")).total
    assert f"All {total}" in shown
    whole = browser.get("/datasets/shapes?tab=revisions").text
    assert whole.count("<li") >= total
    assert "Imported" in whole


def test_an_earlier_revision_is_shown_as_it_was_and_cannot_be_changed(browser: TestClient, services: Services) -> None:
    data = form(services, action="exclude", all="true", query="class=ring&split=test")
    assert browser.post("/datasets/shapes/edit", data=data).status_code == 303
    number = max(
        services.revisions.numbers(services.owner, services.datasets.named.get(services.owner, "shapes")).values()
    )
    before = browser.get(f"/datasets/shapes?revision={number - 1}&class=ring&split=test").text
    assert f"This is revision {number - 1}, as it was." in before
    assert "of 8</span>" in before
    assert 'name="revision" value="1"' in before or f'name="revision" value="{number - 1}"' in before
    assert "/datasets/shapes/edit" not in before
    assert "Find what is wrong" not in before
    now = browser.get("/datasets/shapes?class=ring&split=test").text
    assert "none fits" in now
    assert f'href="/datasets/shapes?revision={number - 1}"' in now
    assert browser.get("/datasets/shapes?revision=99").status_code == 404
    undone = browser.post(f"/datasets/shapes/revisions/{form(services)['revision']}/undo")
    assert undone.status_code == 303


def test_what_is_wrong_in_the_filter_stands_beside_it(browser: TestClient) -> None:
    page = browser.get("/datasets/shapes?min_width=wide&min_bytes=9&max_bytes=3&class=moon&sort=moon&text=ring").text
    for words in (
        "Width from is a number",
        "From 9 to 3 finds nothing",
        "There is no class &#39;moon&#39;",
        "Order is",
    ):
        assert words in page
    assert page.count('aria-invalid="true"') == 4
    assert "1 to 80 of 80" in page


def test_pages_go_forth_and_back_in_every_order(browser: TestClient) -> None:
    first = browser.get("/datasets/shapes?sort=-path").text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = browser.get(following[1].replace("&amp;", "&")).text
    assert "201 to 240 of 240" in second
    back = re.search(r'href="([^"]+)" rel="prev"', second)
    assert back is not None
    assert ">1 to 200 of 240" in browser.get(back[1].replace("&amp;", "&")).text


WHOLE = st.lists(st.integers(0, 2**33), min_size=1, max_size=60)


@given(values=WHOLE)
def test_bars_of_whole_numbers_hold_every_value_once(values: list[int]) -> None:
    bars = distribution(np.array(values))
    assert len(bars) <= MOST_BARS
    assert sum(bar.count for bar in bars) == len(values)
    assert (bars[0].low, bars[-1].high) == (min(values), max(values))
    for bar in bars:
        assert bar.count == sum(bar.low <= value <= bar.high for value in values)
    assert bars[0].count
    assert bars[-1].count


def test_bars_of_shares_lie_between_their_neighbours() -> None:
    bars = distribution(np.array([0.0, 0.01, 0.26, 1.0], np.float32))
    assert [(bar.low, bar.count) for bar in bars if bar.count] == [(0.0, 2), (0.25, 1), (0.95, 1)]
    assert distribution(np.zeros(0)) == ()


def test_the_list_tells_task_and_findings_and_is_sorted(browser: TestClient, services: Services) -> None:
    deadline = time.monotonic() + 60
    while services.checkups.standing(services.owner, services.datasets.named.get(services.owner, "shapes")).is_open:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page = browser.get("/datasets").text
    assert re.search(r'<td class="p2 nowrap"><a[^>]* href="/datasets/shapes#doctor">\d+ findings?</a>', page)
    assert '<td class="p3 nowrap">classification</td>' in page
    assert 'aria-sort="descending"><a href="/datasets?sort=created_at">Made' in page
    by_name = browser.get("/datasets?sort=name").text
    assert 'aria-sort="ascending"><a href="/datasets?sort=-name">Name' in by_name
    assert browser.get("/datasets?sort=owner").status_code == 200
