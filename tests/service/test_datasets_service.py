"""What people can do with datasets, and what their import jobs make of them."""

from __future__ import annotations

import json
from functools import partial

import pytest

from tenfold.core.errors import Conflict, Forbidden, InUse, InvalidFields, NameTaken, NotFound
from tenfold.core.events import Ended, PhaseStarted, Progressed, Published, Started
from tenfold.services.datasets import ImportRequest
from tenfold.services.repeats import Request

from .bench import Bench


def test_an_import_is_stored_told_to_its_worker_and_started(bench: Bench) -> None:
    dataset = bench.import_shapes(width=14, height=14)
    assert (dataset.state, dataset.num_samples) == ("building", 0)
    told = json.loads((bench.folders.path(dataset.job) / "spec.json").read_text("utf-8"))
    assert told["kind"] == "import"
    assert told["source"] == {"folder": str(bench.home / "shapes")}
    assert (told["spec"]["width"], told["roots"]) == (14, [str(bench.home)])
    assert bench.processes.started == [(dataset.job, 1, "import")]


def test_a_built_dataset_has_a_revision_and_a_reader(bench: Bench) -> None:
    dataset = bench.ready()
    assert (dataset.state, dataset.num_samples, dataset.num_classes) == ("ready", 18, 3)
    revision = bench.datasets.revision(bench.viewer, dataset)
    assert revision is not None
    assert (revision.number, revision.dataset) == (1, dataset.id)
    reader = bench.datasets.reader(bench.viewer, dataset)
    assert reader.manifest.classes == ("bar", "cross", "ring")
    assert bench.datasets.revision_reader(dataset.revision) is reader


def test_while_it_is_built_there_is_nothing_to_look_at(bench: Bench) -> None:
    dataset = bench.import_shapes()
    assert bench.datasets.revision(bench.viewer, dataset) is None
    with pytest.raises(Conflict, match="shapes is building; its pictures can be seen once it is ready"):
        bench.datasets.reader(bench.viewer, dataset)


def test_progress_reaches_the_dataset_and_listeners(bench: Bench) -> None:
    heard = []
    bench.hub.listen(heard.append)
    dataset = bench.import_shapes()
    bench.tell(
        dataset.job,
        PhaseStarted(phase="building"),
        Progressed(done=9, total=18, unit="pictures", seconds_left=2.0, per_second=4.5),
    )
    progress = bench.datasets.named.get(bench.viewer, dataset.id).progress
    assert progress == {"phase": "building", "done": 9, "total": 18, "seconds_left": 2.0, "per_second": 4.5}
    assert heard[-1].name == "dataset.progress"
    assert heard[-1].data["progress"] == progress


@pytest.mark.parametrize(
    ("ended", "code", "message"),
    [
        (Ended(outcome="failed", code="dataset.one-class", message="One class."), "dataset.one-class", "One class."),
        (Ended(outcome="stopped"), "dataset.stopped", "The import was stopped."),
    ],
)
def test_an_import_that_does_not_finish_says_why(bench: Bench, ended: Ended, code: str, message: str) -> None:
    dataset = bench.import_shapes()
    bench.end(dataset.job, Started(pid=1), ended)
    over = bench.datasets.named.get(bench.viewer, dataset.id)
    assert (over.state, over.code, over.message) == ("failed", code, message)


def test_stopping_leaves_word_and_takes_the_right_to_change(bench: Bench) -> None:
    dataset = bench.import_shapes(actor=bench.editor)
    for actor in (bench.viewer, bench.person("editor", name="other")):
        with pytest.raises(Forbidden):
            bench.datasets.stop_import(actor, dataset.id)
    bench.datasets.stop_import(bench.editor, "shapes")
    assert (bench.folders.path(dataset.job) / "stop").exists()
    bench.end(dataset.job, Ended(outcome="stopped"))
    with pytest.raises(Conflict, match="shapes is failed; only an import that goes on"):
        bench.datasets.stop_import(bench.editor, dataset.id)


def test_imports_follow_one_another(bench: Bench) -> None:
    first = bench.import_shapes("a")
    second = bench.import_shapes("b")
    assert bench.job(second.job).state == "waiting"
    bench.datasets.stop_import(bench.owner, "b")
    assert bench.datasets.named.get(bench.owner, "b").state == "failed"
    bench.build(first)
    assert bench.datasets.named.get(bench.owner, "a").state == "ready"


def test_all_wrong_fields_are_told_and_nothing_is_stored(bench: Bench) -> None:
    with pytest.raises(InvalidFields) as error:
        bench.import_shapes(width=0, colour="blue", siez=3)
    assert sorted(problem.field for problem in error.value.problems) == ["colour", "siez", "width"]
    with pytest.raises(InvalidFields, match="Give width and height, or neither"):
        bench.import_shapes(width=5)
    with bench.database.read() as tx:
        assert (tx.datasets.count(), tx.jobs.count()) == (0, 0)


def test_a_taken_name_is_refused_and_a_proposed_one_counts_on(bench: Bench) -> None:
    bench.import_shapes("shapes")
    with pytest.raises(NameTaken):
        bench.import_shapes("shapes")
    proposed = ImportRequest(source={"folder": str(bench.home)}, values={}, proposed_name="shapes")
    assert bench.datasets.import_samples(bench.owner, proposed).name == "shapes-2"


def test_a_viewer_imports_nothing(bench: Bench) -> None:
    with pytest.raises(Forbidden, match=r"dataset\.create needs an editor"):
        bench.import_shapes(actor=bench.viewer)


def test_the_same_key_gives_the_same_dataset(bench: Bench) -> None:
    request = ImportRequest(source={"folder": str(bench.home)}, values={}, name="once")
    repeat = Request(bench.owner, "k", {"name": "once"})
    assert bench.datasets.earlier_import(bench.owner, repeat) is None
    first = bench.datasets.import_samples(bench.owner, request, repeat=repeat)
    assert bench.datasets.import_samples(bench.owner, request, repeat=repeat).id == first.id
    assert bench.datasets.earlier_import(bench.owner, repeat) == first
    other = Request(bench.owner, "k", {"name": "once", "seed": 2})
    for asked in (bench.datasets.earlier_import, partial(bench.datasets.import_samples, request=request)):
        with pytest.raises(Conflict) as error:
            asked(bench.owner, repeat=other)
        assert error.value.code == "idempotency.key-reused"
    assert len(bench.processes.started) == 1


def test_an_import_that_dies_is_tried_again_from_the_start(bench: Bench) -> None:
    dataset = bench.import_shapes()
    bench.tell(dataset.job, Started(pid=1))
    bench.processes.alive.clear()
    bench.desk.tick()
    assert bench.job(dataset.job).attempt == 2
    bench.build(dataset)
    assert bench.datasets.named.get(bench.owner, dataset.id).state == "ready"


def test_a_publication_of_an_attempt_that_was_overtaken_is_not_taken(bench: Bench) -> None:
    dataset = bench.import_shapes()
    worker = bench.worker(dataset.job)
    staged = worker.staging()
    (staged / "half").write_text("x")
    worker.emit(Published(folder="result", manifest=worker.publish(staged), facts={}))
    worker.close()
    with bench.database.write() as tx:
        job = tx.jobs.get(dataset.job)
        tx.jobs.update(type(job)(**{**vars(job), "attempt": job.attempt + 1}))
    bench.desk.tick()
    assert bench.datasets.revision(bench.owner, dataset) is None


def test_a_publication_that_is_not_what_its_manifest_says_is_not_taken(bench: Bench) -> None:
    dataset = bench.import_shapes()
    worker = bench.worker(dataset.job)
    staged = worker.staging()
    (staged / "file").write_text("right")
    manifest = worker.publish(staged)
    (staged.with_name("result") / "file").write_text("wrong")
    worker.close()
    published = Published(folder="result", manifest=manifest, facts={})
    bench.end(dataset.job, published, Ended(outcome="finished"))
    over = bench.datasets.named.get(bench.owner, dataset.id)
    assert (over.state, over.code) == ("failed", "job.unreadable")
    assert "file in result is missing or not as it was published." in over.message
    assert bench.datasets.revision(bench.owner, dataset) is None


def test_a_publication_is_taken_once_also_after_a_crash_between_files_and_row(bench: Bench) -> None:
    """The folder is moved before the transaction commits; the next life of the server finds it moved."""
    dataset = bench.import_shapes()
    worker = bench.worker(dataset.job)
    staged = worker.staging()
    (staged / "file").write_text("x")
    manifest = worker.publish(staged)
    bench.artifacts.adopt(staged.with_name("result"), "revisions", dataset.revision, manifest)
    worker.emit(Published(folder="result", manifest=manifest, facts={"num_samples": 5, "num_classes": 2}))
    worker.close()
    bench.end(dataset.job, Ended(outcome="finished"))
    revision = bench.datasets.revision(bench.owner, dataset)
    assert revision is not None
    assert revision.manifest == manifest


def test_a_dataset_that_is_trained_on_stays(bench: Bench) -> None:
    dataset = bench.ready()
    run = bench.start(name="busy")
    assert bench.datasets.named.used_by(bench.viewer, dataset) == ["the run busy"]
    bench.train(run)
    assert bench.datasets.named.used_by(bench.viewer, dataset) == ["the run busy", "the model busy"]
    with pytest.raises(InUse, match="shapes is used by the run busy, the model busy"):
        bench.datasets.named.trash(bench.owner, "shapes")
    bench.runs.named.trash(bench.owner, "busy")
    bench.models.named.trash(bench.owner, "busy")
    assert bench.datasets.named.trash(bench.owner, "shapes").trashed_at is not None
    with pytest.raises(InvalidFields) as error:
        bench.start()
    assert error.value.problems[0].code == "dataset.not-found"


def test_what_is_in_the_trash_is_not_trained_on_by_its_id_either(bench: Bench) -> None:
    dataset = bench.ready()
    bench.datasets.named.trash(bench.owner, "shapes")
    with pytest.raises(InvalidFields, match="shapes is in the trash: take it out first"):
        bench.start(dataset.id)


def test_a_dataset_is_not_thrown_away_while_it_is_built(bench: Bench) -> None:
    dataset = bench.import_shapes()
    with pytest.raises(InUse, match="its own import, which is not over"):
        bench.datasets.named.trash(bench.owner, dataset.id)


def test_missing_files_of_a_revision_are_told(bench: Bench) -> None:
    dataset = bench.ready()
    bench.artifacts.remove("revisions", dataset.revision)
    bench.open_desk()
    with pytest.raises(NotFound) as error:
        bench.datasets.reader(bench.owner, dataset)
    assert error.value.code == "artifact.missing"
