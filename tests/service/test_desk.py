"""The job desk: what it does when attempts end, die, hang or cannot start, and over several lives of the server."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tenfold.core.errors import NotFound, Unavailable
from tenfold.core.events import CheckpointSaved, Ended, Json, Logged, Measured, PhaseStarted, Progressed, Started
from tenfold.core.ids import JobId
from tenfold.services import following
from tenfold.services.desk import STOP_PATIENCE_S

from .bench import Bench


@pytest.fixture
def ready(bench: Bench) -> Bench:
    bench.ready()
    return bench


def die(bench: Bench, job: JobId) -> None:
    bench.processes.alive.discard(job)
    bench.desk.tick()


def test_an_attempt_that_died_is_followed_by_another(ready: Bench) -> None:
    run = ready.start()
    ready.tell(run.job, Started(pid=1))
    die(ready, run.job)
    job = ready.job(run.job)
    assert (job.state, job.attempt, job.crashes) == ("running", 2, 1)
    assert ready.folders.path(run.job).joinpath("attempt").read_text() == "2"


def test_three_deaths_without_a_checkpoint_are_enough(ready: Bench) -> None:
    run = ready.start()
    ready.processes.words = "The process was killed (SIGKILL)."
    for _ in range(3):
        ready.tell(run.job, Started(pid=1))
        die(ready, run.job)
    over = ready.runs.named.get(ready.owner, run.id)
    assert (over.state, over.code) == ("failed", "job.crashed")
    assert over.message == "It died 3 times without reaching a new checkpoint. The process was killed (SIGKILL)."


def test_a_checkpoint_makes_good_for_earlier_deaths(ready: Bench) -> None:
    run = ready.start()
    for number in range(6):
        ready.tell(run.job, Started(pid=1), CheckpointSaved(step=number + 1))
        die(ready, run.job)
    job = ready.job(run.job)
    assert (job.state, job.attempt, job.crashes) == ("running", 7, 1)


def test_a_checkpoint_that_was_reached_before_makes_nothing_good(ready: Bench) -> None:
    """It dies while it publishes: each attempt saves the last step once more, and gets no further."""
    run = ready.start()
    ready.processes.words = "The process was killed (SIGKILL)."
    for _ in range(3):
        assert ready.job(run.job).is_live
        ready.tell(run.job, Started(pid=1), CheckpointSaved(step=9), PhaseStarted(phase="publishing"))
        die(ready, run.job)
    over = ready.runs.named.get(ready.owner, run.id)
    assert (over.state, over.code) == ("failed", "job.crashed")
    assert over.message == "It died 3 times without reaching a new checkpoint. The process was killed (SIGKILL)."


def test_a_checkpoint_of_an_earlier_life_makes_nothing_good_either(ready: Bench) -> None:
    run = ready.start()
    ready.tell(run.job, Started(pid=1), CheckpointSaved(step=9))
    die(ready, run.job)
    ready.open_desk().tick()
    ready.tell(run.job, Started(pid=1), CheckpointSaved(step=8))
    die(ready, run.job)
    assert ready.job(run.job).crashes == 2


def test_what_an_attempt_told_before_it_died_is_heard(ready: Bench) -> None:
    """The process is gone when the desk looks, and its last events are still unread."""
    run = ready.start()
    job = ready.end(
        run.job, Started(pid=1), Ended(outcome="failed", code="diverged", message="The loss is not finite.")
    )
    assert (job.state, job.code, job.message) == ("failed", "diverged", "The loss is not finite.")


def test_a_process_that_lives_on_after_its_last_event_is_waited_for(ready: Bench) -> None:
    run = ready.start()
    ready.tell(run.job, Started(pid=1), ready.publish_model(run), Ended(outcome="finished"))
    assert ready.job(run.job).state == "running"
    die(ready, run.job)
    assert ready.job(run.job).state == "finished"


def test_a_training_that_says_it_is_finished_and_left_no_model_has_failed(ready: Bench) -> None:
    run = ready.start()
    job = ready.end(run.job, Started(pid=1), Ended(outcome="finished"))
    assert (job.state, job.code) == ("failed", "run.no-model")
    assert "left no model" in ready.runs.named.get(ready.owner, run.id).message


def test_silence_after_a_stop_ends_in_a_kill(ready: Bench) -> None:
    run = ready.start()
    ready.tell(run.job, Started(pid=1))
    ready.runs.stop(ready.owner, run.id)
    ready.desk.tick()
    assert ready.processes.killed == []
    ready.monotonic.now += STOP_PATIENCE_S - 1
    ready.tell(run.job, Progressed(done=1, total=10, unit="files"))
    ready.monotonic.now += STOP_PATIENCE_S - 1
    ready.clock.now += 10 * STOP_PATIENCE_S  # somebody sets the clock of the machine
    ready.desk.tick()
    assert ready.processes.killed == []
    ready.monotonic.now += 2
    ready.desk.tick()
    assert ready.processes.killed == [run.job]
    ready.desk.tick()
    over = ready.runs.named.get(ready.owner, run.id)
    assert over.state == "stopped"


def test_an_attempt_that_cannot_start_fails_and_says_why(ready: Bench) -> None:
    ready.processes.refuses = Unavailable("No process could be started for the job: Resource unavailable.")
    run = ready.start()
    over = ready.runs.named.get(ready.owner, run.id)
    assert (over.state, over.code) == ("failed", "unavailable")
    assert over.message.startswith("The attempt could not start: No process could be started")
    ready.processes.refuses = OSError(28, "No space left on device")
    other = ready.start()
    assert ready.runs.named.get(ready.owner, other.id).code == "job.not-started"
    ready.processes.refuses = None
    assert ready.runs.resume(ready.owner, run.id).state == "running"


def test_a_running_attempt_is_taken_up_by_the_next_life(ready: Bench) -> None:
    run = ready.start()
    ready.tell(run.job, Started(pid=1), Logged(text="before"))
    ready.open_desk()
    ready.desk.tick()
    assert ready.job(run.job).attempt == 1
    job = ready.train(run)
    assert (job.state, job.attempt) == ("finished", 1)
    told = [line.text for line in ready.runs.log(ready.owner, run.id)]
    assert told.count("before") == 1
    assert told[0] == "Attempt 1 begins."
    assert told[-1] == "Finished."


def test_an_attempt_that_died_between_two_lives_counts_as_a_crash(ready: Bench) -> None:
    run = ready.start()
    ready.tell(run.job, Started(pid=1))
    ready.processes.alive.clear()
    ready.open_desk().tick()
    job = ready.job(run.job)
    assert (job.attempt, job.crashes) == (2, 1)


def test_an_attempt_that_never_began_does_not_count(ready: Bench) -> None:
    """The server died between storing the start and starting the process."""
    run = ready.start()
    ready.processes.alive.clear()
    ready.open_desk().tick()
    job = ready.job(run.job)
    assert (job.attempt, job.crashes) == (2, 0)


def test_a_machine_that_went_down_is_no_fault_of_the_run(ready: Bench) -> None:
    run = ready.start()
    ready.tell(run.job, Started(pid=1))
    ready.processes.alive.clear()
    ready.open_desk(rebooted=True).tick()
    job = ready.job(run.job)
    assert (job.attempt, job.crashes) == (2, 0)


def test_a_checkpoint_read_in_an_earlier_life_still_counts(ready: Bench) -> None:
    run = ready.start()
    for _ in range(2):
        ready.tell(run.job, Started(pid=1))
        die(ready, run.job)
    ready.tell(run.job, Started(pid=1), CheckpointSaved(step=5))
    ready.processes.alive.clear()
    ready.open_desk().tick()
    assert (ready.job(run.job).state, ready.job(run.job).crashes) == ("running", 1)


def test_a_stop_that_was_asked_in_an_earlier_life_is_asked_again(ready: Bench) -> None:
    run = ready.start()
    ready.runs.stop(ready.owner, run.id)
    stop = ready.folders.path(run.job) / "stop"
    stop.unlink()
    desk = ready.open_desk()
    desk.open()
    try:
        assert stop.exists()
    finally:
        desk.close()


def test_waiting_jobs_start_when_the_desk_opens(ready: Bench) -> None:
    first = ready.start()
    waiting = ready.start()
    ready.end(first.job, Started(pid=1))
    with ready.database.write() as tx:
        job = tx.jobs.get(first.job)
        tx.jobs.update(type(job)(**{**vars(job), "state": "stopped", "granted": "", "ended_at": 1.0}))
    ready.processes.alive.clear()
    desk = ready.open_desk()
    desk.open()
    try:
        assert ready.job(waiting.job).state == "running"
    finally:
        desk.close()
    assert not any(thread.name == "job-desk" for thread in threading.enumerate())


def test_one_spoiled_job_holds_up_no_other(ready: Bench) -> None:
    run = ready.start()
    published = ready.publish_model(run)
    (ready.folders.path(run.job) / "attempts" / "1" / "result" / "labels.txt").write_text("wrong")
    other = ready.import_shapes("beside")
    ready.end(run.job, Started(pid=1), published, Ended(outcome="finished"))
    over = ready.runs.named.get(ready.owner, run.id)
    assert (over.state, over.code, over.model) == ("failed", "job.unreadable", None)
    assert "labels.txt in result is missing or not as it was published." in over.message
    ready.build(other)
    assert ready.datasets.named.get(ready.owner, "beside").state == "ready"


def write_line(bench: Bench, job: JobId, line: str) -> None:
    with bench.folders.path(job).joinpath("events.jsonl").open("a") as file:
        file.write(line + "\n")


LIE = '{"seq": 2, "attempt": 1, "time": 1, "type": "checkpoint", "step": "many"}'
NO_STEP = '{"seq": 2, "attempt": 1, "time": 1, "type": "published", "folder": "r", "manifest": "m", "facts": {}}'
MEASURED: dict[str, object] = {"seq": 2, "attempt": 1, "time": 1, "type": "metrics", "step": 1, "first_step": 1}
MEASURED |= {"epoch": 1.0}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LIE, "`step` of 'checkpoint' is 'many'"),
        ('{"seq": 2, "attempt": 1, "time": 1, "type": "sneezed"}', "it is no event: 'sneezed'"),
        (NO_STEP, "'step' is missing."),
        (json.dumps(MEASURED | {"values": {f"n{number}": 1.0 for number in range(70)}}), "110 figures, more than 100"),
    ],
)
def test_a_job_that_lies_fails_alone_and_its_process_is_ended(ready: Bench, line: str, reason: str) -> None:
    run = ready.start()
    other = ready.import_shapes("beside")
    first = Measured(step=1, first_step=1, epoch=1.0, values={f"m{number}": 1.0 for number in range(40)})
    ready.tell(run.job, Started(pid=1), first, Logged(text="before"))
    write_line(ready, run.job, line)
    ready.desk.tick()
    over = ready.runs.named.get(ready.owner, run.id)
    assert (over.state, over.code) == ("failed", "job.unreadable")
    assert over.message.startswith("What the job wrote cannot be read: ")
    assert reason in over.message
    assert ready.processes.killed == [run.job]
    assert "before" in [line.text for line in ready.runs.log(ready.owner, run.id)]
    ready.build(other)
    assert ready.datasets.named.get(ready.owner, "beside").state == "ready"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"metrics": {"test_accuracy": "nan"}}, "no numbers with names"),
        ({"metrics": {"test_accuracy": "1e999"}}, "no numbers with names"),
        ({"metrics": {"test_accuracy": True}}, "no numbers with names"),
        ({"metrics": [1]}, "no numbers with names"),
        ({"metrics": {"\u202e" * 9: 1.0}}, "no name for a figure"),
        ({"metrics": {f"n{number}": 1.0 for number in range(5000)}}, "5,000 figures"),
        ({"step": -1}, "step -1"),
        ({"step": "7"}, "step '7'"),
        ({"tested_on": ["x"]}, "tested on ['x']"),
    ],
)
def test_what_a_training_tells_of_its_model_is_not_believed(ready: Bench, facts: dict[str, Json], reason: str) -> None:
    run = ready.start()
    published = ready.publish_model(run)
    published = replace(published, facts=published.facts | facts)
    ready.end(run.job, Started(pid=1), published, Ended(outcome="finished"))
    over = ready.runs.named.get(ready.owner, run.id)
    assert (over.state, over.code, over.model) == ("failed", "job.unreadable", None)
    assert reason in over.message


def test_nothing_else_that_a_training_tells_is_kept_with_its_run_and_model(ready: Bench) -> None:
    run = ready.start(name="first")
    progress = Progressed(done=1, total=2, unit="steps", facts={"epoch": 0.5, "taken": 1.0, "forecast": 2.0})
    published = ready.publish_model(run)
    published = replace(published, facts=published.facts | {"fold": "x", "file": "y" * 1000, "tested_on": "val"})
    ready.end(run.job, Started(pid=1), progress, published, Ended(outcome="failed", message="x" * 3_000_000))
    run = ready.runs.named.get(ready.owner, run.id)
    assert (run.progress["epoch"], "taken" in run.progress, isinstance(run.progress.get("forecast"), float)) == (
        0.5,
        False,
        False,
    )
    model = ready.models.named.get(ready.owner, "first")
    assert set(model.facts) == {"metrics", "step", "tested_on", "dataset", "parameters"}
    assert run.message.endswith("x ... (3,000,000 characters)")
    assert max(len(line.text) for line in ready.runs.log(ready.owner, run.id)) < 11_000


def test_an_attempt_that_tells_without_end_holds_up_no_other_and_fills_no_log(
    ready: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_LINES", 20)
    run = ready.start(name="first")
    flood = [Logged(text=f"{number} {'x' * 200_000}") for number in range(60)]
    ready.tell(run.job, Started(pid=1), *flood)
    size = ready.folders.end_of_events(run.job)
    taken = [ready.job(run.job).read_offset]
    while taken[-1] < size:
        ready.desk.tick()
        taken.append(ready.job(run.job).read_offset)
    assert len(taken) > 1
    assert taken == sorted(set(taken))
    lines = ready.runs.log(ready.owner, run.id)
    assert (len(lines), "no further lines are kept" in lines[-1].text) == (20, True)


def test_a_job_that_lied_can_be_resumed(ready: Bench) -> None:
    run = ready.start()
    ready.tell(run.job, Started(pid=1), CheckpointSaved(step=3))
    write_line(ready, run.job, LIE)
    write_line(ready, run.job, LIE)
    ready.desk.tick()
    assert ready.runs.resume(ready.owner, run.id).state == "running"
    ready.tell(run.job, Started(pid=2))
    ready.open_desk().tick()
    assert ready.train(ready.runs.named.get(ready.owner, run.id)).state == "finished"


def unreadable(bench: Bench, job: JobId) -> None:
    events = bench.folders.path(job) / "events.jsonl"
    events.unlink(missing_ok=True)
    events.mkdir()


@pytest.mark.parametrize("spoil", [unreadable, lambda bench, job: write_line(bench, job, LIE)])
def test_the_server_starts_whatever_one_job_has_written(ready: Bench, spoil: Callable[[Bench, JobId], None]) -> None:
    run = ready.start()
    other = ready.start()
    spoil(ready, run.job)
    ready.runs.stop(ready.owner, run.id)
    desk = ready.open_desk()
    desk.open()
    try:
        deadline = time.monotonic() + 60
        while ready.job(run.job).is_open:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        desk.close()
    over = ready.runs.named.get(ready.owner, run.id)
    assert (over.state, over.code) == ("failed", "job.unreadable")
    assert ready.job(other.job).state == "running"


def test_a_folder_that_is_gone_fails_its_job_alone(ready: Bench) -> None:
    run = ready.start()
    ready.runs.stop(ready.owner, run.id)
    shutil.rmtree(ready.folders.path(run.job))
    desk = ready.open_desk()
    desk.open()
    desk.close()
    desk.tick()
    over = ready.runs.named.get(ready.owner, run.id)
    assert (over.state, over.code) == ("failed", "job.unreadable")


def test_the_queue_is_in_order_and_a_story_tells_of_each(ready: Bench) -> None:
    runs = [ready.start() for _ in range(3)]
    assert [job.subject for job in ready.desk.queue()] == [run.id for run in runs]
    story = ready.desk.story(runs[0].job)
    assert "submitted" in story
    assert "attempt 1 starts on cpu" in story
    assert "Waits for a free place" in ready.desk.story(runs[2].job)


def test_resuming_what_is_no_job_is_an_error(ready: Bench) -> None:
    with pytest.raises(NotFound):
        ready.desk.resume(JobId("job_0000000000000000"))
    with pytest.raises(NotFound):
        ready.desk.stop(JobId("job_0000000000000000"))
    assert ready.start().state == "waiting"


def test_the_thread_of_the_desk_follows_by_itself(ready: Bench) -> None:
    run = ready.start()
    heard = threading.Event()
    ready.hub.listen(lambda news: heard.set() if news.data.get("state") == "finished" else None)
    desk = ready.open_desk()
    desk.open()
    try:
        published = ready.publish_model(run)
        worker = ready.worker(run.job)
        for event in (Started(pid=1), published, Ended(outcome="finished")):
            worker.emit(event)
        worker.close()
        ready.processes.alive.clear()
        assert heard.wait(20)
    finally:
        desk.close()
    assert ready.job(run.job).state == "finished"
