"""How a server ends and how it does not begin: in words, and with nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ..server_process import Server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_orderly_end_leaves_no_address_behind(tmp_path: Path, number: signal.Signals) -> None:
    server = Server(tmp_path)
    before = signal.signal(number, signal.SIG_DFL)  # under nohup it is ignored, and a child inherits that
    try:
        server.start()
    finally:
        signal.signal(number, before)
    status = server.end(number)
    assert status == (130 if number == signal.SIGINT else 0)
    assert not (server.data / "server.json").exists()


def test_a_damaged_database_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "tenfold.sqlite"
    path.write_bytes(b"no database " * 1000)
    environment = {**os.environ, "TENFOLD_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "tenfold", "serve", "--port", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "is damaged: file is not a database. Put back a copy of it" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == b"no database " * 1000
