"""The import job: samples in, an immutable revision out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from tenfold.core.datasets.job import ImportJob
from tenfold.core.events import Logged, PhaseStarted, Progressed, Published
from tenfold.worker.toolbox import JobFolder, Toolbox


def build(job: ImportJob, folder: JobFolder, tools: Toolbox) -> Literal["finished", "stopped"]:
    """Runs one attempt of an import from the start: an unfinished one leaves nothing behind."""
    folder.emit(PhaseStarted(phase="building"))
    pace = Pace(folder, time.monotonic)
    staged = folder.staging()
    facts = tools.build_dataset(
        job,
        folder.data_folder,
        staged,
        report=pace.report,
        should_stop=folder.stop_requested,
        tell=lambda text: folder.emit(Logged(text=text)),
    )
    if facts is None:
        return "stopped"
    folder.emit(PhaseStarted(phase="publishing"))
    manifest = folder.publish(staged)
    folder.emit(Published(folder="result", manifest=manifest, facts=facts))
    return "finished"


class Pace:
    """Turns counts into progress events with an estimate."""

    def __init__(self, folder: JobFolder, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock
        self._started: tuple[float, int] | None = None

    def report(self, done: int, total: int) -> None:
        now = self._clock()
        if self._started is None or done < self._started[1]:
            self._started = (now, done)
        since, first = self._started
        per_second = (done - first) / (now - since) if now > since and done > first else None
        left = (total - done) / per_second if per_second else None
        self._folder.emit(Progressed(done=done, total=total, unit="pictures", seconds_left=left, per_second=per_second))
