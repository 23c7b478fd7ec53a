"""Work that takes much memory: one at a time, with a short queue before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tenfold.core.errors import Busy

RETRY_S = 2


class Turns:
    """Lets one after the other in, at most `most_waiting` wait; thread-safe.

    A queue, because a page that asks twice in a second shall not see an error; a short one, because each that waits
    holds a thread of the server.
    """

    def __init__(self, most_waiting: int) -> None:
        self._places = threading.BoundedSemaphore(most_waiting + 1)
        self._mutex = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for its turn; raises `Busy` when too many wait already."""
        if not self._places.acquire(blocking=False):
            raise Busy(retry_after_s=RETRY_S)
        try:
            with self._mutex:
                yield
        finally:
            self._places.release()
