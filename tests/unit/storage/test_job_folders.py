"""The channel between server and worker: numbered events, a fence, and what is left after deaths and full disks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from full_disk import files_up_to

from tenfold.adapters.storage.job_folders import Fenced, LocalJobFolders, WorkerFolder
from tenfold.core.errors import NotFound, StorageFull
from tenfold.core.events import CheckpointSaved, Ended, Logged, Progressed
from tenfold.core.ids import JobId
from tenfold.core.jobs.ports import UnreadableEvent

JOB = JobId("job_0000000000000000")


@pytest.fixture
def folders(tmp_path: Path) -> LocalJobFolders:
    folders = LocalJobFolders(tmp_path / "data" / "jobs")
    folders.create(JOB, {"kind": "train", "name": "ü"})
    return folders


def attempt(folders: LocalJobFolders, number: int = 1) -> WorkerFolder:
    folders.open_attempt(JOB, number)
    return WorkerFolder(folders.path(JOB), number)


def texts(folders: LocalJobFolders) -> list[str]:
    events, _ = folders.read_events(JOB, 0)
    return [envelope.event.text for envelope in events if isinstance(envelope.event, Logged)]


def test_a_worker_finds_its_specification_and_the_data(folders: LocalJobFolders, tmp_path: Path) -> None:
    worker = attempt(folders)
    assert worker.spec == {"kind": "train", "name": "ü"}
    assert worker.data_folder == tmp_path / "data"
    worker.close()


def test_a_folder_without_a_specification_is_no_job(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"it has no spec\.json"):
        WorkerFolder(tmp_path, 1)


def test_events_come_in_parts_and_in_order(folders: LocalJobFolders) -> None:
    assert folders.read_events(JOB, 0) == ([], 0)
    worker = attempt(folders)
    worker.emit(Logged(text="eins\nzwei"))
    first, offset = folders.read_events(JOB, 0)
    worker.emit(CheckpointSaved(step=3, best_step=2))
    worker.emit(Progressed(done=1, total=2, unit="steps", facts={"epoch": 0.5}))
    rest, end = folders.read_events(JOB, offset)
    assert [envelope.event for envelope in (*first, *rest)] == [
        Logged(text="eins\nzwei"),
        CheckpointSaved(step=3, best_step=2),
        Progressed(done=1, total=2, unit="steps", facts={"epoch": 0.5}),
    ]
    assert folders.read_events(JOB, end) == ([], end)
    worker.sync()
    worker.close()


def test_a_text_that_is_no_unicode_is_told_as_far_as_it_can(folders: LocalJobFolders) -> None:
    worker = attempt(folders)
    worker.emit(Logged(text="Gr\udcf6\udcdfe"))
    worker.close()
    (told,), _ = folders.read_events(JOB, 0)
    assert told.event == Logged(text="Gr??e")


def test_half_a_line_is_not_read_yet_and_one_that_was_torn_is_skipped(folders: LocalJobFolders) -> None:
    worker = attempt(folders)
    worker.emit(Logged(text="one"))
    worker.close()
    path = folders.path(JOB) / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"seq": 2, "attempt": 1, "ty')
    assert folders.read_events(JOB, 0)[1] == len(whole)
    second = attempt(folders, 2)
    second.emit(Logged(text="two"))
    second.close()
    events, _ = folders.read_events(JOB, 0)
    assert [(envelope.seq, envelope.attempt) for envelope in events] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("line", [b"\xff", b'{"type": "log", "te', b"\0\0\0", b""])
def test_a_line_that_was_torn_is_skipped(folders: LocalJobFolders, line: bytes) -> None:
    worker = attempt(folders)
    worker.emit(Logged(text="before"))
    with (folders.path(JOB) / "events.jsonl").open("ab") as file:
        file.write(line + b"\n")
    worker.emit(Logged(text="after"))
    worker.close()
    assert texts(folders) == ["before", "after"]


LIES = [b"[]", b"{}", b"null", b'{"type": "log"}', b'{"type": "no", "seq": 1, "attempt": 1, "time": 1}', b"[" * 100_000]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.decode()[:20])
def test_a_whole_line_that_is_no_event_is_an_error_behind_those_before(folders: LocalJobFolders, lie: bytes) -> None:
    worker = attempt(folders)
    worker.emit(Logged(text="before"))
    with (folders.path(JOB) / "events.jsonl").open("ab") as file:
        file.write(lie + b"\n")
    worker.emit(Logged(text="after"))
    worker.close()
    events, offset = folders.read_events(JOB, 0)
    assert len(events) == 1
    with pytest.raises(UnreadableEvent, match=rf"says what cannot be \(byte {offset}\)") as error:
        folders.read_events(JOB, offset)
    rest, end = folders.read_events(JOB, error.value.next_offset)
    assert [(each.seq, end) for each in rest] == [(2, folders.end_of_events(JOB))]


def test_a_line_without_an_end_is_an_error(folders: LocalJobFolders) -> None:
    (folders.path(JOB) / "events.jsonl").write_bytes(b"x" * (5 << 20))
    with pytest.raises(UnreadableEvent, match="longer than 4 MB"):
        folders.read_events(JOB, 0)


def test_the_fence_stands_before_every_write(folders: LocalJobFolders) -> None:
    worker = attempt(folders)
    staged = worker.staging()
    folders.open_attempt(JOB, 2)
    with pytest.raises(Fenced, match="Attempt 2 has taken over from attempt 1"):
        worker.emit(Logged(text="late"))
    with pytest.raises(Fenced):
        worker.publish(staged)
    with pytest.raises(Fenced):
        worker.decide({"threads": 4})
    with pytest.raises(Fenced):
        WorkerFolder(folders.path(JOB), 1)
    worker.close()
    assert texts(folders) == []


def test_what_was_decided_first_holds(folders: LocalJobFolders) -> None:
    first = attempt(folders)
    assert first.decide({"threads": 4}) == {"threads": 4}
    first.close()
    second = attempt(folders, 2)
    assert second.decide({"threads": 8}) == {"threads": 4}
    second.close()


def test_a_stop_is_seen_and_a_new_attempt_begins_without_it(folders: LocalJobFolders) -> None:
    worker = attempt(folders)
    assert not worker.stop_requested()
    folders.ask_stop(JOB)
    assert worker.stop_requested()
    worker.close()
    again = attempt(folders, 2)
    assert not again.stop_requested()
    again.close()


def test_a_new_attempt_clears_what_earlier_ones_left_half_done(folders: LocalJobFolders) -> None:
    first = attempt(folders)
    (first.staging() / "images.npy").write_bytes(bytes(1000))
    (folders.path(JOB) / "attempts" / "1" / "unpacked").mkdir()
    first.close()
    second = attempt(folders, 2)
    assert [path.name for path in folders.path(JOB).glob("attempts/*")] == []
    staged = second.staging()
    (staged / "a").write_text("x")
    second.publish(staged)
    second.close()
    assert Path(folders.result_folder(JOB, 2), "a").read_text() == "x"


def test_staging_begins_empty(folders: LocalJobFolders) -> None:
    worker = attempt(folders)
    (worker.staging() / "a").write_text("x")
    assert list(worker.staging().iterdir()) == []
    worker.close()


def test_creating_again_changes_nothing(folders: LocalJobFolders) -> None:
    folders.create(JOB, {"kind": "train", "name": "ü"})
    assert json.loads((folders.path(JOB) / "spec.json").read_text("utf-8"))["name"] == "ü"


def test_on_a_full_disk_no_event_is_half_told_and_the_last_one_gets_through(folders: LocalJobFolders) -> None:
    worker = attempt(folders)
    worker.emit(Logged(text="before"))
    size = (folders.path(JOB) / "events.jsonl").stat().st_size
    with files_up_to(size + 30):
        for _ in range(2):
            with pytest.raises(StorageFull, match=r"no room left for events\.jsonl"):
                worker.emit(Logged(text="lost"))
    assert (folders.path(JOB) / "events.jsonl").stat().st_size == size + 30
    worker.make_room()
    worker.emit(Ended(outcome="failed", code="storage-full"))
    worker.close()
    events, _ = folders.read_events(JOB, 0)
    assert [envelope.seq for envelope in events] == [1, 2]
    assert isinstance(events[1].event, Ended)


def test_making_room_gives_up_the_reserve_and_what_was_staged(folders: LocalJobFolders) -> None:
    worker = attempt(folders)
    reserve = folders.path(JOB) / "reserve"
    assert reserve.stat().st_size == 64 << 10
    staged = worker.staging()
    (staged / "big").write_bytes(bytes(1000))
    worker.make_room()
    assert not reserve.exists()
    assert not staged.exists()
    worker.close()


def test_an_attempt_begins_without_room_for_a_reserve(folders: LocalJobFolders) -> None:
    folders.open_attempt(JOB, 1)
    with files_up_to(1000):
        worker = WorkerFolder(folders.path(JOB), 1)
        worker.emit(Logged(text="small"))
    worker.close()
    assert not (folders.path(JOB) / "reserve").exists()
    assert texts(folders) == ["small"]


def test_a_publication_without_room_is_not_there(folders: LocalJobFolders) -> None:
    worker = attempt(folders)
    staged = worker.staging()
    (staged / "a").write_text("x")
    with files_up_to(10), pytest.raises(StorageFull):
        worker.publish(staged)
    worker.close()
    assert not Path(folders.result_folder(JOB, 1)).exists()


def test_a_job_whose_folder_has_no_room_is_refused(folders: LocalJobFolders) -> None:
    other = JobId("job_0000000000000001")
    with files_up_to(100), pytest.raises(StorageFull, match=r"no room left for spec\.json"):
        folders.create(other, {"text": "x" * 1000})
    assert not (folders.path(other) / "spec.json").exists()
