"""A real server process on a free port, for tests that need one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tenfold.client import Client, ServerUnreachable

PATIENCE_S = 300.0


class Server:
    """A real server process on a free port, which is killed and started again."""

    def __init__(self, home: Path) -> None:
        self.data = home / "data"
        self.output = home / "server.out"
        self._environment = {**os.environ, "TENFOLD_DATA": str(self.data), "TENFOLD_ROOTS": str(home)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> Client:
        about = self.data / "server.json"
        about.unlink(missing_ok=True)
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tenfold", "serve", "--port", "0", *options],
                env=self._environment,
                stdout=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_S
        while not about.exists():
            assert time.monotonic() < deadline, "the server does not come up"
            assert self._process.poll() is None, "the server ended by itself"
            time.sleep(0.02)
        facts = json.loads(about.read_text())
        self.client = Client(facts["url"], facts["secret"])
        while not self._answers():
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)
        return self.client

    def link(self) -> str:
        """The link that the server printed when it started."""
        return next(word for word in self.output.read_text().split() if "/link/" in word)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def end(self, number: signal.Signals) -> int:
        """Sends a signal that asks for an orderly end, and returns the exit status."""
        assert self._process is not None
        self.client.close()
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S)

    def close(self) -> None:
        """Stops all jobs, then the server."""
        if self._process is None or self._process.poll() is not None:
            self.start()
        for job in reversed(self.client.jobs()):
            if job.kind == "train":
                self.client.runs.stop(job.subject)
        while self.client.jobs():
            time.sleep(0.05)
        self.kill()
        self.client.close()

    def _answers(self) -> bool:
        try:
            self.client.me()
        except ServerUnreachable:
            return False
        return True
