"""Work that takes much memory: a few at a time, with a short queue before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tenfold.core.errors import Busy

RETRY_S = 2


@dataclass(eq=False)
class _Request:
    about: str


class Turns:
    """Lets in one after the other in the order they came, `at_once` at a time; thread-safe.

    At most `most_waiting` wait, and none longer than `patience_s`. Of requests that are `about` the same one is inside
    at a time: those about something else pass the ones that wait for it.

    A queue, because a page that asks twice in a second shall not see an error; a short one, because each that waits
    holds a thread of the server.
    """

    def __init__(self, most_waiting: int, *, at_once: int = 1, patience_s: float | None = None) -> None:
        self._most_waiting = most_waiting
        self._at_once = at_once
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._waiting: list[_Request] = []
        self._inside: list[str] = []

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    @contextmanager
    def turn(self, about: str = "") -> Iterator[None]:
        """Waits for its turn; raises `Busy` when too many wait already, or when it does not come in time."""
        self._enter(_Request(about))
        try:
            yield
        finally:
            with self._changed:
                self._inside.remove(about)
                self._changed.notify_all()

    def _enter(self, request: _Request) -> None:
        with self._changed:
            self._waiting.append(request)
            try:
                if len(self._waiting) > self._most_waiting and not self._is_next(request):
                    raise Busy(retry_after_s=RETRY_S)
                if not self._changed.wait_for(lambda: self._is_next(request), self._patience_s):
                    text = f"What others asked for took longer than the {self._patience_s:g} s that a request waits."
                    raise Busy(f"{text} Try again in a moment.", retry_after_s=RETRY_S)
                self._inside.append(request.about)
            finally:
                self._waiting.remove(request)
                self._changed.notify_all()

    def _is_next(self, request: _Request) -> bool:
        if len(self._inside) >= self._at_once:
            return False
        return next((each for each in self._waiting if each.about not in self._inside), None) is request
