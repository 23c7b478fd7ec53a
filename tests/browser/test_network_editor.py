"""The network editor in Chromium: text, graph, form and table over one text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from web.sample_site import serving


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as (_, address):
        yield f"{address}/sample/page"


@pytest.fixture
def editor(page: Page, url: str) -> Page:
    page.goto(f"{url}/network")
    expect(page.locator(".cm-content")).to_be_visible()
    return page


def code(page: Page) -> Locator:
    return page.locator(".cm-content")


def node(page: Page, path: str) -> Locator:
    return page.locator(f'a.layer[data-path="{path}"]')


def gives(page: Page, path: str, shape: str) -> None:
    expect(node(page, path)).to_have_attribute("aria-label", re.compile(f"gives {shape},"))


def type_over(page: Page, old: str, new: str) -> None:
    """Replaces what stands on a line, as a person does: to the line, mark, type."""
    line = page.locator(".cm-line", has_text=old).first
    line.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text(new)


def test_the_pooling_window_is_changed_in_the_panel_and_the_text_and_shapes_follow(editor: Page) -> None:
    gives(editor, "conv2", "50 × 8 × 8")
    node(editor, "conv1_max_pool").click()
    window = editor.get_by_label("Window", exact=True)
    expect(window).to_have_value("2")
    window.fill("3")
    window.press("Tab")
    gives(editor, "conv2", "50 × 4 × 4")
    expect(code(editor)).to_contain_text("param window     = 3 in 2..4")
    expect(editor.get_by_label("Window", exact=True)).to_have_value("3")
    editor.get_by_role("button", name=re.compile("^Undo")).click()
    gives(editor, "conv2", "50 × 8 × 8")
    expect(code(editor)).to_contain_text("param window     = 2 in 2..4")


def test_a_value_is_changed_only_here_and_a_function_is_put_after_a_layer(editor: Page) -> None:
    node(editor, "conv1").click()
    expect(editor.locator("[data-panel]")).to_have_attribute("data-line", "12")
    editor.locator('[data-only-here="out"]').check()
    width = editor.get_by_label("Width", exact=True)
    width.fill("24")
    width.press("Enter")
    expect(code(editor)).to_contain_text("conv1 = conv(24, 5, bias=bias)")
    gives(editor, "conv1", "24 × 24 × 24")
    editor.get_by_label("Activation after").select_option("relu")
    expect(node(editor, "conv1_relu")).to_be_visible()
    editor.get_by_label("Bias", exact=True).select_option("false")
    expect(code(editor)).to_contain_text("param bias       = false")
    for _ in range(3):
        editor.keyboard.press("Control+z")
    expect(editor.locator("[data-draft]")).to_be_hidden()
    expect(node(editor, "conv1_relu")).to_have_count(0)


def test_layers_are_inserted_connected_named_and_removed_by_keys_with_one_undo_each(editor: Page) -> None:
    node(editor, "conv2").click()
    insert = editor.get_by_label("Insert below")
    insert.focus()
    insert.select_option("conv(64, 3, pad=half)")
    editor.keyboard.press("Tab")
    editor.keyboard.press("Enter")
    expect(code(editor)).to_contain_text("conv3 = conv(64, 3, pad=half)")
    gives(editor, "conv3", "64 × 8 × 8")
    expect(editor.locator("#announcements")).to_have_text("Line 15: conv3 = conv(64, 3, pad=half)")
    expect(editor.locator("[data-panel]")).to_have_attribute("data-line", "15")
    expect(editor.get_by_role("button", name="Insert", exact=True)).to_be_focused()
    editor.get_by_label("Name", exact=True).fill("wide")
    editor.keyboard.press("Enter")
    gives(editor, "wide", "64 × 8 × 8")
    editor.get_by_label("Copies").fill("2")
    editor.keyboard.press("Enter")
    expect(code(editor)).to_contain_text("wide = conv(64, 3, pad=half) repeat 2")
    editor.get_by_label("Reads").select_option("conv1")
    expect(code(editor)).to_contain_text("wide = conv(64, 3, pad=half) from conv1 repeat 2")
    editor.locator("#op-remove").focus()
    editor.keyboard.press("Enter")
    expect(code(editor)).not_to_contain_text("wide = ")
    expect(editor.locator("#op-remove")).to_be_focused()
    for _ in range(5):
        editor.keyboard.press("Control+z")
    expect(editor.locator("[data-draft]")).to_be_hidden()


def test_layers_are_wrapped_a_value_becomes_a_parameter_and_the_text_is_formatted(
    editor: Page, complaints: list[str]
) -> None:
    node(editor, "conv2").click()
    expect(editor.locator("[data-panel]")).to_have_attribute("data-line", "14")
    editor.get_by_text("Wrap in a block, make a parameter").click()
    editor.get_by_label("Make a parameter of").select_option("kernel")
    editor.get_by_label("with the name").fill("window")
    editor.get_by_role("button", name="Make", exact=True).click()
    expect(editor.locator("[data-refused]")).to_contain_text("The name `window` is taken")
    complaints[:] = [said for said in complaints if "409" not in said]
    editor.get_by_label("with the name").fill("kernel2")
    editor.get_by_role("button", name="Make", exact=True).click()
    expect(code(editor)).to_contain_text("param kernel2 = 5 in 1..4096")
    expect(editor.locator("[data-panel]")).to_have_attribute("data-line", "15")
    expect(editor.locator("#op-more")).to_have_attribute("open", "")
    editor.get_by_label("Wrap from here to").select_option("max_pool, line 16")
    editor.get_by_label("in the block").fill("second")
    editor.get_by_role("button", name="Wrap", exact=True).click()
    gives(editor, "second.conv2_max_pool", "50 × 4 × 4")
    expect(editor.locator("[data-state]")).to_have_text("no errors")
    editor.keyboard.press("Control+z")
    editor.keyboard.press("Control+z")
    expect(editor.locator("[data-draft]")).to_be_hidden()
    type_over(editor, "ip2 =", "   ip2=dense(classes)")
    editor.get_by_role("button", name="Format").click()
    expect(editor.locator("#announcements")).to_have_text("The text is in the usual layout.")
    expect(editor.locator(".cm-line", has_text="ip2 =")).to_have_text("ip2 = dense(classes)")
    editor.keyboard.press("Control+z")
    expect(code(editor)).to_contain_text("ip2=dense")


def test_a_mistake_stands_under_its_line_and_its_fix_mends_it(editor: Page) -> None:
    type_over(editor, "conv2 =", "conv2 = convv(width2, 3, bias=bias)")
    told = editor.locator(".told")
    expect(told).to_contain_text("There is no layer or block `convv`, perhaps `conv`.")
    expect(node(editor, "conv2").locator(".node")).to_have_class(re.compile("is-bad"))
    expect(editor.locator("[data-state]")).to_have_text("1 error")
    expect(editor.locator("[data-train]")).to_have_attribute("aria-disabled", "true")
    expect(editor.locator("#why-not")).to_contain_text("mend it to train")
    told.get_by_role("button", name="Write `conv`").click()
    expect(code(editor)).to_contain_text("conv2 = conv(width2, 3, bias=bias)")
    expect(told).to_have_count(0)
    gives(editor, "conv2", "50 × 10 × 10")


def test_what_was_typed_is_there_after_a_reload_until_it_is_discarded(editor: Page) -> None:
    type_over(editor, "ip1 =", "ip1 = dense(300)")
    gives(editor, "ip1", "300")
    editor.reload()
    expect(code(editor)).to_contain_text("ip1 = dense(300)")
    gives(editor, "ip1", "300")
    expect(editor.locator("[data-draft]")).to_contain_text("not saved")
    editor.get_by_role("button", name=re.compile("own text")).click()
    gives(editor, "ip1", "500")
    expect(editor.locator("[data-draft]")).to_be_hidden()


def test_what_was_typed_on_an_earlier_text_says_that_it_would_undo_a_later_one(page: Page, url: str) -> None:
    page.goto(f"{url}/network")
    expect(page.locator(".cm-content")).to_be_visible()
    name = page.locator("network-editor").get_attribute("name")
    kept = json.dumps({"text": "network mine\n", "of": "network earlier\n"})
    page.evaluate("([key, kept]) => localStorage.setItem(key, kept)", [f"tenfold.network.{name}", kept])
    page.reload()
    draft = page.locator("[data-draft]")
    expect(draft).to_contain_text("Typed here before the version that is saved now, which it would undo")
    expect(code(page)).to_contain_text("network mine")
    code(page).press("End")
    code(page).press_sequentially("x")
    expect(draft).to_contain_text("Typed here before the version")
    draft.get_by_role("button", name="Back to the network").click()
    expect(draft).to_be_hidden()
    code(page).press("End")
    code(page).press_sequentially("x")
    expect(draft).to_contain_text("Changed here and kept in this browser")


def test_cursor_and_graph_lead_to_each_other_by_keys(editor: Page) -> None:
    editor.locator(".cm-line", has_text="ip2 =").click()
    expect(node(editor, "ip2")).to_have_attribute("aria-current", "true")
    editor.keyboard.press("Alt+ArrowUp")
    expect(node(editor, "ip1_relu")).to_have_attribute("aria-current", "true")
    expect(editor.locator(".cm-activeLine")).to_contain_text("activation(activation)")
    node(editor, "ip1_relu").focus()
    editor.keyboard.press("ArrowUp")
    expect(node(editor, "ip1")).to_be_focused()
    editor.keyboard.press("Enter")
    expect(editor.locator(".cm-activeLine")).to_contain_text("ip1 = dense")
    expect(editor.locator("[data-panel]")).to_have_attribute("data-line", "17")
    expect(node(editor, "ip1")).to_be_focused()


def test_letters_typed_in_the_code_are_no_keys_of_the_page(editor: Page) -> None:
    editor.locator(".cm-line", has_text="flatten").click()
    editor.keyboard.press("End")
    editor.keyboard.type("  # turn to n")
    expect(code(editor)).to_contain_text("flatten  # turn to n")
    assert editor.url.endswith("/network")


def test_completion_and_help_come_from_the_vocabulary(editor: Page) -> None:
    editor.locator(".cm-line", has_text="flatten").click()
    editor.keyboard.press("End")
    editor.keyboard.press("Enter")
    editor.keyboard.type("global_a")
    expect(editor.locator(".cm-tooltip-autocomplete")).to_contain_text("global_avg_pool")
    editor.keyboard.press("Escape")
    editor.locator(".cm-line", has_text="conv1 =").get_by_text("conv", exact=True).hover()
    expect(editor.locator(".cm-help")).to_contain_text("Convolution over a sequence, image or volume.")


def test_blocks_unfold_and_the_graph_zooms(page: Page, url: str) -> None:
    page.goto(f"{url}/network-blocks")
    expect(page.locator(".cm-content")).to_be_visible()
    expect(node(page, "layer1.0")).to_have_count(0)
    page.locator('a.flip[data-unfold="layer1"]').click()
    expect(node(page, "layer1.0")).to_be_visible()
    fold = page.locator('a.flip[data-fold="layer1"]')
    expect(fold).to_be_focused()
    fold.press("Enter")
    expect(node(page, "layer1")).to_be_visible()
    expect(page.locator('a.flip[data-unfold="layer1"]')).to_be_focused()
    drawing = page.locator("network-graph svg")
    before = drawing.evaluate("svg => svg.getBoundingClientRect().width")
    page.get_by_role("button", name="Larger").click()
    assert drawing.evaluate("svg => svg.getBoundingClientRect().width") > before * 1.2


def test_without_scripts_text_graph_and_table_can_be_read(url: str, page: Page) -> None:
    context = page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    plain = context.new_page()
    plain.goto(f"{url}/network-broken")
    expect(plain.locator(".code")).to_contain_text("conv2 = conv(width2, 5, bias=bias)")
    expect(plain.locator("[data-plain-problem]")).to_contain_text("Line 14: `kernel` of `conv` is 5")
    expect(node(plain, "conv2").locator(".node")).to_have_class(re.compile("is-bad"))
    expect(plain.get_by_label("Kernel", exact=True)).to_be_disabled()
    context.close()


def test_no_other_page_loads_the_editor(page: Page, url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}/networks")
    assert [address for address in asked if "main-" in address]
    assert not [address for address in asked if "editor-" in address]
