"""Following jobs: what live attempts write is taken into the store, and what decides their end is kept in mind."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from tenfold.core.errors import StorageFull, TenfoldError, Unavailable, is_disk_full
from tenfold.core.events import CheckpointSaved, Ended, Envelope, Published, Started, cut
from tenfold.core.ids import JobId
from tenfold.core.jobs.log import line_of
from tenfold.core.jobs.model import Job, JobKind
from tenfold.core.jobs.ports import JobFolders, UnreadableEvent
from tenfold.core.repository import Database, Transaction
from tenfold.core.training.run import LogLine

REFUSED = "run-code"
NO_MODEL = "run.no-model"
MOST_LINES = 50_000
"""Lines of the log that are kept of an attempt."""
MOST_BYTES = 4 << 20
"""That are read of a live attempt before others have their turn."""
_ENOUGH = "It has told too much: of this attempt no further lines are kept."
_NO_MODEL = "It says that it is finished, and left no model. Resume it to go on from its newest checkpoint."


class JobObserver(Protocol):
    """What the noun behind a kind of job does with the job's news, in the desk's own transaction."""

    def on_event(self, tx: Transaction, job: Job, envelope: Envelope) -> None: ...

    def on_state(self, tx: Transaction, job: Job) -> None: ...

    def why_not(self, job: Job) -> str:
        """Why no attempt of a job may run, or run on, as a sentence; empty where it may."""

    def announce(self, job: Job) -> None:
        """Called after the commit."""


class AttemptNews:
    """What one attempt has told that decides how its end is taken."""

    def __init__(self, attempt: int, now: float) -> None:
        self.attempt = attempt
        self.heard_at = now
        self.is_complete = False
        self.started = False
        self.progressed = False
        self.published = False
        self.num_lines = 0
        self.ended: Ended | None = None
        self.spoiled: Ended | None = None
        self._saved_before = 0

    def note(self, envelope: Envelope) -> None:
        event = envelope.event
        if envelope.attempt < self.attempt:
            if isinstance(event, CheckpointSaved):
                self._saved_before = max(self._saved_before, event.step)
        elif isinstance(event, Started):
            self.started = True
        elif isinstance(event, CheckpointSaved):
            self.progressed = self.progressed or event.step > self._saved_before
        elif isinstance(event, Published):
            self.published = True
        elif isinstance(event, Ended):
            self.ended = replace(event, message=cut(event.message))

    def end_of(self, kind: JobKind) -> Ended | None:
        """How the attempt says that it ended, as far as that can be: a training that is over has left a model."""
        ended = self.spoiled or self.ended
        if kind == "train" and ended is not None and ended.outcome == "finished" and not self.published:
            return Ended(outcome="failed", code=NO_MODEL, message=_NO_MODEL)
        return ended

    def refuse(self, why: str) -> None:
        """The attempt may not run on: from now on nothing counts but that."""
        self.spoiled = self.spoiled or Ended(outcome="failed", code=REFUSED, message=why)

    def spoil(self, error: Exception) -> None:
        """From now on nothing counts but that it cannot be read; the first reason stays."""
        reason = _in_words(error)
        text = f"What the job wrote cannot be read: {reason} Resume it to try again."
        self.spoiled = self.spoiled or Ended(outcome="failed", code=UnreadableEvent.code, message=text)


class JobFollower:
    """Reads the events of live attempts. Not thread-safe: the desk calls it under its mutex.

    `observers` may be filled after it was made.
    """

    def __init__(
        self,
        database: Database,
        *,
        folders: JobFolders,
        observers: Mapping[JobKind, JobObserver],
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._folders = folders
        self._observers = observers
        self._monotonic = monotonic
        self._news: dict[JobId, AttemptNews] = {}

    def news_of(self, job: Job) -> AttemptNews:
        """What is remembered of the live attempt."""
        news = self._news.get(job.id)
        if news is None or news.attempt != job.attempt:
            news = self._news[job.id] = AttemptNews(job.attempt, self._monotonic())
        return news

    def take_in(self, job: Job, news: AttemptNews, *, is_alive: bool) -> None:
        """Reads new events into the store; what matters for the attempt's end is remembered.

        All, unless it is alive and tells more than is read at a time: it may tell without end.
        """
        began = offset = self._offset_of(job)
        self._remember(job, news, offset)
        while True:
            try:
                envelopes, new_offset = self._folders.read_events(job.id, offset)
            except UnreadableEvent as error:
                news.spoil(error)
                return
            if new_offset == offset:
                return
            offset = new_offset
            news.heard_at = self._monotonic()
            with self._database.write() as tx:
                for envelope in envelopes:
                    news.note(envelope)
                    self._store(tx, job, envelope, news)
                if news.spoiled is None:
                    tx.jobs.update(replace(tx.jobs.get(job.id), read_offset=offset))
            self._observers[job.kind].announce(job)
            if news.spoiled is not None or (is_alive and offset - began >= MOST_BYTES):
                return

    def _remember(self, job: Job, news: AttemptNews, limit: int) -> None:
        """Hears again, once, what was taken in before: from earlier attempts, and by earlier lives of the server."""
        offset = 0
        while not news.is_complete and offset < limit:
            try:
                envelopes, new_offset = self._folders.read_events(job.id, offset)
            except UnreadableEvent as error:  # it ended an earlier attempt
                envelopes, new_offset = (), error.next_offset
            for envelope in envelopes:
                news.note(envelope)
            if new_offset == offset:
                break
            offset = new_offset
        news.is_complete = True

    def silent_s(self, news: AttemptNews) -> float:
        """For how long nothing has come from the attempt."""
        return self._monotonic() - news.heard_at

    def forget(self, job: Job) -> None:
        """The attempt is over."""
        self._news.pop(job.id, None)

    def pass_over(self, job: Job) -> None:
        """Leaves unread what a spoiled attempt wrote, so that the next one is judged by its own words."""
        offset = self._folders.end_of_events(job.id)
        with self._database.write() as tx:
            tx.jobs.update(replace(tx.jobs.get(job.id), read_offset=offset))

    def _offset_of(self, job: Job) -> int:
        with self._database.read() as tx:
            return tx.jobs.get(job.id).read_offset

    def _store(self, tx: Transaction, job: Job, envelope: Envelope, news: AttemptNews) -> None:
        told = line_of(envelope)
        key = f"{job.id}-{envelope.seq:08d}"
        if told is not None and news.num_lines < MOST_LINES and tx.log_lines.find(id=key) is None:
            news.num_lines += 1
            text = told.text if news.num_lines < MOST_LINES else _ENOUGH
            tx.log_lines.add(LogLine(id=key, job=job.id, at=envelope.time, level=told.level, text=text))
        try:
            self._observers[job.kind].on_event(tx, job, envelope)
        except (TenfoldError, OSError, LookupError, TypeError, ValueError) as error:
            if is_of_machine(error):
                raise
            news.spoil(error)  # what it published is not whole: this job fails, and no other waits


def _in_words(error: Exception) -> str:
    if isinstance(error, TenfoldError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})." if error.filename else f"{error.strerror}."
    if isinstance(error, LookupError):
        return f"{error} is missing."
    return f"{type(error).__name__}: {error}."


def is_of_machine(error: Exception) -> bool:
    """Whether an error would meet every job: nothing is wrong with this one, and it can be tried again."""
    scarce = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
    if isinstance(error, OSError):
        return is_disk_full(error) or error.errno in scarce
    return isinstance(error, Unavailable | StorageFull | MemoryError)
