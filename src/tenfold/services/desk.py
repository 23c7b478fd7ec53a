"""The job desk: the one owner of the scheduler. It stores decisions, carries them out and hears the workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import structlog

from tenfold.core.errors import TenfoldError
from tenfold.core.events import Json
from tenfold.core.ids import JobId
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
from tenfold.core.repository import Database, Query
from tenfold.services.following import REFUSED, AttemptNews, JobFollower, JobObserver, is_of_machine

BUSY_S = 0.1
IDLE_S = 1.0
STOP_PATIENCE_S = 300.0  # of silence, after which an attempt that was asked to stop is killed; the longest is ONNX
_log = structlog.get_logger("tenfold.desk")


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
        monotonic: Callable[[], float],
        rebooted: bool = False,
    ) -> None:
        self._database = database
        self._folders = folders
        self._executor = executor
        self._slots = tuple(slots)
        self._clock = clock
        self._observers: dict[JobKind, JobObserver] = {}
        self._follower = JobFollower(database, folders=folders, observers=self._observers, monotonic=monotonic)
        self._mutex = threading.RLock()
        self._wake = threading.Event()
        self._closing = False
        self._started_here: set[tuple[JobId, int]] = set()
        self._found_dead_end = "lost" if rebooted else "crashed"
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
                self._ask_stop(job)
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

    def is_training(self) -> bool:
        """Whether a run computes now."""
        return any(job.kind == "train" and job.is_live for job in self.queue())

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

    def tick(self) -> bool:
        """Takes in what live attempts have told, and settles those that died; false when one could not be followed."""
        with self._mutex:
            return all([self._follow_safely(job) for job in self._scheduler.open_jobs() if job.is_live])

    def _follow(self) -> None:
        is_well = True
        while not self._closing:
            busy = is_well and any(job.is_live for job in self.queue())
            self._wake.wait(BUSY_S if busy else IDLE_S)
            self._wake.clear()
            is_well = self.tick()

    def _follow_safely(self, job: Job) -> bool:
        try:
            self._follow_job(job)
        except Exception as error:  # noqa: BLE001  whatever is wrong with one job, the others must be followed on
            _log.error("a job could not be followed", action="follow-failed", job=job.id, error=repr(error))
            if not is_of_machine(error):
                self._follower.news_of(job).spoil(error)
            return False
        return True

    def _follow_job(self, job: Job) -> None:
        news = self._follower.news_of(job)
        alive = self._executor.is_alive(job.id)
        if news.spoiled is None:
            self._follower.take_in(job, news, is_alive=alive)
            if alive and (why_not := self._observers[job.kind].why_not(job)):
                news.refuse(why_not)
        if news.spoiled is not None:
            self._executor.kill(job.id)
        elif alive:
            if job.state == "stopping" and self._follower.silent_s(news) > STOP_PATIENCE_S:
                self._executor.kill(job.id)
            return
        self._handle(self._end_of(job, news))
        self._follower.forget(job)
        if news.spoiled is not None:
            self._follower.pass_over(job)

    def _end_of(self, job: Job, news: AttemptNews) -> AttemptEnded:
        ended = news.end_of(job.kind)
        if ended is not None:
            return AttemptEnded(job.id, job.attempt, ended.outcome, code=ended.code, message=ended.message)
        attempt_known = (job.id, job.attempt) in self._started_here
        if not attempt_known and (not news.started or self._found_dead_end == "lost"):
            return AttemptEnded(job.id, job.attempt, "lost")
        words = self._executor.last_words(job.id)
        return AttemptEnded(job.id, job.attempt, "crashed", progressed=news.progressed, message=words)

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
                self._ask_stop(instruction.job)
        for job in saves:
            self._observers[job.kind].announce(job)

    def _start(self, job: Job) -> None:
        self._started_here.add((job.id, job.attempt))
        if why_not := self._observers[job.kind].why_not(job):
            self._handle(AttemptEnded(job.id, job.attempt, "failed", code=REFUSED, message=why_not))
            return
        try:
            self._executor.kill(job.id)
            self._folders.open_attempt(job.id, job.attempt)
            self._executor.start(job.id, job.attempt, job.granted)
        except (TenfoldError, OSError) as error:
            _log.error("an attempt could not start", action="start-failed", job=job.id, error=str(error))
            code = error.code if isinstance(error, TenfoldError) else "job.not-started"
            message = f"The attempt could not start: {error}"
            self._handle(AttemptEnded(job.id, job.attempt, "failed", code=code, message=message))

    def _ask_stop(self, job: Job) -> None:
        try:
            self._folders.ask_stop(job.id)
        except OSError as error:
            self._follower.news_of(job).spoil(error)

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
