"""Work that is kept apart and behaves badly, each kind by its name; what became of it is told as JSON.

python kept_apart.py LOCK KIND
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from tenfold.adapters.confinement.keeper import keep_apart
from tenfold.adapters.confinement.process import confine
from tenfold.core.jobs.confinement import Limits, Reach

LIMITS = Limits(memory_bytes=256 << 20, cpu_s=1, wall_s=60, file_bytes=1 << 20, output_bytes=1000)


def loop(_folder: Path) -> None:
    while True:
        pass


def sleep(_folder: Path) -> None:
    os.closerange(0, 100)
    time.sleep(60)


def linger(folder: Path) -> None:
    (folder / "pid").write_text(str(os.getpid()), "ascii")
    os.closerange(0, 100)
    time.sleep(60)


def leave(_folder: Path) -> None:
    os._exit(3)


def crash(_folder: Path) -> None:
    ctypes.string_at(0)


def allocate(_folder: Path) -> None:
    held = []
    try:
        while True:
            held.append(bytearray(16 << 20))
    except MemoryError:
        print(f"{len(held) * 16} MB")


def flood(_folder: Path) -> None:
    for number in range(10**5):
        print("line", number)


def fill(folder: Path) -> None:
    try:
        (folder / "large").write_bytes(bytes(2 << 20))
    except OSError as error:
        print(error.strerror)


def nothing(_folder: Path) -> None:
    """Works well."""


KINDS: dict[str, Callable[[Path], None]] = {
    act.__name__: act for act in (loop, sleep, linger, leave, crash, allocate, flood, fill, nothing)
}


def behave(kind: str, folder: Path) -> int:
    confine(Reach(write=(folder,)), LIMITS)
    KINDS[kind](folder)
    return 0


if __name__ == "__main__":
    lock = Path(sys.argv[1])
    limits = replace(LIMITS, wall_s=4) if sys.argv[2] == "sleep" else LIMITS  # a busy machine gives little in 4 s
    with lock.open("w"):
        ended = keep_apart(lambda: behave(sys.argv[2], lock.parent), lock=lock, limits=limits)
    print(json.dumps(asdict(ended)))
