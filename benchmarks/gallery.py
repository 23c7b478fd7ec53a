"""200 thumbnails of a dataset of a million pictures: the first page against page 4,000, list and pictures together."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message

from tenfold.adapters.formats.revisions.derived import derive_revision
from tenfold.bootstrap.server import build_services
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.ids import DatasetId, JobId, RevisionId, new_id
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.settings import Settings
from tenfold.testing.revisions import write_revision

NUM_SAMPLES = 1_000_000
PAGE = 200
FAR = 4000
ROUNDS = 40
MIXED = SampleFilter(sort="mixed")


def measure() -> list[dict[str, Any]]:
    """Milliseconds at the 95th percentile; the order of a filter is reckoned once and then remembered."""
    with tempfile.TemporaryDirectory() as home:
        data = Path(home, "data")
        data.mkdir()
        services = build_services(Settings(data=data, roots=[Path(home)]))
        try:
            dataset = make_dataset(services, data)
            reader = services.datasets.reader(services.owner, dataset)
            reckoned = {name: seconds(partial(reader.find, wanted)) for name, wanted in FIRST_TIMES.items()}
            far = cursor_before(reader, FAR)
            first = [seconds(lambda: show(reader, "")) for _ in range(ROUNDS)]
            last = [seconds(lambda: show(reader, far)) for _ in range(ROUNDS)]
            lists, pictures = asyncio.run(over_http(services, dataset, far))
            edit = seconds(lambda: edit_a_thousand(data, dataset))
        finally:
            services.close()
    found = [
        _row("gallery_first_page_p95", p95(first), "list and 200 thumbnails in the process", 50),
        _row("gallery_page_4000_p95", p95(last), f"first page {p95(first):.1f} ms", 50),
        _row("gallery_list_request_p95", p95(lists), "page 4,000 as the API answers it", 50),
        _row("gallery_thumbnail_request_p95", p95(pictures), "one picture as the API answers it", 50),
        _row("gallery_edit", edit * 1000, "1,000 of a million pictures get another class, written and hashed", None),
    ]
    return found + [
        _row(f"gallery_order_{name}", taken * 1000, "reckoned for the first time", None)
        for name, taken in reckoned.items()
    ]


FIRST_TIMES = {
    "mixed": MIXED,
    "brightness": SampleFilter(sort="-brightness"),
    "path": SampleFilter(sort="path"),
    "text": SampleFilter(text="img_00000", split="val"),
}


def make_dataset(services: Services, data: Path) -> Dataset:
    """A million drawn pictures of 28 x 28 as a dataset that is ready."""
    revision = RevisionId(new_id("revision"))
    manifest = write_revision(data / "artifacts" / "revisions" / revision, NUM_SAMPLES, side=28)
    facts = {"num_samples": NUM_SAMPLES, "num_classes": len(manifest.classes)}
    dataset = Dataset(
        id=DatasetId(new_id("dataset")),
        name="million",
        owner=services.owner.user,
        created_at=0.0,
        changed_at=0.0,
        task="classification",
        state="ready",
        revision=revision,
        job=JobId(new_id("job")),
        spec={},
        source={},
        num_samples=NUM_SAMPLES,
        num_classes=len(manifest.classes),
    )
    with services.database.write() as tx:
        tx.datasets.add(dataset)
        size = manifest.size_bytes
        tx.revisions.add(
            Revision(
                id=revision, dataset=dataset.id, number=1, created_at=0.0, manifest="", size_bytes=size, facts={**facts}
            )
        )
    return dataset


def cursor_before(reader: RevisionReader, number: int) -> str:
    """What the page before page `number` told."""
    order = reader.find(MIXED)
    return str(order[(number - 1) * PAGE - 1])


def show(reader: RevisionReader, cursor: str) -> None:
    for item in reader.page(MIXED, cursor=cursor, limit=PAGE).items:
        reader.thumbnail(item.index)


async def over_http(services: Services, dataset: Dataset, cursor: str) -> tuple[list[float], list[float]]:
    """Seconds of each request for the list and for a picture, through the whole application."""
    app = create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=lambda _app: None)
    reader = services.datasets.reader(services.owner, dataset)
    at = f"/api/v1/datasets/{dataset.name}/samples"
    query = f"sort=mixed&limit={PAGE}&cursor={cursor}"
    lists = [await answer_s(app, at, query) for _ in range(ROUNDS)]
    shown = reader.page(MIXED, cursor=cursor, limit=PAGE).items
    return lists, [
        await answer_s(app, f"{at}/{item.index}/thumbnail", f"revision={dataset.revision}") for item in shown
    ]


async def answer_s(app: ASGIApp, path: str, query: str) -> float:
    """Seconds that the application takes for a request, without a network."""
    headers = [(b"host", b"127.0.0.1"), (b"authorization", b"Bearer local")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 5000),
    }
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    started = time.perf_counter()
    await app(scope, receive, send)
    taken = time.perf_counter() - started
    assert told[0]["status"] == 200, told
    return taken


def edit_a_thousand(data: Path, dataset: Dataset) -> None:
    folder = data / "artifacts" / "revisions"
    (folder / "edited").mkdir()
    change = Edit(Change(action="relabel", label="wasp"), tuple(range(0, NUM_SAMPLES, NUM_SAMPLES // 1000)))
    derive_revision(folder / dataset.revision, folder / "edited", change)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[18] * 1000


def _row(name: str, value: float, about: str, goal: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": "ms",
        "opponent": about,
        "goal": "" if goal is None else f"<= {goal:g}",
        "holds": None if goal is None else value <= goal,
    }
