"""Work that is kept apart and behaves badly, each kind by its name; what became of it is told as JSON.

    python kept_apart.py LOCK KIND
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tenfold.adapters.confinement.keeper import keep_apart
from tenfold.adapters.confinement.process import confine
from tenfold.core.jobs.confinement import Limits, Reach

LIMITS = Limits(memory_bytes=256 << 20, cpu_s=1, wall_s=4, file_bytes=1 << 20, output_bytes=1000)


def behave(kind: str, lock: Path) -> int:
    confine(Reach(write=(lock.parent,)), LIMITS)
    if kind == "loop":
        while True:
            pass
    elif kind == "sleep":
        os.closerange(0, 100)
        time.sleep(60)
    elif kind == "exit":
        os._exit(3)
    elif kind == "crash":
        ctypes.string_at(0)
    elif kind == "allocate":
        held = []
        try:
            while True:
                held.append(bytearray(16 << 20))
        except MemoryError:
            print(f"{len(held) * 16} MB")
    elif kind == "print":
        for number in range(10**5):
            print("line", number)
    elif kind == "fill":
        try:
            Path(lock.parent, "large").write_bytes(bytes(2 << 20))
        except OSError as error:
            print(error.strerror)
    return 0


if __name__ == "__main__":
    lock = Path(sys.argv[1])
    with lock.open("w"):
        ended = keep_apart(lambda: behave(sys.argv[2], lock), lock=lock, limits=LIMITS)
    print(json.dumps(asdict(ended)))
