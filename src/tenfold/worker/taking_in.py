"""Taking a foreign model in: its file is read and run for the first time, confined, and what it is is told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NoReturn

from tenfold.core.errors import BadModel, InvalidFields, Problem
from tenfold.core.events import Inspected, Json
from tenfold.core.inference.importing import LIMITS, MODEL_FILE, TakeInJob, told
from tenfold.core.jobs.confinement import Confinement, Reach
from tenfold.worker.toolbox import JobFolder, Toolbox


def take_in_model(job: TakeInJob, path: Path, folder: JobFolder, tools: Toolbox) -> Literal["finished", "stopped"]:
    """Leaves the model in the work folder; raises `BadModel` after having told what is wrong, and with which field."""
    source, target = folder.data_folder / job.file, folder.workspace()
    confinement = tools.confine(Reach(read=(path, source), write=(target,), temporary=target), LIMITS)
    try:
        found = tools.take_in(source, job.wanted, target / MODEL_FILE)
    except InvalidFields as error:
        _refuse(folder, error.problems, confinement)
    except BadModel as error:
        _refuse(folder, [Problem("file", error.message, error.code)], confinement)
    except BaseException as error:  # noqa: BLE001  whatever the file of others brings about is its own mistake
        _refuse(folder, [_problem_of(error)], confinement)
    folder.emit(Inspected(facts={**found.to_json(), "confinement": confinement.to_json()}))
    return "finished"


def _problem_of(error: BaseException) -> Problem:
    if isinstance(error, MemoryError):
        gigabytes = (LIMITS.memory_bytes or 0) >> 30
        return Problem("file", f"It needs more than the {gigabytes} GB of memory that it may take.", "model.memory")
    return Problem("file", f"It cannot be read: {type(error).__name__}: {told(error)}", "model.unusable")


def _refuse(folder: JobFolder, problems: list[Problem] | tuple[Problem, ...], confinement: Confinement) -> NoReturn:
    listed: list[Json] = [{"field": each.field, "message": each.message, "code": each.code} for each in problems]
    folder.emit(Inspected(facts={"problems": listed, "confinement": confinement.to_json()}))
    raise BadModel(" ".join(each.message for each in problems), code=problems[0].code)
