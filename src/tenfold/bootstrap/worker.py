"""What a worker process and the template are put together from."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from safetensors.numpy import load_file

from tenfold.adapters.executors.local.template import serve
from tenfold.adapters.formats.addition import AdditionPlaces, add_to_revision
from tenfold.adapters.formats.build import BuildPlaces, Working, build_revision
from tenfold.adapters.formats.checkup_folder import CheckPlaces, check_revision
from tenfold.adapters.formats.cifar import open_cifar
from tenfold.adapters.formats.idx import IdxSource
from tenfold.adapters.formats.in_place_reader import RevisionOpener
from tenfold.adapters.formats.judging import OpenJudge
from tenfold.adapters.formats.layouts import is_single_file, open_source, place_single_file
from tenfold.adapters.formats.model_folder import ModelFolderWriter
from tenfold.adapters.formats.openers import SourcePlaces
from tenfold.adapters.formats.registration import (
    PackingPlaces,
    RegistrationPlaces,
    pack_registered,
    register_revision,
)
from tenfold.adapters.formats.revision_reader import open_revision
from tenfold.adapters.sources.archives import extract_archive
from tenfold.adapters.sources.samples import SampleCache
from tenfold.adapters.storage.artifacts import FolderArtifacts
from tenfold.adapters.storage.checkpoints import FolderCheckpoints
from tenfold.adapters.storage.job_folders import WorkerFolder
from tenfold.adapters.storage.uploads import FolderUploads
from tenfold.bootstrap.tasks import BACKEND, FAST_DECODER, FRAMEWORK, JUDGE, ONNX_EXPORT, TASKS, WARM_UP, find
from tenfold.core.datasets.health.judging import JudgeSpec, PictureJudge
from tenfold.core.datasets.health.ports import CheckJob
from tenfold.core.datasets.job import ImportJob
from tenfold.core.datasets.layouts import source_choice
from tenfold.core.datasets.model import RevisionManifest, tell_differences
from tenfold.core.datasets.ports import SampleSource
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import Forbidden
from tenfold.core.events import Json, Phase
from tenfold.core.export.script import predict_script
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.fields import parse_spec
from tenfold.core.networks.fitting import require_fit
from tenfold.core.training.ports import BackendPlan, Samples, TaskHead, TrainingBackend
from tenfold.core.training.task import Task
from tenfold.worker.main import run_job
from tenfold.worker.toolbox import BuildFolders, Report, Toolbox

UNPACKED = "unpacked"
_PACKAGES = ("tenfold", FRAMEWORK, "numpy")


def run_worker(folder: str, attempt: int, slot: str) -> int:
    """One attempt in this process, which was started for it."""
    return _run(Path(folder), attempt, slot)


def run_template(handle: int) -> None:
    """Serves forks over an inherited socket until the server closes it."""
    connection = socket.socket(fileno=handle)
    serve(connection, warm_up=find(WARM_UP), run_worker=_run)


def _run(folder: Path, attempt: int, slot: str) -> int:
    return run_job(folder, attempt, slot, make_toolbox())


def make_toolbox() -> Toolbox:
    """All a worker works with."""
    return Toolbox(
        open_folder=WorkerFolder,
        open_checkpoints=FolderCheckpoints,
        open_revision=RevisionOpener(find(FAST_DECODER)),
        build_dataset=_build_dataset,
        check_dataset=_check_dataset,
        tasks=TASKS,
        make_head=_make_head,
        make_backend=_make_backend,
        write_model=ModelFolderWriter(export_network=_export_network, predict_script=_predict_script),
        versions=_versions,
    )


def _make_head(task: Task) -> TaskHead:
    return cast("TaskHead", find(task.heads[FRAMEWORK])())


def _make_backend(plan: BackendPlan, samples: Samples) -> TrainingBackend:
    return cast("TrainingBackend", find(BACKEND)(plan, samples))


def _export_network(model: TrainedModel, path: Path) -> float:
    return cast("float", find(ONNX_EXPORT)(model.graph, model.weights, _make_head(TASKS[model.task]), path))


def _predict_script(preprocessing: Preprocessing) -> str:
    """`predict.py`, from sources that are read and not imported: they need onnxruntime."""
    sources = files("tenfold.adapters.imaging")
    names = ("reference.py", "predict.py", "deep.py")
    reference, main, deep = (sources.joinpath(name).read_text("utf-8") for name in names)
    return predict_script(reference, main, deep="" if preprocessing.is_plain else deep)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


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
        return {**_facts(manifest), "revision": job.revision, "summary": "Packed"}
    enter("building")
    source = _open_source(job, places, should_stop=should_stop, tell=tell)
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
    facts = _facts(manifest)
    derived = {"revision": job.revision, "parent": job.parent, "summary": tell_differences(manifest.differences)}
    return {**facts, **(derived if job.parent else {})}


def _facts(manifest: RevisionManifest) -> dict[str, Json]:
    """What a list shows of a revision."""
    return {
        "num_samples": manifest.num_samples,
        "num_classes": len(manifest.classes),
        "shape": [manifest.channels, manifest.height, manifest.width],
        "num_rejected": manifest.num_rejected,
        **({"in_place": True, "summary": "Registered in place"} if manifest.in_place else {}),
    }


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

    enter("verifying")
    registered = places.data / FolderArtifacts(places.data).relative_path("revisions", job.registered)
    at = PackingPlaces(work=places.work, destination=places.staged, registered=registered)
    return pack_registered(parse_spec(DatasetSpec, job.spec), at, working, verified=verified)


def _check_dataset(
    job: CheckJob, places: BuildFolders, *, report: Report, should_stop: Callable[[], bool]
) -> dict[str, Json] | None:
    """Fulfils `tenfold.worker.toolbox.DatasetChecker`."""
    earlier = places.data / job.earlier if job.earlier else None
    told = check_revision(
        open_revision(places.data / job.revision_folder),
        CheckPlaces(work=places.work, destination=places.staged, earlier=earlier),
        judges=[JudgeSpec.from_json(each) for each in job.judges],
        open_judge=lambda spec: _open_judge(spec, places.data),
        report=report,
        should_stop=should_stop,
    )
    return None if told is None else {"num_findings": len(told.findings), "num_bad": told.num_bad}


def _open_judge(spec: JudgeSpec, data: Path) -> OpenJudge:
    """A judge from its published folder; raises `NotFound` where the model is gone."""
    folder = FolderArtifacts(data).newest("models", spec.model)
    preprocessing = Preprocessing.from_json(json.loads((folder / "preprocessing.json").read_text("utf-8")))
    classes = tuple((folder / "labels.txt").read_text("utf-8").splitlines())
    task = TASKS[spec.task]
    height, width, channels = preprocessing.shape
    parameters = {**spec.parameters, **task.network_parameters(classes)}
    graph = require_fit((folder / "network.network").read_text("utf-8"), parameters, (channels, height, width))
    judge = find(JUDGE)(
        graph,
        load_file(folder / "model.safetensors"),
        _make_head(task),
        preprocessing=preprocessing,
        classes=classes,
    )
    trained_on = RevisionOpener(find(FAST_DECODER))(data / spec.revision_folder) if spec.revision_folder else None
    return OpenJudge(spec, cast("PictureJudge", judge), trained_on)


def _open_source(
    job: ImportJob, places: BuildFolders, *, should_stop: Callable[[], bool], tell: Callable[[str], None]
) -> SampleSource | None:
    roots = tuple(Path(str(root)) for root in job.roots)
    match job.source:
        case {"folder": str(folder)}:
            places_read = SourcePlaces(work=places.work, allowed=_root_of(folder, job), roots=roots)
            return open_source(Path(folder), places_read, source_choice(job.source))
        case {"upload": str(upload)}:
            uploaded = FolderUploads(places.data / "uploads").path(upload)
            received = _received(uploaded, str(job.source.get("file", "")), places.work, should_stop)
            if received is None:
                return None
            places_read = SourcePlaces(work=places.work, allowed=places.work / UNPACKED, roots=roots)
            return open_source(received, places_read, source_choice(job.source))
        case {"sample": str(sample)}:
            return _open_sample(sample, places, tell)
    raise AssertionError(f"{job.source} is no source")


def _open_sample(name: str, places: BuildFolders, tell: Callable[[str], None]) -> SampleSource:
    folder = SampleCache(places.data / "cache").fetch(name, report=tell)
    sample = SAMPLE_DATASETS[name]
    if sample.layout == "idx":
        return IdxSource(folder, sample.classes)
    return open_cifar(folder / next(iter(sample.md5)), places.work, sample.classes)


def _received(uploaded: Path, name: str, work: Path, should_stop: Callable[[], bool]) -> Path | None:
    """What was uploaded: the folder that an archive is unpacked into, once, or the one file; `None` if stopped."""
    folder, mark = work / UNPACKED, work / f"{UNPACKED}.done"
    if not mark.exists():
        shutil.rmtree(folder, ignore_errors=True)
        if is_single_file(name):
            place_single_file(uploaded, folder, name)
        elif extract_archive(uploaded, folder, should_stop=should_stop) is None:
            return None
        mark.touch()
    return next(folder.iterdir()) if is_single_file(name) else folder


def _root_of(folder: str, job: ImportJob) -> Path:
    for root in job.roots:
        if Path(folder).is_relative_to(str(root)):
            return Path(str(root))
    raise Forbidden("The folder lies outside the folders that may be read.", code="folder.outside")
