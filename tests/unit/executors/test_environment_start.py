"""A job that names an environment is started with that environment's Python, and brings the server's own code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenfold.adapters.executors.local.executor import LocalExecutor
from tenfold.adapters.executors.local.launch import LAUNCH
from tenfold.adapters.storage.job_folders import LocalJobFolders
from tenfold.core.errors import Unavailable
from tenfold.core.events import Ended
from tenfold.core.ids import JobId

JOB = JobId("job_0123456789abcdef")
PATIENCE_S = 120.0
WRAPPER = """#!/bin/sh
echo "$@" > "{told}"
echo "$TENFOLD_HOME_PYTHON" >> "{told}"
exec "{python}" "$@"
"""


class Started:
    """An executor over a folder of jobs, and the Python that stands for an environment: it tells how it was called."""

    def __init__(self, home: Path) -> None:
        self.told = home / "told"
        self.python = home / "python"
        self.python.write_text(WRAPPER.format(told=self.told, python=sys.executable), "utf-8")
        self.python.chmod(0o755)
        self.folders = LocalJobFolders(home / "jobs")
        self.executor = LocalExecutor(home / "jobs", find_python=self.find)

    def find(self, name: str) -> Path:
        if name != "other":
            raise Unavailable(f"{name} is gone: make it anew.", code="environment.missing")
        return self.python

    def run(self, environment: str) -> list[object]:
        """What a job of a framework that its Python lacks leaves behind, when its process is over."""
        spec = {"kind": "train", "environment": environment, "spec": {"framework": "keras"}}
        self.folders.create(JOB, spec)
        self.folders.open_attempt(JOB, 1)
        self.executor.start(JOB, 1, "cpu")
        deadline = time.monotonic() + PATIENCE_S
        while self.executor.is_alive(JOB):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        found, _ = self.folders.read_events(JOB, 0)
        return [each.event for each in found]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    made = Started(tmp_path)
    yield made
    made.executor.close()


def test_its_python_runs_the_attempt_and_knows_the_way_home(started: Started) -> None:
    events = started.run("other")
    assert started.told.read_text("utf-8").splitlines() == [
        f"-P {LAUNCH} worker {started.folders.path(JOB)} 1 cpu",
        sys.executable,
    ]
    assert [type(event) for event in events] == [Ended]


def test_an_environment_that_is_gone_starts_nothing_and_leaves_no_lock(started: Started) -> None:
    with pytest.raises(Unavailable, match="gone is gone: make it anew"):
        started.run("gone")
    assert not started.executor.is_alive(JOB)
    assert not started.told.exists()
    assert [type(event) for event in started.run("")] == [Ended]  # in Tenfold's own
    assert not started.told.exists()


def test_the_code_is_that_beside_the_launcher_and_nothing_else_that_lies_there(tmp_path: Path) -> None:
    package = tmp_path / "site" / "tenfold"
    at = package / "adapters" / "executors" / "local"
    at.mkdir(parents=True)
    (package / "__init__.py").write_text("", "utf-8")
    (package / "__main__.py").write_text(
        "import importlib.util, sys\n"
        "def main():\n"
        "    print(__file__, sys.argv[1:], importlib.util.find_spec('beside'), importlib.util.find_spec('locks'))\n",
        "utf-8",
    )
    (tmp_path / "site" / "beside.py").write_text("", "utf-8")
    (at / "locks.py").write_text("", "utf-8")
    shutil.copy(LAUNCH, at)
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-P", str(at / LAUNCH.name), "worker"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=bare).stdout
    assert said == f"{package / '__main__.py'} ['worker'] None None\n"
