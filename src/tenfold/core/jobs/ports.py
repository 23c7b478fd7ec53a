"""What the job desk needs from the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tenfold.core.errors import Damaged
from tenfold.core.events import Envelope, Json
from tenfold.core.ids import JobId


class UnreadableEvent(Damaged):
    """What the job wrote is no event; what follows it begins at the byte `next_offset`."""

    code = "job.unreadable"

    def __init__(self, message: str, *, next_offset: int) -> None:
        self.next_offset = next_offset
        super().__init__(message)


class Executor(Protocol):
    """Where attempts run. Safe to call from one thread.

    `start` returns when the attempt's process exists; the process outlives the server and belongs to the job folder.
    """

    def warm(self) -> None:
        """Makes the next `start` quick, if this executor can. Returns at once."""

    def start(self, job_id: JobId, attempt: int, slot: str) -> None:
        """Raises `Conflict` when a process of this job lives, `Unavailable` when none can be made."""

    def is_alive(self, job_id: JobId) -> bool:
        """Whether a process of this job lives, also one that an earlier life of the server started."""

    def kill(self, job_id: JobId) -> None:
        """Ends the job's whole process tree now and returns when it is proven dead."""

    def last_words(self, job_id: JobId) -> str:
        """How the last process of a job ended, as far as this life of the server knows; may be empty."""

    def facts(self) -> dict[str, Json]:
        """What people may want to see of it: memory of the template, whether it is warm."""

    def close(self) -> None:
        """Lets go of what serves this server only. Running attempts go on."""


class JobFolders(Protocol):
    """One folder a job: `spec.json`, `attempt`, `lock`, `events.jsonl`, `stop`, `checkpoints/`, `work/`, `attempts/N/`.

    Server and worker talk through it and through nothing else.
    """

    def create(self, job_id: JobId, spec: Mapping[str, Json]) -> None:
        """Writes the specification durably. Doing it again with the same specification changes nothing."""

    def ids(self, prefix: str) -> tuple[JobId, ...]:
        """The jobs that have a folder and whose id begins so."""

    def open_attempt(self, job_id: JobId, attempt: int) -> None:
        """Makes `attempt` the one that may write: from now on earlier ones are fenced off. Clears a stop request."""

    def remove(self, job_id: JobId) -> None:
        """Removes the folder of a job that is over; nothing happens when it is not there."""

    def work_folder(self, job_id: JobId) -> str:
        """Where attempts keep what they leave each other."""

    def remove_work(self, job_id: JobId) -> None:
        """Removes what attempts kept for each other, once the job is over."""

    def ask_stop(self, job_id: JobId) -> None:
        """Leaves word that the job is to stop."""

    def read_events(self, job_id: JobId, offset: int) -> tuple[Sequence[Envelope], int]:
        """Events from a byte offset on, and the offset to go on from: after the last whole line, or before a lie.

        Torn lines are skipped. Raises `UnreadableEvent` when the first line is whole and no event, `OSError`.
        """

    def end_of_events(self, job_id: JobId) -> int:
        """The offset after everything that is written now."""

    def result_folder(self, job_id: JobId, attempt: int) -> str:
        """Where the attempt's result lies."""

    def remove_result(self, job_id: JobId, attempt: int) -> None:
        """Removes what was taken in of the attempt's result, or made of it; nothing happens when it is not there."""
