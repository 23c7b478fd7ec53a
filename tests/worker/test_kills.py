"""Workers are killed with SIGKILL wherever it may hurt: they resume by themselves and end with the same bits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tenfold.adapters.storage.job_folders import Fenced, LocalJobFolders, WorkerFolder
from tenfold.bootstrap.worker import make_toolbox
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.job import ImportJob
from tenfold.core.events import CheckpointSaved, Envelope, Json, Logged, Measured, PhaseStarted, Started
from tenfold.core.ids import JobId
from tenfold.core.training.run import Run
from tenfold.worker.main import FENCED_STATUS, run_job
from tenfold.worker.toolbox import BuildFolders

from .workstation import ALL_CORES, Workstation

PHASES = ("before the first checkpoint", "mid-epoch", "while a checkpoint is written", "in validation", "publishing")
SPEC = {
    "network": "dropping",
    "epochs": 6,
    "batch_size": 8,
    "checkpoint_every": 0.2,
    "steps_per_row": 3,
    "threads": ALL_CORES,
}
KILLS_SHORT, KILLS_LONG = 5, 20
TRIES = 10  # a busy machine may look too late: validating and publishing take milliseconds


@pytest.fixture(scope="module")
def whole(workstation: Workstation, shapes: Dataset) -> Run:
    """The run that nobody interrupts."""
    over = workstation.finish(workstation.start(dataset=shapes.name, name="whole", **SPEC))
    assert over.state == "finished", over.message
    return over


def test_killed_in_every_phase_it_ends_like_the_uninterrupted_run(
    workstation: Workstation, shapes: Dataset, whole: Run
) -> None:
    kill_and_compare(workstation, shapes, whole, KILLS_SHORT)


@pytest.mark.campaign
def test_campaign_kill(workstation: Workstation, shapes: Dataset, whole: Run) -> None:
    kill_and_compare(workstation, shapes, whole, KILLS_LONG)
    each = KILLS_LONG // len(PHASES)
    print(
        f"\n{KILLS_LONG} kills of workers, {each} {', '.join(PHASES)}: weights {workstation.weights_sha256(whole)[:16]}"
    )


def kill_and_compare(workstation: Workstation, shapes: Dataset, whole: Run, num_kills: int) -> None:
    """Kills `num_kills` runs' workers, the phases in turn, as many in one run as it has phases."""
    chance = random.Random(num_kills)
    for _ in range(0, num_kills, len(PHASES)):
        to_kill_in = list(PHASES)
        for _ in range(TRIES):
            killed_in_turn(workstation, shapes, whole, to_kill_in, chance)
            if not to_kill_in:
                break
        assert not to_kill_in, f"the runs came through {to_kill_in[0]} before they were killed"


def killed_in_turn(
    workstation: Workstation, shapes: Dataset, whole: Run, to_kill_in: list[str], chance: random.Random
) -> None:
    """One run, killed in these phases until it comes through one first; those that were reached leave the list."""
    run = workstation.start(dataset=shapes.name, **SPEC)
    num_kills = 0
    while to_kill_in and is_killed_in(workstation, run, to_kill_in[0], chance):
        to_kill_in.pop(0)
        num_kills += 1
    over = workstation.finish(run)
    assert over.state == "finished", over.message
    assert workstation.weights_sha256(run) == workstation.weights_sha256(whole)
    assert workstation.rows(run) == workstation.rows(whole)
    events = workstation.events(run)
    assert_nothing_ran_twice(events)
    assert sum(isinstance(each.event, Started) for each in events) == num_kills + 1


def is_killed_in(workstation: Workstation, run: Run, phase: str, chance: random.Random) -> bool:
    """Waits for the phase in the newest attempt and kills the worker there; false where the run came through."""
    seen = newest_events(workstation, run)
    writing = ".*-step-*.part" if phase == "while a checkpoint is written" else ""
    checkpoints = workstation.data / "jobs" / run.job / "checkpoints"
    deadline = time.monotonic() + 300
    for events in seen:
        assert time.monotonic() < deadline, f"{phase} was not reached"
        is_started = any(isinstance(each.event, Started) for each in events)  # torn ones of before are cleared by then
        if writing and is_started and any(checkpoints.glob(writing)):
            break
        if not writing and is_in(phase, events):
            time.sleep(0 if phase == "publishing" else chance.uniform(0, 0.01))
            break
    else:
        return False
    attempt = workstation.services.runs.job(workstation.owner, run).attempt
    workstation.kill(run)
    after = workstation.wait(
        lambda: workstation.services.runs.job(workstation.owner, run),
        lambda job: job.attempt > attempt or not job.is_open,
    )
    return after.attempt > attempt


def newest_events(workstation: Workstation, run: Run) -> Iterator[list[Envelope]]:
    """The events of the newest attempt, again and again, as they grow."""
    while True:
        job = workstation.services.runs.job(workstation.owner, run)
        if not job.is_open:
            return
        yield [envelope for envelope in workstation.events(run) if envelope.attempt == job.attempt]
        time.sleep(0.002)


def is_in(phase: str, events: list[Envelope]) -> bool:
    phases = [each.event.phase for each in events if isinstance(each.event, PhaseStarted)]
    conditions: dict[str, Callable[[], bool]] = {
        "before the first checkpoint": lambda: bool(phases),
        "mid-epoch": lambda: _rows_after_a_checkpoint(events) >= 2,
        "in validation": lambda: bool(phases) and phases[-1] == "validating",
        "publishing": lambda: bool(phases) and phases[-1] in {"exporting", "publishing"},
    }
    return conditions[phase]()


def _rows_after_a_checkpoint(events: list[Envelope]) -> int:
    count = -1
    for each in events:
        if isinstance(each.event, CheckpointSaved):
            count = 0
        elif isinstance(each.event, Measured) and count >= 0:
            count += 1
    return count


def assert_nothing_ran_twice(events: list[Envelope]) -> None:
    """No attempt works on a step that a checkpoint of an earlier attempt already holds."""
    saved = 0
    resumed: dict[int, int] = {}
    for each in events:
        if isinstance(each.event, Started):
            resumed[each.attempt] = each.event.resumed_step or 0
            assert resumed[each.attempt] >= saved, f"attempt {each.attempt} began before checkpoint {saved}"
        elif isinstance(each.event, CheckpointSaved):
            saved = max(saved, each.event.step)
        elif isinstance(each.event, Measured):
            assert each.event.step >= resumed[each.attempt], f"{each} was done already"


def test_a_run_that_dies_at_once_every_time_is_given_up(workstation: Workstation, shapes: Dataset) -> None:
    # An epoch ends with a checkpoint: this one takes half a minute, so that no attempt gets there.
    wide = {"hidden": 100_000}
    run = workstation.start(
        dataset=shapes.name, network="dropping", parameters=wide, checkpoint_every=3600, batch_size=1
    )
    chance = random.Random(1)
    for _ in range(2):
        assert is_killed_in(workstation, run, "before the first checkpoint", chance)
    workstation.wait(lambda: workstation.events(run)[-1].attempt, lambda attempt: attempt == 3)
    workstation.kill(run)
    over = workstation.finish(run)
    assert (over.state, over.code) == ("failed", "job.crashed")
    assert over.message.startswith("It died 3 times without reaching a new checkpoint.")
    assert "SIGKILL" in over.message


def test_a_run_that_dies_each_time_while_it_publishes_is_given_up(workstation: Workstation, shapes: Dataset) -> None:
    chance = random.Random(2)
    for _ in range(TRIES):
        run = workstation.start(dataset=shapes.name, network="dropping", epochs=1, batch_size=64)
        if all(is_killed_in(workstation, run, "publishing", chance) for _ in range(2)):
            for events in newest_events(workstation, run):
                if is_in("publishing", events):
                    break
            workstation.kill(run)
        over = workstation.finish(run)
        if over.state == "failed":
            break
    assert (over.state, over.code) == ("failed", "job.crashed")
    assert over.message.startswith("It died 3 times without reaching a new checkpoint.")


def test_an_attempt_that_woke_up_late_is_fenced_off(tmp_path: Path) -> None:
    folders = LocalJobFolders(tmp_path)
    job = JobId("job_0000000000000000")
    folders.create(job, {"kind": "train"})
    folders.open_attempt(job, 1)
    with closing(WorkerFolder(folders.path(job), 1)) as first:
        first.emit(Logged(text="one"))
        staged = first.staging()
        folders.open_attempt(job, 2)
        with closing(WorkerFolder(folders.path(job), 2)) as second:
            assert not staged.exists()
            second.emit(Logged(text="two"))
        with pytest.raises(Fenced):
            first.emit(Logged(text="late"))
        with pytest.raises(Fenced):
            first.publish(staged)
    assert not Path(folders.result_folder(job, 1)).exists()
    events, _ = folders.read_events(job, 0)
    assert [(each.seq, each.attempt) for each in events] == [(1, 1), (2, 2)]


def test_what_fails_because_a_newer_attempt_has_cleared_it_is_fenced_too(tmp_path: Path) -> None:
    """A worker that hung comes back and finds its staged files gone: it says nothing, also not that it failed."""
    folders = LocalJobFolders(tmp_path / "jobs")
    job = JobId("job_0000000000000000")
    told = ImportJob(
        dataset="dst_0",
        dataset_name="shapes",
        task="classification",
        revision="rev_0",
        source={"folder": "/nowhere"},
        spec={},
        roots=[],
    )
    folders.create(job, told.to_json())
    folders.open_attempt(job, 1)

    def lose_the_staged_files(_job: ImportJob, places: BuildFolders, **_: object) -> dict[str, Json]:
        folders.open_attempt(job, 2)
        WorkerFolder(folders.path(job), 2).close()
        (places.staged / "records.bin").write_bytes(b"late")
        return {}

    tools = replace(make_toolbox(), build_dataset=lose_the_staged_files)
    assert run_job(folders.path(job), 1, "import", tools) == FENCED_STATUS
    events, _ = folders.read_events(job, 0)
    assert [type(each.event) for each in events] == [Started, PhaseStarted]
