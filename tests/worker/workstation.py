"""A whole Tenfold without its doors, on a folder of the test: real database, real desk, real worker processes."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tenfold.bootstrap.server import build_services
from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.events import Envelope
from tenfold.core.jobs.model import OPEN_STATES
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.training.run import Run
from tenfold.interfaces.services import Services
from tenfold.services.datasets import ImportRequest
from tenfold.settings import Settings

SeenT = TypeVar("SeenT")
PATIENCE_S = 300.0
ALL_CORES = len(os.sched_getaffinity(0))
"""As many threads as a run has that says nothing of them."""
# All kinds of state that a resume must bring back: momentum, dropout's generator, running statistics.
DROPPING = CatalogueEntry(
    name="dropping",
    title="A small network with dropout and batch normalisation",
    paper="",
    text="""language 1
network dropping "for tests"
param classes = 10 in 2..1000
param hidden = 1500 in 1..100000
input image = image(1, 28, 28)

conv1 = conv(8, 5)
bn1 = batch_norm
relu
max_pool(4)
flatten
dropout(0.3)
fc1 = dense(hidden)
relu
dropout(0.5)
fc2 = dense(classes)
output logits
""",
)


# LeNet that begins with the weights of a model named `teacher`.
TAUGHT = CatalogueEntry(
    name="taught",
    title="LeNet, taught before",
    paper="",
    text="""language 1
network taught "for tests"
param classes = 10 in 2..1000
input image = image(1, 28, 28)

first = conv(20, 5)
max_pool(2)
conv2 = conv(50, 5)
max_pool(2)
flatten
ip1 = dense(500)
relu
ip2 = dense(classes)
output logits
pretrained "model:teacher"
renamed conv1 to first
""",
)


class Workstation:
    """Services over a data folder, and what tests ask of them."""

    def __init__(self, services: Services, data: Path) -> None:
        self.services = services
        self.data = data
        self.owner: Actor = services.owner

    def dataset(self, folder: Path, **values: object) -> Dataset:
        """Imports a folder and waits for it."""
        request = ImportRequest(source={"folder": str(folder)}, values=values, proposed_name=folder.name)
        made = self.services.datasets.import_samples(self.owner, request)
        return self.wait(lambda: self.services.datasets.named.get(self.owner, made.id), lambda d: d.state != "building")

    def start(self, **values: object) -> Run:
        """A run in one thread where nothing else is said: small networks mostly wait for a second one."""
        parameters = values.pop("parameters", {})
        assert isinstance(parameters, dict)
        return self.services.runs.start(self.owner, {"threads": 1, **values}, parameters)

    def run(self, run: Run) -> Run:
        """The run as it is now."""
        return self.services.runs.named.get(self.owner, run.id)

    def finish(self, run: Run) -> Run:
        """Waits until the run is over."""
        return self.wait(lambda: self.run(run), lambda now: now.state not in OPEN_STATES)

    def events(self, run: Run) -> list[Envelope]:
        """All events of a run's job, straight from its folder."""
        folders = self.services.desk._folders
        found, _ = folders.read_events(run.job, 0)
        return list(found)

    def kill(self, run: Run) -> None:
        """Kills the worker with SIGKILL."""
        self.services.desk._executor.kill(run.job)

    def rows(self, run: Run) -> list[tuple[int, float, dict[str, float]]]:
        """The metric rows as stored."""
        with self.services.database.read() as tx:
            return tx.histories.rows(run.id)

    def weights_sha256(self, run: Run) -> str:
        """The hash of the published weights."""
        model = self.run(run).model
        assert model is not None, self.run(run).message
        files = self.services.models.named.get(self.owner, model).files
        path = self.data / "artifacts" / "models" / files / "model.safetensors"
        return hashlib.sha256(path.read_bytes()).hexdigest()

    @staticmethod
    def wait(look: Callable[[], SeenT], until: Callable[[SeenT], bool], *, pause_s: float = 0.02) -> SeenT:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            seen = look()
            if until(seen):
                return seen
            time.sleep(pause_s)
        raise AssertionError(f"after {PATIENCE_S:.0f} s it is still {look()}")


@contextmanager
def open_workstation(data: Path, roots: list[Path]) -> Iterator[Workstation]:
    """A workstation that is closed at the end, its running jobs killed."""
    data.mkdir(parents=True, exist_ok=True)
    services = build_services(Settings(data=data, roots=roots), catalogue=[DROPPING, TAUGHT])
    try:
        yield Workstation(services, data)
    finally:
        for job in services.desk.queue():
            services.desk.stop(job.id)
            services.desk._executor.kill(job.id)
        services.close()
