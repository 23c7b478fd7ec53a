"""The lock by which the kernel knows whether a job lives.

The executor takes it and hands the open file to the worker, so there is no moment at which a started attempt does not
hold it, and it is free when the last process of the attempt is dead, however it died.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

from tenfold.core.errors import Conflict, Unavailable

KILL_PATIENCE_S = 30.0


def take_lock(path: Path) -> int:
    """An open, locked file; raises `Conflict` when a process holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Conflict("Another attempt of this job is alive.", code="job.locked") from None
    return handle


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def kill_holders(path: Path) -> None:
    """Kills every process of the attempt that holds the lock, and returns when it is free or another attempt's.

    An attempt is a session of processes. The desk may start the next one as soon as this one is dead, and that one
    shall live.
    """
    deadline = time.monotonic() + KILL_PATIENCE_S
    condemned: set[int] = set()
    while is_locked(path):
        sessions = {pid: _session(pid) for pid in _holders(path)}
        condemned = condemned or {session for session in sessions.values() if session}
        ours = [pid for pid, session in sessions.items() if session in condemned]
        if sessions and not ours:
            return
        for pid in ours:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            raise Unavailable("The job's process does not die; it may hang in the kernel or in a device driver.")
        time.sleep(0.01)


def _session(pid: int) -> int:
    """The session of a process; 0 if it is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def _holders(path: Path) -> list[int]:
    wanted = path.stat()
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid() and _holds(process / "fd", wanted):
            found.append(int(process.name))
    return found


def _holds(folder: Path, wanted: os.stat_result) -> bool:
    try:
        for link in folder.iterdir():
            try:
                there = link.stat()
            except OSError:
                continue
            if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    except OSError:  # it ended meanwhile, or belongs to somebody else
        return False
    return False
