"""The ONNX file of a model that was trained in another environment: Tenfold's own, which has PyTorch, writes it.

Weights have the same names and shapes in every framework, so nothing is converted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from safetensors.numpy import load_file

from tenfold.adapters.executors.local.launch import HOME_PYTHON
from tenfold.bootstrap.onnx_file import write_onnx
from tenfold.core.errors import Damaged, TenfoldError
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.networks.graph import LayerGraph

WEIGHTS = "model.safetensors"


def export_at_home(model: TrainedModel, path: Path) -> float:
    """Lets the server's Python write the file beside the weights, and returns the largest difference; in the worker.

    Raises `Damaged` with what that process complained of.
    """
    request = {"task": model.task, "graph": model.graph.to_json(), "path": str(path)}
    done = subprocess.run(
        [os.environ[HOME_PYTHON], "-m", "tenfold", "onnx"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        close_fds=False,  # it holds the job's lock too, and dies with the attempt
    )
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it gave no reason")
        raise Damaged(f"The ONNX file could not be written: {last}", code="export.failed")
    return float(json.loads(done.stdout.splitlines()[-1])["difference"])


def answer_export() -> None:
    """The other side, in a process of its own: a request on standard input, the difference on standard output."""
    request = json.load(sys.stdin)
    path = Path(request["path"])
    weights = load_file(path.with_name(WEIGHTS))
    try:
        difference = write_onnx(request["task"], LayerGraph.from_json(request["graph"]), weights, path)
    except TenfoldError as error:
        raise SystemExit(error.message) from None
    sys.stdout.write(json.dumps({"difference": difference}) + "\n")
