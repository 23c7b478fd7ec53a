"""The scheduler: a pure machine. Events go in, instructions come out; no clock, disk or process is touched.

`validate()` states what always holds, and `story(job)` tells how a job came to be where it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from tenfold.core.errors import Conflict, NotFound
from tenfold.core.ids import JobId
from tenfold.core.jobs.model import LIVE_STATES, AttemptEnd, Job

MAX_CRASHES = 3


@dataclass(frozen=True)
class Submitted:
    """A job was accepted and stored."""

    job: Job


@dataclass(frozen=True)
class Resubmitted:
    """A job that was stopped or has failed is to go on from its newest checkpoint."""

    job_id: JobId


@dataclass(frozen=True)
class StopAsked:
    """Somebody wants the job to stop."""

    job_id: JobId


@dataclass(frozen=True)
class AttemptEnded:
    """An execution is over and its process proven dead. `progressed`: it wrote a checkpoint of its own.

    `crashed` counts against the job; `lost` does not: the attempt never began, or the whole machine went down.
    """

    job_id: JobId
    attempt: int
    end: AttemptEnd
    progressed: bool = False
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class SlotsChanged:
    """The machine has these slots now: name and how many jobs it takes."""

    slots: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Save:
    """Store this state of the job, before any instruction that follows is carried out."""

    job: Job


@dataclass(frozen=True)
class Start:
    """Start this attempt."""

    job: Job


@dataclass(frozen=True)
class AskStop:
    """Tell the live attempt to stop at its next step boundary."""

    job: Job


Event: TypeAlias = Submitted | Resubmitted | StopAsked | AttemptEnded | SlotsChanged
Instruction: TypeAlias = Save | Start | AskStop


class Scheduler:
    """Decides what runs where, in order of submission; a job that cannot start yet does not hold up those behind it.

    Not thread-safe: one owner calls `handle`. Jobs of earlier lives of the server are handed in with `jobs`.
    """

    def __init__(self, slots: Iterable[tuple[str, int]], jobs: Iterable[Job] = ()) -> None:
        self._slots = dict(slots)
        self._jobs = {job.id: job for job in jobs}
        self._open = {job.id: job for job in self._jobs.values() if job.is_open}
        self._stories: dict[JobId, list[str]] = {}
        self._out: list[Instruction] = []

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """What is to be done because of this event, in order; `now` in seconds since 1970."""
        self._out = []
        if isinstance(event, Submitted):
            self._submitted(event, now)
        elif isinstance(event, Resubmitted):
            self._resubmitted(event, now)
        elif isinstance(event, StopAsked):
            self._stop_asked(event, now)
        elif isinstance(event, AttemptEnded):
            self._attempt_ended(event, now)
        else:
            self._slots = dict(event.slots)
        self._settle(now)
        return self._out

    def job(self, job_id: JobId) -> Job:
        """Raises `NotFound`."""
        try:
            return self._jobs[job_id]
        except KeyError:
            raise NotFound(f"There is no job {job_id}.") from None

    def jobs(self) -> tuple[Job, ...]:
        """All jobs that are known, in queue order."""
        return tuple(sorted(self._jobs.values(), key=lambda job: job.order))

    def open_jobs(self) -> tuple[Job, ...]:
        """The jobs that wait or run, in queue order."""
        return tuple(sorted(self._open.values(), key=lambda job: job.order))

    def remember(self, job: Job) -> None:
        """Takes in a job of an earlier life that is over, so that it can be resumed."""
        self._jobs.setdefault(job.id, job)

    def story(self, job_id: JobId) -> str:
        """The history of one job, a line an event."""
        return "\n".join(self._stories.get(job_id, []))

    def validate(self) -> None:
        """Raises `AssertionError` when something does not hold that always must."""
        assert self._open == {job.id: job for job in self._jobs.values() if job.is_open}
        granted: dict[str, int] = {}
        for job in self._jobs.values():
            live = job.state in LIVE_STATES
            assert bool(job.granted) == live, f"{job.id} is {job.state} with slot {job.granted!r}"
            assert not live or job.attempt > 0, f"{job.id} is {job.state} without an attempt"
            assert job.state != "stopping" or job.stop_asked, f"{job.id} stops without being asked"
            assert job.is_open or job.ended_at is not None, f"{job.id} is {job.state} without an end"
            if job.granted:
                granted[job.granted] = granted.get(job.granted, 0) + 1
        for slot, count in granted.items():
            allowed = self._slots.get(slot)
            assert allowed is None or count <= allowed, f"{count} jobs hold {slot}, which takes {allowed}"

    def _submitted(self, event: Submitted, now: float) -> None:
        job = event.job
        if job.id in self._jobs:
            return
        self._jobs[job.id] = self._open[job.id] = job
        self._tell(job, now, "submitted")

    def _resubmitted(self, event: Resubmitted, now: float) -> None:
        job = self.job(event.job_id)
        if job.state not in {"stopped", "failed"}:
            raise Conflict(f"A job that is {job.state} cannot be resumed; only one that was stopped or has failed.")
        fresh = replace(job, state="waiting", stop_asked=False, crashes=0, ended_at=None, code="", message="")
        self._put(fresh, now, "resumed by request")

    def _stop_asked(self, event: StopAsked, now: float) -> None:
        job = self.job(event.job_id)
        if job.state == "waiting":
            self._put(replace(job, state="stopped", stop_asked=True, ended_at=now, reason=""), now, "stopped waiting")
        elif job.state == "running":
            stopping = replace(job, state="stopping", stop_asked=True)
            self._put(stopping, now, "asked to stop")
            self._out.append(AskStop(stopping))

    def _attempt_ended(self, event: AttemptEnded, now: float) -> None:
        job = self.job(event.job_id)
        if event.attempt != job.attempt or not job.is_live:
            self._tell(job, now, f"attempt {event.attempt} ended late and is ignored")
            return
        over = replace(job, granted="", ended_at=now, code=event.code, message=event.message, reason="")
        if event.end == "crashed" or (event.end == "lost" and job.stop_asked):
            self._crashed(over, event, now)
        elif event.end == "lost":
            self._put(replace(over, state="waiting", ended_at=None), now, f"attempt {event.attempt} was lost")
        else:
            self._put(replace(over, state=event.end), now, f"attempt {event.attempt} {event.end}")

    def _crashed(self, job: Job, event: AttemptEnded, now: float) -> None:
        crashes = 1 if event.progressed else job.crashes + 1
        if job.stop_asked:
            self._put(replace(job, state="stopped", crashes=crashes), now, "died while it was stopping")
        elif crashes >= MAX_CRASHES:
            message = f"It died {crashes} times without reaching a new checkpoint. {event.message}".strip()
            code = event.code or "job.crashed"
            self._put(replace(job, state="failed", crashes=crashes, code=code, message=message), now, "given up")
        else:
            waiting = replace(job, state="waiting", crashes=crashes, ended_at=None)
            self._put(waiting, now, f"attempt {event.attempt} died, crash {crashes}")

    def _settle(self, now: float) -> None:
        """Fails what waits for something that is gone, starts what can start, tells the rest why it waits."""
        free = self._free_slots()
        for job in self.open_jobs():
            if job.state != "waiting":
                continue
            gone = self._gone_dependency(job)
            if gone is not None:
                self._fail_dependent(job, gone, now)
                continue
            reason = self._reason_to_wait(job, free)
            if not reason:
                slot = self._choose(job.slot, free)
                free[slot] -= 1
                self._start(job, slot, now)
            elif reason != job.reason:
                self._put(replace(job, reason=reason), now, reason)

    def _reason_to_wait(self, job: Job, free: dict[str, int]) -> str:
        pending = [self._jobs[each] for each in job.after if each in self._jobs]
        unfinished = [each for each in pending if each.state != "finished"]
        if any(each.kind == "train" for each in unfinished):
            return f"Waits for {len(unfinished)} run{'' if len(unfinished) == 1 else 's'} to finish."
        if unfinished:
            return "Waits for its dataset to be ready."
        if self._choose(job.slot, free):
            return ""
        if job.slot not in {*self._slots, "auto"}:
            return f"Waits for {job.slot}, which this machine does not have now."
        holders = sorted(other.subject for other in self._open.values() if other.is_live and other.kind == job.kind)
        return f"Waits for a free place: {len(holders)} {'is' if len(holders) == 1 else 'are'} running."

    def _choose(self, wanted: str, free: dict[str, int]) -> str:
        """The slot that would be granted, or nothing. `auto` is any GPU, and the CPU where there is no GPU."""
        if wanted != "auto":
            return wanted if free.get(wanted, 0) > 0 else ""
        gpus = [slot for slot in self._slots if slot.startswith("cuda:")]
        return next((slot for slot in gpus or ["cpu"] if free.get(slot, 0) > 0), "")

    def _free_slots(self) -> dict[str, int]:
        free = dict(self._slots)
        for job in self._open.values():
            if job.granted in free:
                free[job.granted] -= 1
        return free

    def _gone_dependency(self, job: Job) -> Job | None:
        known = (self._jobs[dependency] for dependency in job.after if dependency in self._jobs)
        return next((dependency for dependency in known if dependency.state in {"failed", "stopped"}), None)

    def _fail_dependent(self, job: Job, gone: Job, now: float) -> None:
        how = "failed" if gone.state == "failed" else "was stopped"
        message = f"What it waited for {how}: {gone.message}" if gone.message else ""
        message = message or "What it waited for did not finish."
        failed = replace(job, state="failed", ended_at=now, code="job.dependency-gone", message=message, reason="")
        self._put(failed, now, "its dependency is gone")

    def _start(self, job: Job, slot: str, now: float) -> None:
        attempt = job.attempt + 1
        started_at = job.started_at if job.started_at is not None else now
        running = replace(job, state="running", attempt=attempt, granted=slot, reason="", started_at=started_at)
        self._put(running, now, f"attempt {attempt} starts on {slot}")
        self._out.append(Start(running))

    def _put(self, job: Job, now: float, text: str) -> None:
        self._jobs[job.id] = job
        if job.is_open:
            self._open[job.id] = job
        else:
            self._open.pop(job.id, None)
        self._tell(job, now, text)
        self._out.append(Save(job))

    def _tell(self, job: Job, now: float, text: str) -> None:
        self._stories.setdefault(job.id, []).append(f"{now:.3f} {job.state}: {text}")
