"""The local executor: one process a job, forked from a warm template or started cold."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import psutil

from tenfold.adapters.executors.local.launch import HOME_PYTHON, LAUNCH
from tenfold.adapters.executors.local.locks import is_locked, kill_holders, take_lock
from tenfold.core.errors import Unavailable
from tenfold.core.events import Json
from tenfold.core.ids import JobId

IDLE_S = 900.0
INSTALLED_INTO = frozenset({"site-packages", "dist-packages"})
# Freed blocks stay with the process instead of being mapped and paged in anew; one thread, so that forking is safe.
ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "1000000000000",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class LocalExecutor:
    """Fulfils `tenfold.core.jobs.ports.Executor` with processes on this machine.

    The first job starts the template where nobody has warmed it; one that has died or is outdated is not waited for. A
    job whose specification names an `environment` is started cold, with the Python that `find_python` gives for it.
    """

    def __init__(
        self, jobs_folder: Path, *, idle_s: float = IDLE_S, find_python: Callable[[str], Path] | None = None
    ) -> None:
        self._jobs = jobs_folder
        self._find_python = find_python
        self._template: _Template | None = None
        self._cold: dict[JobId, subprocess.Popen[bytes]] = {}
        self._mutex = threading.RLock()
        self._idle_s = idle_s
        self._release: threading.Timer | None = None

    def warm(self) -> None:
        with self._mutex:
            if self._template is not None and not self._template.is_usable():
                self._drop_template()
            if self._template is None:
                self._template = _Template()
            self._release_when_idle()

    def start(self, job_id: JobId, attempt: int, slot: str) -> None:
        folder = self._jobs / job_id
        python = self._python_of(folder)
        lock = take_lock(folder / "lock")
        try:
            with self._mutex:
                if python is None and self._template is None:
                    self.warm()  # loading it takes as long as a cold start, and the next job starts at once
                template = self._template
                if python is None and template is not None and template.is_usable():
                    template.fork(folder, attempt, slot, lock)
                    self._release_when_idle()
                else:
                    self._cold[job_id] = _start_cold(folder, (attempt, slot), lock, python)
        except OSError as error:
            raise Unavailable(f"No process could be started for the job: {error.strerror}.") from error
        finally:
            os.close(lock)

    def _python_of(self, folder: Path) -> Path | None:
        """The Python of the environment that a job names; none where it runs in Tenfold's own."""
        try:
            name = json.loads((folder / "spec.json").read_text("utf-8")).get("environment", "")
        except FileNotFoundError:
            return None
        if not name:
            return None
        if self._find_python is None:
            raise Unavailable(f"The job runs in the environment {name}, and this machine has none.")
        return self._find_python(name)

    def is_alive(self, job_id: JobId) -> bool:
        cold = self._cold.get(job_id)
        if cold is not None:
            cold.poll()
        return is_locked(self._jobs / job_id / "lock")

    def kill(self, job_id: JobId) -> None:
        kill_holders(self._jobs / job_id / "lock")

    def last_words(self, job_id: JobId) -> str:
        cold = self._cold.get(job_id)
        status = cold.poll() if cold is not None else None
        if status is None and self._template is not None:
            status = self._template.status_of(self._jobs / job_id)
        return _describe(status)

    def facts(self) -> dict[str, Json]:
        with self._mutex:
            template = self._template
            if template is None or not template.is_alive():
                return {"template": "off", "memory_bytes": 0}
            if not template.is_usable():
                return {"template": "outdated", "memory_bytes": template.memory_bytes()}
            return {"template": "ready" if template.is_ready() else "warming", "memory_bytes": template.memory_bytes()}

    def close(self) -> None:
        self._drop_template()
        for process in self._cold.values():
            if process.poll() is None:
                process.returncode = 0  # it is meant to live on; Popen would warn of it

    def _release_when_idle(self) -> None:
        """Gives the template's memory back once no form and no job has asked for it for `idle_s`."""
        if self._release is not None:
            self._release.cancel()
        self._release = threading.Timer(self._idle_s, self._drop_template)
        self._release.daemon = True
        self._release.start()

    def _drop_template(self) -> None:
        with self._mutex:
            if self._release is not None:
                self._release.cancel()
            if self._template is not None:
                self._template.close()
                self._template = None


class _Template:
    """The server's end of the template process."""

    program: ClassVar[tuple[str, ...]] = ("-m", "tenfold", "template")

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *self.program, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **ENVIRONMENT},
                start_new_session=True,
            )
        ours.setblocking(False)
        self._connection = ours
        self._ready = False
        self._packages = _fingerprint()
        self._pids: dict[str, int] = {}
        self._statuses: dict[int, int] = {}

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def is_usable(self) -> bool:
        """Whether it lives and would fork what is installed now."""
        return self.is_alive() and self._packages == _fingerprint()

    def is_ready(self) -> bool:
        self._read()
        return self._ready

    def fork(self, folder: Path, attempt: int, slot: str, lock: int) -> None:
        request = {"folder": str(folder), "attempt": attempt, "slot": slot}
        self._read()  # what nobody reads fills the connection after some 140 jobs, and the template would wait
        self._pids.pop(str(folder), None)
        socket.send_fds(self._connection, [json.dumps(request).encode()], [lock])

    def status_of(self, folder: Path) -> int | None:
        self._read()
        return self._statuses.get(self._pids.get(str(folder), -1))

    def memory_bytes(self) -> int:
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def close(self) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.wait(timeout=10)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while raw := self._connection.recv(65_536):
                self._take(json.loads(raw))

    def _take(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self._ready = True
        elif "started" in message:
            self._pids[message["folder"]] = message["started"]
            self._statuses.pop(message["started"], None)  # of an earlier process, whose number this one has
        else:
            self._statuses[message["ended"]] = message["status"]


def _start_cold(folder: Path, which: tuple[int, str], lock: int, python: Path | None = None) -> subprocess.Popen[bytes]:
    """A process for an attempt on a slot; with the Python of another environment it brings Tenfold's code along."""
    attempt, slot = which
    program = [sys.executable, "-m", "tenfold"] if python is None else [str(python), "-P", str(LAUNCH)]
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [*program, "worker", str(folder), str(attempt), slot],
            pass_fds=[lock],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **ENVIRONMENT, HOME_PYTHON: sys.executable},
            start_new_session=True,
        )


def _fingerprint() -> tuple[float, ...]:
    """Changes when a package is installed or removed, or Tenfold's own code is edited.

    Of the places that Python imports from only those count that pip installs into: others, as the folder in which the
    server was started, change with every file that is written there.
    """
    source = Path(__file__).parents[3]
    newest = max(path.stat().st_mtime for path in source.rglob("*.py"))
    packages = [Path(entry).stat().st_mtime for entry in sys.path if Path(entry).name in INSTALLED_INTO]
    return (newest, *packages)


def _describe(status: int | None) -> str:
    if status is None or status == 0:
        return ""
    if status > 0:
        return f"The process ended with status {status}."
    name = signal.Signals(-status).name
    hint = "; the system may have run out of memory" if name == "SIGKILL" else ""
    return f"The process was killed ({name}{hint})."
