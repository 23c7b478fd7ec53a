"""The template: a process that has imported the framework once and forks a ready worker for each job.

It holds no lock, runs no thread and has touched no GPU, or forking it would not be safe. It ends when the server does;
the workers it forked go on.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

MAX_REQUEST = 65_536
RunWorker = Callable[[Path, int, str], int]


def serve(connection: socket.socket, *, warm_up: Callable[[], None], run_worker: RunWorker) -> None:
    """Answers requests until the other side closes.

    The connection keeps message bounds. A request is a JSON object with `folder`, `attempt`, `slot`, and comes with the
    locked lock file. Answers: `{"ready": true}`, `{"started": PID, "folder": ...}`, `{"ended": PID, "status": ...}`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    warm_up()
    num_threads = len(list(Path("/proc/self/task").iterdir()))
    if num_threads != 1:
        raise SystemExit(f"The template runs {num_threads} threads; forking it would not be safe.")
    _answer(connection, {"ready": True})
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is connection:
                    if not _take_request(connection, run_worker):
                        return
                else:
                    os.read(wake_read, 4096)
            _reap(connection)


def _take_request(connection: socket.socket, run_worker: RunWorker) -> bool:
    try:
        raw, handles, _, _ = socket.recv_fds(connection, MAX_REQUEST, 1)
    except ConnectionResetError:
        return False
    if not raw:
        return False
    request = json.loads(raw)
    pid = os.fork()
    if pid == 0:
        _become_worker(connection, request, run_worker)
    for handle in handles:
        os.close(handle)
    _answer(connection, {"started": pid, "folder": request["folder"]})
    return True


def _become_worker(connection: socket.socket, request: dict[str, object], run_worker: RunWorker) -> None:
    """In the child: leaves the template behind and works. Never returns."""
    status = 70
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        connection.close()
        folder = Path(str(request["folder"]))
        log = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        status = run_worker(folder, int(str(request["attempt"])), str(request["slot"]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _reap(connection: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _answer(connection, {"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _answer(connection: socket.socket, message: dict[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.send(json.dumps(message).encode())
