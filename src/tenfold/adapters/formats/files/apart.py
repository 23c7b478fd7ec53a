"""Reads files by libraries that end the whole process when a file is damaged: in a process of their own.

Damaged Parquet files were seen to abort the process that reads them, and a server must not fall with a file. A child
is given open files over a socket and answers with messages: a JSON header and some blobs.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.core.errors import BadDataset, BadImage

Message = tuple[dict[str, Any], list[bytes]]
ANSWER_S = 60.0
MAX_HEADER = 64 << 20


class ReaderApart:
    """A child that reads files, started when it is first asked and again after it died. Thread-safe.

    A message that takes longer than `answer_s` counts as a death.
    """

    def __init__(self, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[Any, Any] | None = None
        self._socket = socket.socket()
        self._socket.close()

    def ask(self, what: str, guard: GuardedFolder, path: str, **arguments: object) -> Iterator[Message]:
        """What the child answers of a file, message by message.

        Raises `BadDataset` naming the file when it cannot be read, and when the child dies of it or takes too long.
        """
        with self._lock:
            done = False
            try:
                self._start()
                with guard.opened(path) as file:
                    request = json.dumps({"what": what, "path": path, "arguments": arguments}).encode() + b"\n"
                    socket.send_fds(self._socket, [request], [file.fileno()])
                    while not done:
                        header, blobs = self._receive()
                        done = "end" in header
                        if not done:
                            yield header, blobs
                if header["end"]:
                    raise BadDataset(header["end"], code=header["code"])
            except BadImage as error:
                raise BadDataset(f"{path} cannot be read: {error.message}", code="file.unreadable") from error
            except (OSError, EOFError) as error:
                text = f"{path} is damaged: its reader gave up on it."
                raise BadDataset(text, code="file.damaged") from error
            finally:
                if not done:
                    self._stop()

    def all(self, what: str, guard: GuardedFolder, path: str, **arguments: object) -> Sequence[Message]:
        """All that `ask` yields, for short answers."""
        return list(self.ask(what, guard, path, **arguments))

    def _start(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self._stop()
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tenfold.adapters.formats.files.apart_child", str(theirs.fileno())]
            quiet = subprocess.DEVNULL
            self._child = subprocess.Popen(
                command, stdin=quiet, stdout=quiet, stderr=quiet, pass_fds=[theirs.fileno()], start_new_session=True
            )
        ours.settimeout(self._answer_s)
        self._socket = ours
        self._end = weakref.finalize(self, _end, self._child, ours)

    def _stop(self) -> None:
        if self._end is not None:
            self._end()
        self._child = None

    def _receive(self) -> Message:
        size = int.from_bytes(self._exactly(4), "big")
        if size > MAX_HEADER:
            raise EOFError
        header: dict[str, Any] = json.loads(self._exactly(size))
        return header, [self._exactly(length) for length in header.get("blobs", ())]

    def _exactly(self, size: int) -> bytes:
        content = bytearray(size)
        view = memoryview(content)
        place = 0
        while place < size:
            count = self._socket.recv_into(view[place:])
            if not count:
                raise EOFError
            place += count
        return bytes(content)


def _end(child: subprocess.Popen[bytes], ours: socket.socket) -> None:
    ours.close()
    child.kill()
    child.wait()
