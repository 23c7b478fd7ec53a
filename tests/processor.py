"""How fast the processor is just now, to count work in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


def million_additions_s() -> float:
    """The processor's seconds of plain Python work: about 0.07 where nobody slows the machine."""
    began = time.process_time()
    total = 0
    for number in range(1_000_000):
        total += number
    return time.process_time() - began


@contextmanager
def without_blowing_up() -> Iterator[None]:
    """What takes a second at most where nobody slows the machine gets three; what blows up takes minutes."""
    slowest = million_additions_s()
    began = time.process_time()
    yield
    spent_s = time.process_time() - began
    allowed_s = max(3.0, 45 * max(slowest, million_additions_s()))
    assert spent_s < allowed_s, f"{spent_s:.2f} s of {allowed_s:.2f} s"
