"""Adding to a dataset: who may, what waits meanwhile, and how it ends."""

from __future__ import annotations

import json

import pytest

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.errors import Conflict, Forbidden, InUse
from tenfold.core.events import Ended, Progressed, Published, Started
from tenfold.core.ids import JobId

from .bench import Bench


def add(bench: Bench) -> tuple[Dataset, JobId]:
    dataset = bench.additions.add(bench.owner, "shapes", {"folder": str(bench.home / "more")})
    return dataset, JobId(str(dataset.progress["adding"]))


def test_the_worker_is_told_what_it_adds_to(bench: Bench) -> None:
    first = bench.ready()
    dataset, job = add(bench)
    told = json.loads((bench.folders.path(job) / "spec.json").read_text("utf-8"))
    assert (told["parent"], told["source"], told["spec"]) == (
        first.revision,
        {"folder": str(bench.home / "more")},
        first.spec,
    )
    assert told["revision"] not in {first.revision, ""}
    assert (dataset.state, dataset.revision) == ("ready", first.revision)


def test_meanwhile_the_dataset_is_used_and_nobody_changes_it(bench: Bench) -> None:
    first = bench.ready()
    _, job = add(bench)
    assert bench.start(name="meanwhile").revision == first.revision
    for call in (
        lambda: add(bench),
        lambda: bench.revisions.undo(bench.owner, "shapes", on=first.revision),
        lambda: bench.revisions.edit(bench.owner, "shapes", Edit(Change(action="exclude"), (0,)), on=first.revision),
    ):
        with pytest.raises(Conflict, match="Pictures are being added to shapes") as error:
            call()
        assert error.value.code == "dataset.adding"
    bench.tell(job, Started(pid=1), Progressed(done=3, total=9, unit="pictures"))
    progress = bench.datasets.named.get(bench.owner, "shapes").progress
    assert (progress["done"], progress["adding"]) == (3, job)


def test_what_was_published_becomes_the_current_revision(bench: Bench) -> None:
    first = bench.ready()
    _, job = add(bench)
    told = json.loads((bench.folders.path(job) / "spec.json").read_text("utf-8"))
    worker = bench.worker(job)
    staged = worker.staging()
    (staged / "manifest.json").write_text("made")
    facts = {"revision": told["revision"], "parent": first.revision, "summary": "4 added"}
    published = Published(
        folder="result", manifest=worker.publish(staged), facts={**facts, "num_samples": 22, "num_classes": 3}
    )
    worker.close()
    bench.end(job, Started(pid=1), published, Ended(outcome="finished"))
    dataset = bench.datasets.named.get(bench.owner, "shapes")
    assert (dataset.revision, dataset.num_samples, dataset.progress) == (told["revision"], 22, {})
    revision = bench.datasets.revision(bench.owner, dataset)
    assert revision is not None
    assert (revision.number, revision.parent, revision.author) == (2, first.revision, bench.owner.user)
    assert bench.revisions.undo(bench.owner, "shapes", on=revision.id).id == first.revision


@pytest.mark.parametrize(
    ("ended", "progress"),
    [
        (Ended(outcome="failed", code="dataset.nothing-new", message="Nothing new."), {"problem": "Nothing new."}),
        (Ended(outcome="stopped"), {}),
    ],
)
def test_an_addition_that_does_not_finish_leaves_the_dataset_as_it_was(
    bench: Bench, ended: Ended, progress: dict[str, str]
) -> None:
    first = bench.ready()
    _, job = add(bench)
    if ended.outcome == "stopped":
        bench.datasets.stop_import(bench.owner, "shapes")
        assert (bench.folders.path(job) / "stop").exists()
    bench.end(job, Started(pid=1), ended)
    dataset = bench.datasets.named.get(bench.owner, "shapes")
    assert (dataset.state, dataset.revision, dataset.progress) == ("ready", first.revision, progress)
    add(bench)
    with pytest.raises(InUse, match="its own import, which is not over"):
        bench.datasets.named.trash(bench.owner, "shapes")


def test_owners_and_nobody_else_add(bench: Bench) -> None:
    bench.ready(actor=bench.editor)
    for actor in (bench.viewer, bench.person("editor", name="other")):
        with pytest.raises(Forbidden):
            bench.additions.add(actor, "shapes", {"folder": str(bench.home)})
