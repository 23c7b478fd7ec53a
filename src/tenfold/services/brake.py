"""A brake on guessing passwords: who is wrong too often waits longer and longer."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tenfold.core.errors import Busy

FREE_TRIES = 5
LONGEST_S = 300.0
FORGOTTEN_S = 3600.0
MOST_KEYS = 10_000


@dataclass(frozen=True)
class _Tries:
    count: int
    last: float
    until: float


class Brake:
    """Counts tries by key, in memory; a restart of the server forgets them. Thread-safe.

    Five tries are free. From then on each has to wait after the one before: 1 s, 2 s, 4 s, ... at most 5 minutes. A try
    counts from its beginning, so that many at once are no way around.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._tries: dict[str, _Tries] = {}

    def begin(self, keys: Iterable[str]) -> None:
        """Counts a try under each key; raises `Busy` and counts nothing while one of them has to wait."""
        named = tuple(keys)
        with self._mutex:
            now = self._clock()
            self._forget(now)
            wait_s = max((self._tries[key].until - now for key in named if key in self._tries), default=0.0)
            if wait_s > 0:
                seconds = math.ceil(wait_s)
                text = f"Too many wrong passwords: try again in {seconds} seconds."
                raise Busy(text, retry_after_s=seconds, code="sign-in.too-often")
            for key in named:
                count = self._tries[key].count + 1 if key in self._tries else 1
                over = count - FREE_TRIES
                delay = min(LONGEST_S, 2.0 ** min(over, 30)) if over >= 0 else 0.0
                self._tries[key] = _Tries(count, now, now + delay)

    def release(self, keys: Iterable[str]) -> None:
        """Forgets the tries of whoever was right."""
        with self._mutex:
            for key in keys:
                self._tries.pop(key, None)

    def _forget(self, now: float) -> None:
        if len(self._tries) < MOST_KEYS:
            return
        recent = {key: tries for key, tries in self._tries.items() if now - tries.last < FORGOTTEN_S}
        newest = sorted(recent.items(), key=lambda item: item[1].last)[-MOST_KEYS // 2 :]
        self._tries = dict(newest)
