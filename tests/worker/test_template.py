"""What the template holds when it is warm, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tenfold.adapters.executors.local.executor import ENVIRONMENT

PROGRAM = """
import gc, json, os, sys
from tenfold.bootstrap.worker import warm_template

warm_template()
print(json.dumps({
    "aside": gc.get_freeze_count(),
    "left": len(gc.get_objects()),
    "threads": len(os.listdir("/proc/self/task")),
    "loaded": [name for name in ("torch._dynamo", "onnx", "onnxruntime", "onnxscript") if name in sys.modules],
}))
"""


def test_what_it_loaded_is_set_aside_and_no_thread_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **ENVIRONMENT}, capture_output=True, check=True, text=True
    )
    found = json.loads(done.stdout)
    assert found["aside"] > 100 * found["left"], "a worker would walk through all of it when it looks for garbage"
    assert found["threads"] == 1
    assert found["loaded"] == ["onnx"]
