"""How fast the processor is just now, to count work in."""

from __future__ import annotations

import time


def million_additions_s() -> float:
    """The processor's seconds of plain Python work: about 0.07 where nobody slows the machine."""
    began = time.process_time()
    total = 0
    for number in range(1_000_000):
        total += number
    return time.process_time() - began
