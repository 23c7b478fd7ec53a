"""The inspection: a network of Python is executed, confined, and its layers or the line of its mistake are told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NoReturn

from tenfold.core.errors import BadNetwork
from tenfold.core.events import Inspected, Json
from tenfold.core.jobs.confinement import Confinement, Reach
from tenfold.core.networks.custom import line_of, says
from tenfold.core.networks.inspection import LIMITS, InspectJob, SourceProblem
from tenfold.worker.toolbox import JobFolder, Toolbox


def inspect_network(job: InspectJob, path: Path, folder: JobFolder, tools: Toolbox) -> Literal["finished", "stopped"]:
    """Tells what is in the network; raises `BadNetwork` with the line of its source after having told that."""
    tools.load_compiler()  # and the framework with it: that is neither the network's time nor its memory
    confinement = tools.confine(Reach(read=(path,)), LIMITS)
    try:
        facts = tools.inspect_network(job)
    except BadNetwork as error:
        line = error.values.get("line", 0)
        _refuse(folder, SourceProblem(line if isinstance(line, int) else 0, error.message), confinement)
    except BaseException as error:  # noqa: BLE001  whatever the code of others does is its own mistake
        _refuse(folder, problem_of(error), confinement)
    facts = {**facts, "confinement": confinement.to_json()}
    folder.emit(Inspected(facts=facts))  # and if the export takes more than there is, this is what was found
    folder.emit(Inspected(facts={**facts, **_exported(job, tools)}))
    return "finished"


def _exported(job: InspectJob, tools: Toolbox) -> dict[str, Json]:
    """Whether its model could be written as an ONNX file, which is tried with the weights that it begins with."""
    try:
        problem = tools.try_export(job)
    except BaseException as error:  # noqa: BLE001  whatever the code of others does is its own mistake
        return {"onnx": "unknown", "why_not_onnx": _told(problem_of(error))}
    return {"onnx": "no" if problem else "yes", "why_not_onnx": _told(problem) if problem else None}


def problem_of(error: BaseException) -> SourceProblem:
    """What went wrong in the code of others, and where."""
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        text = f"It needs more memory than the {(LIMITS.memory_bytes or 0) >> 30} GB that an inspection may take."
        return SourceProblem(line_of(error), text)
    return SourceProblem(line_of(error), says(error))


def _refuse(folder: JobFolder, problem: SourceProblem, confinement: Confinement) -> NoReturn:
    folder.emit(Inspected(facts={"problem": _told(problem), "confinement": confinement.to_json()}))
    raise BadNetwork(str(problem), code="network.python")


def _told(problem: SourceProblem) -> dict[str, Json]:
    return {"line": problem.line, "message": problem.message}
