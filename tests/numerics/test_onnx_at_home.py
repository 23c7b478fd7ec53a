"""A worker of another environment asks Tenfold's own Python for the ONNX file of what it trained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from keras_texts import TEXTS
from safetensors.numpy import save_file

from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.initialisers import initial_weights


def ask(graph: LayerGraph, path: Path) -> subprocess.CompletedProcess[str]:
    request = {"task": "classification", "graph": graph.to_json(), "path": str(path)}
    command = [sys.executable, "-m", "tenfold", "onnx"]
    return subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=False)


def test_it_is_written_beside_the_weights_and_compared(tmp_path: Path) -> None:
    graph = require_graph(TEXTS["small resnet"])
    save_file(initial_weights(graph, seed=1), tmp_path / "model.safetensors")
    done = ask(graph, tmp_path / "model.onnx")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["difference"] <= 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    (found,) = session.run(None, {"input": np.zeros((2, *graph.inputs[0].shape), np.float32)})
    assert np.allclose(found.sum(axis=1), 1)


def test_why_it_cannot_be_is_the_last_line(tmp_path: Path) -> None:
    body = "p = prior_box(4) from x, x\nd = detection_output(keep=3) from x, x, p\nselect(0)\n"
    graph = require_graph(f"network n\ninput x = image(4, 2, 4)\n{body}output y\n")
    save_file({}, tmp_path / "model.safetensors")
    done = ask(graph, tmp_path / "model.onnx")
    assert done.returncode == 1
    assert "ONNX has no operator that computes `d` (detection_output)" in done.stderr.splitlines()[-1]
