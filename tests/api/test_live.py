"""Who may go on reading the event stream, and that nothing stays behind when somebody leaves."""

from __future__ import annotations

import json
from collections.abc import Callable

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from starlette.types import Message, Scope

from tenfold.interfaces.api.routes.live import QUEUE_LENGTH

from .conftest import PASSWORD, Site

PATIENCE_S = 120.0


class Reader:
    """A program that reads the stream until it is told to go away; it may go while something is being sent to it."""

    def __init__(self, site: Site, *, headers: dict[str, str], spec_version: str = "2.3") -> None:
        self.site = site
        self.got: list[Message] = []
        self.after_first: Callable[[], None] | None = None
        self.stalls = False
        named = {"host": "127.0.0.1:5000", **headers}
        self.scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": spec_version},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/v1/events",
            "raw_path": b"/api/v1/events",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 5000),
        }

    def read(self) -> bool:
        """Whether the stream ended by itself, before this reader went away."""
        with start_blocking_portal() as portal:
            return portal.call(self._read)

    async def _read(self) -> bool:
        gone = anyio.Event()
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            self.got.append(message)
            if b"event: machine" not in message.get("body", b""):
                return
            if self.after_first is not None:
                await anyio.to_thread.run_sync(self.after_first)
                self.after_first = None
            elif self.stalls:
                gone.set()
                if self.scope["asgi"]["spec_version"] == "2.4":
                    raise OSError("the connection is gone")
                await anyio.sleep_forever()

        with anyio.fail_after(PATIENCE_S):
            try:
                await self.site.app(self.scope, receive, send)
            except Exception as error:
                if not self.stalls:
                    raise
                self.left = error
        return not gone.is_set()


def listeners(site: Site) -> int:
    return len(site.services.hub._listeners)


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
def test_a_client_that_goes_away_in_the_middle_of_a_send_leaves_no_listener(site: Site, spec_version: str) -> None:
    before = listeners(site)
    reader = Reader(site, headers={"authorization": f"Bearer {site.tokens['owner']}"}, spec_version=spec_version)
    reader.stalls = True
    assert not reader.read()
    assert listeners(site) == before


def test_the_stream_of_a_revoked_token_ends(site: Site) -> None:
    token, secret = site.services.accounts.create_token(site.services.owner, "watch", "read")
    reader = Reader(site, headers={"authorization": f"Bearer {secret}"})
    reader.after_first = lambda: site.services.accounts.revoke_token(site.services.owner, token.id)
    before = listeners(site)
    assert reader.read()
    assert reader.got[0]["status"] == 200
    assert reader.got[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert listeners(site) == before


@pytest.mark.parametrize("end", ["disabled", "signed out"])
def test_the_stream_of_a_browser_ends_with_its_session(site: Site, end: str) -> None:
    accounts, owner = site.services.accounts, site.services.owner
    name = f"watcher {end}"
    accounts.add_user(owner, name, role="viewer", password=PASSWORD)
    session = accounts.sign_in(name, PASSWORD)
    reader = Reader(site, headers={"cookie": f"tenfold_session={session}"})

    def finish() -> None:
        if end == "disabled":
            accounts.set_disabled(owner, name, True)
        else:
            accounts.sign_out(session)

    reader.after_first = finish
    assert reader.read()


def test_a_client_that_reads_too_slowly_is_told_to_load_anew(site: Site) -> None:
    reader = Reader(site, headers={"authorization": f"Bearer {site.tokens['owner']}"})

    def flood() -> None:
        for number in range(QUEUE_LENGTH + 5):
            site.services.hub.publish("run.progress", {"number": number})
        reader.stalls = True

    reader.after_first = flood
    assert not reader.read()
    told = b"".join(message.get("body", b"") for message in reader.got)
    events = [part for part in told.decode().split("\n\n") if "event: machine" not in part and "event: " in part]
    assert events[0] == "event: reset\ndata: {}"
    assert [json.loads(event.rpartition("data: ")[2])["number"] for event in events[1:]] == list(
        range(QUEUE_LENGTH, QUEUE_LENGTH + 5)
    )


@pytest.mark.parametrize("place", ["\u00b2", "0123abcd-\u00b2", "0123abcd-\u0663", "x-1", "0123abcd-1\n", "-1"])
def test_a_place_in_the_stream_that_nobody_gave(site: Site, place: str) -> None:
    before = listeners(site)
    answer = site.client().get("/api/v1/events", params={"after": place})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["after"]
    assert listeners(site) == before


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/uploads", "application/json"),
        ("/api/v1/runs", "application/json"),
        ("/sign-in", "multipart/form-data"),
    ],
)
def test_whoever_leaves_in_the_middle_of_a_body_is_no_failure(site: Site, path: str, kind: str) -> None:
    reader = Reader(site, headers={"authorization": f"Bearer {site.tokens['owner']}"})
    reader.scope |= {"method": "POST", "path": path, "raw_path": path.encode()}
    reader.scope["headers"].append((b"content-type", f"{kind}; boundary=x".encode()))
    sent: list[Message] = [{"type": "http.request", "body": b"--x", "more_body": True}, {"type": "http.disconnect"}]
    said: list[Message] = []

    async def receive() -> Message:
        return sent.pop(0)

    async def send(message: Message) -> None:
        said.append(message)

    with start_blocking_portal() as portal:
        portal.call(site.app, reader.scope, receive, send)
    assert said[0]["status"] == 400
    assert list((site.home / "data" / "uploads").iterdir()) == []
