"""Killing an attempt: all of its processes die, and nothing of the next attempt does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tenfold.adapters.executors.local.locks import is_locked, kill_holders, take_lock
from tenfold.core.errors import Conflict

SLEEPER = "import time; time.sleep(600)"
WITH_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPER!r}], close_fds=False)"


def attempt(path: Path, program: str = SLEEPER) -> subprocess.Popen[bytes]:
    """A process in a session of its own that holds the lock."""
    handle = take_lock(path)
    try:
        os.set_inheritable(handle, True)
        return subprocess.Popen([sys.executable, "-c", program], pass_fds=[handle], start_new_session=True)
    finally:
        os.close(handle)


def test_all_processes_of_an_attempt_die(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    parent = attempt(path, WITH_A_CHILD)
    assert is_locked(path)
    kill_holders(path)
    assert not is_locked(path)
    assert parent.wait() == -9
    kill_holders(path)


def test_an_attempt_that_follows_at_once_lives(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = attempt(path)
    following: list[subprocess.Popen[bytes]] = []

    def follow() -> None:
        first.wait()
        while not following:
            try:
                following.append(attempt(path))
            except Conflict:
                continue

    thread = threading.Thread(target=follow)
    thread.start()
    kill_holders(path)
    thread.join()
    (second,) = following
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(0.3)
    kill_holders(path)
    assert second.wait() == -9
