"""The process that is kept warm: it is replaced when packages change, and gives its memory back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import tenfold
from tenfold.adapters.executors.local.executor import LocalExecutor, _Template

PATIENCE_S = 300.0
SOURCE = Path(tenfold.__file__).parents[1]


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One more folder that Python imports from."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    others = [entry for entry in sys.path if Path(entry) != SOURCE]  # where a wheel may be built at the same time
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(folder), *others])
    return folder


@pytest.fixture
def executor(tmp_path: Path, packages: Path) -> Iterator[LocalExecutor]:
    made = LocalExecutor(tmp_path / "jobs")
    yield made
    made.close()


def wait(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def templates() -> Callable[[], list[psutil.Process]]:
    """Tells which templates live, but for those of other tests."""
    others = living_templates()
    return lambda: [each for each in living_templates() if each not in others]


def living_templates() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [each for each in children if each.status() != psutil.STATUS_ZOMBIE and "template" in each.cmdline()]


def test_it_is_replaced_once_a_package_was_installed(
    executor: LocalExecutor, packages: Path, templates: Callable[[], list[psutil.Process]]
) -> None:
    assert executor.facts() == {"template": "off", "memory_bytes": 0}
    executor.warm()
    wait(lambda: executor.facts()["template"] == "ready")
    assert int(str(executor.facts()["memory_bytes"])) > 10_000_000
    (before,) = templates()
    executor.warm()
    assert templates() == [before]
    (packages.parent / "written where the server was started").touch()
    assert executor.facts()["template"] == "ready"
    (packages / "newly_installed").mkdir()
    assert executor.facts()["template"] == "outdated"
    assert int(str(executor.facts()["memory_bytes"])) > 10_000_000  # it is there until it is replaced
    executor.warm()
    (after,) = templates()
    assert after.pid != before.pid


def test_it_gives_its_memory_back_though_nobody_asks(
    tmp_path: Path, templates: Callable[[], list[psutil.Process]]
) -> None:
    executor = LocalExecutor(tmp_path / "jobs", idle_s=0.2)
    executor.warm()
    wait(lambda: not templates())
    assert executor.facts() == {"template": "off", "memory_bytes": 0}
    executor.close()


ANSWERING = """
import json, os, socket, sys
connection = socket.socket(fileno=int(sys.argv[1]))
while True:
    raw, handles, _, _ = socket.recv_fds(connection, 65_536, 1)
    if not raw:
        break
    for handle in handles:
        os.close(handle)
    request = json.loads(raw)
    connection.send(json.dumps({"started": 1, "folder": request["folder"]}).encode())
    if request["slot"] == "ends":
        connection.send(json.dumps({"ended": 1, "status": 0}).encode())
"""


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Template]:
    """A template whose processes all have the number 1, and end at once on the slot `ends`."""
    monkeypatch.setattr(_Template, "program", ("-c", ANSWERING))
    template = _Template()
    yield template
    template.close()


def test_what_it_tells_is_heard_though_nobody_asks(answering: _Template, tmp_path: Path) -> None:
    # It tells two things of each job; a connection that nobody reads is full after some 140, and one that the template
    # cannot write to takes some 280 jobs more.
    with (tmp_path / "lock").open("w") as lock:
        for number in range(1000):
            answering.fork(tmp_path / str(number), 1, "ends", lock.fileno())
            if number % 50 == 49:
                time.sleep(0.1)  # it answers, and is not asked faster than it can
    wait(lambda: answering.status_of(tmp_path / "999") == 0)


def test_a_process_that_has_the_number_of_an_earlier_one_is_not_over(answering: _Template, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        answering.fork(tmp_path / "first", 1, "ends", lock.fileno())
        wait(lambda: answering.status_of(tmp_path / "first") == 0)
        answering.fork(tmp_path / "second", 1, "goes on", lock.fileno())
        wait(lambda: answering.is_ready() or str(tmp_path / "second") in answering._pids)
    assert answering.status_of(tmp_path / "second") is None
