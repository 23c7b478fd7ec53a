"""A server that looks at hostile sources and imports hostile files: it answers each by name, and goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import httpx
import pytest

from ..server_process import Server
from . import containers  # noqa: F401 declares the cases
from .cases import CASES
from .importing import Importer
from .test_hostile_pictures import few, spread
from .ways import put

MOST_MIB = 1000


class Nowhere:
    """In place of an importer for sources that send nothing."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    running = Server(home)
    running.start()
    with closing(running):
        yield running
        assert "Traceback" not in running.output.read_text()


def memory_mib(server: Server) -> int:
    """The peak of the server's own process."""
    assert server._process is not None
    status = Path(f"/proc/{server._process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def test_each_source_is_looked_at_or_refused(server: Server, home: Path) -> None:
    secret = json.loads((server.data / "server.json").read_text())["secret"]
    looked: dict[int, int] = {}
    wrong: dict[str, str] = {}
    headers = {"authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=server.client.transport.url, headers=headers, timeout=60) as asking:
        for name, case in ((name, case) for name, case in CASES.items() if not case.is_long):
            try:
                source = case.make(cast("Importer", Nowhere()), home / "sources" / name)
            except AttributeError:  # it would have been sent
                continue
            answer = asking.get("/api/v1/folders/preview", params={"path": source["folder"]})
            if answer.status_code not in {200, 422}:
                wrong[name] = answer.text
            looked[answer.status_code] = looked.get(answer.status_code, 0) + 1
    print(f"\nlooked at {sum(looked.values())} sources: {looked}; the server's peak is {memory_mib(server)} MiB")
    assert wrong == {}
    assert memory_mib(server) < MOST_MIB


def test_hostile_files_leave_the_server_as_it_was(server: Server, home: Path) -> None:
    made = server.client.datasets.import_folder(put(home / "few", spread(few())), width=32, height=32)
    done = server.client.datasets.wait(made.id)
    assert done.state == "ready", done.message
    named = {each.path for each in server.client.datasets.rejected(made.id)}
    assert len(named) + done.num_samples == len(spread(few()))
    server.client.datasets.wait_checked(made.id)
    assert httpx.get(f"{server.client.transport.url}/healthz").json()["status"] == "ok"
    assert memory_mib(server) < MOST_MIB
