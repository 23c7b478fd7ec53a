"""The checkup job: look at every picture of a revision, compare, publish what was found."""

from __future__ import annotations

import os
import time
from typing import Literal

from tenfold.core.datasets.health.ports import CheckJob
from tenfold.core.events import CheckpointSaved, PhaseStarted, Published
from tenfold.worker.pace import Pace
from tenfold.worker.toolbox import BuildFolders, JobFolder, Toolbox

NICENESS = 10  # imports and runs come first
KEPT_EVERY_S = 1.0


def check(job: CheckJob, folder: JobFolder, tools: Toolbox) -> Literal["finished", "stopped"]:
    """Runs one attempt of a checkup, from where a killed one before it came to."""
    os.nice(NICENESS)
    folder.emit(PhaseStarted(phase="checking"))
    pace = Pace(folder, time.monotonic, unit="pictures")
    kept_at = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal kept_at
        pace.report(done, total)
        if time.monotonic() - kept_at >= KEPT_EVERY_S:
            kept_at = time.monotonic()
            folder.emit(CheckpointSaved(step=done))

    staged = folder.staging()
    facts = tools.check_dataset(
        job,
        BuildFolders(data=folder.data_folder, work=folder.workspace(), staged=staged),
        report=report,
        should_stop=folder.stop_requested,
    )
    if facts is None:
        return "stopped"
    folder.emit(PhaseStarted(phase="publishing"))
    manifest = folder.publish(staged)
    folder.emit(Published(folder="result", manifest=manifest, facts=facts))
    return "finished"
