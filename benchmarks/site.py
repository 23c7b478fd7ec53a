"""A Tenfold without doors for the figures, on a folder of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenfold.bootstrap.server import build_services
from tenfold.core.events import Measured
from tenfold.interfaces.services import Services
from tenfold.services.datasets import ImportRequest
from tenfold.settings import Settings
from tenfold.testing.pictures import write_shapes


class Site:
    """Services with one small dataset."""

    def __init__(self, services: Services, data: Path) -> None:
        self.services = services
        self.data = data

    def warm(self) -> None:
        """Returns when the template is ready."""
        self.services.desk.warm()
        while self.services.desk.executor_facts()["template"] != "ready":
            time.sleep(0.05)

    def seconds_to_first_step(self) -> float:
        """From the submit until the first step's row is in the events."""
        services, owner = self.services, self.services.owner
        values = {"dataset": "shapes", "network": "lenet", "epochs": 50, "steps_per_row": 1}
        started = time.perf_counter()
        run = services.runs.start(owner, values, {})
        events = self.data / "jobs" / run.job / "events.jsonl"
        while not events.exists() or f'"type": "{Measured.type}"'.encode() not in events.read_bytes():
            time.sleep(0.0005)
        seconds = time.perf_counter() - started
        services.runs.stop(owner, run.id)
        while services.desk.queue():
            time.sleep(0.02)
        return seconds


@contextmanager
def open_site(home: Path) -> Iterator[Site]:
    """A site with the dataset `shapes`, 600 pictures of 28 x 28."""
    write_shapes(home / "shapes", per_class=200)
    data = home / "data"
    data.mkdir()
    services = build_services(Settings(data=data, roots=[home]))
    try:
        source = {"folder": str(home / "shapes")}
        made = services.datasets.import_samples(services.owner, ImportRequest(source, {}, name="shapes"))
        while services.datasets.named.get(services.owner, made.id).state == "building":
            time.sleep(0.05)
        yield Site(services, data)
    finally:
        services.close()
