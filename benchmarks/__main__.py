"""`make bench`: all figures in one table and in `benchmarks/results.json`. Arguments name the ones to measure."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

FIGURES = (
    "submit",
    "loop_tax",
    "import_png",
    "import_jpeg",
    "mnist",
    "server",
    "gallery",
    "in_place",
    "batch_read",
    "network_editor",
    "network_step",
    "preflight",
)


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        sys.exit(f"There is no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}.")
    results: list[dict[str, Any]] = []
    print(f"load average before: {os.getloadavg()[0]:.2f}; ten million additions in Python: {additions_s():.2f} s")
    for name in names or FIGURES:
        for row in importlib.import_module(f"benchmarks.{name}").measure():
            results.append(row)
            print_row(row)
    Path(__file__).with_name("results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(f"load average after: {os.getloadavg()[0]:.2f}")


def additions_s() -> float:
    """Seconds of plain Python work: figures in seconds mean little without knowing how fast the machine is just now."""
    started = time.perf_counter()
    total = 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - started


def print_row(row: dict[str, Any]) -> None:
    verdict = {True: "holds", False: "MISSED", None: ""}[row["holds"]]
    print(f"{row['name']:<34} {row['value']:>10.4g} {row['unit']:<12} {row['goal']:<14} {verdict:<7} {row['opponent']}")


if __name__ == "__main__":
    main(sys.argv[1:])
