"""A newcomer's way, from the printed link to a trained, tested and downloaded model, in Chromium."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect
from safetensors.numpy import load_file

from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.adapters.sources.samples import SampleCache
from tenfold.core.datasets.preprocessing import Normalise, Preprocessing
from tenfold.core.networks.analysis import require_graph

from ..server_process import Server

ROOT = Path(__file__).parents[2]
MINUTES = 60_000.0
# How a person draws each digit, as strokes over a field of 100 by 100.
STROKES: dict[str, list[list[tuple[int, int]]]] = {
    "0": [[(50, 15), (33, 22), (26, 45), (28, 68), (42, 85), (60, 82), (72, 62), (72, 38), (64, 20), (50, 15)]],
    "1": [[(52, 14), (51, 40), (50, 62), (49, 86)]],
    "2": [[(30, 32), (38, 18), (56, 15), (68, 28), (64, 45), (48, 62), (30, 82), (50, 82), (74, 82)]],
    "3": [[(32, 20), (52, 15), (66, 26), (60, 42), (46, 48), (62, 54), (70, 68), (58, 82), (42, 85), (30, 78)]],
    "4": [[(40, 15), (34, 36), (28, 54), (50, 55), (74, 53)], [(62, 20), (60, 50), (58, 86)]],
    "5": [[(68, 16), (40, 16), (36, 44), (54, 42), (68, 54), (66, 72), (50, 84), (32, 80)]],
    "6": [[(62, 14), (44, 30), (33, 54), (34, 74), (50, 85), (66, 76), (64, 60), (48, 54), (35, 64)]],
    "7": [[(28, 20), (50, 19), (72, 18), (62, 42), (52, 64), (44, 86)]],
    "8": [
        [(62, 24), (46, 15), (36, 28), (48, 44), (64, 60), (62, 80)],
        [(62, 80), (46, 85), (34, 72), (44, 54), (60, 38), (62, 24)],
    ],
    "9": [[(66, 30), (50, 18), (36, 28), (38, 44), (54, 48), (66, 36), (66, 30), (64, 56), (58, 86)]],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A fresh server whose cache holds MNIST already, as `make run` leaves it."""
    cache = ROOT / ".data" / "cache"
    SampleCache(cache).fetch("mnist", report=print)
    running = Server(tmp_path_factory.mktemp("journey"))
    running.data.mkdir()
    (running.data / "cache").symlink_to(cache)
    running.start()
    with closing(running):
        yield running


def draw(page: Page, strokes: list[list[tuple[int, int]]]) -> None:
    """Draws with the mouse and waits until what is drawn last is classified."""
    pad = page.locator("digit-pad canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None

    def place(point: tuple[int, int]) -> tuple[float, float]:
        return box["x"] + point[0] / 100 * box["width"], box["y"] + point[1] / 100 * box["height"]

    for stroke in strokes:
        page.mouse.move(*place(stroke[0]))
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*place(point), steps=4)
        if stroke is not strokes[-1]:
            page.mouse.up()
    with page.expect_request(re.compile("/classify$")):
        page.mouse.up()
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false")


def test_from_the_link_to_a_model_in_four_clicks(page: Page, server: Server, tmp_path: Path) -> None:
    page.goto(server.link())
    expect(page).to_have_title(re.compile("Home"))
    assert "/link/" not in page.url
    page.get_by_role("link", name=re.compile("Try with MNIST")).or_(
        page.get_by_role("button", name=re.compile("Try with MNIST"))
    ).first.click()
    page.wait_for_url("**/runs/new**")
    page.get_by_role("button", name=re.compile("^Common")).click()
    page.locator('[name="epochs"]').fill("1")  # one instead of three: enough for the digits, and CI has two cores
    page.get_by_role("button", name=re.compile("^Start")).click()
    page.wait_for_url(re.compile(r"/runs/[^/]*mnist"))
    expect(page.locator("live-chart").first).to_be_visible()
    expect(page.get_by_text("test pictures are right")).to_be_visible(timeout=8 * MINUTES)
    name = page.locator("h1").inner_text()
    page.get_by_role("link", name="Test it").click()
    right = 0
    for digit, strokes in STROKES.items():
        draw(page, strokes)
        right += page.locator("#result .hero").inner_text() == digit
        page.locator("[data-clear]").click()
    assert right >= 9, f"{right} of 10 drawn digits are right"
    sample = page.locator("[data-test-picture]").first
    sample.click()
    expect(page.locator("#result [data-finding]")).to_contain_text("so this is")
    with page.expect_download() as started:
        page.get_by_role("link", name=re.compile("^Download")).first.click()
    archive = tmp_path / "model.zip"
    started.value.save_as(archive)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    assert_script_says_what_the_page_says(page, server, tmp_path / name)


def assert_script_says_what_the_page_says(page: Page, server: Server, folder: Path) -> None:
    """The picture of the gallery, sent to the page as a file and given to the download's script."""
    pictures = [folder / f"{index}.png" for index in range(65_000, 65_010)]
    for picture in pictures:
        address = f"{server.client.transport.url}/api/v1/datasets/mnist/samples/{picture.stem}/thumbnail"
        picture.write_bytes(page.request.get(address).body())
    script = [sys.executable, "predict.py", *(picture.name for picture in pictures)]
    done = subprocess.run(script, cwd=folder, capture_output=True, text=True, check=True)
    printed = [line.split() for line in done.stdout.splitlines()]
    answers = server.client.models.classify(folder.name, *pictures)
    for number, (guesses, in_torch) in enumerate(zip(answers, torch_answers(folder, pictures), strict=True)):
        lines = printed[6 * number + 1 : 6 * number + 6]
        assert [line[1] for line in lines] == [guess.label for guess in guesses[:5]]
        assert [line[0] for line in lines] == [f"{guess.probability:.4%}" for guess in guesses[:5]]
        assert all(abs(guess.probability - in_torch[int(guess.label)]) <= 1e-4 for guess in guesses)


def torch_answers(folder: Path, pictures: list[Path]) -> list[list[float]]:
    """What PyTorch makes of the downloaded weights: probabilities of the ten digits for each picture."""
    text = (folder / "network.network").read_text()
    graph = require_graph(text, parameters={"classes": 10}, input_shapes={"image": (1, 28, 28)})
    module = load_module(graph, load_file(folder / "model.safetensors")).eval()
    preprocessing = Preprocessing.from_json(json.loads((folder / "preprocessing.json").read_text()))
    pixels = np.stack([PillowDecoder().decode(picture.read_bytes(), preprocessing) for picture in pictures])
    normalise = next(each for each in preprocessing.operations if isinstance(each, Normalise))
    scaled = (pixels.astype(np.float32) / 255 - normalise.mean) / normalise.std
    with torch.inference_mode():
        logits = module(torch.from_numpy(scaled.astype(np.float32)).permute(0, 3, 1, 2))
    return torch.softmax(logits, 1).tolist()


def test_a_used_link_and_a_wrong_address_say_what_to_do(page: Page, server: Server, complaints: list[str]) -> None:
    page.goto(server.link())
    expect(page.locator("body")).to_contain_text("This link was used or is too old")
    complaints.clear()


def test_without_signing_in_one_is_led_to_the_sign_in_page_and_back(page: Page, server: Server) -> None:
    page.goto(f"{server.client.transport.url}/models")
    assert page.url.endswith("/sign-in?next=/models")
