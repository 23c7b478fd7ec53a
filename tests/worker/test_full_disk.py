"""A disk without room under each kind of work: named, nothing half-published, the server unharmed, then resumed."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from full_disk import files_up_to
from sending import announce, append
from starlette.testclient import TestClient

from tenfold.adapters.sources.archives import extract_archive
from tenfold.client import Client
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.errors import StorageFull
from tenfold.core.events import Ended, PhaseStarted, Started
from tenfold.core.training.run import Run
from tenfold.interfaces.api.app import create_app
from tenfold.services.datasets import ImportRequest
from tenfold.testing.pictures import write_shapes

from .workstation import Workstation, open_workstation

VALUES = {"network": "lenet", "epochs": 2, "batch_size": 64}


@pytest.fixture(scope="module")
def workstation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workstation]:
    """A workstation whose template is warm."""
    home = tmp_path_factory.mktemp("full")
    write_shapes(home / "shapes", per_class=60)
    with open_workstation(home / "data", [home]) as opened:
        opened.services.desk.warm()
        opened.wait(opened.services.desk.executor_facts, lambda facts: facts["template"] == "ready")
        yield opened


@pytest.fixture(scope="module")
def few(workstation: Workstation) -> Dataset:
    made = workstation.dataset(workstation.data.parent / "shapes")
    assert made.state == "ready", made.message
    return made


@pytest.fixture(scope="module")
def whole(workstation: Workstation, few: Dataset) -> Run:
    """The run as it ends on a disk with room."""
    over = workstation.finish(workstation.start(dataset=few.name, **VALUES, name="whole"))
    assert over.state == "finished", over.message
    return over


def leftovers(workstation: Workstation) -> list[str]:
    """Whatever looks half-done below the data folder."""
    jobs = workstation.data / "jobs"
    return [str(path.relative_to(jobs)) for pattern in ("*.part", "unpacked") for path in jobs.rglob(pattern)]


def limit(pid: int, num_bytes: int) -> None:
    """From now on no file of a process, and of those it forks, grows beyond so many bytes."""
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (num_bytes, hard))


@contextmanager
def template_limited_to(workstation: Workstation, num_bytes: int) -> Iterator[None]:
    """Workers that are forked within the block have so much room."""
    template = workstation.services.desk._executor._template
    limit(template._process.pid, num_bytes)
    try:
        yield
    finally:
        limit(template._process.pid, resource.RLIM_INFINITY)


def failed_for_room(workstation: Workstation, run: Run) -> Run:
    over = workstation.finish(run)
    assert (over.state, over.code) == ("failed", "storage-full"), over.message
    assert over.model is None
    assert leftovers(workstation) == []
    assert [each.event.outcome for each in workstation.events(run) if isinstance(each.event, Ended)] == ["failed"]
    return over


def resume(workstation: Workstation, run: Run, whole: Run) -> None:
    """Once there is room it goes on and comes out as if nothing had been."""
    workstation.services.runs.resume(workstation.owner, run.id)
    over = workstation.finish(run)
    assert over.state == "finished", over.message
    assert workstation.weights_sha256(over) == workstation.weights_sha256(whole)
    assert workstation.rows(over) == workstation.rows(whole)


def test_no_room_for_a_checkpoint(workstation: Workstation, few: Dataset, whole: Run) -> None:
    with template_limited_to(workstation, 200_000):
        run = workstation.start(dataset=few.name, **VALUES, name="no-checkpoint")
        over = failed_for_room(workstation, run)
    assert "has no room left for 00000001-step-" in over.message
    assert "free some" in over.message
    resume(workstation, run, whole)


def limited_while_it_exports(workstation: Workstation, run: Run) -> bool:
    """Takes the room from a run that exports; false where it was through by then, for that takes only a moment."""
    workstation.wait(
        lambda: [each.event.phase for each in workstation.events(run) if isinstance(each.event, PhaseStarted)],
        lambda phases: "exporting" in phases,
        pause_s=0.002,
    )
    limit(next(each.event.pid for each in workstation.events(run) if isinstance(each.event, Started)), 100_000)
    return workstation.finish(run).state != "finished"


def test_no_room_for_the_model(workstation: Workstation, few: Dataset, whole: Run) -> None:
    """The training is through and its weights have no room."""
    run = next(
        run
        for number in range(10)
        if limited_while_it_exports(
            workstation, run := workstation.start(dataset=few.name, **VALUES, name=f"no-{number}")
        )
    )
    over = failed_for_room(workstation, run)
    assert over.message == f"The disk of {workstation.data} has no room left: free some, then go on."
    resume(workstation, run, whole)


def test_no_room_for_a_dataset(workstation: Workstation) -> None:
    request = ImportRequest(source={"folder": str(workstation.data.parent / "shapes")}, values={}, name="big")
    datasets = workstation.services.datasets
    with template_limited_to(workstation, 100_000):
        made = datasets.import_samples(workstation.owner, request)
        over = workstation.wait(
            lambda: datasets.named.get(workstation.owner, made.id), lambda found: found.state != "building"
        )
    assert (over.state, over.code) == ("failed", "storage-full")
    assert over.message == "There is no room for the dataset: it needs 1 MB. Free some and start again."
    assert leftovers(workstation) == []
    assert not (workstation.data / "artifacts" / "revisions" / over.revision).exists()


def test_no_room_to_unpack_an_archive(tmp_path: Path) -> None:
    write_shapes(tmp_path / "shapes", per_class=2, side=200)
    archive = Path(shutil.make_archive(str(tmp_path / "shapes"), "zip", tmp_path / "shapes"))
    with files_up_to(1000), pytest.raises(StorageFull, match="no room left to unpack the archive: free some"):
        extract_archive(archive, tmp_path / "unpacked")
    assert not (tmp_path / "unpacked").exists()


def test_the_server_tells_it_and_serves_on(workstation: Workstation, few: Dataset, whole: Run, tmp_path: Path) -> None:
    app = create_app(workstation.services, local_secret="local", hosts={"127.0.0.1"}, add_pages=lambda _app: None)
    client = TestClient(
        app,
        base_url="http://127.0.0.1:5000",
        headers={"authorization": "Bearer local"},
        raise_server_exceptions=False,
    )
    with files_up_to(50_000):
        begun = announce(client, {"a.zip": bytes(200_000)}).json()["id"]
        upload = append(client, begun, 0, bytes(200_000))
    assert (upload.status_code, upload.json()["code"]) == (507, "storage-full")
    assert upload.headers["content-type"] == "application/problem+json"
    with files_up_to(100):
        submit = client.post("/api/v1/runs", json={"dataset": few.name, "name": "unheard"})
    assert (submit.status_code, submit.json()["code"]) == (507, "storage-full")
    assert client.get("/api/v1/runs/unheard").status_code == 404
    assert client.get("/healthz").json()["status"] == "ok"
    again = client.post("/api/v1/runs", json={"dataset": few.name, "name": "unheard", "epochs": 1})
    assert again.status_code == 201


def test_a_download_without_room_leaves_no_file(workstation: Workstation, whole: Run, tmp_path: Path) -> None:
    app = create_app(workstation.services, local_secret="local", hosts={"127.0.0.1"}, add_pages=lambda _app: None)
    with TestClient(app, base_url="http://127.0.0.1:5000") as http:
        client = Client("http://127.0.0.1:5000", "local", transport=http._transport)
        with files_up_to(10_000), pytest.raises(OSError, match=r"whole\.zip"):
            client.models.download("whole", tmp_path / "whole.zip")
        assert list(tmp_path.iterdir()) == []
        assert client.models.download("whole", tmp_path / "whole.zip").stat().st_size > 10_000
