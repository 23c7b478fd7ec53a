"""A folder used in place through real workers: training starts before the pictures are packed, kills do not matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.errors import Conflict, InvalidFields
from tenfold.core.events import Envelope, Json, PhaseStarted
from tenfold.core.jobs.model import Job
from tenfold.core.repository import Query
from tenfold.services.datasets import ImportRequest
from tenfold.testing.pictures import write_shapes

from .workstation import Workstation


@pytest.fixture(scope="module")
def folder(workstation: Workstation) -> Path:
    home = workstation.data.parent / "many"
    write_shapes(home, per_class=1500)
    return home


def now(workstation: Workstation, made: Dataset) -> Dataset:
    return workstation.services.datasets.named.get(workstation.owner, made.id)


def revisions(workstation: Workstation, made: Dataset) -> list[Revision]:
    return list(workstation.services.revisions.history(workstation.owner, made).items)


def packing_job(workstation: Workstation, made: Dataset) -> Job:
    with workstation.services.database.read() as tx:
        jobs = tx.jobs.page(Query(where={"subject": made.id})).items
    return next(job for job in jobs if job.id != made.job)


def events_of(workstation: Workstation, job: Job) -> list[Envelope]:
    return list(workstation.services.desk._folders.read_events(job.id, 0)[0])


def wait_packed(workstation: Workstation, made: Dataset) -> Dataset:
    return workstation.wait(lambda: now(workstation, made), lambda dataset: "packing" not in dataset.progress)


def test_a_run_trains_on_files_that_are_packed_behind_it(workstation: Workstation, folder: Path) -> None:
    made = workstation.dataset(folder, storage="in place")
    assert made.state == "ready", made.message
    assert "packing" in made.progress
    first = made.revision
    with pytest.raises(Conflict, match="many is being packed"):
        workstation.services.revisions.edit(workstation.owner, made.id, Edit(Change(action="exclude"), (0,)), on=first)
    run = workstation.start(dataset=made.name, network="lenet", epochs=1)
    job = packing_job(workstation, made)
    workstation.wait(lambda: events_of(workstation, job), bool)
    workstation.services.desk._executor.kill(job.id)
    packed = wait_packed(workstation, made)
    assert packed.progress == {}
    assert [revision.is_in_place for revision in revisions(workstation, made)] == [False, True]
    assert packed.revision != first
    over = workstation.finish(run)
    assert over.state == "finished", over.message
    assert over.revision == first
    phases = [each.event.phase for each in events_of(workstation, job) if isinstance(each.event, PhaseStarted)]
    assert [phase for at, phase in enumerate(phases) if phase not in phases[:at]] == [
        "verifying",
        "packing",
        "publishing",
    ]
    assert packing_job(workstation, made).attempt == 2, workstation.services.desk.story(job.id)
    reader = workstation.services.datasets.reader(workstation.owner, packed)
    assert reader.is_packed
    assert reader.manifest.num_samples == 4500
    again = workstation.start(dataset=made.name, network="lenet", epochs=1)
    assert workstation.finish(again).revision == packed.revision


@pytest.mark.parametrize("source", [{"upload": "upl_0000000000000000"}, {"sample": "mnist"}, {"bucket": "b"}])
def test_only_files_of_this_machine_are_used_in_place(workstation: Workstation, source: dict[str, Json]) -> None:
    request = ImportRequest(source=source, values={"storage": "in place"})
    with pytest.raises(InvalidFields, match="Only files of this machine can be used in place"):
        workstation.services.datasets.import_samples(workstation.owner, request)


def test_packing_that_was_stopped_leaves_the_files_in_use_and_can_be_asked_for(
    workstation: Workstation, folder: Path
) -> None:
    services, owner = workstation.services, workstation.owner
    made = workstation.dataset(folder, storage="in place")
    services.datasets.stop_import(owner, made.id)
    stopped = wait_packed(workstation, made)
    assert (stopped.state, stopped.revision) == ("ready", made.revision)
    with pytest.raises(Conflict, match="used in place: pack them"):
        services.revisions.edit(owner, made.id, Edit(Change(action="exclude"), (0,)), on=made.revision)
    with pytest.raises(Conflict, match="used in place: pack them"):
        services.additions.add(owner, made.id, {"folder": str(folder)})
    services.datasets.pack(owner, made.id)
    with pytest.raises(Conflict, match="being packed already"):
        services.datasets.pack(owner, made.id)
    packed = wait_packed(workstation, made)
    assert packed.progress == {}
    assert packed.revision != made.revision
    with pytest.raises(Conflict, match="are packed"):
        services.datasets.pack(owner, made.id)
