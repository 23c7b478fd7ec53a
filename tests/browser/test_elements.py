"""The custom elements and keys, on the sample pages, in Chromium."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect
from web.sample_pages import PAGES
from web.sample_site import Site, serving
from web.samples.things import FRAME

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Site, str]]:
    with serving() as both:
        yield both


@pytest.fixture
def site(served: tuple[Site, str]) -> Site:
    served[0].received.clear()
    return served[0]


@pytest.fixture
def url(served: tuple[Site, str]) -> str:
    return f"{served[1]}/sample/page"


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_scrolls_sideways_or_complains(page: Page, url: str, width: int, complaints: list[str]) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for name in PAGES:
        page.goto(f"{url}/{name}", wait_until="domcontentloaded")
        assert page.evaluate(WIDE) <= 0, name
    complaints[:] = [said for said in complaints if "403" not in said]  # the folder that is refused


def test_everything_that_can_be_pressed_is_large_enough_on_a_phone(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("home", "run", "run-new", "model-test", "settings"):
        page.goto(f"{url}/{name}")
        for button in page.locator("main button:visible, main .btn:visible").all():
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 26, (name, button.inner_text())


@pytest.mark.parametrize("width", [390, 1280])
def test_pictures_of_a_gallery_are_square(page: Page, url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{url}/dataset")
    picture = page.locator(".gallery .pic img").first
    for is_small in (True, False):
        if not is_small:
            picture.evaluate("img => img.classList.remove('pix')")  # as where pictures are larger than their tiles
        box = picture.bounding_box()
        assert box is not None
        assert abs(box["width"] - box["height"]) < 1


@pytest.mark.parametrize("width", [390, 900, 1280])
@pytest.mark.parametrize(
    ("form", "word"), [("run-new", "Start"), ("dataset-new", "Make the dataset"), ("model-new", "Bring it in")]
)
def test_what_a_long_form_is_for_is_in_view_wherever_one_is(
    page: Page, url: str, form: str, word: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{url}/{form}")
    start = page.get_by_role("button", name=re.compile(f"^{word}"))
    expect(start).to_have_count(1)
    for to_the_end in (False, True):
        if to_the_end:
            page.mouse.wheel(0, 20_000)
        expect(start).to_be_in_viewport(ratio=1)
        start.click(trial=True)  # nothing lies over it


def test_figures_move_while_a_run_trains(page: Page, url: str) -> None:
    page.goto(f"{url}/run")
    done = page.locator('[data-path="progress.step"]').first
    expect(done).not_to_have_text("5,317")
    expect(page.locator("log-tail li").last).to_contain_text("Step")
    expect(page.locator(".rail-age")).to_contain_text("live")
    share = page.locator("job-progress progress").evaluate("bar => bar.value")
    assert share > 42


def test_a_page_listens_from_where_it_was_made(page: Page, site: Site, url: str) -> None:
    site.asked_after.clear()
    page.goto(f"{url}/run")
    expect(page.locator(".rail-age")).to_contain_text("live")
    assert site.asked_after == [FRAME.place]


def test_a_part_that_changes_while_it_is_on_its_way_is_asked_for_again(page: Page, site: Site, url: str) -> None:
    page.goto(f"{url}/run")
    expect(page.locator(".rail-age")).to_contain_text("live")
    page.mouse.move(0, 0)
    before = site.parts_asked
    site.parts_leave.clear()
    try:
        site.run_state = "pausing"
        within(lambda: site.parts_asked > before, page)
        site.run_state = "paused"
        expect(page.locator("#announcements")).to_contain_text("paused")
        site.parts_leave.set()  # it comes before the page asks anew
        within(lambda: site.parts_asked > before + 1, page)
    finally:
        site.parts_leave.set()
        site.run_state = "running"


def within(is_so: Callable[[], bool], page: Page) -> None:
    """Waits up to 20 seconds."""
    for _ in range(200):
        if is_so():
            return
        page.wait_for_timeout(100)
    pytest.fail("it did not come to be")


def test_charts_are_drawn_described_and_walked_by_keys(page: Page, url: str) -> None:
    page.goto(f"{url}/run")
    loss = page.locator('live-chart[label="Loss"]')
    expect(loss.locator("canvas")).to_be_visible()
    expect(loss.locator(".plot-area")).to_have_attribute("aria-label", re.compile("training from .* to"))
    loss.locator(".plot-area").focus()
    page.keyboard.press("ArrowLeft")
    expect(loss.locator(".chart-values")).to_contain_text("validation 0.0")
    expect(page.locator('live-chart[label="Accuracy"] .chart-values')).to_contain_text("%")


def test_a_run_that_waits_has_an_empty_chart_that_says_so(page: Page, url: str) -> None:
    page.goto(f"{url}/run-waiting")
    expect(page.locator(".chart-empty").first).to_be_visible()
    expect(page.locator("live-chart canvas")).to_have_count(0)


def test_one_stream_a_tab_and_none_when_it_is_left(page: Page, url: str, site: Site) -> None:
    page.goto(f"{url}/run")
    expect(page.locator(".rail-age")).to_contain_text("live")
    assert site.streams == 1
    page.goto("about:blank")
    page.wait_for_function("true")
    for _ in range(40):
        if site.streams == 0:
            break
        page.wait_for_timeout(50)
    assert site.streams == 0


def test_a_digit_drawn_by_hand_arrives_centred_in_28_by_28(page: Page, url: str, site: Site) -> None:
    page.goto(f"{url}/model-test-bare")
    pad = page.locator("digit-pad canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + 200, steps=8)
    page.mouse.up()
    expect(page.locator("#result [data-finding]")).to_contain_text("7")
    expect(page.locator("#result img[data-preview]")).to_be_visible()
    picture = Image.open(io.BytesIO(site.received[-1]["content"])).convert("L")
    assert picture.size == (28, 28)
    left, top, right, bottom = picture.getbbox() or (0, 0, 0, 0)
    assert bottom - top == 20
    assert abs((left + right) / 2 - 14) <= 1
    assert abs((top + bottom) / 2 - 14) <= 1


def test_a_digit_can_be_drawn_with_keys_alone(page: Page, url: str, site: Site) -> None:
    page.goto(f"{url}/model-test-bare")
    page.locator("digit-pad canvas").focus()
    page.keyboard.press("Space")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#result [data-finding]")).to_be_visible()
    assert site.received[-1]["size"] == (28, 28)
    page.keyboard.press("Delete")
    expect(page.locator("#result [data-finding]")).to_have_count(0)


def test_what_is_shown_after_the_pad_was_cleared_stays(page: Page, url: str) -> None:
    page.goto(f"{url}/model-test-bare")
    pad = page.locator("digit-pad canvas")
    pad.scroll_into_view_if_needed()
    pad.click()
    expect(page.locator("#result [data-finding]")).to_be_visible()
    page.evaluate(
        """() => {
            document.querySelector('[data-clear]').click();
            document.getElementById('result').textContent = 'the answer for another picture';
        }"""
    )
    page.wait_for_timeout(500)  # twice as long as the pad waits for a hand to rest
    expect(page.locator("#result")).to_have_text("the answer for another picture")


def test_a_chosen_picture_is_classified_at_once(page: Page, url: str, site: Site) -> None:
    page.goto(f"{url}/model-test-bare")
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "png")
    page.set_input_files("#picture", {"name": "red.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
    expect(page.locator("#result figcaption")).to_have_text("red.png")
    assert site.received[-1]["size"] == (40, 30)


def test_an_archive_travels_with_its_form_and_leads_on(page: Page, url: str, site: Site) -> None:
    page.goto(f"{url}/home-empty")
    content = b"x" * 300_000
    page.set_input_files("input[name=archive]", {"name": "set.zip", "mimeType": "application/zip", "buffer": content})
    page.wait_for_url("**/dataset-building")
    assert site.received[-2] == {"path": "/api/v1/uploads", "name": "set.zip", "bytes": 300_000}
    assert site.received[-1] == {"path": "/datasets/new", "upload": "upl_1", "source": "archive"}


def test_folders_complete_as_they_are_typed(page: Page, url: str, complaints: list[str]) -> None:
    page.goto(f"{url}/dataset-new")
    field = page.get_by_role("combobox", name="Folder or file", exact=True)
    field.fill("/home/anna/da")
    expect(page.locator("#folders [role=option]")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(field).to_have_value("/home/anna/data/")
    field.fill("/home/anna/")
    expect(page.locator("#folders [role=option]")).to_have_count(4)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_have_value("/home/anna/flowers/")
    field.fill("/etc")
    expect(page.locator(".picker-said")).to_contain_text("outside the folders")
    complaints.clear()


def test_a_refused_form_puts_the_focus_on_the_first_error(page: Page, url: str) -> None:
    page.goto(f"{url}/run-new-refused")
    expect(page.locator("#field-rate")).to_be_focused()


def test_keys_go_to_places_send_forms_and_change_colours(page: Page, url: str, site: Site) -> None:
    page.goto(f"{url}/home")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/datasets")
    page.keyboard.press("n")
    page.wait_for_url("**/run-new")
    page.locator("#field-name").fill("g d n")
    expect(page.locator("#field-name")).to_have_value("g d n")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    assert site.received[-1]["form"]["name"] == "g d n"
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.keyboard.press("t")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_rows_are_walked_with_j_and_k(page: Page, url: str) -> None:
    page.goto(f"{url}/runs")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".name", has_text="alexnet-garden-1")).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator(".name", has_text="lenet-mnist-2")).to_be_focused()


def test_a_row_that_was_gone_to_while_the_table_was_fetched_anew_keeps_the_focus(page: Page, url: str) -> None:
    held: list[Route] = []
    page.goto(f"{url}/runs")
    page.route("**/runs", lambda route: route.continue_() if held else held.append(route))
    page.keyboard.press("j")
    page.keyboard.press("j")
    while not held:
        page.wait_for_timeout(50)
    page.evaluate("document.querySelector('main [data-refresh]').dataset.before = ''")
    page.keyboard.press("k")
    expect(page.locator(".name", has_text="lenet-mnist-2")).to_be_focused()
    held[0].continue_()
    expect(page.locator("[data-before]")).to_have_count(0)
    expect(page.locator(".name", has_text="lenet-mnist-2")).to_be_focused()


def test_a_picture_opens_large_and_arrows_go_on(page: Page, url: str) -> None:
    page.goto(f"{url}/dataset")
    page.locator("a.pic").first.focus()
    page.keyboard.press("Escape")  # lets go of the two that are chosen: else a click chooses another
    page.locator("a.pic").first.click()
    expect(page.locator(".lightbox")).to_be_visible()
    expect(page.locator(".lightbox-file")).to_contain_text("00000.png")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".lightbox-file")).to_contain_text("00001.png")
    page.keyboard.press("Escape")
    expect(page.locator(".lightbox")).to_be_hidden()
    expect(page.locator("a.pic").nth(1)).to_be_focused()


def test_the_matrix_reads_its_cells(page: Page, url: str) -> None:
    page.goto(f"{url}/model")
    page.locator('td[tabindex="0"]').focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".matrix-sentence")).to_have_text("0 pictures of 1 taken for 0")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".matrix-sentence")).to_have_text("1133 pictures of 1 known")


def test_a_toast_offers_undo(page: Page, url: str, site: Site) -> None:
    page.goto(f"{url}/runs")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**/sample/page/**")
    assert site.received[-1]["path"] == "/trash/runs/run_0/restore"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast(page: Page, url: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for name in ("home", "run-finished", "run-new-refused", "model", "model-test", "dataset", "settings-people"):
        page.goto(f"{url}/{name}")
        assert page.evaluate(LOW_CONTRAST) == [], name


LOW_CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest('[disabled], .vh, .pad, option')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push(`${element.tagName} ${element.textContent.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return low;
}"""


def test_a_file_is_taken_as_it_is(page: Page, url: str) -> None:
    page.goto(f"{url}/dataset-new")
    field = page.get_by_role("combobox", name="Folder or file", exact=True)
    field.fill("/home/anna/bi")
    expect(page.locator("#folders [role=option]")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_have_value("/home/anna/birds.csv")
