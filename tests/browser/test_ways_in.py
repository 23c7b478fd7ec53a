"""Pictures that another program left: chosen, recognised and imported by a person in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import lmdb
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tenfold.testing.picture_files import encode
from tenfold.testing.pictures import write_shapes

from ..server_process import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("ways")
    write_shapes(home / "shapes", per_class=8)
    rows = [f"{path.relative_to(home)},{path.parent.name}\n" for path in sorted((home / "shapes").glob("*/*.png"))]
    (home / "birds.csv").write_text("where,what it is,of\n" + "".join(row.replace("\n", ",1\n") for row in rows))
    picture = encode(np.full((6, 6, 3), 90, np.uint8))
    for split in ("train", "val"):
        (home / "job" / f"{split}_db").mkdir(parents=True)
        with lmdb.open(str(home / "job" / f"{split}_db"), map_size=1 << 24) as made, made.begin(write=True) as writing:
            for number in range(6):
                content = b"\x22" + bytes([len(picture)]) + picture + bytes([0x28, number % 2, 0x38, 1])
                writing.put(b"%08d" % number, content)
    (home / "job" / "labels.txt").write_text("cat\ndog\n")
    running = Server(home)
    running.start()
    with closing(running):
        yield running


def test_a_table_is_recognised_and_a_digits_job_too(page: Page, server: Server) -> None:
    home = server.data.parent
    page.goto(server.link())
    page.goto(f"{server.client.transport.url}/datasets/new")
    field = page.get_by_role("combobox", name="Folder or file", exact=True)
    field.fill(f"{home}/bir")
    expect(page.locator("#folders [role=option]")).to_have_text("birds.csv")
    page.keyboard.press("Tab")
    expect(field).to_have_value(f"{home}/birds.csv")
    expect(page.locator("#layout")).to_contain_text("This is a table with a row for every picture: 24 pictures")
    expect(page.get_by_label("Column of pictures")).to_have_value("where")
    page.get_by_label("Column of labels").select_option("what it is")
    field.fill(f"{home}/job")
    field.blur()
    expect(page.locator("#layout")).to_contain_text("6 pictures for training, 6 pictures for validation")
    expect(page.locator("#layout table")).to_have_count(0)
    page.get_by_role("button", name="Make the dataset").click()
    expect(page).to_have_url(re.compile("/datasets/job$"))
    made = server.client.datasets.wait("job")
    assert (made.state, made.num_samples) == ("ready", 12)
    and_a_change_while_an_answer_is_put_into_the_page_is_not_lost(page, server)


def and_a_change_while_an_answer_is_put_into_the_page_is_not_lost(page: Page, server: Server) -> None:
    home = server.data.parent
    field = page.get_by_role("combobox", name="Folder or file", exact=True)
    page.goto(f"{server.client.transport.url}/datasets/new")
    page.evaluate(
        """(path) => document.body.addEventListener('htmx:afterSwap', () => {
            const field = document.getElementById('folder');
            field.value = path;
            field.dispatchEvent(new Event('change', { bubbles: true }));
        }, { once: true })""",
        f"{home}/job",
    )
    field.fill(f"{home}/birds.csv")
    field.blur()
    expect(page.locator("#layout")).to_contain_text("6 pictures for training, 6 pictures for validation")
