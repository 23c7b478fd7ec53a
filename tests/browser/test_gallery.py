"""The gallery of a real dataset in Chromium: choosing by mouse, keys and touch, changing, going back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tenfold.client import Client
from tenfold.testing.pictures import write_shapes

from ..server_process import Server
from .conftest import PATIENCE_MS

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("gallery")
    write_shapes(home / "shapes", per_class=80)
    running = Server(home)
    client = running.start()
    with closing(running):
        client.datasets.wait(client.datasets.import_folder(home / "shapes", name="shapes").id)
        yield running


@pytest.fixture
def client(server: Server) -> Client:
    """The server, its dataset at the first revision."""
    datasets = server.client.datasets
    first = list(datasets.revisions("shapes"))[-1].id
    while datasets.get("shapes").revision != first:
        datasets.undo("shapes")
    return server.client


def signed_in(context: BrowserContext, server: Server) -> None:
    secret = json.loads((server.data / "server.json").read_text())["secret"]
    context.set_extra_http_headers({"authorization": f"Bearer {secret}"})


@pytest.fixture
def gallery(page: Page, context: BrowserContext, client: Client, server: Server) -> Page:
    signed_in(context, server)
    page.goto(f"{client.transport.url}/datasets/shapes")
    expect(page.locator(".chosen-count")).to_have_text("None chosen")
    return page


def chosen(page: Page) -> list[int]:
    places = "boxes => boxes.map((box, place) => box.checked ? place : -1).filter((place) => place >= 0)"
    found: list[int] = page.locator("input[name=index]").evaluate_all(places)
    return found


def indices(page: Page) -> list[int]:
    boxes = page.locator("input[name=index]:checked").all()
    return sorted(int(box.get_attribute("value") or "") for box in boxes)


def test_a_click_looks_closely_until_one_is_chosen(gallery: Page) -> None:
    tiles = gallery.locator("a.pic")
    tiles.nth(1).click()
    dialog = gallery.locator("dialog[open]")
    expect(dialog).to_be_visible()
    expect(dialog.locator(".lightbox-file")).to_contain_text(re.compile(r"brightness 0\.\d\d, contrast 0\.\d\d"))
    gallery.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    gallery.locator("label.choose").nth(1).click()
    assert chosen(gallery) == [1]
    tiles.nth(4).click(modifiers=["Shift"])
    assert chosen(gallery) == [1, 2, 3, 4]
    tiles.nth(2).click()
    assert chosen(gallery) == [1, 3, 4]
    expect(dialog).to_be_hidden()
    expect(gallery.locator(".chosen-count")).to_have_text("3 chosen")
    expect(gallery.locator("#announcements")).to_have_text("3 chosen")
    gallery.keyboard.press("Escape")
    assert chosen(gallery) == []
    tiles.nth(7).click(modifiers=["Control"])
    assert chosen(gallery) == [7]


def test_keys_choose_and_change(gallery: Page, client: Client) -> None:
    gallery.locator("a.pic").first.focus()
    gallery.keyboard.press("Space")
    gallery.keyboard.press("ArrowRight")
    gallery.keyboard.press("ArrowRight")
    assert chosen(gallery) == [0]
    gallery.keyboard.press("Shift+ArrowRight")
    assert chosen(gallery) == [0, 2, 3]
    gallery.keyboard.press("ArrowDown")
    row = gallery.evaluate("[...document.querySelectorAll('a.pic')].indexOf(document.activeElement)") - 3
    assert row > 2
    gallery.keyboard.press("Shift+ArrowUp")
    assert set(range(3, row + 4)) <= set(chosen(gallery))
    gallery.keyboard.press("a")
    assert len(chosen(gallery)) == 200
    gallery.keyboard.press("a")
    assert chosen(gallery) == []
    gallery.keyboard.press("Space")
    taken = indices(gallery)
    gallery.keyboard.press("x")
    toast = gallery.locator(".toast")
    expect(toast).to_contain_text("1 excluded: revision")
    assert [each.index for each in client.datasets.samples("shapes", split="excluded")] == taken
    gallery.wait_for_load_state("load")  # before that no key is heard
    gallery.keyboard.press("u")  # the page is new, and nothing has the focus
    expect(toast).to_contain_text("Revision 1 is the current one")
    assert list(client.datasets.samples("shapes", split="excluded")) == []


def test_the_delete_key_deletes_and_the_page_says_what_that_means(gallery: Page, client: Client) -> None:
    gallery.locator("a.pic").first.focus()
    gallery.keyboard.press("Delete")  # nothing is chosen: nothing happens
    gallery.keyboard.press("Space")
    taken = indices(gallery)
    gallery.keyboard.press("Delete")
    expect(gallery.locator(".toast")).to_contain_text(re.compile(r"1 deleted: revision \d"))
    expect(gallery.locator(".lede")).to_contain_text("1 deleted, kept in earlier revisions.")
    expect(gallery.get_by_text("deleted ones stay in earlier revisions alone")).to_be_visible()
    assert len(list(client.datasets.samples("shapes"))) == 239
    gallery.goto(f"{client.transport.url}/datasets/shapes?revision=1&sort=index")
    tile = gallery.locator(f'a.pic[href*="/samples/{taken[0]}/"] img')
    tile.scroll_into_view_if_needed()
    expect(tile).to_have_js_property("complete", True)
    assert tile.evaluate("image => image.naturalWidth") > 0


def test_a_digit_gives_a_class_and_undo_is_in_the_toast(gallery: Page, client: Client) -> None:
    gallery.goto(f"{client.transport.url}/datasets/shapes?class=ring")
    gallery.locator("a.pic").first.focus()
    gallery.keyboard.press("Space")
    gallery.keyboard.press("ArrowRight")
    gallery.keyboard.press("Space")
    gallery.keyboard.press("2")
    expect(gallery.locator(".toast")).to_contain_text("2 pictures from ring to cross")
    assert "class=ring" in gallery.url
    expect(gallery.locator("#h-pic + .note")).to_have_text("1 to 78 of 78")
    gallery.locator(".toast button").click()
    expect(gallery.locator(".toast")).to_contain_text("Revision 1 is the current one")
    gallery.locator(".toast button").click()
    expect(gallery.locator(".history li[aria-current]")).to_contain_text("2 pictures from ring to cross")


def test_letters_that_are_switched_off_do_nothing(gallery: Page) -> None:
    gallery.evaluate("document.body.dataset.letters = 'off'")
    gallery.locator("a.pic").first.focus()
    gallery.keyboard.press("Space")
    gallery.keyboard.press("a")
    gallery.keyboard.press("x")
    assert chosen(gallery) == [0]


def test_all_that_the_filter_finds_get_a_new_class(gallery: Page, client: Client) -> None:
    gallery.locator("#field-split").select_option("train")
    gallery.get_by_role("button", name="Show", exact=True).click()
    expect(gallery.locator("#h-pic + .note")).to_have_text("1 to 192 of 192")
    gallery.locator("#field-label").select_option("ring")
    gallery.locator("#field-split").select_option("")
    gallery.locator("summary", has_text="Size and light").click()
    gallery.locator("#field-min_brightness").fill("0")
    gallery.get_by_role("button", name="Show", exact=True).click()
    gallery.locator("a.pic").first.focus()
    gallery.keyboard.press("a")
    gallery.locator("#to-class").fill("circle")
    gallery.locator("#to-class").press("Enter")
    expect(gallery.locator(".toast")).to_contain_text("80 pictures from ring to circle")
    assert client.datasets.get("shapes").num_classes == 4


def test_what_is_ticked_while_the_page_is_fetched_anew_stays_ticked(gallery: Page, client: Client) -> None:
    held: list[Route] = []
    gallery.route(
        "**/datasets/shapes*",
        lambda route: held.append(route) if not held and "hx-request" in route.request.headers else route.continue_(),
    )
    client.datasets.edit("shapes", action="exclude", indices=[0])
    client.datasets.check("shapes")
    while not held:
        gallery.wait_for_timeout(50)
    gallery.locator("label.choose").nth(2).click()
    expect(gallery.locator(".chosen-count")).to_contain_text("1")
    with gallery.expect_response(lambda answer: answer.request == held[0].request):
        held[0].continue_()
    gallery.wait_for_timeout(500)
    expect(gallery.locator(".chosen-count")).to_contain_text("1")
    assert len(chosen(gallery)) == 1


def test_what_is_refused_stands_by_the_form_and_keeps_the_ticks(
    gallery: Page, client: Client, complaints: list[str]
) -> None:
    gallery.locator("label.choose").nth(2).click()
    client.datasets.edit("shapes", action="exclude", indices=[0])
    gallery.get_by_role("button", name="Exclude").click()
    expect(gallery.locator(".edit-bar [role=alert]")).to_contain_text("shapes was changed meanwhile: revision")
    assert len(chosen(gallery)) == 1
    complaints[:] = [said for said in complaints if "409" not in said]


def test_a_phone_chooses_by_touch(browser: Browser, client: Client, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(PATIENCE_MS)
    signed_in(context, server)
    page = context.new_page()
    page.goto(f"{client.transport.url}/datasets/shapes")
    expect(page.locator(".chosen-count")).to_have_text("None chosen")
    box = page.locator("label.choose").first.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    page.locator("label.choose").first.tap()
    page.locator("a.pic").nth(2).tap()
    assert chosen(page) == [0, 2]
    expect(page.locator(".edit-bar")).to_be_in_viewport()
    assert page.evaluate(WIDE) <= 0
    page.locator("#to-split").select_option("test")
    page.get_by_role("button", name="Move", exact=True).tap()
    expect(page.locator(".toast")).to_contain_text("moved from train to test")
    context.close()


def test_without_scripts_one_filters_pages_and_changes(browser: Browser, client: Client, server: Server) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    signed_in(context, server)
    page = context.new_page()
    page.goto(f"{client.transport.url}/datasets/shapes?sort=-brightness")
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#h-pic + .note")).to_have_text("201 to 240 of 240")
    page.get_by_role("link", name="Previous").click()
    page.locator("#field-text").fill("RING")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#h-pic + .note")).to_have_text("1 to 80 of 80")
    page.locator("input[name=index]").nth(3).check()
    page.get_by_role("button", name="Exclude").click()
    expect(page.locator(".toast")).to_contain_text("1 excluded: revision")
    page.locator(".toast button").click()
    expect(page.locator(".toast")).to_contain_text("Revision 1 is the current one")
    context.close()
