"""A person's way with a model that was trained elsewhere: bring it in, say what it leaves open, and test it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import foreign_models as made
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from ..server_process import Server

MINUTES = 120_000.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("foreign-journey"))
    running.start()
    with closing(running):
        yield running


def test_a_model_is_brought_in_and_tested(
    page: Page, context: BrowserContext, server: Server, complaints: list[str], tmp_path: Path
) -> None:
    secret = json.loads((server.data / "server.json").read_text())["secret"]
    context.set_extra_http_headers({"authorization": f"Bearer {secret}"})
    (tmp_path / "pets.onnx").write_bytes(made.linear(takes=["N", 3, "h", "w"]))
    Image.new("RGB", (30, 20), "red").save(tmp_path / "red.png")

    page.goto(f"{server.client.transport.url}/models")
    page.get_by_role("link", name="Bring a model in").click()
    expect(page.locator("drop-zone:defined")).to_have_count(1)
    page.locator("#file").set_input_files(tmp_path / "pets.onnx")
    expect(page.locator(".drop-said")).to_contain_text("pets.onnx")
    page.get_by_label("Labels").fill("ant\nbee\ncow\ndog\neel")
    expect(page.get_by_text("On its way")).to_be_hidden()
    form = page.locator("form[data-main]")
    form.evaluate("form => { form.dataset.sent = 'true' }")  # as while it is sent, when nothing of a page can be asked
    expect(page.get_by_text("On its way")).to_be_visible()
    form.evaluate("form => { delete form.dataset.sent }")
    page.get_by_role("button", name="Bring it in").click()

    width = page.get_by_label("Width")
    expect(page.get_by_text("leaves the width of its input open")).to_be_visible(timeout=MINUTES)
    expect(page.get_by_text("pets.onnx is here already")).to_be_visible()
    expect(page.get_by_label("Labels")).to_have_value("ant\nbee\ncow\ndog\neel")
    assert "422" in complaints.pop()
    width.fill("8")
    page.get_by_label("Height").fill("8")
    page.get_by_role("button", name="Bring it in").click()

    expect(page.get_by_role("heading", name="pets", exact=True)).to_be_visible(timeout=MINUTES)
    page.locator("#picture").set_input_files(tmp_path / "red.png")
    expect(page.locator("[data-finding]")).to_contain_text("% sure", timeout=MINUTES)
    expect(page.get_by_role("link", name="Inside")).to_have_count(0)
