"""The first run of a foreign graph, under a limit of time."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as UnknownOperator

from tenfold.adapters.runtimes.sessions import ERRORS, SILENT, open_session
from tenfold.core.errors import BadModel
from tenfold.core.inference.importing import is_out_of_memory, told

TRIAL_S = 15.0
THREADS = 2


class Trial:
    """Fulfils `tenfold.core.inference.ports.TrialGraph`: a run that takes longer than `seconds` is given up."""

    def __init__(self, graph: bytes, *, seconds: float = TRIAL_S) -> None:
        self._seconds = seconds
        try:
            self._session = open_session(graph, threads=THREADS)
        except UnknownOperator as error:
            text = f"ONNX Runtime {onnxruntime.__version__} has no such operator: {told(error)}"
            raise BadModel(text, code="model.unknown-operator") from None
        except ERRORS as error:
            raise _refused(error, "ONNX Runtime cannot load it") from None

    def run(self, images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        options = onnxruntime.RunOptions()
        options.log_severity_level = SILENT
        is_late = threading.Event()

        def stop() -> None:
            is_late.set()
            options.terminate = True

        timer = threading.Timer(self._seconds, stop)
        timer.start()
        try:
            found = self._session.run(None, {self._session.get_inputs()[0].name: images}, options)[0]
        except ERRORS as error:
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


def _refused(error: Exception, what: str) -> BadModel:
    if is_out_of_memory(error):
        return BadModel("It needs more memory than it may take.", code="model.memory")
    return BadModel(f"{what}: {told(error)}", code="model.refused")
