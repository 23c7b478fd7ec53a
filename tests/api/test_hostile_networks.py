"""Network texts made to hold a server up: every request that reads one is answered within a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from processor import without_blowing_up
from starlette.testclient import TestClient

from tenfold.bootstrap.server import build_services
from tenfold.core.networks.limits import MAX_TEXT_BYTES
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.web.entry import add_pages
from tenfold.settings import Settings

from .conftest import ORIGIN

HEAD = "network hostile\ninput image = image(1, 28, 28)\n"
NESTED = "".join(f"block b{depth}() {{\n  x = b{depth + 1}() repeat 1000\n}}\n" for depth in range(12))
TEXTS = {
    "layers": "relu\n" * 40_000,
    "nested": NESTED + "block b12() {\n  relu\n}\nq = b0() repeat 1000\n",
    "sums": f"let a = [{', '.join(['1'] * 4000)}]\n" + "".join(f"let b{n} = sum(a) + sum(a)\n" for n in range(9000)),
    "lists": "".join(f"let a{n} = [{', '.join(['1'] * 4000)}]\n" for n in range(22)),
    "concat": "c0 = relu\n" + "".join(f"c{n} = concat from {', '.join(['c0'] * 400)}\n" for n in range(1, 150)),
    "unknown": "".join(f"conw{n}(3, 3)\n" for n in range(15_000)),
    "blocks": "".join(f"block b{n}() {{\n  relu\n}}\n" for n in range(8000)),
    "parameters": "".join(f"param p{n} = 1 in 1..9\n" for n in range(9000)),
    "comments": "# x\n" * 60_000,
    "brackets": "conv(" * 50_000,
    "operators": "let a = " + "1 + " * 60_000 + "1\n",
    "text": 'param a = 1 "' + "x" * 250_000,
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("hostile")
    (home / "data").mkdir()
    catalogue = [
        CatalogueEntry(
            name=name, title=name, text=(HEAD + text)[: MAX_TEXT_BYTES - 100] + "\noutput logits\n", paper=""
        )
        for name, text in TEXTS.items()
    ]
    services = build_services(Settings(data=home / "data", roots=[home]), catalogue=catalogue)
    app = create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=add_pages)
    yield TestClient(app, base_url=ORIGIN, headers={"authorization": "Bearer local"}, raise_server_exceptions=False)
    services.close()


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_costs_no_more_than_a_second_of_a_common_processor(client: TestClient, name: str) -> None:
    """In the processor's time: how much others take of the machine says nothing of the text."""
    client.get("/healthz")
    with without_blowing_up():
        answer = client.get(f"/api/v1/networks/{name}")
    assert answer.status_code == 200
