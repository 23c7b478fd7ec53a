"""The job desk: the one owner of the scheduler. It stores decisions, carries them out and hears the workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import structlog

from tenfold.core.errors import Damaged, NotFound, TenfoldError
from tenfold.core.events import CheckpointSaved, Ended, Envelope, Json, Started
from tenfold.core.ids import JobId
from tenfold.core.jobs.log import line_of
from tenfold.core.jobs.model import Job, JobKind
from tenfold.core.jobs.ports import Executor, JobFolders
from tenfold.core.jobs.scheduler import (
    AskStop,
    AttemptEnded,
    Event,
    Instruction,
    Resubmitted,
    Save,
    Scheduler,
    SlotsChanged,
    Start,
    StopAsked,
    Submitted,
)
from tenfold.core.repository import Database, Query, Transaction
from tenfold.core.training.run import LogLine

BUSY_S = 0.1
IDLE_S = 1.0
STOP_PATIENCE_S = 60.0  # of silence, after which an attempt that was asked to stop is killed
_log = structlog.get_logger("tenfold.desk")


class JobObserver(Protocol):
    """What the noun behind a kind of job does with the job's news, in the desk's own transaction."""

    def on_event(self, tx: Transaction, job: Job, envelope: Envelope) -> None: ...

    def on_state(self, tx: Transaction, job: Job) -> None: ...

    def announce(self, job: Job) -> None:
        """Called after the commit."""


class JobDesk:
    """Accepts, starts, follows and stops jobs. Thread-safe; one background thread follows what lives."""

    def __init__(
        self,
        database: Database,
        *,
        folders: JobFolders,
        executor: Executor,
        slots: Iterable[tuple[str, int]],
        clock: Callable[[], float],
        rebooted: bool = False,
    ) -> None:
        self._database = database
        self._folders = folders
        self._executor = executor
        self._slots = tuple(slots)
        self._clock = clock
        self._observers: dict[JobKind, JobObserver] = {}
        self._mutex = threading.RLock()
        self._wake = threading.Event()
        self._closing = False
        self._started_here: set[tuple[JobId, int]] = set()
        self._found_dead_end = "lost" if rebooted else "crashed"
        self._ends: dict[JobId, _AttemptNews] = {}
        self._thread: threading.Thread | None = None
        self._scheduler = self._restored()

    def observe(self, kind: JobKind, observer: JobObserver) -> None:
        """Names who is told of jobs of a kind; before `open`."""
        self._observers[kind] = observer

    def open(self) -> None:
        """Takes up where the last life of the server ended, and begins to follow."""
        self.tick()
        for job in self._scheduler.open_jobs():
            if job.state == "stopping":
                self._folders.ask_stop(job.id)
        self._handle(SlotsChanged(self._slots))
        self._thread = threading.Thread(target=self._follow, name="job-desk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops following. Running attempts go on."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._executor.close()

    def prepare(self, job: Job, spec: Mapping[str, Json]) -> None:
        """Writes a job's folder; then the caller stores the job and its subject in one transaction and submits."""
        self._folders.create(job.id, spec)

    def submit(self, job: Job) -> None:
        """Schedules a job that is stored."""
        self._handle(Submitted(job))

    def stop(self, job_id: JobId) -> None:
        """Asks a job to stop; one that waits is stopped at once."""
        self._handle(StopAsked(job_id))

    def resume(self, job_id: JobId) -> None:
        """Lets a job that was stopped or failed go on."""
        with self._mutex:
            if all(job.id != job_id for job in self._scheduler.jobs()):
                with self._database.read() as tx:
                    self._scheduler.remember(tx.jobs.get(job_id))
            self._handle(Resubmitted(job_id))

    def slots(self) -> tuple[str, ...]:
        """What a job can ask for on this machine: `cpu`, `import`, `cuda:0`, ..."""
        return tuple(slot for slot, _ in self._slots)

    def queue(self) -> tuple[Job, ...]:
        """The jobs that wait or run, in order."""
        with self._mutex:
            return self._scheduler.open_jobs()

    def story(self, job_id: JobId) -> str:
        """How a job came to be where it is, in this life of the server."""
        with self._mutex:
            return self._scheduler.story(job_id)

    def warm(self) -> None:
        """Makes the next start quick."""
        self._executor.warm()

    def executor_facts(self) -> dict[str, Json]:
        return self._executor.facts()

    def tick(self) -> None:
        """Takes in what live attempts have told, and settles those that died."""
        with self._mutex:
            for job in self._scheduler.open_jobs():
                if job.is_live:
                    self._follow_job(job)

    def _follow(self) -> None:
        while not self._closing:
            busy = any(job.is_live for job in self.queue())
            self._wake.wait(BUSY_S if busy else IDLE_S)
            self._wake.clear()
            try:
                self.tick()
            except Exception as error:  # noqa: BLE001  whatever fails once, jobs must be followed on
                _log.error("the desk could not follow; it tries again", action="desk-failed", error=repr(error))
                self._reload()
                self._wake.wait(IDLE_S)

    def _follow_job(self, job: Job) -> None:
        alive = self._executor.is_alive(job.id)
        news = self._take_in(job)
        if alive:
            if job.state == "stopping" and self._clock() - news.heard_at > STOP_PATIENCE_S:
                self._executor.kill(job.id)
            return
        attempt_known = (job.id, job.attempt) in self._started_here
        ended = news.spoiled or news.ended
        if ended is not None:
            event = AttemptEnded(job.id, job.attempt, ended.outcome, code=ended.code, message=ended.message)
        elif not attempt_known and (not news.started or self._found_dead_end == "lost"):
            event = AttemptEnded(job.id, job.attempt, "lost")
        else:
            words = self._executor.last_words(job.id)
            event = AttemptEnded(job.id, job.attempt, "crashed", progressed=news.progressed, message=words)
        self._ends.pop(job.id, None)
        self._handle(event)

    def _take_in(self, job: Job) -> _AttemptNews:
        """Reads all new events into the store; what matters for the attempt's end is remembered."""
        news = self._ends.get(job.id)
        if news is None or news.attempt != job.attempt:
            news = self._ends[job.id] = self._remembered(job)
        while True:
            with self._database.read() as tx:
                offset = tx.jobs.get(job.id).read_offset
            envelopes, new_offset = self._folders.read_events(job.id, offset)
            if new_offset == offset:
                return news
            news.heard_at = self._clock()
            with self._database.write() as tx:
                for envelope in envelopes:
                    news.note(envelope)
                    self._store(tx, job, envelope, news)
                stored = tx.jobs.get(job.id)
                tx.jobs.update(replace(stored, read_offset=new_offset))
            self._observers[job.kind].announce(job)

    def _remembered(self, job: Job) -> _AttemptNews:
        """What earlier lives of the server have read of this attempt."""
        news = _AttemptNews(job.attempt, self._clock())
        offset = 0
        with self._database.read() as tx:
            limit = tx.jobs.get(job.id).read_offset
        while offset < limit:
            envelopes, new_offset = self._folders.read_events(job.id, offset)
            if new_offset == offset:
                break
            for envelope in envelopes:
                news.note(envelope)
            offset = new_offset
        return news

    def _store(self, tx: Transaction, job: Job, envelope: Envelope, news: _AttemptNews) -> None:
        told = line_of(envelope)
        if told is not None:
            key = f"{job.id}-{envelope.seq:08d}"
            tx.log_lines.add(LogLine(id=key, job=job.id, at=envelope.time, level=told.level, text=told.text))
        try:
            self._observers[job.kind].on_event(tx, job, envelope)
        except (Damaged, NotFound) as error:  # what it published is not whole: this job fails, and no other waits
            news.spoiled = Ended(outcome="failed", code=error.code, message=error.message)

    def _handle(self, event: Event) -> None:
        with self._mutex:
            try:
                self._carry_out(self._scheduler.handle(event, self._clock()))
            except BaseException:
                self._reload()
                raise
            self._wake.set()

    def _carry_out(self, instructions: list[Instruction]) -> None:
        saves = [instruction.job for instruction in instructions if isinstance(instruction, Save)]
        if saves:
            with self._database.write() as tx:
                for job in saves:
                    stored = tx.jobs.get(job.id)
                    tx.jobs.update(replace(job, version=stored.version, read_offset=stored.read_offset))
                    self._observers[job.kind].on_state(tx, job)
        for instruction in instructions:
            if isinstance(instruction, Start):
                self._start(instruction.job)
            elif isinstance(instruction, AskStop):
                self._folders.ask_stop(instruction.job.id)
        for job in saves:
            self._observers[job.kind].announce(job)

    def _start(self, job: Job) -> None:
        self._started_here.add((job.id, job.attempt))
        try:
            self._executor.kill(job.id)
            self._folders.open_attempt(job.id, job.attempt)
            self._executor.start(job.id, job.attempt, job.granted)
        except (TenfoldError, OSError) as error:
            _log.error("an attempt could not start", action="start-failed", job=job.id, error=str(error))
            code = error.code if isinstance(error, TenfoldError) else "job.not-started"
            message = f"The attempt could not start: {error}"
            self._handle(AttemptEnded(job.id, job.attempt, "failed", code=code, message=message))

    def _reload(self) -> None:
        with self._mutex:
            self._scheduler = self._restored()

    def _restored(self) -> Scheduler:
        jobs: list[Job] = []
        with self._database.read() as tx:
            cursor = ""
            while True:
                where = {"state": ("waiting", "running", "stopping")}
                page = tx.jobs.page(Query(where=where, limit=500, cursor=cursor))
                jobs += page.items
                cursor = page.cursor
                if not cursor:
                    break
            known = {job.id for job in jobs}
            needed = {dependency for job in jobs for dependency in job.after} - known
            jobs += [job for dependency in needed if (job := tx.jobs.find(id=dependency)) is not None]
        return Scheduler(self._slots, jobs)


class _AttemptNews:
    """What one attempt has told that decides how its end is taken."""

    def __init__(self, attempt: int, now: float) -> None:
        self.attempt = attempt
        self.heard_at = now
        self.started = False
        self.progressed = False
        self.ended: Ended | None = None
        self.spoiled: Ended | None = None

    def note(self, envelope: Envelope) -> None:
        if envelope.attempt != self.attempt:
            return
        if isinstance(envelope.event, Started):
            self.started = True
        elif isinstance(envelope.event, CheckpointSaved):
            self.progressed = True
        elif isinstance(envelope.event, Ended):
            self.ended = envelope.event
