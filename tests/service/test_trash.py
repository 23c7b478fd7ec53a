"""The trash: what lay in it for thirty days goes for good, with its files, and nothing that is still needed."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tenfold.core.events import Ended, Json, Started
from tenfold.core.ids import ModelId, new_id
from tenfold.core.inference.model import model_id
from tenfold.core.repository import Query
from tenfold.services.datasets import ImportRequest
from tenfold.services.trash import DAY_S, TrashService

from .bench import Bench


@pytest.fixture
def trash(bench: Bench) -> TrashService:
    return TrashService(
        bench.database,
        artifacts=bench.artifacts,
        folders=bench.folders,
        uploads=bench.uploads,
        secrets=bench.secrets,
        clock=bench.clock,
    )


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def artifacts(bench: Bench, kind: str) -> list[str]:
    return files(bench.data / "artifacts" / kind)


def rows(bench: Bench) -> dict[str, int]:
    names = ("datasets", "revisions", "runs", "models", "jobs", "log_lines", "redirects")
    with bench.database.read() as tx:
        return {name: getattr(tx, name).count() for name in names}


def test_after_thirty_days_everything_of_it_is_gone(bench: Bench, trash: TrashService) -> None:
    bench.ready()
    run = bench.trained("first")
    bench.runs.named.rename(bench.owner, "first", "second")
    for named, name in ((bench.models, "first"), (bench.runs, "second"), (bench.datasets, "shapes")):
        named.named.trash(bench.owner, name)  # type: ignore[attr-defined]
    bench.clock.now += 30 * DAY_S - 60
    before = rows(bench)
    trash.empty()
    assert rows(bench) == before
    assert (len(artifacts(bench, "models")), len(artifacts(bench, "revisions"))) == (1, 1)
    bench.clock.now += 120
    trash.empty()
    assert rows(bench) == dict.fromkeys(before, 0)
    assert artifacts(bench, "models") == artifacts(bench, "revisions") == files(bench.data / "jobs") == []
    with bench.database.read() as tx:
        assert tx.histories.rows(run.id) == []


def keep_weights(bench: Bench) -> str:
    """Weights on the disk, as an import publishes them."""
    kept = new_id("upload")
    bench.artifacts.publish("weights", kept, lambda folder: (folder / "x").write_text("x") and None)
    return kept


def test_a_network_goes_with_its_versions_and_its_weights(bench: Bench, trash: TrashService) -> None:
    text = bench.networks.get(bench.owner, "lenet").text
    about: dict[str, Json] = {"weights": {"id": keep_weights(bench)}}
    gone = bench.networks.create(bench.owner, "gone", text, imported=about)
    bench.networks.save(bench.owner, "gone", f"# more\n{text}", on=gone.current)
    about = {"weights": {"id": keep_weights(bench)}}
    bench.networks.create(bench.owner, "kept", text, imported=about)
    bench.networks.named.trash(bench.owner, "gone")
    bench.clock.now += 30 * DAY_S + 60
    trash.empty()
    with bench.database.read() as tx:
        assert [tx.networks.find(name=name) is not None for name in ("gone", "kept")] == [False, True]
        assert tx.network_versions.count() == 1
    assert artifacts(bench, "weights") == [about["weights"]["id"]]  # type: ignore[index,call-overload]


def test_weights_that_no_network_came_to_name_go_after_a_day(bench: Bench, trash: TrashService) -> None:
    lost = bench.data / "artifacts" / "weights" / keep_weights(bench)
    keep_weights(bench)
    os.utime(lost, (bench.clock.now - 2 * DAY_S,) * 2)
    trash.empty()
    assert lost.name not in artifacts(bench, "weights")


def adopted(bench: Bench, model: str, *, days: float = 2) -> str:
    """A model's folder that was adopted some days ago."""
    folder = bench.data / "artifacts" / "models" / f"{model}-0123456789ab"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"weights")
    os.utime(folder, (bench.clock.now - days * DAY_S,) * 2)
    return folder.name


def test_folders_of_models_that_no_row_came_to_name_go_after_a_day(bench: Bench, trash: TrashService) -> None:
    bench.ready()
    bench.trained("first")
    model = bench.models.named.get(bench.owner, "first")
    os.utime(bench.artifacts.path("models", model.files), (bench.clock.now - 2 * DAY_S,) * 2)
    lost, fresh = adopted(bench, new_id("model")), adopted(bench, new_id("model"), days=0.5)
    earlier = adopted(bench, model.id)
    not_ours = adopted(bench, "notes")
    trash.empty()
    assert artifacts(bench, "models") == sorted({model.files, fresh, not_ours})
    assert {lost, earlier}.isdisjoint(artifacts(bench, "models"))


def test_what_a_run_that_is_open_published_stays(bench: Bench, trash: TrashService) -> None:
    bench.ready()
    run = bench.start(name="first")
    unheard = adopted(bench, model_id(run.id))
    trash.empty()
    assert artifacts(bench, "models") == [unheard]
    bench.train(run)
    trash.empty()
    assert artifacts(bench, "models") == [bench.models.named.get(bench.owner, "first").files]


def test_a_folder_that_is_being_adopted_stays(bench: Bench, trash: TrashService) -> None:
    bench.ready()
    bench.trained("first")
    model = replace(bench.models.named.get(bench.owner, "first"), id=ModelId(new_id("model")), name="second")
    model = replace(model, manifest="0123456789ab")
    emptying = threading.Thread(target=trash._remove_lost_models)
    with bench.database.write() as tx:
        adopted(bench, model.id)
        emptying.start()
        emptying.join(0.2)
        tx.models.add(model)
    emptying.join()
    assert model.files in artifacts(bench, "models")


def test_what_is_not_in_the_trash_stays(bench: Bench, trash: TrashService) -> None:
    bench.ready()
    bench.trained("kept")
    bench.clock.now += 1000 * DAY_S
    before = rows(bench)
    trash.empty()
    assert rows(bench) == before


def test_a_model_outlives_its_run_and_keeps_the_revision(bench: Bench, trash: TrashService) -> None:
    dataset = bench.ready()
    bench.trained("first")
    bench.runs.named.trash(bench.owner, "first")
    model = bench.models.named.trash(bench.owner, "first")
    bench.datasets.named.trash(bench.owner, "shapes")
    bench.models.named.restore(bench.owner, model.id)
    bench.clock.now += 31 * DAY_S
    trash.empty()
    assert rows(bench) | {"log_lines": 0} == {
        "datasets": 0, "revisions": 1, "runs": 0, "models": 1, "jobs": 0, "log_lines": 0, "redirects": 0
    }  # fmt: skip
    assert artifacts(bench, "revisions") == [dataset.revision]
    bench.models.classify(bench.owner, "first", [b"picture"])
    bench.models.named.trash(bench.owner, "first")
    bench.clock.now += 31 * DAY_S
    trash.empty()
    assert rows(bench)["revisions"] == 0
    assert artifacts(bench, "revisions") == []


def test_a_run_forgets_a_model_that_is_gone(bench: Bench, trash: TrashService) -> None:
    bench.ready()
    run = bench.trained("first")
    bench.models.named.trash(bench.owner, "first")
    bench.clock.now += 31 * DAY_S
    trash.empty()
    assert bench.runs.named.get(bench.owner, run.id).model is None


def test_it_empties_by_itself_when_it_is_opened(bench: Bench, trash: TrashService) -> None:
    bench.ready()
    bench.datasets.named.trash(bench.owner, "shapes")
    bench.clock.now += 31 * DAY_S
    trash.open()
    trash.close()
    assert rows(bench)["datasets"] == 0


def sent(bench: Bench) -> str:
    """An archive that somebody sent."""
    upload = new_id("upload")
    folder = bench.data / "uploads" / upload
    folder.mkdir(parents=True)
    (folder / "content").write_bytes(b"zip")
    return upload


@pytest.mark.parametrize("outcome", ["failed", "stopped"])
def test_an_archive_goes_when_its_import_is_over(bench: Bench, outcome: str) -> None:
    upload = sent(bench)
    request = ImportRequest(source={"upload": upload}, values={})
    first, second = (bench.datasets.import_samples(bench.owner, request) for _ in range(2))
    bench.end(first.job, Started(pid=1), Ended(outcome=outcome, message="So."))  # type: ignore[arg-type]
    assert files(bench.data / "uploads") == [upload], "the second import has yet to read it"
    bench.end(second.job, Started(pid=1), Ended(outcome="failed", message="So."))
    assert files(bench.data / "uploads") == []


def test_an_archive_that_nobody_imports_goes_after_a_day(bench: Bench, trash: TrashService) -> None:
    forgotten, needed, fresh = sent(bench), sent(bench), sent(bench)
    bench.datasets.import_samples(bench.owner, ImportRequest(source={"upload": needed}, values={}))
    now = bench.clock()
    for upload, age in ((forgotten, 2 * DAY_S), (needed, 2 * DAY_S), (fresh, 60)):
        os.utime(bench.data / "uploads" / upload, (now - age, now - age))
    bench.clock.now = now
    trash.empty()
    assert files(bench.data / "uploads") == sorted([needed, fresh])


def test_a_model_that_was_sent_goes_after_a_day(bench: Bench, trash: TrashService) -> None:
    bench.artifacts.publish("arrivals", new_id("upload"), lambda folder: None)
    trash.empty()
    assert len(artifacts(bench, "arrivals")) == 1
    for folder in (bench.data / "artifacts" / "arrivals").iterdir():
        os.utime(folder, (bench.clock.now - DAY_S - 60,) * 2)
    trash.empty()
    assert artifacts(bench, "arrivals") == []


def test_pages_of_trash_are_all_seen(bench: Bench, trash: TrashService) -> None:
    bench.ready()
    for number in range(3):
        run = bench.start(name=f"r{number}")
        bench.end(run.job, Ended(outcome="stopped"))
        bench.runs.named.trash(bench.owner, f"r{number}")
    bench.clock.now += 31 * DAY_S
    trash.empty()
    assert bench.runs.named.page(bench.owner, Query(trashed=True)).total == 0


def test_one_that_cannot_be_removed_keeps_no_other(
    bench: Bench, trash: TrashService, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.ready()
    stuck, gone = bench.trained("stuck"), bench.trained("gone")
    for run in (stuck, gone):
        bench.runs.named.trash(bench.owner, run.id)
    bench.clock.now += 31 * DAY_S
    remove = bench.folders.remove

    def refuse(job: str) -> None:
        if job == stuck.job:
            raise PermissionError(13, "Permission denied", job)
        remove(job)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.folders, "remove", refuse)
    trash.empty()
    with bench.database.read() as tx:
        assert [run.id for run in tx.runs.page(Query(trashed=True)).items] == [stuck.id]
    assert files(bench.data / "jobs") != []
