"""How far a phase is, told at a pace that people can read."""

from __future__ import annotations

from collections.abc import Callable

from tenfold.core.events import Progressed
from tenfold.worker.toolbox import JobFolder

PACE_S = 0.25


class Pace:
    """Turns counts into progress events with an estimate, at most four a second and always the last one.

    A total of 0 means that it is not known yet.
    """

    def __init__(self, folder: JobFolder, clock: Callable[[], float], *, unit: str) -> None:
        self._folder = folder
        self._clock = clock
        self._unit = unit
        self._started: tuple[float, int] | None = None
        self._total = 0
        self._told_at: float | None = None

    def report(self, done: int, total: int) -> None:
        now = self._clock()
        if self._started is None or done < self._started[1] or total != self._total:
            self._started, self._total = (now, done), total
        if self._told_at is not None and now - self._told_at < PACE_S and (done < total or not total):
            return
        self._told_at = now
        since, first = self._started
        per_second = (done - first) / (now - since) if now > since and done > first else None
        left = (total - done) / per_second if per_second and total else None
        unit = self._unit
        self._folder.emit(Progressed(done=done, total=total, unit=unit, seconds_left=left, per_second=per_second))
