"""Sessions of ONNX Runtime for the graphs of others, on the CPU, and what it raises."""

from __future__ import annotations

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as kinds

SILENT = 4
_KINDS = tuple(kind for kind in vars(kinds).values() if isinstance(kind, type) and issubclass(kind, Exception))
ERRORS: tuple[type[Exception], ...] = (*_KINDS, RuntimeError, ValueError, TypeError, MemoryError)
"""What ONNX Runtime raises where it loads or runs a graph: its kinds have no class in common."""


def open_session(graph: str | bytes, *, threads: int) -> onnxruntime.InferenceSession:
    """Loads a graph, by its path or its content; raises one of `ERRORS`.

    It says nothing on standard error, and its threads burn no core while they wait.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
