"""Level B: what foreign code tries is refused; without confinement the same attempts succeed, so each can fail."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernel import level_here

from tenfold.adapters.confinement.process import survey

from .attempts import ATTEMPTS

NEEDS_ROOT = {"read the passwords of the system"} if os.getuid() else set()
NOT_EVERYWHERE = {  # what some machines have switched off for all, or for who is not root
    "open a ring of requests to the kernel",
    "make namespaces of its own",
    "set flags of what it may only read",
    "call what only newer kernels have",
    "trace the process that started it",
    "take over a file that another has open",
}
ENVIRONMENT = {**os.environ, "TENFOLD_TOKEN": "hush"}


@pytest.fixture
def facts(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A data folder with a database, two jobs, listeners, and a process that is nobody's business."""
    own, other = tmp_path / "data" / "jobs" / "own", tmp_path / "data" / "jobs" / "other"
    writable = own / "work"
    for folder in (writable, other):
        folder.mkdir(parents=True)
    database = tmp_path / "data" / "tenfold.sqlite"
    database.write_bytes(b"rows" * 4096)
    (own / "spec.json").write_text("own", "utf-8")
    (other / "spec.json").write_text("another's", "utf-8")
    (other / "movable").write_text("another's", "utf-8")
    (writable / "planted").symlink_to(other / "target")
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as abstract,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=ENVIRONMENT) as victim,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(os.path.relpath(tmp_path / "socket"))
        abstract.bind(f"\0tenfold-{os.getpid()}")
        for each in (unix, abstract):
            each.listen()
        yield {
            "database": str(database),
            "own_job": str(own),
            "other_job": str(other),
            "writable": str(writable),
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "unix": os.path.relpath(tmp_path / "socket"),
            "abstract": f"tenfold-{os.getpid()}",
            "victim": victim.pid,
        }
        assert victim.poll() is None, "somebody ended it"
        victim.kill()


def tried(facts: dict[str, Any], *how: str) -> dict[str, Any]:
    program = [sys.executable, "-m", "confinement.attempts", json.dumps(facts), *how]
    path = os.pathsep.join([str(Path(__file__).parents[1]), ENVIRONMENT.get("PYTHONPATH", "")])
    done = subprocess.run(program, env={**ENVIRONMENT, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.skipif(level_here() == "A", reason="this kernel cannot keep code apart")
def test_nothing_that_it_tries_succeeds(facts: dict[str, Any]) -> None:
    told = tried(facts, "confined")

    assert told["confinement"]["level"] == "B", told["confinement"]
    assert {name: how for name, how in told["attempts"].items() if how == "done"} == {}
    assert told["attempts"].keys() == ATTEMPTS.keys()
    assert told["reads"] == "own"
    assert Path(facts["writable"], "own").read_bytes() == b"mine"
    assert Path(facts["database"]).read_bytes() == b"rows" * 4096
    assert Path(facts["other_job"], "spec.json").read_text("utf-8") == "another's"


def test_without_confinement_the_same_attempts_succeed(facts: dict[str, Any]) -> None:
    told = tried(facts)

    refused = {name for name, how in told["attempts"].items() if how != "done"}
    assert refused - NEEDS_ROOT - NOT_EVERYWHERE == set()


def test_the_survey_tells_what_will_hold(facts: dict[str, Any]) -> None:
    found = survey()

    assert found.level == tried(facts, "confined")["confinement"]["level"] == level_here()
    assert "Landlock" in found.says()
