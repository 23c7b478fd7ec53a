"""A student's way with LeNet: change it in form and text, break it, take the fix, save it, and train the result."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tenfold.testing.pictures import write_shapes

from ..server_process import Server

MINUTES = 60_000.0
HEAVY = """language 1
network heavy "A picture of it fills gigabytes"
param classes = 10 in 2..1000
input image = image(1, 28, 28)
upsample(16)
conv1 = conv(WIDTH, 3, pad=half)
tanh
global_avg_pool
fc = dense(classes)
output logits
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("network-journey")
    write_shapes(home / "shapes", per_class=40)
    running = Server(home)
    client = running.start()
    with closing(running):
        client.datasets.wait(client.datasets.import_folder(home / "shapes", name="shapes").id)
        yield running


@pytest.fixture
def opened(page: Page, context: BrowserContext, server: Server) -> Page:
    secret = json.loads((server.data / "server.json").read_text())["secret"]
    context.set_extra_http_headers({"authorization": f"Bearer {secret}"})
    page.goto(f"{server.client.transport.url}/networks/lenet")
    expect(page.locator(".cm-content")).to_be_visible()
    return page


def node(page: Page, path: str) -> Locator:
    return page.locator(f'a.layer[data-path="{path}"]')


def gives(page: Page, path: str, shape: str) -> None:
    expect(node(page, path)).to_have_attribute("aria-label", re.compile(f"gives {shape},"))


def type_over(page: Page, old: str, new: str) -> None:
    page.locator(".cm-line", has_text=old).first.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text(new)


def test_lenet_is_changed_broken_mended_saved_and_trained(opened: Page, server: Server) -> None:
    page = opened
    gives(page, "conv2", "50 × 8 × 8")
    node(page, "conv1_max_pool").click()
    page.get_by_label("Window", exact=True).fill("3")
    page.keyboard.press("Tab")
    gives(page, "conv2", "50 × 4 × 4")
    type_over(page, "param activation", "param activation = tanh in [relu, tanh, sigmoid, gelu]")
    expect(node(page, "ip1_tanh")).to_be_visible()
    type_over(page, "conv2 =", "conv2 = conv(width2, 9, bias=bias)")
    told = page.locator(".told")
    expect(told).to_contain_text("`kernel` of `conv` is 9, but the input is only 8 x 8: use at most 8.")
    expect(page.locator("[data-train]")).to_have_attribute("aria-disabled", "true")
    type_over(page, "conv2 =", "conv2 = conv(width2, 3, biass=bias)")
    expect(told).to_contain_text("`conv` has no `biass`, perhaps `bias`.")
    told.get_by_role("button", name="Write `bias`").click()
    expect(page.locator("[data-state]")).to_have_text("no errors")
    gives(page, "conv2", "50 × 6 × 6")
    page.get_by_role("button", name=re.compile("^Save as your own")).click()
    page.wait_for_url("**/networks/lenet-2")
    expect(page.locator(".cm-content")).to_contain_text("conv2 = conv(width2, 3, bias=bias)")
    expect(page.locator("[data-draft]")).to_be_hidden()
    page.get_by_role("link", name="Train it").first.click()
    page.wait_for_url("**/runs/new**")
    page.get_by_role("button", name=re.compile("^Common")).click()
    page.locator('[name="epochs"]').fill("1")
    expect(page.locator("#forecast")).to_contain_text("an epoch", timeout=MINUTES)
    page.get_by_role("button", name=re.compile("^Start")).click()
    page.wait_for_url(re.compile(r"/runs/(?!new)"))
    expect(page.get_by_text("test pictures are right")).to_be_visible(timeout=5 * MINUTES)
    run = server.client.runs.get(page.url.rpartition("/")[2])
    page.get_by_role("link", name="Look inside").click()
    layers = page.locator(".seen > li[id]")
    expect(layers.last).to_contain_text("ip2")
    expect(layers.first).to_contain_text("20 maps of 24 × 24")
    tiles = page.locator("tile-view img").first
    assert tiles.evaluate("image => image.decode().then(() => image.naturalWidth)") > 20 * 24 / 5
    page.locator(".tile-box").first.press("+")
    assert tiles.evaluate("image => image.width / image.closest('tile-view').width") == 2
    page.locator(".tile-box").first.press("0")
    page.set_viewport_size({"width": 390, "height": 844})
    stretched = "image => (image.width / image.naturalWidth) / (image.height / image.naturalHeight)"
    assert abs(tiles.evaluate(stretched) - 1) < 0.05
    page.set_viewport_size({"width": 1280, "height": 900})
    page.go_back()
    assert "conv(width2, 3, bias=bias)" in server.client.networks.get("lenet-2").text
    page.get_by_role("button", name="Copy its network").click()
    page.wait_for_url("**/networks/lenet-**")
    copied = server.client.networks.get(page.url.rpartition("/")[2])
    assert (copied.text, copied.origin) == (server.client.networks.get("lenet-2").text, f"run:{run.name}")
    page.goto(f"{server.client.transport.url}/networks/lenet-2?tab=history")
    expect(page.locator(".history")).to_contain_text(run.name)


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(
    opened: Page, server: Server, complaints: list[str]
) -> None:
    page = opened
    networks = server.client.networks
    made = networks.create(networks.get("lenet").text, name="shared")
    page.goto(f"{server.client.transport.url}/networks/shared")
    expect(page.locator(".cm-content")).to_be_visible()
    type_over(page, "ip2 =", "ip2 = dense(classes, bias=false)")
    page.get_by_role("button", name="What is changed").click()
    told = page.locator("#draft-difference")
    expect(told.locator("h2")).to_have_text("Not saved yet, against version 1, which it was made from")
    expect(told.locator(".is-new")).to_have_text(re.compile(re.escape("ip2 = dense(classes, bias=false)")))
    told.get_by_label("Compare with").select_option("resnet50")
    expect(told.locator("h2")).to_have_text("Not saved yet, against ResNet-50")
    networks.save("shared", made.text.replace("hidden     = 500", "hidden     = 400"), on=made.current)
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+s")
    expect(page.locator("[data-draft-text]")).to_contain_text("version 2")
    expect(page.locator(".cm-content")).to_contain_text("ip2 = dense(classes, bias=false)")
    assert networks.get("shared").number == 2
    page.reload()
    expect(page.locator("[data-draft-text]")).to_contain_text("Typed here before the version that is saved now")
    page.locator(".cm-content").press("Control+s")
    expect(page.locator("[data-draft-text]")).to_contain_text("version 2 is current")
    assert networks.get("shared").number == 2
    complaints[:] = [said for said in complaints if "409" not in said]


def test_what_cannot_fit_is_refused_and_one_press_takes_the_batch_that_can(
    opened: Page, server: Server, complaints: list[str]
) -> None:
    page, client = opened, server.client
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    client.networks.create(HEAVY.replace("WIDTH", str(memory // 64_000_000)), name="heavy")
    before = client.runs.start(dataset="shapes", network="lenet", epochs=9000, name="before")
    page.goto(f"{client.transport.url}/runs/new?dataset=shapes&network=heavy&level=common")
    forecast = page.locator("#forecast")
    expect(forecast).to_contain_text("Batch 64 needs")
    page.locator('[name="batch_size"]').first.fill("90")
    expect(forecast).to_contain_text("Batch 90 needs")
    page.get_by_role("button", name=re.compile("^Start")).click()
    expect(page.locator("#field-batch_size-error")).to_contain_text("Batch 90 needs")
    assert "heavy" not in {run.network for run in client.runs.list()}
    take = forecast.get_by_role("button", name=re.compile("^Use batch"))
    nearest = int((take.text_content() or "").split()[-1])
    assert 0 < nearest < 64
    take.focus()
    page.keyboard.press("Enter")
    expect(page.locator('[name="batch_size"]').first).to_have_value(str(nearest))
    expect(page.locator("#forecast")).to_contain_text(re.compile("(F|Just f)its in"))
    expect(page.locator("#forecast").get_by_role("button")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^Start")).click()
    page.wait_for_url(re.compile(r"/runs/(?!new)"))
    name = page.url.rpartition("/")[2]
    run = client.runs.get(name)
    assert (run.state, run.spec["batch_size"]) == ("waiting", nearest), "its step would take most of this machine"
    assert client.runs.stop(name).state == "stopped"
    client.runs.stop(before.name)
    client.runs.wait(before.name)
    complaints[:] = [said for said in complaints if "422" not in said]


def test_a_run_that_is_over_before_its_page_listens_is_shown_as_over(opened: Page, server: Server) -> None:
    client, page = server.client, opened
    run = client.runs.start(dataset="shapes", network="lenet", epochs=1, name="over-soon")
    while client.runs.get(run.id).state in {"queued", "building"}:
        time.sleep(0.02)

    def listen_late(route: Route) -> None:
        client.runs.wait(run.id)
        route.continue_()

    page.route("**/api/v1/events*", listen_late)
    page.goto(f"{client.transport.url}/runs/over-soon", wait_until="commit")
    expect(page.locator("#run")).to_have_attribute("data-state", "finished", timeout=MINUTES)
