"""Work in a process apart, watched from outside: how long it takes, what it prints, and how it ends."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tenfold.core.jobs.confinement import EndApart, Limits

DONE = 100
"""The status of a process that came to its end by itself; whoever leaves it by another way has another."""
_FIRST_OPENED = 3
_BLOCK = 1 << 16


def keep_apart(work: Callable[[], int], *, lock: Path, limits: Limits) -> EndApart:
    """Fulfils `tenfold.core.jobs.confinement.Apart`. What it prints goes where this process prints, up to a limit."""
    listening, printing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _become(work, lock, printing)
    os.close(printing)
    process = os.pidfd_open(pid)
    in_time = False
    try:
        in_time = _listen(listening, process, limits)
    finally:
        if not in_time:
            os.kill(pid, signal.SIGKILL)
        os.close(listening)
        os.close(process)
    return _told(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), limits, in_time=in_time)


def _become(work: Callable[[], int], lock: Path, printing: int) -> NoReturn:
    """In the child: keeps nothing open but the lock and a way to print, and works."""
    status = 70
    try:
        for number in (1, 2):
            os.dup2(printing, number)
        _close_all_but(lock)
        status = work() or DONE
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _close_all_but(lock: Path) -> None:
    wanted = lock.stat()
    for number in [int(link.name) for link in Path("/proc/self/fd").iterdir()]:
        if number < _FIRST_OPENED:
            continue
        try:
            there = os.fstat(number)
            if (there.st_dev, there.st_ino) != (wanted.st_dev, wanted.st_ino):
                os.close(number)
        except OSError:  # the listing's own
            continue


def _listen(listening: int, process: int, limits: Limits) -> bool:
    """Passes on what is printed until the process is over; false when its time is up."""
    deadline = time.monotonic() + limits.wall_s if limits.wall_s is not None else None
    left = limits.output_bytes
    open_ends = [listening, process]
    while True:
        patience = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(open_ends, [], [], patience)
        if not ready:
            return False
        if listening in ready:
            block = os.read(listening, _BLOCK)
            left = _print(block, left)
            if not block:
                open_ends.remove(listening)
        elif process in ready:
            return True


def _print(block: bytes, left: int) -> int:
    """Prints what there is room for, and says once that the rest is left out; how much room remains."""
    if left <= 0:
        return left
    os.write(1, block[:left])
    if len(block) >= left:
        os.write(1, b"\n... The rest of what it printed is left out.\n")
    return left - len(block)


def _told(status: int, limits: Limits, *, in_time: bool) -> EndApart:
    if not in_time:
        return EndApart(status, f"It did not come to an end within {limits.wall_s:.0f} s and was killed.")
    if status == DONE:
        return EndApart(0)
    if status >= 0:
        return EndApart(status, f"It left the process with status {status}, in the middle of the work.")
    name = signal.Signals(-status).name
    if name == "SIGXCPU":
        return EndApart(status, f"It computed for longer than {limits.cpu_s} s and was killed.")
    if name == "SIGKILL":
        return EndApart(status, "It was killed; the system may have run out of memory.")
    return EndApart(status, f"It crashed ({name}).")
