"""The first run of a foreign graph: on a black picture and on noise, under a limit of time."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import ModelProto
from onnxruntime.capi import onnxruntime_pybind11_state as kinds

from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import BadModel
from tenfold.core.inference.importing import is_out_of_memory, told

TRIAL_S = 15.0
THREADS = 2
_SILENT = 4
_KINDS = tuple(kind for kind in vars(kinds).values() if isinstance(kind, type) and issubclass(kind, Exception))
_ERRORS: tuple[type[Exception], ...] = (*_KINDS, RuntimeError, ValueError, TypeError, MemoryError)
"""What ONNX Runtime raises: its kinds have no class in common."""


class Graph:
    """A graph that can be run; raises `BadModel` where ONNX Runtime refuses it."""

    def __init__(self, model: ModelProto, *, seconds: float = TRIAL_S) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        options.log_severity_level = _SILENT
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._seconds = seconds
        try:
            content = model.SerializeToString()
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except kinds.NotImplemented as error:
            text = f"ONNX Runtime {onnxruntime.__version__} has no such operator: {told(error)}"
            raise BadModel(text, code="model.unknown-operator") from None
        except _ERRORS as error:
            raise _refused(error, "ONNX Runtime cannot load it") from None

    def run(self, images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """The output for images (N, C, H, W); raises `BadModel` for a run that fails or comes to no end."""
        options = onnxruntime.RunOptions()
        options.log_severity_level = _SILENT
        is_late = threading.Event()

        def stop() -> None:
            is_late.set()
            options.terminate = True

        timer = threading.Timer(self._seconds, stop)
        timer.start()
        try:
            found = self._session.run(None, {self._session.get_inputs()[0].name: images}, options)[0]
        except _ERRORS as error:
            if is_late.is_set():
                text = f"It does not come to an end: after {self._seconds:g} s its first run was given up."
                raise BadModel(text, code="model.slow") from None
            raise _refused(error, "It cannot be run on a picture of this size") from None
        finally:
            timer.cancel()
            timer.join()
        if not isinstance(found, np.ndarray) or found.dtype.kind != "f":
            kind = found.dtype.name if isinstance(found, np.ndarray) else type(found).__name__
            text = f"Its output is {kind}; a number with a point for each class is needed."
            raise BadModel(text, code="model.output-type")
        return found


def trial_images(preprocessing: Preprocessing) -> npt.NDArray[np.float32]:
    """Three pictures as the model is given them: black, and two of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (2, *preprocessing.shape), np.uint8)
    return preprocessing.to_arrays(np.concatenate([np.zeros_like(noise[:1]), noise]))


def _refused(error: Exception, what: str) -> BadModel:
    if is_out_of_memory(error):
        return BadModel("It needs more memory than it may take.", code="model.memory")
    return BadModel(f"{what}: {told(error)}", code="model.refused")
