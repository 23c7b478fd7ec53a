"""A person sends a folder, loses the network and the page, sends a table, and takes pictures with the camera."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tenfold.testing.picture_files import encode, make_photo

from ..server_process import Server
from .chromium import find_chromium
from .conftest import PATIENCE_MS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("sending"))
    running.start()
    with closing(running):
        yield running


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a person's own computer: two classes of photos of some hundred kilobytes."""
    folder = tmp_path_factory.mktemp("own") / "flowers"
    for number in range(24):
        path = folder / ("rose", "tulip")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(make_photo(500, 375, seed=number)))
    return folder


def add_pictures(page: Page, server: Server) -> None:
    secret = json.loads((server.data / "server.json").read_text("utf-8"))["secret"]
    page.set_extra_http_headers({"authorization": f"Bearer {secret}"})
    page.goto(f"{server.client.transport.url}/datasets/new")


def test_a_folder_travels_in_parts_and_outlives_network_and_page(
    page: Page, server: Server, flowers: Path, complaints: list[str]
) -> None:
    add_pictures(page, server)
    broken: list[str] = []

    def lose(route: Route) -> None:
        """The first part arrives, the second gets lost, the third arrives, and all others get lost."""
        broken.append(route.request.headers["upload-offset"])
        if len(broken) in {1, 3}:
            route.continue_()
        else:
            route.abort("connectionreset")

    page.route(
        "**/api/v1/uploads/*", lambda route: lose(route) if route.request.method == "PATCH" else route.continue_()
    )
    page.set_input_files("#archive-folder", str(flowers))
    expect(page.locator("drop-zone .drop-said")).to_contain_text("It goes on by itself.")
    while len(broken) < 4:
        page.wait_for_timeout(50)
    page.unroute_all(behavior="ignoreErrors")
    page.goto(f"{server.client.transport.url}/datasets/new")
    (unfinished,) = server.client.transport.call("GET", "/uploads")
    assert 0 < unfinished["offset"] < unfinished["size_bytes"]
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.headers.get("upload-offset", "")))
    page.set_input_files("#archive-folder", str(flowers))
    expect(page.locator("drop-zone .drop-said")).to_contain_text("flowers, ")
    expect(page.locator("drop-zone .drop-said")).to_contain_text("has arrived.")
    assert next(offset for offset in sent if offset) == str(unfinished["offset"])
    expect(page.locator("#layout")).to_contain_text("This is a folder for every class: 24 pictures to be divided.")
    page.get_by_role("button", name="Make the dataset").click()
    expect(page).to_have_url(re.compile("/datasets/flowers$"))
    made = server.client.datasets.wait("flowers")
    assert (made.state, made.num_samples, made.num_classes) == ("ready", 24, 2)
    assert complaints, "the lost parts were told to the console"
    complaints.clear()


def test_a_sent_table_is_shown_before_it_is_imported(page: Page, server: Server, tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_text(
        "file_name,kind,group\n" + "".join(f"{n}.png,{'ab'[n % 2]},g\n" for n in range(9))
    )
    add_pictures(page, server)
    page.set_input_files("#archive", tmp_path / "birds.csv")
    expect(page.locator("#layout")).to_contain_text("9 pictures to be divided")
    expect(page.get_by_label("Column of pictures")).to_have_value("file_name")
    page.get_by_label("Column of labels").select_option("kind")
    expect(page.locator("#layout")).to_contain_text("9 pictures to be divided")


def test_an_upload_can_be_given_up(page: Page, server: Server, tmp_path: Path) -> None:
    (tmp_path / "large.zip").write_bytes(bytes(30 << 20))
    add_pictures(page, server)
    page.get_by_label("On your computer").check()
    page.route("**/api/v1/uploads/*", lambda route: None if route.request.method == "PATCH" else route.continue_())
    page.set_input_files("#archive", tmp_path / "large.zip")
    expect(page.locator("drop-zone .drop-said")).to_contain_text("0 %")
    with page.expect_request(lambda request: request.method == "DELETE"):
        page.get_by_role("button", name="Cancel").click()
    expect(page.locator("drop-zone .drop-said")).to_contain_text("Nothing was kept.")
    page.unroute_all(behavior="ignoreErrors")


@pytest.fixture
def filming(browser: Browser) -> Iterator[Page]:
    """A page of a browser with a camera, which sees a moving picture that Chromium makes."""
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    started = browser.browser_type.launch(executable_path=find_chromium(), args=flags)
    context = started.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()
    started.close()


def test_pictures_are_taken_into_classes_and_become_a_dataset(filming: Page, server: Server) -> None:
    add_pictures(filming, server)
    filming.context.grant_permissions(["camera"], origin=server.client.transport.url)
    filming.get_by_label("With the camera of this device").check()
    filming.get_by_role("button", name="Turn the camera on").click()
    expect(filming.locator(".camera-said")).to_contain_text("Name a class")
    for name in ("mug", "pen"):
        filming.get_by_label("Name of a class").fill(name)
        filming.keyboard.press("Enter")
    filming.evaluate("document.activeElement.blur()")
    for key, pile, shots in (("1", 0, 4), ("2", 1, 3)):
        for number in range(shots):
            filming.keyboard.press(key)
            expect(filming.locator(".pile").nth(pile).locator(".shot")).to_have_count(number + 1)
            filming.wait_for_timeout(200)
    filming.locator(".pile").first.locator(".shot").first.click()
    expect(filming.locator(".pile").first).to_contain_text("3 pictures")
    filming.get_by_role("button", name="Make the dataset").click()
    expect(filming).to_have_url(re.compile("/datasets/camera$"))
    made = server.client.datasets.wait("camera")
    assert (made.state, made.num_samples, made.num_classes) == ("ready", 6, 2)


def test_a_camera_that_may_not_be_used_is_told(filming: Page, server: Server) -> None:
    add_pictures(filming, server)
    filming.context.clear_permissions()
    refuse = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }"
    filming.evaluate(f"() => {{ {refuse} }}")
    filming.get_by_label("With the camera of this device").check()
    filming.get_by_role("button", name="Turn the camera on").click()
    expect(filming.locator(".camera-said")).to_contain_text("allow it beside the address")
    filming.get_by_role("button", name="Make the dataset").click()
    expect(filming.locator(".camera-said")).to_contain_text("at least two classes")


def test_what_is_chosen_later_is_added_to_what_was_sent(
    page: Page, server: Server, tmp_path: Path, complaints: list[str]
) -> None:
    add_pictures(page, server)
    table = tmp_path / "table.csv"
    table.write_text("image,label\n1.png,a\n2.png,b\n")
    for number in (1, 2):
        (tmp_path / f"{number}.png").write_bytes(encode(make_photo(30, 20, seed=number)))
    page.locator("#archive").set_input_files([table])
    expect(page.locator("#layout")).to_contain_text("the first one missing is 1.png")
    expect(page.locator(".preview-said")).to_contain_text("There is no picture file to show here.")
    page.locator("#archive").set_input_files([tmp_path / "1.png", tmp_path / "2.png"])
    expect(page.locator("#layout")).to_contain_text("2 pictures to be divided")
    expect(page.locator("#layout")).not_to_contain_text("missing")
    expect(page.locator("img[data-resized]")).to_be_visible()
    page.locator("input[name=source][value=sample]").check()
    expect(page.locator(".preview-said")).to_contain_text("Its pictures are seen once the dataset is made.")
    expect(page.locator("img[data-resized]")).to_be_hidden()
    # a picture of the upload that the later one has replaced may be asked for while it goes
    complaints[:] = [each for each in complaints if "404 (Not Found)" not in each]


def test_a_path_outside_breaks_no_picture(page: Page, server: Server, complaints: list[str]) -> None:
    add_pictures(page, server)
    page.goto(f"{page.url}?folder=/etc")
    expect(page.locator(".preview-said")).to_contain_text("Choose a folder or file")
    expect(page.locator("img[data-resized]")).to_be_hidden()
    assert not complaints
