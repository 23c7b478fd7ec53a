"""What the server is put together from, and how it starts."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import uvicorn

from tenfold import __version__
from tenfold.adapters.confinement.process import survey
from tenfold.adapters.devices.gauges import SystemGauges
from tenfold.adapters.environments.folder import EnvironmentFolder
from tenfold.adapters.executors.local.executor import LocalExecutor
from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.formats.checkups.folder import CheckupFolder
from tenfold.adapters.formats.download import build_download
from tenfold.adapters.formats.foreign_folder import ForeignFolderWriter
from tenfold.adapters.formats.hub_layout import HubFolders
from tenfold.adapters.formats.in_place.reader import RevisionOpener
from tenfold.adapters.formats.network_files import read_network
from tenfold.adapters.formats.revisions.derived import derive_revision
from tenfold.adapters.formats.revisions.export import export_dataset
from tenfold.adapters.formats.revisions.reader import as_png
from tenfold.adapters.imaging.pillow import OneAtATime, PillowDecoder
from tenfold.adapters.passwords.argon2id import Argon2Hasher
from tenfold.adapters.sources.roots import Roots
from tenfold.adapters.sources.samples import SampleCache
from tenfold.adapters.storage.artifacts import FolderArtifacts
from tenfold.adapters.storage.checkpoints import checkpoint_steps
from tenfold.adapters.storage.durable import write_durably
from tenfold.adapters.storage.job_folders import LocalJobFolders
from tenfold.adapters.storage.sql import open_sqlite
from tenfold.bootstrap.addresses import link_hosts, served_hosts
from tenfold.bootstrap.answering import COMMAND
from tenfold.bootstrap.arrivals import Arrivals, open_arrivals
from tenfold.bootstrap.hub import CachedHub
from tenfold.bootstrap.memory import give_back_large_blocks, set_start_aside
from tenfold.bootstrap.model_texts import predict_text
from tenfold.bootstrap.owner import owner_name
from tenfold.bootstrap.sealing import Sealer
from tenfold.bootstrap.tasks import APART, PREDICTOR, TASKS, find
from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.ports import ImageDecoder
from tenfold.core.errors import Forbidden, Unavailable
from tenfold.core.inference.importing import ANSWER_LIMITS, MOST_ANSWERING
from tenfold.core.inference.ports import Prediction, Predictor
from tenfold.core.jobs.model import OWN_SLOTS
from tenfold.core.jobs.ports import Executor, JobFolders
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.repository import Database
from tenfold.core.workstation.environments import FOLDER as ENVIRONMENTS
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.entry import add_pages
from tenfold.interfaces.web.site import Site
from tenfold.services.accounts import AccountService
from tenfold.services.additions import AdditionService
from tenfold.services.checkup_book import CheckupBook
from tenfold.services.checkup_jobs import CheckupObserver, CheckupQueue
from tenfold.services.checkups import CheckupParts, CheckupService
from tenfold.services.code_guard import CodeGuard
from tenfold.services.datasets import DatasetService, ImportObserver
from tenfold.services.desk import JobDesk
from tenfold.services.environments import EnvironmentService
from tenfold.services.errands import Errands
from tenfold.services.exports import ExportService
from tenfold.services.forecasts import ForecastService
from tenfold.services.hub import Hub
from tenfold.services.inside import InsideParts, InsideService
from tenfold.services.inspections import InspectionService
from tenfold.services.machine import MachineService
from tenfold.services.model_imports import ModelImports
from tenfold.services.models import ModelService
from tenfold.services.network_copies import NetworkCopies
from tenfold.services.network_imports import NetworkImports
from tenfold.services.networks import NetworkService
from tenfold.services.previews import PreviewService
from tenfold.services.probes import ProbeService
from tenfold.services.revisions import RevisionService
from tenfold.services.run_observer import ResultSealer, RunObserver
from tenfold.services.runs import RunParts, RunService
from tenfold.services.trash import TrashService
from tenfold.services.weights import WeightService
from tenfold.settings import Settings

SHUTDOWN_S = 2
CLASSIFIED_PIXELS = 50_000_000  # classifying holds one such picture at a time, at most 0.8 GB with transparency


def serve(settings: Settings) -> None:
    """Runs the server until it is told to stop; prints the link that signs the owner in."""
    give_back_large_blocks()
    settings.data.mkdir(parents=True, exist_ok=True)
    with _orderly_end(), _sole_server(settings.data):
        listener = _listen(settings)
        services = build_services(settings)
        try:
            if not settings.is_local and not services.accounts.owner_has_password():
                text = f"{settings.host} is open to others: set a password first, with `tenfold user reset NAME`."
                raise Forbidden(text, code="password.first")
            _serve(settings, services, listener)
        finally:
            services.close()


def build_services(settings: Settings, *, catalogue: Sequence[CatalogueEntry] = ()) -> Services:
    """All services over the data folder; `catalogue` holds further networks beside those that ship."""
    data = settings.data
    database = open_sqlite(data / "tenfold.sqlite")
    folders = LocalJobFolders(data / "jobs")
    artifacts = FolderArtifacts(data)
    gauges, hub = SystemGauges(data), Hub()
    roots = Roots(settings.roots)
    arrivals = open_arrivals(settings, roots.roots())
    environments = EnvironmentService(EnvironmentFolder(data / ENVIRONMENTS))
    executor = LocalExecutor(data / "jobs", find_python=EnvironmentFolder(data / ENVIRONMENTS).python)
    slots = [("cpu", settings.cpu_jobs), *((slot, 1) for slot in (*OWN_SLOTS, *gauges.gpu_slots()))]
    desk = _make_desk(database, data, folders=folders, executor=executor, slots=slots)
    errands = Errands(folders, executor, monotonic=time.monotonic, why_not=CodeGuard(database))
    datasets = _make_datasets(database, desk, artifacts, roots)
    kept_by: dict[str, Any] = {"artifacts": artifacts, "folders": folders, "hub": hub}
    checkups = _make_checkups(database, desk, datasets, **kept_by)
    _observe(desk, database, arrivals, checkups, seal=Sealer(data, folders), **kept_by)
    revisions = _make_revisions(database, datasets, artifacts, checkups)
    additions = AdditionService(database, desk=desk, revisions=revisions, roots=[*roots.roots()], clock=time.time)
    networks = NetworkService([*read_catalogue(), *catalogue], database, clock=time.time, worked=time.thread_time)
    stored: dict[str, Any] = {"artifacts": artifacts, "clock": time.time}
    inspections = InspectionService(errands, networks, datasets, artifacts=artifacts, survey=survey)
    models = _make_models(database, **stored)
    learning: dict[str, Any] = {"datasets": datasets, "networks": networks, "environments": environments}
    weights = _make_weights(settings, models, artifacts, roots)
    runs = _make_runs(database, desk, errands, gauges, weights=weights, inspections=inspections, **learning)
    accounts, owner = _make_accounts(database)
    trash = TrashService(database, folders=folders, uploads=arrivals.uploads, secrets=arrivals.secrets, **stored)
    for each in (errands, desk, trash):
        each.open()
    return Services(
        database=database,
        accounts=accounts,
        datasets=datasets,
        revisions=revisions,
        exports=ExportService(database, datasets=datasets, export=export_dataset),
        additions=additions,
        checkups=CheckupService(database, desk=desk, revisions=revisions, runs=runs, models=models, parts=checkups),
        networks=networks,
        network_copies=NetworkCopies(networks, models, runs.named),
        network_imports=NetworkImports(networks, artifacts=artifacts, read=read_network, clock=time.thread_time),
        runs=runs,
        models=models,
        model_imports=_make_model_imports(database, models, errands, **stored),
        desk=desk,
        errands=errands,
        inside=_make_inside(errands, folders, runs=runs, models=models, datasets=datasets, artifacts=artifacts),
        inspections=inspections,
        trash=trash,
        hub=hub,
        machine=MachineService(gauges),
        environments=environments,
        folders=roots,
        layouts=arrivals.layouts,
        previews=PreviewService(roots, arrivals.layouts, PillowDecoder(CLASSIFIED_PIXELS), encode=as_png),
        uploads=arrivals.upload_service,
        remote=arrivals.remote_service,
        samples=SampleCache(data / "cache"),
        owner=owner,
        version=__version__,
    )


def _make_models(database: Database, **stored: Any) -> ModelService:
    decoder = OneAtATime(CLASSIFIED_PIXELS)
    return ModelService(
        database,
        predictor=_LatePredictor(lambda: cast("Predictor", find(PREDICTOR)(decoder))),
        apart=_LatePredictor(lambda: _make_apart(decoder)),
        build_download=build_download,
        **stored,
    )


def _make_runs(database: Database, desk: JobDesk, errands: Errands, gauges: SystemGauges, **about: Any) -> RunService:
    """`about` is what a run is put together from besides."""
    probes = ProbeService(errands, slots=desk.slots, is_training=desk.is_training)
    parts = RunParts(forecasts=ForecastService(gauges), probes=probes, **about)
    return RunService(database, desk=desk, parts=parts, tasks=TASKS, clock=time.time)


def _make_weights(settings: Settings, models: ModelService, artifacts: FolderArtifacts, roots: Roots) -> WeightService:
    hub = CachedHub(data=settings.data, endpoint=settings.hub, internal_hosts=tuple(settings.internal_hosts))
    return WeightService(models.named, artifacts, find_folder=HubFolders(roots.roots), find_hub=hub)


def _make_accounts(database: Database) -> tuple[AccountService, Actor]:
    """Accounts, and the owner of this workstation."""
    accounts = AccountService(database, Argon2Hasher(), time.time)
    return accounts, accounts.actor_of_user(accounts.ensure_owner(owner_name()).id)


def _make_inside(errands: Errands, folders: LocalJobFolders, **about: Any) -> InsideService:
    """`about` is what a picture and a network are found with."""
    parts = InsideParts(
        decoder=PillowDecoder(CLASSIFIED_PIXELS),
        steps_of=lambda job_id: checkpoint_steps(folders.path(job_id) / "checkpoints"),
        **about,
    )
    return InsideService(errands, parts)


def _make_checkups(
    database: Database,
    desk: JobDesk,
    datasets: DatasetService,
    *,
    artifacts: FolderArtifacts,
    folders: LocalJobFolders,
    hub: Hub,
) -> CheckupParts:
    book = CheckupBook(database, artifacts=artifacts, open_checkup=CheckupFolder)
    return CheckupParts(
        queue=CheckupQueue(database, desk=desk, artifacts=artifacts, book=book, clock=time.time),
        book=book,
        observer=CheckupObserver(database, artifacts=artifacts, folders=folders, hub=hub),
        read=datasets.revision_reader,
    )


def _observe(
    desk: JobDesk, database: Database, arrivals: Arrivals, checkups: CheckupParts, *, seal: ResultSealer, **about: Any
) -> None:
    """Lets runs, datasets and checkups hear of their jobs; `about` is what runs and datasets work with."""
    kept: dict[str, Any] = {"uploads": arrivals.uploads, "secrets": arrivals.secrets}
    desk.observe("train", RunObserver(database, seal=seal, **about))
    desk.observe("import", ImportObserver(database, **kept, on_revision=checkups.queue.ensure, **about))
    desk.observe("check", checkups.observer)


def _make_datasets(database: Database, desk: JobDesk, artifacts: FolderArtifacts, roots: Roots) -> DatasetService:
    return DatasetService(
        database,
        desk=desk,
        artifacts=artifacts,
        open_revision=RevisionOpener(PillowDecoder),
        roots=list(roots.roots()),
        clock=time.time,
    )


def _make_revisions(
    database: Database, datasets: DatasetService, artifacts: FolderArtifacts, checkups: CheckupParts
) -> RevisionService:
    return RevisionService(
        database,
        datasets=datasets.named,
        artifacts=artifacts,
        derive=derive_revision,
        clock=time.time,
        marks=checkups.book.marks,
        on_revision=checkups.queue.ensure,
    )


def _make_desk(
    database: Database, data: Path, *, folders: JobFolders, executor: Executor, slots: list[tuple[str, int]]
) -> JobDesk:
    return JobDesk(
        database,
        folders=folders,
        executor=executor,
        slots=slots,
        clock=time.time,
        monotonic=time.monotonic,
        rebooted=_has_rebooted(data),
    )


def _serve(settings: Settings, services: Services, listener: socket.socket) -> None:
    secret = secrets.token_urlsafe(32)
    port = listener.getsockname()[1]
    urls = [f"http://{host}:{port}" for host in link_hosts(settings.host)]
    hosts = served_hosts(settings.host, settings.hosts)
    sites: list[Site] = []
    app = create_app(services, local_secret=secret, hosts=hosts, add_pages=lambda to: sites.append(add_pages(to)))
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whoever knocks is who connects: an address in a header is anybody's word
        timeout_graceful_shutdown=SHUTDOWN_S,
        lifespan="off",
    )
    about = {"url": urls[0], "secret": secret, "pid": os.getpid()}
    write_durably(settings.data / "server.json", json.dumps(about).encode(), mode=0o600)
    link = services.accounts.make_link(services.owner.user)
    head = "Open this link; it signs you in:" if len(urls) == 1 else "Open one of these; one alone signs in:"
    sys.stdout.write(f"Tenfold {__version__} keeps its data in {settings.data}.\n{head}\n\n")
    sys.stdout.writelines(f"    {url}/link/{link}\n" for url in urls)
    sys.stdout.write("\n")
    sys.stdout.flush()
    threading.Thread(target=_warm, args=(sites[0],), name="warm", daemon=True).start()
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        (settings.data / "server.json").unlink(missing_ok=True)


def _warm(site: Site) -> None:
    site.warm()
    set_start_aside()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        text = f"{settings.host}:{settings.port} is not free ({error.strerror}): choose another port with --port."
        raise Unavailable(text, code="port") from None
    listener.listen(128)
    return listener


@contextmanager
def _orderly_end() -> Iterator[None]:
    """Lets SIGTERM, and the end of the terminal, unwind the program, where they would end it on the spot."""

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, end)
    terminal = signal.getsignal(signal.SIGHUP)
    if terminal is signal.SIG_DFL:  # and not ignored, as under nohup
        signal.signal(signal.SIGHUP, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGHUP, terminal)


@contextmanager
def _sole_server(data: Path) -> Iterator[None]:
    """Holds the data folder; raises `Unavailable` when another server does."""
    with (data / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"Another Tenfold serves {data} already.", code="data.in-use") from None
        yield


def _has_rebooted(data: Path) -> bool:
    """Whether the machine was started anew since the last server; remembers this start."""
    now = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    path = data / "boot_id"
    before = path.read_text("ascii").strip() if path.exists() else now
    write_durably(path, now.encode())
    return before != now


def _make_model_imports(database: Database, models: ModelService, errands: Errands, **stored: Any) -> ModelImports:
    write = ForeignFolderWriter(predict_script=predict_text)
    return ModelImports(database, models.named, errands, write=write, **stored)


def _make_apart(decoder: ImageDecoder) -> Predictor:
    """What foreign models classify with."""
    seconds = ANSWER_LIMITS.wall_s
    return cast("Predictor", find(APART)(decoder, COMMAND, seconds=seconds, most=MOST_ANSWERING))


class _LatePredictor:
    """A predictor, loaded when somebody classifies for the first time."""

    def __init__(self, make: Callable[[], Predictor]) -> None:
        self._make = make
        self._mutex = threading.Lock()
        self._predictor: Predictor | None = None

    def classify(self, folder: Path, pictures: list[bytes]) -> list[tuple[Prediction, ...]]:
        with self._mutex:
            if self._predictor is None:
                self._predictor = self._make()
        return self._predictor.classify(folder, pictures)

    def close(self) -> None:
        if self._predictor is not None:
            self._predictor.close()
