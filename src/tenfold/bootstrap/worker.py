"""What a worker process and the template are put together from."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tenfold.adapters.confinement.keeper import keep_apart
from tenfold.adapters.confinement.process import confine
from tenfold.adapters.devices.own_memory import OwnMemory
from tenfold.adapters.executors.local.template import serve
from tenfold.adapters.formats.checkups.folder import CheckPlaces, check_revision, judge_revision
from tenfold.adapters.formats.checkups.judging import OpenJudge
from tenfold.adapters.formats.importing.addition import AdditionPlaces, add_to_revision
from tenfold.adapters.formats.importing.build import BuildPlaces, Working, build_revision
from tenfold.adapters.formats.in_place.reader import RevisionOpener
from tenfold.adapters.formats.in_place.registration import (
    PackingPlaces,
    RegistrationPlaces,
    pack_registered,
    register_revision,
)
from tenfold.adapters.formats.model_folder import ModelFolderWriter
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.adapters.imaging.tiles import write_tiles
from tenfold.adapters.storage.artifacts import FolderArtifacts
from tenfold.adapters.storage.checkpoints import FolderCheckpoints
from tenfold.adapters.storage.job_folders import WorkerFolder
from tenfold.bootstrap.memory import set_start_aside
from tenfold.bootstrap.model_texts import predict_text, versions_of
from tenfold.bootstrap.onnx_at_home import export_at_home
from tenfold.bootstrap.onnx_file import write_onnx
from tenfold.bootstrap.opening import open_model, open_network
from tenfold.bootstrap.origins import Origins
from tenfold.bootstrap.tasks import (
    CUSTOM_EXPORT,
    DEVICE_MEMORY,
    FAST_DECODER,
    INSPECT,
    JUDGE,
    LOAD_COMPILER,
    ONNX_WRITE,
    OWN_FRAMEWORK,
    PARTS,
    TAKE_IN,
    TASKS,
    TRIAL,
    TRY_EXPORT,
    WALK,
    FrameworkParts,
    find,
)
from tenfold.bootstrap.weights import find_weights
from tenfold.core.datasets.dataset import revision_facts
from tenfold.core.datasets.health.judging import JudgeSpec, PictureJudge
from tenfold.core.datasets.health.ports import CheckJob
from tenfold.core.datasets.job import ImportJob
from tenfold.core.datasets.model import RevisionManifest, tell_differences
from tenfold.core.datasets.ports import ImageDecoder
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.events import Json, Phase
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.fields import parse_spec
from tenfold.core.inference.importing import ForeignModel, ModelImport
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.inspection import SourceProblem
from tenfold.core.training.ports import TaskHead, TrainingBackend
from tenfold.core.training.task import Task
from tenfold.worker.main import foreign_limits, run_job
from tenfold.worker.toolbox import BuildFolders, MemoryGauge, Report, Toolbox


def run_worker(folder: str, attempt: int, slot: str) -> int:
    """One attempt in this process, which was started for it."""
    return _run(Path(folder), attempt, slot)


def run_template(handle: int) -> None:
    """Serves forks over an inherited socket until the server closes it."""
    connection = socket.socket(fileno=handle)
    serve(connection, warm_up=warm_template, run_worker=_run)


def warm_template() -> None:
    """Loads what every training needs, and sets it aside: a worker that looks for garbage would walk through all of it,
    and by that copy it. ONNX Runtime is not loaded, since it starts a thread."""
    find(PARTS[OWN_FRAMEWORK].warm_up)()
    find(ONNX_WRITE)
    set_start_aside()


def _run(folder: Path, attempt: int, slot: str) -> int:
    job = json.loads((folder / "spec.json").read_text("utf-8"))
    return run_job(folder, attempt, slot, make_toolbox(_framework_of(job)), foreign=foreign_limits(job))


def _framework_of(job: Mapping[str, Any]) -> str:
    """What a job computes with; an import, and a run of an earlier release, names nothing."""
    return str(job.get("spec", {}).get("framework", OWN_FRAMEWORK))


def make_toolbox(framework: str = OWN_FRAMEWORK) -> Toolbox:
    """All a worker works with; `framework` trains."""
    parts = PARTS[framework]
    return Toolbox(
        open_folder=WorkerFolder,
        open_checkpoints=FolderCheckpoints,
        open_revision=RevisionOpener(lambda: cast("ImageDecoder", find(parts.decoder)())),
        find_weights=find_weights,
        build_dataset=_build_dataset,
        check_dataset=_check_dataset,
        tasks=TASKS,
        make_head=lambda task: _make_head(task, framework),
        make_backend=lambda plan, samples: cast("TrainingBackend", find(parts.backend)(plan, samples)),
        write_model=ModelFolderWriter(
            export_network=_export_network if framework == OWN_FRAMEWORK else export_at_home,
            predict_script=predict_text,
        ),
        watch_memory=lambda device: _watch_memory(device, parts),
        open_network=open_network,
        walk_layers=_walk_layers,
        write_tiles=write_tiles,
        versions=lambda: versions_of(parts),
        keep_apart=keep_apart,
        confine=confine,
        inspect_network=lambda job: cast("dict[str, Json]", find(INSPECT)(job)),
        take_in=_take_in,
        load_compiler=lambda: cast("None", find(LOAD_COMPILER)()),
        try_export=lambda job: cast("SourceProblem | None", find(TRY_EXPORT)(job)),
    )


def _make_head(task: Task, framework: str = OWN_FRAMEWORK) -> TaskHead:
    return cast("TaskHead", find(task.heads[framework])())


def _take_in(source: Path, wanted: ModelImport, target: Path) -> ForeignModel:
    return cast("ForeignModel", find(TAKE_IN)(source, wanted, target, try_graph=find(TRIAL)))


def _walk_layers(
    graph: LayerGraph, weights: Mapping[str, npt.NDArray[np.float32]], sample: npt.NDArray[np.float32]
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    return cast("Iterator[tuple[str, npt.NDArray[np.float32]]]", find(WALK)(graph, weights, sample))


def _export_network(model: TrainedModel, path: Path) -> float:
    if is_python(model.network_text):
        return cast("float", find(CUSTOM_EXPORT)(model, _make_head(TASKS[model.task]), path))
    return write_onnx(model.task, model.graph, model.weights, path)


def _watch_memory(device: str, parts: FrameworkParts) -> MemoryGauge:
    find(parts.warm_up)()  # what has to be loaded in any case is not the training's
    return OwnMemory() if device == "cpu" else cast("MemoryGauge", find(DEVICE_MEMORY)(device))


def _build_dataset(
    job: ImportJob,
    places: BuildFolders,
    *,
    report: Report,
    should_stop: Callable[[], bool],
    tell: Callable[[str], None],
    enter: Callable[[Phase], None],
) -> dict[str, Json] | None:
    """Fulfils `tenfold.worker.toolbox.DatasetBuilder`."""
    spec, threads = parse_spec(DatasetSpec, job.spec), len(os.sched_getaffinity(0))
    working = Working(decoder=find(FAST_DECODER)(), report=report, should_stop=should_stop, threads=threads)
    if job.registered:
        manifest = _pack(job, places, working, tell=tell, enter=enter)
        if manifest is None:
            return None
        return {**revision_facts(manifest), "revision": job.revision, "summary": "Packed"}
    source = Origins(job, places, should_stop, tell).open()
    if source is None:
        return None
    about: dict[str, Any] = {"decoder": working.decoder, "report": report, "should_stop": should_stop}
    if job.packed:
        registration = RegistrationPlaces(work=places.work, destination=places.staged, packed=job.packed)
        manifest = register_revision(source, spec, registration, working)
    elif job.parent:
        parent = places.data / FolderArtifacts(places.data).relative_path("revisions", job.parent)
        at = AdditionPlaces(work=places.work, destination=places.staged, parent=parent)
        manifest = add_to_revision(source, at, spec, **about, threads=threads)
    else:
        new = BuildPlaces(work=places.work, destination=places.staged)
        manifest = build_revision(source, spec, new, **about, threads=threads)
    if manifest is None:
        return None
    facts = {**({"summary": "Registered in place"} if manifest.in_place else {}), **revision_facts(manifest)}
    derived = {"revision": job.revision, "parent": job.parent, "summary": tell_differences(manifest.differences)}
    return {**facts, **(derived if job.parent else {})}


def _pack(
    job: ImportJob,
    places: BuildFolders,
    working: Working,
    *,
    tell: Callable[[str], None],
    enter: Callable[[Phase], None],
) -> RevisionManifest | None:
    """Checks and packs what another job registered."""

    def verified(num_touched: int) -> None:
        if num_touched:
            tell(f"Files that are not as they were registered, or gone: {num_touched:,}.")
        enter("packing")

    registered = places.data / FolderArtifacts(places.data).relative_path("revisions", job.registered)
    at = PackingPlaces(work=places.work, destination=places.staged, registered=registered)
    return pack_registered(parse_spec(DatasetSpec, job.spec), at, working, verified=verified)


def _check_dataset(
    job: CheckJob, places: BuildFolders, *, report: Report, should_stop: Callable[[], bool]
) -> dict[str, Json] | None:
    """Fulfils `tenfold.worker.toolbox.DatasetChecker`."""
    earlier = places.data / job.earlier if job.earlier else None
    reader = open_revision(places.data / job.revision_folder)
    where = CheckPlaces(work=places.work, destination=places.staged, earlier=earlier)
    judges = [JudgeSpec.from_json(each) for each in job.judges]
    about: dict[str, Any] = {
        "open_judge": lambda spec: _open_judge(spec, places.data),
        "report": report,
        "should_stop": should_stop,
    }
    if job.is_judgement:
        told = judge_revision(reader, where, judges[0], **about)
    else:
        told = check_revision(reader, where, judges=judges, **about)
    return None if told is None else {"num_findings": len(told.findings), "num_bad": told.num_bad}


def _open_judge(spec: JudgeSpec, data: Path) -> OpenJudge:
    """A judge from its published folder; raises `NotFound` where the model is gone."""
    model = open_model(FolderArtifacts(data).newest("models", spec.model), spec.task, spec.parameters)
    judge = find(JUDGE)(
        model.graph,
        model.weights,
        _make_head(TASKS[spec.task]),
        preprocessing=model.preprocessing,
        classes=model.classes,
    )
    trained_on = RevisionOpener(find(FAST_DECODER))(data / spec.revision_folder) if spec.revision_folder else None
    return OpenJudge(spec, cast("PictureJudge", judge), trained_on)
