"""Errands: work of seconds for somebody who waits, in a worker process of its own, which nobody queues.

An errand is known by what is asked: the same question has the same answer, as long as it is remembered. It begins at
once, or when one of its kind that runs is over; it is given up when whoever asked asks something else. Nothing of it
outlives the server.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import structlog

from tenfold.core.errors import NotFound, TenfoldError
from tenfold.core.events import Ended, Envelope, Event, Json
from tenfold.core.ids import PREFIXES, JobId, new_id
from tenfold.core.jobs.ports import Executor, JobFolders, UnreadableEvent

State = Literal["waiting", "running", "finished", "failed"]
MOST_REMEMBERED = 24
MOST_RUNNING = 1  # of a kind
LONGEST_S = 120.0
FAILED_KEPT_S = 150.0  # before it is tried again
REFUSED = "errand.refused"
WATCH_S = 1.0
_ATTEMPT = 1
_log = structlog.get_logger("tenfold.errands")


class ErrandGuard(Protocol):
    """Says whether an errand may be done."""

    def __call__(self, spec: Mapping[str, Json], askers: Collection[str]) -> str:
        """Why none of these may have it done now, as a sentence; empty where one may."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an errand stands: what its process told so far, and how it ended if it failed."""

    id: JobId
    state: State
    spec: Mapping[str, Json]
    events: tuple[Event, ...] = ()
    code: str = ""
    message: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in {"waiting", "running"}


@dataclass(kw_only=True)
class _Errand:
    id: JobId
    kind: str
    spec: Mapping[str, Json]
    slot: str
    askers: set[str] = field(default_factory=set)
    state: State = "waiting"
    begun_at: float = 0.0
    offset: int = 0
    events: list[Event] = field(default_factory=list)
    code: str = ""
    message: str = ""


class Errands:
    """Starts errands, hears them, and gives them up. Thread-safe; whoever looks moves things on.

    `why_not` is asked whenever somebody looks, and once a second while one runs: an errand that nobody may have done
    any more is ended.
    """

    def __init__(
        self, folders: JobFolders, executor: Executor, *, monotonic: Callable[[], float], why_not: ErrandGuard
    ) -> None:
        self._folders = folders
        self._executor = executor
        self._monotonic = monotonic
        self._why_not = why_not
        self._errands: OrderedDict[str, _Errand] = OrderedDict()
        self._mutex = threading.RLock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Ends and removes what an earlier life of the server left; then watches, in the background."""
        for job_id in self._folders.ids(f"{PREFIXES['errand']}_"):
            self._executor.kill(job_id)
            self._folders.remove(job_id)
        self._thread = threading.Thread(target=self._watch, name="errands", daemon=True)
        self._thread.start()

    def ask(self, spec: Mapping[str, Json], *, slot: str, asker: str) -> Standing:
        """How the errand stands that does this, which is begun where there is none.

        `spec` names its `kind`. What the asker wanted of this kind before is given up, unless others wait for it too.
        """
        key = _key(spec, slot)
        with self._mutex:
            self._leave(asker, str(spec["kind"]), but=key)
            errand = self._errands.get(key)
            if errand is not None and self._is_to_be_tried_again(errand):
                self._drop(key)
                errand = None
            if errand is None:
                errand = _Errand(id=JobId(new_id("errand")), kind=str(spec["kind"]), spec=spec, slot=slot)
                self._errands[key] = errand
                self._forget_oldest()
            self._errands.move_to_end(key)
            errand.askers.add(asker)
            return self._look(errand)

    def known(self, spec: Mapping[str, Json], *, slot: str) -> Standing | None:
        """How the errand stands that does this, if somebody asked for it."""
        with self._mutex:
            errand = self._errands.get(_key(spec, slot))
            return self._look(errand) if errand is not None else None

    def look(self, job_id: JobId) -> Standing:
        """Raises `NotFound` for one that is no longer remembered."""
        with self._mutex:
            return self._look(self._find(job_id))

    def folder(self, job_id: JobId) -> Path:
        """Where an errand's process writes what it makes; raises `NotFound`."""
        with self._mutex:
            return Path(self._folders.work_folder(self._find(job_id).id))

    def leave(self, asker: str, kind: str) -> None:
        """Gives up what somebody asked of this kind and nobody else waits for."""
        with self._mutex:
            self._leave(asker, kind, but="")

    def forget(self, job_id: JobId) -> None:
        """Ends one, if it is not over, and removes what it made: the same question is answered anew."""
        with self._mutex:
            for key in [key for key, errand in self._errands.items() if errand.id == job_id]:
                self._drop(key)

    def tick(self) -> None:
        """Ends what runs too long, or for nobody who may have it done any more, though nobody looks."""
        with self._mutex:
            for errand in [each for each in self._errands.values() if each.state == "running"]:
                self._look(errand)

    def close(self) -> None:
        """Ends everything."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
        with self._mutex:
            for key in list(self._errands):
                self._drop(key)

    def _watch(self) -> None:
        while not self._closing.wait(WATCH_S):
            try:
                self.tick()
            except (TenfoldError, OSError) as error:
                _log.error("errands could not be watched", action="watch-failed", error=str(error))

    def _is_to_be_tried_again(self, errand: _Errand) -> bool:
        is_old = self._monotonic() - errand.begun_at > FAILED_KEPT_S
        return errand.state == "failed" and (is_old or errand.code == REFUSED)

    def _find(self, job_id: JobId) -> _Errand:
        for errand in self._errands.values():
            if errand.id == job_id:
                return errand
        raise NotFound("This is no longer remembered: ask anew.", code="errand.gone")

    def _leave(self, asker: str, kind: str, *, but: str) -> None:
        for key, errand in list(self._errands.items()):
            if key == but or errand.kind != kind or asker not in errand.askers:
                continue
            errand.askers.discard(asker)
            if not errand.askers and self._look(errand).is_open:
                self._drop(key)

    def _look(self, errand: _Errand) -> Standing:
        if errand.state in {"waiting", "running"} and (why_not := self._why_not(errand.spec, errand.askers)):
            if errand.state == "running":
                self._executor.kill(errand.id)
            self._fail(errand, REFUSED, why_not)
        if errand.state == "waiting":
            self._begin_if_free(errand)
        if errand.state == "running":
            was_alive = self._executor.is_alive(errand.id)
            self._hear(errand)
            if errand.state == "running" and not was_alive:
                words = self._executor.last_words(errand.id)
                self._fail(errand, "errand.died", f"The process that looked at it died. {words}".strip())
            elif errand.state == "running" and self._monotonic() - errand.begun_at > LONGEST_S:
                self._executor.kill(errand.id)
                self._fail(errand, "errand.slow", f"It took longer than {LONGEST_S:.0f} s and was given up.")
        return Standing(
            id=errand.id,
            state=errand.state,
            spec=errand.spec,
            events=tuple(errand.events),
            code=errand.code,
            message=errand.message,
        )

    def _begin_if_free(self, errand: _Errand) -> None:
        running = [each for each in self._errands.values() if each.kind == errand.kind and each.state == "running"]
        if sum(self._look(each).is_open for each in running) >= MOST_RUNNING:
            return
        errand.state, errand.begun_at = "running", self._monotonic()
        try:
            self._folders.create(errand.id, errand.spec)
            self._folders.open_attempt(errand.id, _ATTEMPT)
            self._executor.start(errand.id, _ATTEMPT, errand.slot)
        except TenfoldError as error:
            self._fail(errand, error.code, error.message)
        except OSError as error:
            self._fail(errand, "errand.not-started", f"It could not start: {error.strerror}.")

    def _hear(self, errand: _Errand) -> None:
        try:
            heard: list[Envelope] = []
            while True:
                envelopes, errand.offset = self._folders.read_events(errand.id, errand.offset)
                if not envelopes:
                    break
                heard += envelopes
        except UnreadableEvent as error:
            self._executor.kill(errand.id)
            self._fail(errand, error.code, error.message)
            return
        for envelope in heard:
            if isinstance(envelope.event, Ended):
                self._end(errand, envelope.event)
            else:
                errand.events.append(envelope.event)

    def _end(self, errand: _Errand, ended: Ended) -> None:
        errand.state = "finished" if ended.outcome == "finished" else "failed"
        errand.code, errand.message = ended.code, ended.message

    def _fail(self, errand: _Errand, code: str, message: str) -> None:
        errand.state, errand.code, errand.message = "failed", code, message

    def _forget_oldest(self) -> None:
        while len(self._errands) > MOST_REMEMBERED:
            self._drop(next(iter(self._errands)))

    def _drop(self, key: str) -> None:
        errand = self._errands.pop(key)
        if errand.state != "waiting":
            self._executor.kill(errand.id)
            self._folders.remove(errand.id)


def _key(spec: Mapping[str, Json], slot: str) -> str:
    return hashlib.sha256(json.dumps([spec, slot], sort_keys=True).encode()).hexdigest()
