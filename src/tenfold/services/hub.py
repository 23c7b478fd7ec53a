"""Live news: what changed, for whoever watches."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tenfold.core.numerals import whole_number

KEPT = 2000


@dataclass(frozen=True)
class News:
    """One change. `id` is unique over the lives of the server; `data` is ready for JSON."""

    id: str
    name: str
    data: dict[str, Any]


class Hub:
    """Hands news to all listeners and remembers the latest, so that a listener who was away misses nothing.

    Thread-safe. Listeners are called from the thread that publishes and must return at once.
    """

    def __init__(self) -> None:
        self._life = secrets.token_hex(4)
        self._count = 0
        self._kept: deque[News] = deque(maxlen=KEPT)
        self._listeners: set[Callable[[News], None]] = set()
        self._mutex = threading.Lock()

    @property
    def place(self) -> str:
        """Where the news stand now: who listens `after` it misses nothing that comes from here on."""
        with self._mutex:
            return f"{self._life}-{self._count}"

    def publish(self, name: str, data: dict[str, Any]) -> None:
        """Tells everybody."""
        with self._mutex:
            self._count += 1
            news = News(f"{self._life}-{self._count}", name, data)
            self._kept.append(news)
            listeners = list(self._listeners)
        for listener in listeners:
            listener(news)

    def listen(self, listener: Callable[[News], None], *, after: str = "") -> list[News] | None:
        """Adds a listener and returns what it missed since the news `after`.

        `None` means that nobody knows any more what was missed: load the page anew.
        """
        with self._mutex:
            self._listeners.add(listener)
            if not after:
                return []
            life, _, text = after.partition("-")
            number = whole_number(text)
            first = self._count - len(self._kept)
            if life != self._life or number is None or not first <= number <= self._count:
                return None
            return list(self._kept)[number - first :]

    def leave(self, listener: Callable[[News], None]) -> None:
        """Removes a listener."""
        with self._mutex:
            self._listeners.discard(listener)
