"""Work in a process apart: however it ends, its keeper comes back and says how."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def kept(tmp_path: Path, kind: str) -> tuple[dict[str, Any], str]:
    """How the work ended, and what it printed."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "confinement.kept_apart", str(tmp_path / "lock"), kind],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
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
