"""Checkups: queued for every revision, kept when they are done, and a finding is mended by a click."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.health_scenes import CHANGES, photo

from tenfold.adapters.formats.checkups.folder import CheckPlaces, CheckupFolder, check_revision
from tenfold.adapters.formats.revisions.derived import derive_revision
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.health.ports import CheckJob
from tenfold.core.errors import Changed, Conflict, Forbidden, Invalid, InvalidFields, NotFound
from tenfold.core.events import Ended, Progressed, Published, Started
from tenfold.core.jobs.model import Job
from tenfold.core.repository import Query
from tenfold.services.checkup_book import CheckupBook
from tenfold.services.checkup_jobs import CheckupObserver, CheckupQueue
from tenfold.services.checkups import CheckupParts, CheckupService
from tenfold.services.datasets import ImportObserver, ImportRequest
from tenfold.services.revisions import RevisionService
from tenfold.services.trash import DAY_S, TrashService
from tenfold.testing.picture_files import encode

from .bench import Bench


class DoctorsBench(Bench):
    """A bench on which revisions are checked as they are made."""

    checkups: CheckupService

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        slots = (("cpu", 1), ("import", 1), ("check", 1))
        self.desk._slots = slots
        self.desk._scheduler = self.desk._restored()
        about: dict[str, Any] = {"artifacts": self.artifacts, "folders": self.folders, "hub": self.hub}
        book = CheckupBook(self.database, artifacts=self.artifacts, open_checkup=CheckupFolder)
        self.parts = CheckupParts(
            queue=CheckupQueue(self.database, desk=self.desk, artifacts=self.artifacts, book=book, clock=self.clock),
            book=book,
            observer=CheckupObserver(self.database, **about),
            read=self.datasets.revision_reader,
        )
        ensure = self.parts.queue.ensure
        self.desk.observe("check", self.parts.observer)
        self.desk.observe(
            "import",
            ImportObserver(self.database, uploads=self.uploads, secrets=self.secrets, on_revision=ensure, **about),
        )
        self.revisions = RevisionService(
            self.database,
            datasets=self.datasets.named,
            artifacts=self.artifacts,
            derive=derive_revision,
            clock=self.clock,
            marks=self.parts.book.marks,
            on_revision=ensure,
        )
        self.checkups = CheckupService(
            self.database,
            desk=self.desk,
            revisions=self.revisions,
            runs=self.runs,
            models=self.models,
            parts=self.parts,
        )

    def garden(self) -> Dataset:
        """A dataset of photos in three classes with two copies, one of them in test."""
        folder = self.home / "garden"
        for number in range(36):
            split = ("train", "val", "test")[(number >= 30) + (number >= 33)]
            self.put(folder / split / f"class {number % 3}" / f"{number}.png", photo(number))
        self.put(folder / "train" / "class 0" / "again.png", photo(0))
        self.put(folder / "test" / "class 1" / "leaked.png", CHANGES["brighter"](1))
        made = self.datasets.import_samples(
            self.owner, ImportRequest(source={"folder": str(folder)}, values={}, name="garden")
        )
        self.build(made)
        return self.now()

    @staticmethod
    def put(path: Path, pixels: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(pixels))

    def now(self) -> Dataset:
        return self.datasets.named.get(self.owner, "garden")

    def checkup(self) -> Job | None:
        with self.database.read() as tx:
            found = tx.jobs.page(Query(where={"kind": "check", "subject": self.now().revision})).items
        return found[0] if found else None

    def examine(self) -> Job:
        """Plays the worker of the checkup that runs."""
        job = self.checkup()
        assert job is not None
        worker = self.worker(job.id)
        told = CheckJob.from_json(worker.spec)
        staged = worker.staging()
        places = CheckPlaces(
            work=worker.workspace(),
            destination=staged,
            earlier=self.data / told.earlier if told.earlier else None,
        )
        reached: list[int] = []
        check_revision(
            open_revision(self.data / told.revision_folder),
            places,
            report=lambda done, _total: reached.append(done),
            should_stop=lambda: False,
        )
        sha256 = worker.publish(staged)
        worker.close()
        self.read_again = len(reached)
        return self.end(
            job.id,
            Started(pid=1),
            Progressed(done=5, total=38, unit="pictures"),
            Published(folder="result", manifest=sha256, facts={}),
            Ended(outcome="finished"),
        )


@pytest.fixture
def doctors(tmp_path: Path) -> DoctorsBench:
    return DoctorsBench(tmp_path)


def test_an_import_is_checked_by_itself(doctors: DoctorsBench) -> None:
    dataset = doctors.garden()
    waiting = doctors.checkups.standing(doctors.viewer, dataset)
    assert (waiting.state, waiting.report, waiting.is_open) == ("running", None, True)
    over = doctors.examine()
    assert over.state == "finished"
    standing = doctors.checkups.standing(doctors.viewer, dataset)
    assert standing.report is not None
    assert [finding.code for finding in standing.report.findings] == ["leak", "duplicate"]
    assert standing.checked_at == over.ended_at
    assert not (doctors.data / "jobs" / over.id / "work").exists()
    doctors.artifacts.verify("checkups", over.id)


def test_a_fix_makes_a_revision_which_is_checked_without_reading_its_pictures(doctors: DoctorsBench) -> None:
    first = doctors.garden()
    doctors.examine()
    assert doctors.read_again > 0
    made = doctors.checkups.fix(doctors.owner, "garden", "leak", on=first.revision)
    assert (made.summary, made.parent) == ("1 moved from test to train", first.revision)
    doctors.examine()
    assert doctors.read_again == 0
    report = doctors.checkups.standing(doctors.viewer, doctors.now()).report
    assert report is not None
    assert [finding.code for finding in report.findings] == ["duplicate", "near-duplicate"]
    doctors.revisions.undo(doctors.owner, "garden", on=made.id)
    back = doctors.checkups.standing(doctors.viewer, doctors.now())
    assert back.report is not None
    assert [finding.code for finding in back.report.findings] == ["leak", "duplicate"]


def test_a_finding_is_a_filter_for_looking_and_for_editing(doctors: DoctorsBench) -> None:
    dataset = doctors.garden()
    doctors.examine()
    wanted = SampleFilter(finding="duplicate", sort="finding")
    reader = doctors.datasets.reader(doctors.viewer, dataset)
    marks = doctors.checkups.marks(doctors.viewer, dataset, wanted)
    paths = [reader.sample(int(index)).path for index in reader.find(wanted, marks)]
    assert sorted(paths) == ["train/class 0/0.png", "train/class 0/again.png"]
    made = doctors.revisions.edit(doctors.owner, "garden", Edit(Change(action="exclude"), wanted), on=dataset.revision)
    assert made.summary == "2 excluded"
    now = doctors.now()
    assert doctors.checkups.marks(doctors.viewer, now, wanted).found is None


def test_what_cannot_be_mended_is_refused(doctors: DoctorsBench) -> None:
    dataset = doctors.garden()
    with pytest.raises(NotFound, match="has no finding 'leak'"):
        doctors.checkups.fix(doctors.owner, "garden", "leak", on=dataset.revision)
    doctors.examine()
    with pytest.raises(NotFound, match="has no finding 'blank'"):
        doctors.checkups.fix(doctors.owner, "garden", "blank", on=dataset.revision)
    with pytest.raises(Changed, match="look at what is found in it now"):
        doctors.checkups.fix(doctors.owner, "garden", "leak", on="rev_0000000000000000")
    with pytest.raises(Forbidden):
        doctors.checkups.fix(doctors.viewer, "garden", "leak", on=dataset.revision)
    with pytest.raises(Forbidden):
        doctors.checkups.check(doctors.viewer, "garden")


def test_rejected_files_have_no_edit_that_mends_them(doctors: DoctorsBench) -> None:
    (doctors.home / "garden" / "train" / "class 0").mkdir(parents=True)
    (doctors.home / "garden" / "train" / "class 0" / "broken.png").write_bytes(b"no picture")
    dataset = doctors.garden()
    doctors.examine()
    with pytest.raises(Invalid, match=r"broken.png: .*Mend the files, then add them"):
        doctors.checkups.fix(doctors.owner, "garden", "unreadable", on=dataset.revision)


def test_one_may_ask_again_and_stop(doctors: DoctorsBench) -> None:
    dataset = doctors.garden()
    assert doctors.checkups.check(doctors.owner, "garden").state == "running"
    job = doctors.checkup()
    assert doctors.checkups.stop(doctors.owner, "garden").state == "stopping"
    assert job is not None
    doctors.end(job.id, Started(pid=1), Ended(outcome="stopped"))
    stopped = doctors.checkups.standing(doctors.viewer, dataset)
    assert (stopped.state, stopped.report) == ("stopped", None)
    with pytest.raises(Conflict, match="is not being checked"):
        doctors.checkups.stop(doctors.owner, "garden")
    again = doctors.checkups.check(doctors.owner, "garden")
    assert again.state == "running"
    assert doctors.checkup() != job
    doctors.examine()
    assert doctors.checkups.standing(doctors.viewer, dataset).report is not None


def test_a_dataset_that_is_being_built_cannot_be_checked(doctors: DoctorsBench) -> None:
    doctors.import_shapes()
    with pytest.raises(Conflict, match="shapes is building; it can be checked once it is ready"):
        doctors.checkups.check(doctors.owner, "shapes")


def test_checkups_go_with_their_revisions(doctors: DoctorsBench) -> None:
    dataset = doctors.garden()
    job = doctors.examine()
    doctors.datasets.named.trash(doctors.owner, "garden")
    doctors.clock.now += 31 * DAY_S
    trash = TrashService(
        doctors.database,
        artifacts=doctors.artifacts,
        folders=doctors.folders,
        secrets=doctors.secrets,
        uploads=doctors.uploads,
        clock=doctors.clock,
    )
    trash.empty()
    with doctors.database.read() as tx:
        assert tx.jobs.find(id=job.id) is None
        assert tx.revisions.find(id=dataset.revision) is None
    assert not (doctors.data / "artifacts" / "checkups" / job.id).exists()
    assert not (doctors.data / "jobs" / job.id).exists()


def test_a_search_for_wrong_labels_queues_a_run_a_fold_and_a_checkup_behind_them(doctors: DoctorsBench) -> None:
    dataset = doctors.garden()
    doctors.examine()
    standing = doctors.checkups.find_wrong_labels(doctors.owner, "garden", {"folds": 3, "epochs": 1})
    assert (standing.state, standing.reason) == ("waiting", "Waits for 3 runs to finish.")
    assert standing.report is not None
    runs = list(reversed(doctors.runs.named.page(doctors.owner, Query()).items))
    assert [run.name for run in runs] == [f"lenet-garden-fold-{fold}-of-3" for fold in (1, 2, 3)]
    assert [(run.spec["fold"], run.spec["folds"]) for run in runs] == [(1, 3), (2, 3), (3, 3)]
    job = doctors.checkup()
    assert job is not None
    assert job.after == tuple(run.job for run in runs)
    told = CheckJob.from_json(json.loads((doctors.folders.path(job.id) / "spec.json").read_text("utf-8")))
    assert [judge["fold"] for judge in told.judges] == [1, 2, 3]
    for run in runs:
        doctors.train(run)
    model = doctors.models.named.get(doctors.owner, "lenet-garden-fold-2-of-3")
    assert (model.id, model.facts["fold"], model.facts["folds"]) == (told.judges[1]["model"], 2, 3)
    assert doctors.checkups.standing(doctors.viewer, dataset).state == "running"


def test_a_run_that_fails_ends_the_search(doctors: DoctorsBench) -> None:
    doctors.garden()
    doctors.examine()
    doctors.checkups.find_wrong_labels(doctors.owner, "garden", {"folds": 2, "epochs": 1})
    first = doctors.runs.named.get(doctors.owner, "lenet-garden-fold-1-of-2")
    doctors.end(first.job, Started(pid=1), Ended(outcome="failed", code="x", message="It diverged."))
    standing = doctors.checkups.standing(doctors.viewer, doctors.now())
    assert (standing.state, standing.message) == ("failed", "What it waited for failed: It diverged.")
    assert standing.report is not None


def test_wrong_fields_of_a_search_are_named_and_queue_nothing(doctors: DoctorsBench) -> None:
    doctors.garden()
    with pytest.raises(InvalidFields, match="Folds is 1; allowed is 2 to 20"):
        doctors.checkups.find_wrong_labels(doctors.owner, "garden", {"folds": 1})
    assert doctors.runs.named.page(doctors.owner, Query()).total == 0
