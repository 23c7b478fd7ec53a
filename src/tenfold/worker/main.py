"""One attempt of one job, from the first event to the last."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal

from tenfold.core.datasets.health.ports import CheckJob
from tenfold.core.datasets.job import ImportJob
from tenfold.core.errors import Conflict, StorageFull, TenfoldError, is_disk_full
from tenfold.core.events import Ended, Json, Started
from tenfold.core.inference.importing import KIND as TAKE_IN
from tenfold.core.inference.importing import LIMITS as TAKE_IN_LIMITS
from tenfold.core.inference.importing import TakeInJob
from tenfold.core.inference.inside import InsideJob
from tenfold.core.jobs.confinement import Limits
from tenfold.core.networks.custom import is_python, line_of, says
from tenfold.core.networks.inspection import KIND as INSPECT
from tenfold.core.networks.inspection import LIMITS, InspectJob, SourceProblem
from tenfold.core.training.custom import LIMITS as TRAINING_LIMITS
from tenfold.core.training.job import TrainJob
from tenfold.worker.building import build
from tenfold.worker.checking import check
from tenfold.worker.inspecting import inspect_network
from tenfold.worker.probing import probe_training
from tenfold.worker.taking_in import take_in_model
from tenfold.worker.toolbox import JobFolder, Toolbox
from tenfold.worker.training import Training
from tenfold.worker.viewing import view_layers

FENCED = "job.fenced"
FENCED_STATUS = 75
KILLED = "code.killed"


def run_job(path: Path, attempt: int, slot: str, tools: Toolbox, *, foreign: Limits | None = None) -> int:
    """Executes the attempt and returns the exit status.

    Every end has its event; only a process that was killed has none. A fenced attempt says nothing more. Where
    `foreign` limits code that people wrote, the work is done in a process apart, whose end is told from outside.
    """
    if foreign is None:
        return _run(path, attempt, slot, tools)
    ended = tools.keep_apart(lambda: _run(path, attempt, slot, tools), lock=path / "lock", limits=foreign)
    if not ended.why or ended.status == FENCED_STATUS:
        return ended.status
    try:
        with closing(tools.open_folder(path, attempt)) as folder:
            if folder.spec["kind"] == "train":  # a death as any other: the next attempt goes on from its checkpoint
                return _die_alike(ended.status)
            _fail(folder, KILLED, ended.why)
            folder.sync()
    except Conflict as error:
        if error.code != FENCED:
            raise
        return FENCED_STATUS
    return 0


def foreign_limits(spec: Mapping[str, Json]) -> Limits | None:
    """What a job may take that runs what people wrote or a model of others; nothing for all others."""
    if spec["kind"] in {INSPECT, TAKE_IN}:
        return LIMITS if spec["kind"] == INSPECT else TAKE_IN_LIMITS
    is_foreign = spec["kind"] in {"train", "probe"} and is_python(str(spec.get("network_text", "")))
    return TRAINING_LIMITS if is_foreign else None


def _die_alike(status: int) -> int:
    """Ends this process as the one ended that it kept apart."""
    if status >= 0:
        return status
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    return 1


def _run(path: Path, attempt: int, slot: str, tools: Toolbox) -> int:
    try:
        with closing(tools.open_folder(path, attempt)) as folder:
            _attempt(path, folder, tools, slot)
            folder.sync()
    except Conflict as error:
        if error.code != FENCED:
            raise
        return FENCED_STATUS
    return 0


def _attempt(path: Path, folder: JobFolder, tools: Toolbox, slot: str) -> None:
    """Works, and tells how it ended; raises `Conflict` when another attempt has taken over."""
    try:
        outcome = _work(path, folder, tools, slot)
        folder.emit(Ended(outcome=outcome))
    except StorageFull as error:
        folder.make_room()
        _fail(folder, error.code, error.message)
    except TenfoldError as error:
        _fail(folder, error.code, error.message)
    except Exception as error:  # noqa: BLE001  whatever went wrong, the run shows it and its log holds the details
        folder.check_fence()
        traceback.print_exc()
        if is_disk_full(error):
            folder.make_room()
            text = f"The disk of {folder.data_folder} has no room left: free some, then go on."
            _fail(folder, StorageFull.code, text)
        elif line := line_of(error):
            _fail(folder, "network.python", str(SourceProblem(line, says(error))))
        else:
            _fail(folder, "internal", f"Tenfold itself failed: {type(error).__name__}: {error}")


def _work(path: Path, folder: JobFolder, tools: Toolbox, slot: str) -> Literal["finished", "stopped"]:
    kind = folder.spec["kind"]
    if kind != "train":  # a training tells its device with its start, and where it goes on
        folder.emit(Started(pid=os.getpid()))
    if kind == "import":
        return build(ImportJob.from_json(folder.spec), folder, tools)
    if kind == "check":
        return check(CheckJob.from_json(folder.spec), folder, tools)
    if kind == "inside":
        return view_layers(InsideJob.from_json(folder.spec), folder, tools)
    if kind == INSPECT:
        return inspect_network(InspectJob.from_json(folder.spec), path, folder, tools)
    if kind == TAKE_IN:
        return take_in_model(TakeInJob.from_json(folder.spec), path, folder, tools)
    if kind == "probe":
        return probe_training(TrainJob.from_json(folder.spec), path, folder, tools, slot)
    training = Training(TrainJob.from_json(folder.spec), folder, tools, slot=slot, job_path=path)
    resumed = training.prepare()
    folder.emit(Started(pid=os.getpid(), device=training.device, resumed_step=resumed))
    return training.run()


def _fail(folder: JobFolder, code: str, message: str) -> None:
    folder.emit(Ended(outcome="failed", code=code, message=message))
