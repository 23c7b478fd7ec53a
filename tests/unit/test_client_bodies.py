"""What the Python client refuses to send, and says which field it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tenfold.client import Client, InvalidError, ServerUnreachable
from tenfold.interfaces.client.transport import encode_body

LOOP: list[object] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {"a": [float("-inf")]}, {1, 2}, b"x", object(), "\ud800", 10**5000, LOOP],
    ids=["nan", "inf", "nested", "set", "bytes", "object", "half", "long", "loop"],
)
def test_a_value_that_json_cannot_carry_is_named(value: object) -> None:
    client = Client("http://127.0.0.1:9", "token")
    with pytest.raises(InvalidError) as error:
        client.runs.start(dataset="x", rate=value, seed=1)
    assert [problem.field for problem in error.value.problem.errors] == ["rate"]
    with pytest.raises(InvalidError):
        client.runs.start(dataset="x", parameters={"width1": value})
    client.close()


def test_what_json_carries_goes_as_it_is() -> None:
    body = {"a": "é\u2028", "b": [1, 2.5, None, True], "c": {"d": -0.0}}
    assert json.loads(encode_body(body)) == body


class Stranger(BaseHTTPRequestHandler):
    """Some other server, which answers with a page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def stranger() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Stranger)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_that_is_no_tenfold_is_told(stranger: str) -> None:
    with Client(stranger) as client, pytest.raises(ServerUnreachable, match="is no Tenfold"):
        client.me()


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(ServerUnreachable, match="is no address"):
        Client("http://localhost:port")
