"""The process that runs a foreign graph: loads it, and answers until nobody asks any more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnxruntime

from tenfold.adapters.runtimes.conversation import ANSWER, OK, REQUEST, refusal
from tenfold.adapters.runtimes.ranking import GRAPH
from tenfold.adapters.runtimes.sessions import ERRORS, open_session
from tenfold.core.inference.importing import is_out_of_memory

MOST_THREADS = 8


def answer(folder: Path, source: BinaryIO, target: BinaryIO) -> None:
    """Answers what comes from `source` into `target`, to its end."""
    try:
        session = open_session(str(folder / GRAPH), threads=min(MOST_THREADS, len(os.sched_getaffinity(0))))
    except ERRORS as error:
        _send(target, _says("load", error))
        return
    _send(target, OK)
    while len(head := source.read(REQUEST.size)) == REQUEST.size:
        shape = REQUEST.unpack(head)
        content = source.read(4 * int(np.prod(shape)))
        images = np.frombuffer(content, "<f4").reshape(shape)
        try:
            found = _run(session, images)
        except ERRORS as error:
            _send(target, _says("run", error))
            continue
        _send(target, OK + ANSWER.pack(*found.shape) + found.astype("<f4").tobytes())


def _says(what: str, error: Exception) -> bytes:
    why = "it needs more memory than it may take" if is_out_of_memory(error) else error
    return refusal(f"ONNX Runtime cannot {what} it: {why}")


def _send(target: BinaryIO, content: bytes) -> None:
    target.write(content)
    target.flush()


def _run(session: onnxruntime.InferenceSession, images: np.ndarray) -> np.ndarray:
    """Probabilities (N, K), from a graph that takes any number of pictures or one at a time."""
    about = session.get_inputs()[0]
    together = not isinstance(about.shape[0], int)
    parts = [images] if together else [image[None] for image in images]
    return np.concatenate([session.run(None, {about.name: part})[0] for part in parts])
