"""Work in a process apart: however it ends, its keeper comes back and says how."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest


def program(tmp_path: Path, kind: str) -> dict[str, Any]:
    """How the program is started that keeps work of a kind apart."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    arguments = [sys.executable, "-m", "confinement.kept_apart", str(tmp_path / "lock"), kind]
    return {"args": arguments, "env": {**os.environ, "PYTHONPATH": path}}


def kept(tmp_path: Path, kind: str) -> tuple[dict[str, Any], str]:
    """How the work ended, and what it printed."""
    done = subprocess.run(**program(tmp_path, kind), capture_output=True, text=True, check=True)
    *printed, told = done.stdout.splitlines(keepends=True)
    return json.loads(told), "".join(printed)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("loop", "It computed for longer than 1 s and was killed."),
        ("sleep", "It did not come to an end within 4 s and was killed."),
        ("leave", "It left the process with status 3, in the middle of the work."),
        ("crash", "It crashed (SIGSEGV)."),
    ],
)
def test_an_end_that_is_none_is_told(tmp_path: Path, kind: str, why: str) -> None:
    ended, _ = kept(tmp_path, kind)

    assert ended["why"] == why
    assert ended["status"] != 0


def test_an_orderly_end_is_one(tmp_path: Path) -> None:
    assert kept(tmp_path, "nothing") == ({"status": 0, "why": ""}, "")


def test_memory_has_an_end(tmp_path: Path) -> None:
    ended, printed = kept(tmp_path, "allocate")

    assert ended["why"] == ""
    assert 64 <= int(printed.split()[0]) <= 256


def test_a_flood_of_lines_is_cut_off(tmp_path: Path) -> None:
    ended, printed = kept(tmp_path, "flood")

    assert ended["why"] == ""
    assert printed.startswith("line 0\nline 1\n")
    assert printed.endswith("... The rest of what it printed is left out.\n")
    assert len(printed) < 1100


def test_a_file_has_an_end(tmp_path: Path) -> None:
    ended, printed = kept(tmp_path, "fill")

    assert (ended["why"], printed) == ("", "File too large\n")
    assert (tmp_path / "large").stat().st_size <= 1 << 20


def test_it_dies_with_its_keeper_whatever_it_closed(tmp_path: Path) -> None:
    with subprocess.Popen(**program(tmp_path, "linger")) as keeper:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text("ascii"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        kept_apart = Path("/proc", (tmp_path / "pid").read_text("ascii"))
        assert kept_apart.exists()
        keeper.kill()
    while kept_apart.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
