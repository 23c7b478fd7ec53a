"""The server at rest: memory, and whether torch is in it; the command line's help."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

SETTLE_S = 3.0


def measure() -> list[dict[str, Any]]:
    """Megabytes resident after a few pages, whether torch was imported, seconds of `tenfold --help` and of a start."""
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "tenfold", "serve", "--port", "0"],
            env={**os.environ, "TENFOLD_DATA": home},
            stdout=subprocess.DEVNULL,
        )
        about = Path(home, "server.json")
        while not about.exists():
            time.sleep(0.01)
        seconds = time.perf_counter() - started
        look_around(json.loads(about.read_text()))
        time.sleep(SETTLE_S)
        megabytes = psutil.Process(process.pid).memory_info().rss / 1e6
        mapped = {Path(each.path).name for each in psutil.Process(process.pid).memory_maps()}
        has_torch = any(name.startswith("libtorch") for name in mapped)
        process.terminate()
        process.wait()
    help_seconds = statistics.median(_help() for _ in range(5))
    return [
        _row("server_memory_at_rest", megabytes, "MB", "<= 150", megabytes <= 150),
        _row("server_has_torch", float(has_torch), "", "0", not has_torch),
        _row("server_start", seconds, "s", "< 3", seconds < 3),
        _row("cli_help", help_seconds, "s", "< 0.5", help_seconds < 0.5),
    ]


def look_around(about: dict[str, str]) -> None:
    import httpx

    with httpx.Client(base_url=about["url"], headers={"authorization": f"Bearer {about['secret']}"}) as http:
        for path in ("/", "/runs", "/datasets", "/models", "/networks", "/queue", "/api/v1/runs", "/api/v1/machine"):
            http.get(path)


def _help() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tenfold", "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _row(name: str, value: float, unit: str, goal: str, holds: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "opponent": "", "goal": goal, "holds": holds}
