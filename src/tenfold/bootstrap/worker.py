"""What a worker process and the template are put together from."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from tenfold.adapters.executors.local.template import serve
from tenfold.adapters.formats.addition import AdditionPlaces, add_to_revision
from tenfold.adapters.formats.build import BuildPlaces, build_revision
from tenfold.adapters.formats.cifar import open_cifar
from tenfold.adapters.formats.idx import IdxSource
from tenfold.adapters.formats.joined import WithRejected
from tenfold.adapters.formats.layouts import open_source, sent_source
from tenfold.adapters.formats.model_folder import ModelFolderWriter
from tenfold.adapters.formats.openers import SourcePlaces
from tenfold.adapters.formats.revision_reader import open_revision
from tenfold.adapters.sources.bucket import BucketSource
from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.adapters.sources.received import lay_out
from tenfold.adapters.sources.samples import SampleCache
from tenfold.adapters.storage.artifacts import FolderArtifacts
from tenfold.adapters.storage.checkpoints import FolderCheckpoints
from tenfold.adapters.storage.job_folders import WorkerFolder
from tenfold.adapters.storage.secrets import FolderSecrets
from tenfold.adapters.storage.uploads import FolderUploads
from tenfold.bootstrap.tasks import BACKEND, FAST_DECODER, FRAMEWORK, ONNX_EXPORT, TASKS, WARM_UP, find
from tenfold.core.datasets.job import ImportJob
from tenfold.core.datasets.layouts import source_choice
from tenfold.core.datasets.model import tell_differences
from tenfold.core.datasets.ports import SampleSource
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.remote import bucket_place
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import Forbidden
from tenfold.core.events import Json
from tenfold.core.export.script import predict_script
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.fields import parse_spec
from tenfold.core.training.ports import BackendPlan, Samples, TaskHead, TrainingBackend
from tenfold.core.training.task import Task
from tenfold.worker.main import run_job
from tenfold.worker.toolbox import BuildFolders, Report, Toolbox

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
        open_revision=open_revision,
        build_dataset=_build_dataset,
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
) -> dict[str, Json] | None:
    """Fulfils `tenfold.worker.toolbox.DatasetBuilder`."""
    source = _open_source(job, places, should_stop=should_stop, tell=tell)
    if source is None:
        return None
    spec, threads = parse_spec(DatasetSpec, job.spec), len(os.sched_getaffinity(0))
    about: dict[str, Any] = {"decoder": find(FAST_DECODER)(), "report": report, "should_stop": should_stop}
    if job.parent:
        parent = places.data / FolderArtifacts(places.data).relative_path("revisions", job.parent)
        at = AdditionPlaces(work=places.work, destination=places.staged, parent=parent)
        manifest = add_to_revision(source, at, spec, **about, threads=threads)
    else:
        new = BuildPlaces(work=places.work, destination=places.staged)
        manifest = build_revision(source, spec, new, **about, threads=threads)
    if manifest is None:
        return None
    facts: dict[str, Json] = {
        "num_samples": manifest.num_samples,
        "num_classes": len(manifest.classes),
        "shape": [manifest.channels, manifest.height, manifest.width],
        "num_rejected": manifest.num_rejected,
    }
    derived = {"revision": job.revision, "parent": job.parent, "summary": tell_differences(manifest.differences)}
    return {**facts, **(derived if job.parent else {})}


def _open_source(
    job: ImportJob, places: BuildFolders, *, should_stop: Callable[[], bool], tell: Callable[[str], None]
) -> SampleSource | None:
    roots = tuple(Path(str(root)) for root in job.roots)
    match job.source:
        case {"folder": str(folder)}:
            places_read = SourcePlaces(work=places.work, allowed=_root_of(folder, job), roots=roots)
            return open_source(Path(folder), places_read, source_choice(job.source))
        case {"upload": str(upload)}:
            return _open_upload(upload, job, places, should_stop)
        case {"bucket": str()}:
            return _open_bucket(job.source, places)
        case {"sample": str(sample)}:
            return _open_sample(sample, places, tell)
    raise AssertionError(f"{job.source} is no source")


def _open_bucket(source: dict[str, Json], places: BuildFolders) -> SampleSource:
    secret, hosts = source.get("secret"), source.get("internal_hosts")
    credentials = FolderSecrets(places.data / "secrets").get(str(secret)) if secret else None
    guard = NetGuard([str(host) for host in hosts] if isinstance(hosts, list) else ())
    return BucketSource(bucket_place(source), credentials, guard)


def _open_sample(name: str, places: BuildFolders, tell: Callable[[str], None]) -> SampleSource:
    folder = SampleCache(places.data / "cache").fetch(name, report=tell)
    sample = SAMPLE_DATASETS[name]
    if sample.layout == "idx":
        return IdxSource(folder, sample.classes)
    return open_cifar(folder / next(iter(sample.md5)), places.work, sample.classes)


def _open_upload(id: str, job: ImportJob, places: BuildFolders, should_stop: Callable[[], bool]) -> SampleSource | None:
    uploads = FolderUploads(places.data / "uploads")
    folder = lay_out(uploads.path(id), places.work, should_stop=should_stop)
    if folder is None:
        return None
    roots = tuple(Path(str(root)) for root in job.roots)
    places_read = SourcePlaces(work=places.work, allowed=folder, roots=roots)
    source = open_source(sent_source(folder), places_read, source_choice(job.source))
    return WithRejected(source, tuple(uploads.get(id).refused.values()))


def _root_of(folder: str, job: ImportJob) -> Path:
    for root in job.roots:
        if Path(folder).is_relative_to(str(root)):
            return Path(str(root))
    raise Forbidden("The folder lies outside the folders that may be read.", code="folder.outside")
