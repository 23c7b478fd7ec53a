"""The import job: samples in, an immutable revision out."""

from __future__ import annotations

import os
import time
from typing import Literal

from tenfold.core.datasets.job import ImportJob
from tenfold.core.events import CheckpointSaved, Logged, PhaseStarted, Published
from tenfold.worker.pace import Pace
from tenfold.worker.toolbox import BuildFolders, JobFolder, Toolbox

KEPT_EVERY_S = 2.0
NICE = 10
"""How far packing steps back: trainings go on beside it."""


class _Kept:
    """Tells how far an attempt came that a next one could go on from: a crash after that is not counted with others."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._told_at = time.monotonic()

    def reach(self, done: int, total: int) -> None:
        now = time.monotonic()
        if total and done and now - self._told_at >= KEPT_EVERY_S:
            self._told_at = now
            self._folder.emit(CheckpointSaved(step=done))


def build(job: ImportJob, folder: JobFolder, tools: Toolbox) -> Literal["finished", "stopped"]:
    """Runs one attempt of an import, from where a killed one before it came to."""
    folder.emit(PhaseStarted(phase="verifying" if job.registered else "building"))
    if job.registered:
        os.nice(NICE)
    pace = Pace(folder, time.monotonic, unit="pictures")
    kept = _Kept(folder)
    staged = folder.staging()

    def report(done: int, total: int) -> None:
        pace.report(done, total)
        kept.reach(done, total)

    facts = tools.build_dataset(
        job,
        BuildFolders(data=folder.data_folder, work=folder.workspace(), staged=staged),
        report=report,
        should_stop=folder.stop_requested,
        tell=lambda text: folder.emit(Logged(text=text)),
        enter=lambda phase: folder.emit(PhaseStarted(phase=phase)),
    )
    if facts is None:
        return "stopped"
    folder.emit(PhaseStarted(phase="publishing"))
    manifest = folder.publish(staged)
    folder.emit(Published(folder="result", manifest=manifest, facts=facts))
    return "finished"
