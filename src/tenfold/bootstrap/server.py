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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import uvicorn

from tenfold import __version__
from tenfold.adapters.devices.gauges import SystemGauges
from tenfold.adapters.executors.local.executor import LocalExecutor
from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.formats.checkup_folder import CheckupFolder
from tenfold.adapters.formats.dataset_export import export_dataset
from tenfold.adapters.formats.derived_revision import derive_revision
from tenfold.adapters.formats.download import build_download
from tenfold.adapters.formats.in_place_reader import RevisionOpener
from tenfold.adapters.formats.revision_reader import as_png
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.adapters.passwords.argon2id import Argon2Hasher
from tenfold.adapters.sources.roots import Roots
from tenfold.adapters.sources.samples import SampleCache
from tenfold.adapters.storage.artifacts import FolderArtifacts
from tenfold.adapters.storage.durable import write_durably
from tenfold.adapters.storage.job_folders import LocalJobFolders
from tenfold.adapters.storage.sql import open_sqlite
from tenfold.bootstrap.addresses import link_hosts, served_hosts
from tenfold.bootstrap.arrivals import Arrivals, open_arrivals
from tenfold.bootstrap.memory import give_back_large_blocks
from tenfold.bootstrap.owner import owner_name
from tenfold.bootstrap.tasks import PREDICTOR, TASKS, find
from tenfold.core.errors import Forbidden, Unavailable
from tenfold.core.inference.ports import Prediction, Predictor
from tenfold.core.jobs.model import OWN_SLOTS
from tenfold.core.jobs.ports import JobFolders
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.repository import Database
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.entry import add_pages
from tenfold.interfaces.web.site import Site
from tenfold.services.accounts import AccountService
from tenfold.services.additions import AdditionService
from tenfold.services.checkup_book import CheckupBook
from tenfold.services.checkup_jobs import CheckupObserver, CheckupQueue
from tenfold.services.checkups import CheckupParts, CheckupService
from tenfold.services.datasets import DatasetService, ImportObserver
from tenfold.services.desk import JobDesk
from tenfold.services.exports import ExportService
from tenfold.services.hub import Hub
from tenfold.services.machine import MachineService
from tenfold.services.models import ModelService
from tenfold.services.networks import NetworkService
from tenfold.services.previews import PreviewService
from tenfold.services.revisions import RevisionService
from tenfold.services.run_observer import RunObserver
from tenfold.services.runs import RunService
from tenfold.services.trash import TrashService
from tenfold.settings import Settings

SHUTDOWN_S = 2
CLASSIFIED_PIXELS = 50_000_000  # a server holds one such picture at a time, at most 0.8 GB with transparency


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
    slots = [
        ("cpu", settings.cpu_jobs),
        *((kind, 1) for kind in OWN_SLOTS),
        *((slot, 1) for slot in gauges.gpu_slots()),
    ]
    desk = _make_desk(database, data, folders=folders, slots=slots)
    checkups = _make_checkups(database, desk, artifacts=artifacts, folders=folders, hub=hub)
    _observe(desk, database, arrivals, checkups, artifacts=artifacts, folders=folders, hub=hub)
    datasets = _make_datasets(database, desk, artifacts, roots)
    revisions = _make_revisions(database, datasets, artifacts, checkups)
    additions = AdditionService(database, desk=desk, revisions=revisions, roots=list(roots.roots()), clock=time.time)
    networks = NetworkService([*read_catalogue(), *catalogue], time.monotonic)
    about: dict[str, Any] = {"datasets": datasets, "networks": networks, "artifacts": artifacts}
    runs = RunService(database, desk=desk, tasks=TASKS, clock=time.time, **about)
    models = ModelService(
        database, artifacts=artifacts, predictor=_LatePredictor(), build_download=build_download, clock=time.time
    )
    accounts = AccountService(database, Argon2Hasher(), time.time)
    owner = accounts.actor_of_user(accounts.ensure_owner(owner_name()).id)
    kept: dict[str, Any] = {"uploads": arrivals.uploads, "secrets": arrivals.secrets}
    trash = TrashService(database, artifacts=artifacts, folders=folders, clock=time.time, **kept)
    desk.open()
    trash.open()
    return Services(
        database=database,
        accounts=accounts,
        datasets=datasets,
        revisions=revisions,
        exports=ExportService(database, datasets=datasets, export=export_dataset),
        additions=additions,
        checkups=CheckupService(database, desk=desk, revisions=revisions, runs=runs, models=models, parts=checkups),
        networks=networks,
        runs=runs,
        models=models,
        desk=desk,
        trash=trash,
        hub=hub,
        machine=MachineService(gauges),
        folders=roots,
        layouts=arrivals.layouts,
        previews=PreviewService(roots, PillowDecoder(CLASSIFIED_PIXELS), encode=as_png),
        uploads=arrivals.upload_service,
        remote=arrivals.remote_service,
        samples=SampleCache(data / "cache"),
        owner=owner,
        version=__version__,
    )


def _make_checkups(
    database: Database, desk: JobDesk, *, artifacts: FolderArtifacts, folders: LocalJobFolders, hub: Hub
) -> CheckupParts:
    book = CheckupBook(database, artifacts=artifacts, open_checkup=CheckupFolder)
    return CheckupParts(
        queue=CheckupQueue(database, desk=desk, artifacts=artifacts, book=book, clock=time.time),
        book=book,
        observer=CheckupObserver(database, artifacts=artifacts, folders=folders, hub=hub),
    )


def _observe(desk: JobDesk, database: Database, arrivals: Arrivals, checkups: CheckupParts, **about: Any) -> None:
    """Lets runs, datasets and checkups hear of their jobs; `about` is what runs and datasets work with."""
    kept: dict[str, Any] = {"uploads": arrivals.uploads, "secrets": arrivals.secrets}
    desk.observe("train", RunObserver(database, **about))
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


def _make_desk(database: Database, data: Path, *, folders: JobFolders, slots: list[tuple[str, int]]) -> JobDesk:
    return JobDesk(
        database,
        folders=folders,
        executor=LocalExecutor(data / "jobs"),
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
    threading.Thread(target=sites[0].warm, name="warm", daemon=True).start()
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        (settings.data / "server.json").unlink(missing_ok=True)


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


class _LatePredictor:
    """The predictor, loaded when somebody classifies for the first time."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._predictor: Predictor | None = None

    def classify(self, folder: Path, pictures: list[bytes]) -> list[tuple[Prediction, ...]]:
        with self._mutex:
            if self._predictor is None:
                self._predictor = cast("Predictor", find(PREDICTOR)(PillowDecoder(CLASSIFIED_PIXELS)))
        return self._predictor.classify(folder, pictures)

    def close(self) -> None:
        if self._predictor is not None:
            self._predictor.close()
