"""Files sent to a server in parts; what is broken off goes on where it was, also in another process."""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from tenfold.core.datasets.uploads import PieceDigest
from tenfold.interfaces.client.errors import ConflictError, ServerUnreachable, unsendable
from tenfold.interfaces.client.transport import Transport
from tenfold.interfaces.schemas.objects import FieldProblem, Upload

CHUNK_BYTES = 8 << 20
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
Tell = Callable[[Upload], object]


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine and its path in the upload."""

    file: Path
    path: str
    size_bytes: int
    modified: str


def send_files(transport: Transport, paths: Sequence[str | Path], *, tell: Tell = lambda _upload: None) -> Upload:
    """Sends files and folders and returns the complete upload; `tell` hears how far it is.

    A server that does not answer is waited for, a minute in all. Raises `InvalidError` for a path that is not there
    or a file that changes meanwhile, and what the server refuses.
    """
    files = [each for path in paths for each in _local_files(Path(path))]
    body = [{"path": each.path, "size_bytes": each.size_bytes, "modified": each.modified} for each in files]
    upload = Upload.model_validate(transport.call("POST", "/uploads", json={"files": body}, timeout=None))
    stream = _Stream(_coming(files, upload))
    failures = 0
    while True:
        tell(upload)
        if upload.state == "ready":
            return upload
        try:
            upload = stream.send(transport, upload)
            failures = 0
        except (ServerUnreachable, ConflictError):
            if failures == len(PAUSES_S):
                raise
            time.sleep(PAUSES_S[failures])
            failures += 1
            upload = _now(transport, upload)


class _Stream:
    """The contents of files, one after the other, with the digest of what was sent of them."""

    def __init__(self, files: Sequence[LocalFile]) -> None:
        self._files = tuple(files)
        self._ends = list(accumulate(file.size_bytes for file in files))
        self._digest = PieceDigest()
        self._hashed = 0

    def send(self, transport: Transport, upload: Upload) -> Upload:
        """Sends the next part."""
        start, end = upload.offset, min(upload.offset + CHUNK_BYTES, upload.size_bytes)
        headers = {"upload-offset": str(start), "content-type": "application/octet-stream"}
        content = b"".join(self._read(start, end))
        self._hash(start, content)
        if end == upload.size_bytes:
            headers["upload-digest"] = self._digest.hexdigest()
        answer = transport.call("PATCH", f"/uploads/{upload.id}", content=content, headers=headers, timeout=None)
        return Upload.model_validate(answer)

    def _hash(self, start: int, content: bytes) -> None:
        """Takes in what the digest lacks up to the end of a part."""
        for block in self._read(self._hashed, start):
            self._digest.update(block)
        self._digest.update(content[max(0, self._hashed - start) :])
        self._hashed = max(self._hashed, start + len(content))

    def _read(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            number = bisect_right(self._ends, start)
            file = self._files[number]
            with file.file.open("rb") as opened:
                opened.seek(start - self._ends[number] + file.size_bytes)
                block = opened.read(min(end, self._ends[number]) - start)
            if not block:
                raise _unsendable(f"{file.file} became shorter while it was sent: send it again.")
            start += len(block)
            yield block


def _local_files(path: Path) -> Iterator[LocalFile]:
    """A file, or all files of a folder in the order of their names, under paths that begin with its name."""
    if path.is_file():
        yield _local_file(path, path.absolute().name)
    elif path.is_dir():
        top = path.absolute().resolve()
        for folder, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                if file.is_file():
                    yield _local_file(file, f"{top.name}/{file.relative_to(top).as_posix()}")
    else:
        raise _unsendable(f"There is no file or folder {path}.")


def _local_file(file: Path, path: str) -> LocalFile:
    facts = file.stat()
    as_text = path.encode("utf-8", "replace").decode()  # a name on disk may be no text
    return LocalFile(file, as_text, facts.st_size, str(facts.st_mtime_ns))


def _coming(files: Sequence[LocalFile], upload: Upload) -> list[LocalFile]:
    """The files that the server takes, in their order: those announced without those that it refused."""
    refused = {each.number for each in upload.refused}
    return [file for number, file in enumerate(files) if number not in refused]


def _now(transport: Transport, upload: Upload) -> Upload:
    """The upload as it is now, or as it was known where nobody answers."""
    try:
        return Upload.model_validate(transport.call("GET", f"/uploads/{upload.id}"))
    except ServerUnreachable:
        return upload


def _unsendable(message: str) -> Exception:
    return unsendable([FieldProblem(field="files", message=message, code="file")])
