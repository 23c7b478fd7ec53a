"""Job folders on the local disk: the one channel between server and worker.

JOB/spec.json             what is to be done
JOB/attempt               the number of the attempt that may write: the fence
JOB/lock                  held (flock) by the live attempt, so the kernel lets only one live
JOB/events.jsonl          what happened, one event a line, numbered
JOB/stop                  there when the job is to stop
JOB/checkpoints/          complete checkpoints
JOB/work/                 what attempts leave each other besides: half an import
JOB/attempts/N/result/    what attempt N published
JOB/sealed/               what the server makes of that where the attempt executed code of people
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tenfold.adapters.storage.durable import disk_errors, publish_folder, write_durably
from tenfold.core.errors import Conflict, NotFound
from tenfold.core.events import Envelope, Event, Json
from tenfold.core.ids import JobId
from tenfold.core.jobs.ports import UnreadableEvent

SEALED = "sealed"
_READ_BYTES = 4 << 20
_TAIL_BYTES = 1 << 20
_RESERVE_BYTES = 64 << 10
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Fenced(Conflict):
    """Another attempt of this job has taken over: this one may no longer write."""

    code = "job.fenced"


class LocalJobFolders:
    """The server's side of all job folders under one folder."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, job_id: JobId) -> Path:
        """The folder of a job."""
        return self._root / job_id

    def create(self, job_id: JobId, spec: Mapping[str, Json]) -> None:
        folder = self.path(job_id)
        folder.mkdir(exist_ok=True)
        write_durably(folder / "spec.json", json.dumps(spec, indent=1, ensure_ascii=False).encode())

    def ids(self, prefix: str) -> tuple[JobId, ...]:
        return tuple(JobId(folder.name) for folder in sorted(self._root.glob(f"{prefix}*")))

    def open_attempt(self, job_id: JobId, attempt: int) -> None:
        folder = self.path(job_id)
        (folder / "stop").unlink(missing_ok=True)
        write_durably(folder / "attempt", str(attempt).encode())

    def remove(self, job_id: JobId) -> None:
        shutil.rmtree(self.path(job_id), ignore_errors=True)

    def work_folder(self, job_id: JobId) -> str:
        return str(self.path(job_id) / "work")

    def remove_work(self, job_id: JobId) -> None:
        shutil.rmtree(self.path(job_id) / "work", ignore_errors=True)

    def ask_stop(self, job_id: JobId) -> None:
        write_durably(self.path(job_id) / "stop", b"")

    def read_events(self, job_id: JobId, offset: int) -> tuple[Sequence[Envelope], int]:
        try:
            with (self.path(job_id) / "events.jsonl").open("rb") as file:
                file.seek(offset)
                block = file.read(_READ_BYTES)
        except FileNotFoundError:
            return [], offset
        if len(block) == _READ_BYTES and b"\n" not in block:
            text = f"A line of events.jsonl is longer than {_READ_BYTES >> 20} MB (byte {offset})."
            raise UnreadableEvent(text, next_offset=offset + len(block))
        envelopes: list[Envelope] = []
        for line in block[: block.rfind(b"\n") + 1].splitlines(keepends=True):
            try:
                envelope = _parse(line)
            except ValueError as error:
                if envelopes:
                    break
                text = f"A line of events.jsonl says what cannot be (byte {offset}): {error}."
                raise UnreadableEvent(text, next_offset=offset + len(line)) from error
            if envelope is not None:
                envelopes.append(envelope)
            offset += len(line)
        return envelopes, offset

    def end_of_events(self, job_id: JobId) -> int:
        try:
            return (self.path(job_id) / "events.jsonl").stat().st_size
        except FileNotFoundError:
            return 0

    def result_folder(self, job_id: JobId, attempt: int) -> str:
        return str(self.path(job_id) / "attempts" / str(attempt) / "result")

    def remove_result(self, job_id: JobId, attempt: int) -> None:
        for folder in (Path(self.result_folder(job_id, attempt)), self.path(job_id) / SEALED):
            shutil.rmtree(folder, ignore_errors=True)


class WorkerFolder:
    """The worker's side of one job folder: writes events, publishes the result.

    The executor has taken the lock for it. Raises `Fenced` from every write after another attempt was opened.
    """

    def __init__(self, folder: Path, attempt: int) -> None:
        self.folder = folder
        self.attempt = attempt
        try:
            self.spec: dict[str, Json] = json.loads((folder / "spec.json").read_text("utf-8"))
        except FileNotFoundError:
            raise NotFound(f"{folder} is no job folder: it has no spec.json.") from None
        self.check_fence()
        self._clear_earlier_attempts()
        self._events = (folder / "events.jsonl").open("ab", buffering=0)
        self._is_torn = False
        self._seq = self._repair_and_count()
        self._keep_reserve()

    @property
    def data_folder(self) -> Path:
        return self.folder.parent.parent

    def decide(self, decisions: Mapping[str, Json]) -> Mapping[str, Json]:
        path = self.folder / "decided.json"
        if not path.exists():
            self.check_fence()
            write_durably(path, json.dumps(decisions, indent=1).encode())
        stored: Mapping[str, Json] = json.loads(path.read_text("utf-8"))
        return stored

    def make_room(self) -> None:
        with contextlib.suppress(PermissionError):  # a confined process frees what it wrote itself alone
            (self.folder / "reserve").unlink(missing_ok=True)
        shutil.rmtree(self._staged(), ignore_errors=True)
        shutil.rmtree(self.folder / "work", ignore_errors=True)

    def check_fence(self) -> None:
        """Raises `Fenced` unless this attempt is the one that may write."""
        current = _read_attempt(self.folder)
        if current != self.attempt:
            raise Fenced(f"Attempt {current} has taken over from attempt {self.attempt}.")

    def emit(self, event: Event) -> None:
        """Appends one event in a single write, which a killed process has done wholly or not at all.

        On a full disk a part of the line may be written: it is ended before the next event, and skipped by readers.
        """
        self.check_fence()
        envelope = Envelope(seq=self._seq + 1, attempt=self.attempt, time=round(time.time(), 3), event=event)
        line = json.dumps(envelope.to_json(), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        if self._is_torn:
            line = b"\n" + line
        with disk_errors(self.folder / "events.jsonl"):
            written = self._events.write(line)
            if written != len(line):
                self._is_torn = self._is_torn or written > 0
                raise OSError(errno.ENOSPC, "not wholly written")
        self._is_torn = False
        self._seq += 1

    def stop_requested(self) -> bool:
        return (self.folder / "stop").exists()

    def staging(self) -> Path:
        """A fresh, empty folder in which this attempt's result is put together."""
        staged = self._staged()
        shutil.rmtree(staged, ignore_errors=True)
        with disk_errors(staged):
            staged.mkdir(parents=True)
        return staged

    def workspace(self) -> Path:
        """A folder in which an attempt finds what the one before it left, unless the machine was restarted since.

        What is written there survives the death of the process, not the loss of power, in which later writes may
        have reached the disk before earlier ones.
        """
        work, boot = self.folder / "work", _BOOT_ID.read_bytes()
        mark = work / "boot"
        if not mark.exists() or mark.read_bytes() != boot:
            shutil.rmtree(work, ignore_errors=True)
            with disk_errors(work):
                work.mkdir()
                mark.write_bytes(boot)
        return work

    def publish(self, staged: Path) -> str:
        """Publishes the staged result and returns the sha256 of its manifest."""
        try:
            return publish_folder(staged, staged.with_name("result"), before_rename=self.check_fence)
        except FileNotFoundError:
            self.check_fence()  # a newer attempt clears what earlier ones staged
            raise

    def sync(self) -> None:
        """Brings all events to the disk."""
        os.fsync(self._events.fileno())

    def close(self) -> None:
        """Writes no more."""
        self._events.close()

    def _staged(self) -> Path:
        return self.folder / "attempts" / str(self.attempt) / "result.part"

    def _keep_reserve(self) -> None:
        """Room for the last event of an attempt that fills the disk; without it the attempt may yet go well."""
        reserve = self.folder / "reserve"
        if not reserve.exists():
            try:
                reserve.write_bytes(bytes(_RESERVE_BYTES))
            except OSError:
                reserve.unlink(missing_ok=True)

    def _clear_earlier_attempts(self) -> None:
        """Removes what attempts before this one left half-done; what one of them published is taken in by now."""
        for folder in self.folder.glob("attempts/*"):
            if folder.name.isdigit() and int(folder.name) < self.attempt:
                shutil.rmtree(folder)

    def _repair_and_count(self) -> int:
        """Ends a torn last line and returns the highest event number so far."""
        with (self.folder / "events.jsonl").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            content = file.read()
        if content and not content.endswith(b"\n"):
            self._events.write(b"\n")
        return max(map(_number_of, content.splitlines()[-8:]), default=0)


def _parse(line: bytes) -> Envelope | None:
    """The event of a line; `None` for one that was torn. Raises `ValueError` for one that is whole and no event."""
    try:
        value = json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError:
        return None
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    return Envelope.from_json(value)


def _number_of(line: bytes) -> int:
    """The number of an event; 0 for a line that is none."""
    try:
        envelope = _parse(line)
    except ValueError:
        return 0
    return envelope.seq if envelope is not None else 0


def _read_attempt(folder: Path) -> int:
    try:
        return int((folder / "attempt").read_text("ascii"))
    except FileNotFoundError:
        return 0
