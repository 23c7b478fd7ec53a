"""Classifies pictures with foreign models: each in a process of its own, which is confined and watched."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenfold.adapters.runtimes.conversation import ANSWER, LENGTH, MAX_TEXT, OK, REQUEST
from tenfold.adapters.runtimes.ranking import About, rank, read_about
from tenfold.core.datasets.ports import ImageDecoder
from tenfold.core.errors import BadModel, Busy
from tenfold.core.inference.importing import told
from tenfold.core.inference.ports import Prediction

BATCH = 16
BATCH_BYTES = 64 << 20
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""So that numpy starts no threads, which would not be confined."""
RETRY_S = 2
_BLOCK = 1 << 20


class ApartPredictor:
    """Fulfils `tenfold.core.inference.ports.Predictor`.

    `command` and a model's folder start the process that runs it; an answer that takes longer than `seconds` ends it.
    The `most` that were used last are kept ready. A model answers one request at a time, and as many models as there
    are processes; more raises `Busy`. Raises `BadModel` where a graph fails, whatever becomes of its process.
    """

    def __init__(self, decoder: ImageDecoder, command: Sequence[str], *, seconds: float, most: int) -> None:
        self._decoder = decoder
        self._command = [*command]
        self._seconds = seconds
        self._most = most
        self._mutex = threading.Lock()
        self._kept: OrderedDict[Path, _Kept] = OrderedDict()
        self._starter = _one_thread()

    def classify(self, folder: Path, pictures: list[bytes]) -> list[tuple[Prediction, ...]]:
        about = read_about(folder)
        size = max(1, min(BATCH, BATCH_BYTES // (4 * int(np.prod(about.preprocessing.shape)))))
        ranked: list[tuple[Prediction, ...]] = []
        with self._take(folder) as kept:
            for start in range(0, len(pictures), size):
                images = [self._decoder.decode(data, about.preprocessing) for data in pictures[start : start + size]]
                rows = self._ask(kept, about, about.preprocessing.to_arrays(np.stack(images)))
                ranked += [rank(row, about.labels) for row in rows]
        return ranked

    def close(self) -> None:
        with self._mutex:
            kept, self._kept = [*self._kept.values()], OrderedDict()
            starter, self._starter = self._starter, _one_thread()
        for each in kept:
            with each.mutex:
                each.drop()
        starter.shutdown()

    @contextmanager
    def _take(self, folder: Path) -> Iterator[_Kept]:
        """What is kept of a model, for one request; raises `Busy` where this one or too many others are at work."""
        with self._mutex:
            kept = self._kept.get(folder) or self._make_room(folder)
            if not kept.mutex.acquire(blocking=False):
                raise Busy(retry_after_s=RETRY_S)
            self._kept.move_to_end(folder)
        try:
            yield kept
        finally:
            kept.mutex.release()

    def _make_room(self, folder: Path) -> _Kept:
        """Ends the process of the model that was not used for longest, where there are as many as there may be."""
        while len(self._kept) >= self._most:
            idle = next((path for path, each in self._kept.items() if not each.mutex.locked()), None)
            if idle is None:
                raise Busy(retry_after_s=RETRY_S)
            self._kept.pop(idle).drop()
        kept = self._kept[folder] = _Kept(folder)
        return kept

    def _ask(self, kept: _Kept, about: About, arrays: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        try:
            rows = self._started(kept).answer(arrays, len(about.labels), self._seconds)
        except BadModel:
            kept.drop()
            raise
        if not np.isfinite(rows).all():
            text = "For this picture the model gives what is no number (NaN or infinite)."
            raise BadModel(text, code="model.not-numbers")
        return rows

    def _started(self, kept: _Kept) -> _Process:
        if kept.process is None or not kept.process.is_alive():
            kept.drop()
            kept.process = self._starter.submit(_Process, self._command, kept.folder).result()
            kept.process.load(self._seconds)
        return kept.process


class _Kept:
    """A model and the process that it is loaded in; `mutex` is held by the request that it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mutex = threading.Lock()
        self.process: _Process | None = None

    def drop(self) -> None:
        if self.process is not None:
            self.process.end()
            self.process = None


def _one_thread() -> ThreadPoolExecutor:
    """Begun when it is needed. A process dies with the thread that started it, and those of requests come and go."""
    return ThreadPoolExecutor(1, "foreign-models")


class _Process:
    """The server's end of a process; nothing that it says is believed."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [*command, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def load(self, seconds: float) -> None:
        """Waits until the graph is loaded."""
        self._read_status(time.monotonic() + seconds)

    def answer(self, arrays: npt.NDArray[np.float32], classes: int, seconds: float) -> npt.NDArray[np.float32]:
        """Probabilities (N, K) for images (N, C, H, W)."""
        deadline = time.monotonic() + seconds
        self._write(REQUEST.pack(*arrays.shape), deadline)
        self._write(arrays.astype("<f4").tobytes(), deadline)
        self._read_status(deadline)
        shape = ANSWER.unpack(self._read(ANSWER.size, deadline))
        if shape != (len(arrays), classes):
            text = f"It gives {shape[0]} x {shape[1]} numbers for {len(arrays)} pictures and {classes} classes."
            raise BadModel(text, code="model.failed")
        return np.frombuffer(self._read(4 * len(arrays) * classes, deadline), "<f4").reshape(shape)

    def end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.kill()
        self._process.wait()

    def _read_status(self, deadline: float) -> None:
        if self._read(1, deadline) == OK:
            return
        length = LENGTH.unpack(self._read(LENGTH.size, deadline))[0]
        text = self._read(min(length, MAX_TEXT), deadline).decode("utf-8", "replace")
        raise BadModel(f"The model cannot be run. {told(text)}", code="model.failed")

    def _read(self, num_bytes: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < num_bytes:
            self._wait(self._from, select.POLLIN, deadline)
            block = os.read(self._from, min(_BLOCK, num_bytes - len(parts)))
            if not block:
                raise _died()
            parts += block
        return bytes(parts)

    def _write(self, content: bytes | memoryview, deadline: float) -> None:
        left = memoryview(content)
        while left:
            self._wait(self._to, select.POLLOUT, deadline)
            try:
                left = left[os.write(self._to, left[:_BLOCK]) :]
            except BrokenPipeError:
                raise _died() from None

    def _wait(self, pipe: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            text = "The model did not answer in time and was ended: its graph may come to no end."
            raise BadModel(text, code="model.slow")


def _died() -> BadModel:
    text = "The process that runs this model ended; it may need more memory than it may take."
    return BadModel(text, code="model.failed")
