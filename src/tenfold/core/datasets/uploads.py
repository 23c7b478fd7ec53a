"""Files that people send: under which names they may come, how far they have come, and what shows that all is there.

An upload is a row of files and one stream of bytes, the files' contents one after the other. So however many files
there are, one number says where to go on.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from tenfold.core.datasets.model import RejectedFile

PIECE_BYTES = 4 << 20
MAX_FILES = 200_000
MAX_NAME_BYTES = 200
MAX_PATH_BYTES = 1000
MAX_DEPTH = 32
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{word}{n}" for word in ("com", "lpt") for n in range(1, 10))})
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that is to come: its path in the upload with `/`, its size, and when it was changed, in its own words."""

    path: str
    size_bytes: int
    modified: str = ""


@dataclass(frozen=True)
class UploadPlan:
    """Which files of an announcement may come, in their order; by number those that may not, and why."""

    files: tuple[SentFile, ...]
    refused: Mapping[int, RejectedFile]

    @cached_property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same files: by it an upload that was broken off is found again."""
        listed = [[file.path, file.size_bytes, file.modified] for file in self.files]
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()

    @property
    def name(self) -> str:
        """What people call it: the only file, the folder that all is in, or how many files there are."""
        if len(self.files) == 1:
            return self.files[0].path.rpartition("/")[2]
        tops = {file.path.partition("/")[0] for file in self.files}
        return tops.pop() if len(tops) == 1 else f"{len(self.files):,} files"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """How far an upload is: `offset` of its `size_bytes` have arrived; `digest` is known once all have."""

    id: str
    owner: str
    name: str
    num_files: int
    size_bytes: int
    offset: int
    fingerprint: str
    digest: str = ""
    refused: Mapping[int, RejectedFile] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return bool(self.digest)

    @property
    def wish(self) -> str:
        """The name that it proposes for a dataset."""
        return "dataset" if self.name.endswith(" files") else self.name.partition(".")[0]


class UploadStore(Protocol):
    """Files that people send, until a dataset is made of them. What has arrived outlives the server.

    Every method but `append` is thread-safe; `append` belongs to the server's one event loop.
    """

    def begin(self, owner: str, plan: UploadPlan) -> Upload:
        """A new upload, or the owner's unfinished one of the same files."""
        ...

    async def append(self, id: str, offset: int, blocks: AsyncIterator[bytes], *, digest: str = "") -> Upload:
        """Takes the stream from `offset` on; what arrived stays, also when the stream breaks.

        Raises `Conflict` (`upload.offset`) when another byte is the next one, or (`upload.taken-over`) when a later
        call goes on with the upload; `TooLarge` for more bytes than were announced; `Invalid` (`upload.digest`) when
        all is there and has another digest (see `PieceDigest`): then the upload is gone. `NotFound`, `StorageFull`.
        """
        ...

    def get(self, id: str) -> Upload:
        """Raises `NotFound`."""
        ...

    def all(self) -> list[Upload]:
        """Every upload, without the names that were refused."""
        ...

    def path(self, id: str) -> Path:
        """The folder with what arrived, each file at its path; raises `NotFound`."""
        ...

    def free_bytes(self) -> int:
        """How much room there is."""
        ...

    def idle_since(self, time: float) -> list[str]:
        """The ids of uploads to which nothing came after a time (seconds since 1970)."""
        ...

    def remove(self, id: str) -> None:
        """Removes an upload; nothing happens when it is not there."""
        ...


@dataclass
class PieceDigest:
    """SHA-256 of the SHA-256 digests of all pieces of 4 MiB: whoever goes on needs the begun piece only.

    `pieces` are the digests of the pieces that are whole, one after the other.
    """

    pieces: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._piece = hashlib.sha256()
        self._filled = 0

    def update(self, block: bytes | memoryview) -> None:
        """Takes in the next bytes."""
        rest = memoryview(block)
        while rest:
            part = rest[: PIECE_BYTES - self._filled]
            self._piece.update(part)
            self._filled += len(part)
            rest = rest[len(part) :]
            if self._filled == PIECE_BYTES:
                self.pieces += self._piece.digest()
                self._piece, self._filled = hashlib.sha256(), 0

    def hexdigest(self) -> str:
        """The digest of all that came."""
        last = self._piece.digest() if self._filled else b""
        return hashlib.sha256(bytes(self.pieces) + last).hexdigest()


def plan_upload(files: Sequence[SentFile]) -> UploadPlan:
    """The files that may come, their paths in NFC form, and those whose path is none or collides with another's."""
    accepted: list[SentFile] = []
    refused: dict[int, RejectedFile] = {}
    taken: set[str] = set()
    folders: set[str] = set()
    for number, file in enumerate(files):
        problem = _path_problem(file.path)
        path = unicodedata.normalize("NFC", file.path) if not problem else file.path
        folded = path.casefold()
        above = [folded[:place] for place, char in enumerate(folded) if char == "/"]
        if not problem and (folded in taken or folded in folders or not taken.isdisjoint(above)):
            problem = "Another file of the upload has the same path, but for capitals or the form of letters."
        if problem:
            refused[number] = RejectedFile(_printable(file.path), "upload.name", problem)
            continue
        taken.add(folded)
        folders.update(above)
        accepted.append(SentFile(path, file.size_bytes, file.modified))
    return UploadPlan(tuple(accepted), refused)


def _path_problem(path: str) -> str:
    """Why a path cannot be one inside of an upload, in a sentence; empty if it can."""
    parts = path.split("/")
    if any(unicodedata.category(char) in _REFUSED for char in path):
        return "The name has a line break, a control character or half a character in it."
    if not _TURNING.isdisjoint(path):
        return "The name has a sign in it that turns the direction of writing, so that it reads as another one."
    if "\\" in path or path.startswith("/") or path[1:2] == ":" or any(part in {"", ".", ".."} for part in parts):
        return "The path does not lie below the folder that is sent."
    if len(parts) > MAX_DEPTH or len(path.encode()) > MAX_PATH_BYTES:
        return f"The path is deeper than {MAX_DEPTH} folders, or longer than {MAX_PATH_BYTES} bytes."
    if any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        return f"A name has at most {MAX_NAME_BYTES} bytes."
    reserved = next((part for part in parts if part.partition(".")[0].strip().casefold() in _RESERVED), "")
    return f"{reserved} is a name that some systems keep for devices." if reserved else ""


def _printable(path: str) -> str:
    shown = "".join(char if unicodedata.category(char) not in _REFUSED else "\ufffd" for char in path)
    return "".join("\ufffd" if char in _TURNING else char for char in shown)[:MAX_PATH_BYTES]
