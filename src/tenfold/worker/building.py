"""The import job: samples in, an immutable revision out."""

from __future__ import annotations

import time
from typing import Literal

from tenfold.core.datasets.job import ImportJob
from tenfold.core.events import Logged, PhaseStarted, Published
from tenfold.worker.pace import Pace
from tenfold.worker.toolbox import BuildFolders, JobFolder, Toolbox


def build(job: ImportJob, folder: JobFolder, tools: Toolbox) -> Literal["finished", "stopped"]:
    """Runs one attempt of an import, from where a killed one before it came to."""
    folder.emit(PhaseStarted(phase="building"))
    pace = Pace(folder, time.monotonic, unit="pictures")
    staged = folder.staging()
    facts = tools.build_dataset(
        job,
        BuildFolders(data=folder.data_folder, work=folder.workspace(), staged=staged),
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
