import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tenfold.core.errors import Conflict
from tenfold.core.ids import JobId, UserId
from tenfold.core.jobs.model import AttemptEnd, Job
from tenfold.core.jobs.scheduler import (
    AskStop,
    AttemptEnded,
    Instruction,
    Resubmitted,
    Save,
    Scheduler,
    SlotsChanged,
    Start,
    StopAsked,
    Submitted,
)

CPU = [("cpu", 1), ("import", 1)]


def make_job(number: int, slot: str = "auto", after: tuple[str, ...] = ()) -> Job:
    return Job(
        id=JobId(f"job-{number}"),
        kind="import" if slot == "import" else "train",
        subject=f"run-{number}",
        owner=UserId("me"),
        order=number,
        created_at=0.0,
        slot=slot,
        after=tuple(JobId(name) for name in after),
    )


def started(instructions: list[Instruction]) -> list[str]:
    return [each.job.id for each in instructions if isinstance(each, Start)]


def test_jobs_start_in_order_as_places_become_free() -> None:
    scheduler = Scheduler(CPU)
    assert started(scheduler.handle(Submitted(make_job(1)), 1.0)) == ["job-1"]
    assert started(scheduler.handle(Submitted(make_job(2)), 2.0)) == []
    assert scheduler.job(JobId("job-2")).reason == "Waits for a free place: 1 is running."
    assert started(scheduler.handle(AttemptEnded(JobId("job-1"), 1, "finished"), 3.0)) == ["job-2"]


def test_auto_takes_a_gpu_where_there_is_one_and_never_the_cpu_then() -> None:
    scheduler = Scheduler([("cpu", 1), ("cuda:0", 1), ("cuda:1", 1)])
    for number in (1, 2, 3):
        scheduler.handle(Submitted(make_job(number)), 1.0)
    assert [job.granted for job in scheduler.jobs()] == ["cuda:0", "cuda:1", ""]


def test_a_run_waits_for_its_dataset_and_others_pass_it() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1, "import")), 1.0)
    scheduler.handle(Submitted(make_job(2, after=("job-1",))), 1.0)
    assert scheduler.job(JobId("job-2")).reason == "Waits for its dataset to be ready."
    assert started(scheduler.handle(Submitted(make_job(3)), 1.0)) == ["job-3"]
    scheduler.handle(AttemptEnded(JobId("job-3"), 1, "finished"), 2.0)
    assert started(scheduler.handle(AttemptEnded(JobId("job-1"), 1, "finished"), 3.0)) == ["job-2"]


def test_a_run_fails_with_its_dataset() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1, "import")), 1.0)
    scheduler.handle(Submitted(make_job(2, after=("job-1",))), 1.0)
    scheduler.handle(AttemptEnded(JobId("job-1"), 1, "failed", message="There is one class only."), 3.0)
    job = scheduler.job(JobId("job-2"))
    assert (job.state, job.code) == ("failed", "job.dependency-gone")
    assert "There is one class only." in job.message


def test_three_crashes_without_a_new_checkpoint_end_a_job() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1)), 1.0)
    for attempt in (1, 2):
        instructions = scheduler.handle(AttemptEnded(JobId("job-1"), attempt, "crashed"), 2.0)
        assert started(instructions) == ["job-1"]
    scheduler.handle(AttemptEnded(JobId("job-1"), 3, "crashed", message="Killed by signal 9."), 3.0)
    job = scheduler.job(JobId("job-1"))
    assert (job.state, job.code) == ("failed", "job.crashed")
    assert job.message == "It died 3 times without reaching a new checkpoint. Killed by signal 9."


def test_crashes_with_progress_between_them_never_end_a_job() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1)), 1.0)
    for attempt in range(1, 30):
        scheduler.handle(AttemptEnded(JobId("job-1"), attempt, "crashed", progressed=True), 2.0)
    assert scheduler.job(JobId("job-1")).state == "running"


def test_a_lost_attempt_is_nobodys_fault() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1)), 1.0)
    for attempt in range(1, 10):
        assert started(scheduler.handle(AttemptEnded(JobId("job-1"), attempt, "lost"), 2.0)) == ["job-1"]
    assert scheduler.job(JobId("job-1")).crashes == 0


def test_an_attempt_that_was_replaced_is_not_heard() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1)), 1.0)
    scheduler.handle(AttemptEnded(JobId("job-1"), 1, "crashed"), 2.0)
    assert scheduler.handle(AttemptEnded(JobId("job-1"), 1, "finished"), 3.0) == []
    assert scheduler.job(JobId("job-1")).attempt == 2
    assert "ended late" in scheduler.story(JobId("job-1"))


def test_stopping_a_waiting_and_a_running_job() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1)), 1.0)
    scheduler.handle(Submitted(make_job(2)), 1.0)
    scheduler.handle(StopAsked(JobId("job-2")), 2.0)
    assert scheduler.job(JobId("job-2")).state == "stopped"
    out = scheduler.handle(StopAsked(JobId("job-1")), 2.0)
    assert [type(each) for each in out] == [Save, AskStop]
    assert scheduler.handle(StopAsked(JobId("job-1")), 2.0) == []
    scheduler.handle(AttemptEnded(JobId("job-1"), 1, "crashed"), 3.0)
    assert scheduler.job(JobId("job-1")).state == "stopped"


def test_a_stopped_job_goes_on_and_a_finished_one_does_not() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1)), 1.0)
    scheduler.handle(AttemptEnded(JobId("job-1"), 1, "stopped"), 2.0)
    assert started(scheduler.handle(Resubmitted(JobId("job-1")), 3.0)) == ["job-1"]
    scheduler.handle(AttemptEnded(JobId("job-1"), 2, "finished"), 4.0)
    with pytest.raises(Conflict, match="that is finished cannot be resumed"):
        scheduler.handle(Resubmitted(JobId("job-1")), 5.0)


def test_a_submit_that_comes_twice_counts_once() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1)), 1.0)
    assert scheduler.handle(Submitted(make_job(1)), 1.0) == []


def test_a_slot_that_the_machine_lost_is_named() -> None:
    scheduler = Scheduler(CPU)
    scheduler.handle(Submitted(make_job(1, "cuda:3")), 1.0)
    assert scheduler.job(JobId("job-1")).reason == "Waits for cuda:3, which this machine does not have now."
    assert started(scheduler.handle(SlotsChanged((("cuda:3", 1),)), 2.0)) == ["job-1"]


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens in whatever order, the invariants hold and a server that restarts sees the same queue."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.scheduler = Scheduler([("cpu", 2), ("import", 1)])
        self.stored: dict[str, Job] = {}
        self.count = 0
        self.now = 0.0

    def handle(self, event: object) -> None:
        self.now += 1.0
        for instruction in self.scheduler.handle(event, self.now):  # type: ignore[arg-type]
            if isinstance(instruction, Save):
                self.stored[instruction.job.id] = instruction.job
            else:
                assert self.stored[instruction.job.id] == instruction.job, "stored before it is carried out"

    @rule(target=jobs, slot=st.sampled_from(["auto", "cpu", "import", "cuda:0"]), wait=st.booleans())
    def submit(self, slot: str, wait: bool) -> str:
        self.count += 1
        job = make_job(self.count, slot, (f"job-{self.count - 1}",) if wait and self.count > 1 else ())
        self.stored[job.id] = job
        self.handle(Submitted(job))
        return job.id

    @rule(
        job_id=jobs,
        end=st.sampled_from(["finished", "stopped", "failed", "crashed", "lost"]),
        progressed=st.booleans(),
        late=st.booleans(),
    )
    def end(self, job_id: str, end: AttemptEnd, progressed: bool, late: bool) -> None:
        attempt = self.scheduler.job(JobId(job_id)).attempt - late
        self.handle(AttemptEnded(JobId(job_id), attempt, end, progressed=progressed))

    @rule(job_id=jobs)
    def stop(self, job_id: str) -> None:
        self.handle(StopAsked(JobId(job_id)))

    @rule(job_id=jobs)
    def resume(self, job_id: str) -> None:
        if self.scheduler.job(JobId(job_id)).state in {"stopped", "failed"}:
            self.handle(Resubmitted(JobId(job_id)))

    @rule()
    def restart(self) -> None:
        self.scheduler = Scheduler([("cpu", 2), ("import", 1)], self.stored.values())

    @invariant()
    def holds(self) -> None:
        self.scheduler.validate()
        assert {job.id: job for job in self.scheduler.jobs()} == self.stored

    @invariant()
    def no_place_is_left_idle(self) -> None:
        free = 2 - sum(job.granted == "cpu" for job in self.scheduler.jobs())
        could = [job for job in self.scheduler.jobs() if job.state == "waiting" and not job.after]
        assert not (free and any(job.slot in {"auto", "cpu"} for job in could))


AnyHistory.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyHistory = AnyHistory.TestCase
