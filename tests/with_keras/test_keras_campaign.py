"""Keras whole: `make campaign NAME=keras` builds its environment, or takes the Python that
TENFOLD_KERAS_ENVIRONMENT names.

The contract of a backend and PyTorch's answers run in that environment; then LeNet on MNIST and a small residual
network are trained by both frameworks from one text, side by side, by the server with real worker processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from keras_answers import write_answers
from keras_record import RECORD, what_keras_sees
from keras_texts import RESNET
from safetensors.numpy import load_file
from worker.workstation import DROPPING, Workstation

from tenfold.adapters.environments.folder import EnvironmentFolder
from tenfold.adapters.sources.samples import SampleCache
from tenfold.bootstrap.server import build_services
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.training.run import Run
from tenfold.services.datasets import ImportRequest
from tenfold.settings import Settings
from tenfold.testing.pictures import write_shapes

pytestmark = pytest.mark.campaign
HERE = Path(__file__).parent
NAMED = os.environ.get("TENFOLD_KERAS_ENVIRONMENT", "")
CACHE = Path(os.environ.get("TENFOLD_BENCH_CACHE", Path.home() / ".cache" / "tenfold-bench"))
POINTS = 0.005
EPOCHS = 2
SMALL = CatalogueEntry(name="small_resnet", title="A residual network for small pictures", paper="", text=RESNET)


@dataclass(frozen=True)
class Built:
    """The data folder with its environment."""

    data: Path
    python: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    data = tmp_path_factory.mktemp("keras") / "data"
    folder = EnvironmentFolder(data / "environments")
    made = folder.adopt("keras", Path(NAMED), tell=print) if NAMED else folder.add("keras", tell=print)
    python = Path(made.python)
    if not NAMED:
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        subprocess.run([*pip, "install", "--quiet", "pytest"], check=True)
    return Built(data, python)


@pytest.fixture(scope="module")
def workstation(built: Built) -> Iterator[Workstation]:
    """Two runs at a time on the CPU."""
    services = build_services(
        Settings(data=built.data, roots=[CACHE, built.data.parent.parent], cpu_jobs=2), catalogue=[SMALL, DROPPING]
    )
    yield Workstation(services, built.data)
    services.close()


def test_the_contract_and_the_answers_of_pytorch_hold(built: Built, tmp_path: Path) -> None:
    write_answers(tmp_path)
    about = {
        "PYTHONPATH": os.pathsep.join([str(HERE.parents[1] / "src"), str(HERE.parent)]),
        "TENFOLD_TORCH_ANSWERS": str(tmp_path),
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "1",
    }
    command = [built.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", "-c", os.devnull]
    done = subprocess.run(
        [*command, "--rootdir", HERE, HERE / "in_environment.py"],
        env={**os.environ, **about},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-3000:])
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_of_keras_that_is_killed_ends_like_one_that_nobody_interrupts(
    workstation: Workstation, tmp_path: Path
) -> None:
    made = workstation.dataset(write_shapes(tmp_path / "shapes", per_class=200))
    about = {"dataset": made.name, "network": "dropping", "framework": "keras", "threads": 1, "epochs": 6}
    about |= {"batch_size": 8, "checkpoint_every": 0.2, "steps_per_row": 3}
    run = workstation.start(**about, name="killed")
    for steps in (60, 200):
        workstation.wait(lambda: workstation.rows(run), lambda rows, least=steps: bool(rows) and rows[-1][0] >= least)
        attempt = workstation.services.runs.job(workstation.owner, run).attempt
        workstation.kill(run)
        workstation.wait(
            lambda: workstation.services.runs.job(workstation.owner, run).attempt,
            lambda newer, before=attempt: newer > before,
        )
    whole = workstation.finish(workstation.start(**about, name="whole"))
    over = workstation.finish(run)
    assert (over.state, whole.state) == ("finished", "finished"), over.message + whole.message
    assert over.progress["attempt"] == 3
    assert workstation.weights_sha256(run) == workstation.weights_sha256(whole)
    assert workstation.rows(run) == workstation.rows(whole)


def test_both_frameworks_learn_alike_side_by_side(workstation: Workstation) -> None:
    """Accuracy on the test pictures within half a point; what is measured goes into the record."""
    folder = SampleCache(CACHE).fetch("mnist", report=print)
    request = ImportRequest(source={"folder": str(folder)}, values={}, name="mnist")
    workstation.services.datasets.import_samples(workstation.owner, request)
    found: dict[str, dict[str, float]] = {}
    for network, parameters in (("lenet", {}), ("small_resnet", {"width": 8})):
        about = {"dataset": "mnist", "network": network, "parameters": parameters, "epochs": EPOCHS, "threads": 1}
        runs = {
            framework: workstation.start(**about, framework=framework, name=f"{network}-{framework}")
            for framework in ("torch", "keras")
        }
        over = {framework: finish(workstation, run) for framework, run in runs.items()}
        assert not took_turns(workstation, over)
        for framework, run in over.items():
            assert run.state == "finished", f"{framework}: {run.message}"
            assert (
                run.progress["device"]
                == {"torch": "CPU, 1 thread", "keras": "CPU, 1 thread, Keras on TensorFlow"}[framework]
            )
        accuracy = {framework: run.metrics["test_accuracy"] for framework, run in over.items()}
        seconds = {framework: taken_s(run) for framework, run in over.items()}
        print(network, accuracy, seconds)
        assert min(accuracy.values()) > 0.97
        assert abs(accuracy["torch"] - accuracy["keras"]) <= POINTS
        found[network] = {**accuracy, **{f"{framework} s": round(value) for framework, value in seconds.items()}}
    require_same_form(workstation)
    record = {"sees": what_keras_sees(), "accuracy": found}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def finish(workstation: Workstation, run: Run) -> Run:
    """The run when it is over, however long that takes."""
    while True:
        try:
            return workstation.finish(run)
        except AssertionError:
            print("...", workstation.run(run).progress.get("epoch"))


def taken_s(run: Run) -> float:
    taken = run.progress["taken"]
    assert isinstance(taken, dict)
    return float(str(taken["seconds"]))


def took_turns(workstation: Workstation, over: dict[str, Run]) -> bool:
    """Whether one ended before the other began."""
    jobs = [workstation.services.runs.job(workstation.owner, run) for run in over.values()]
    spans = sorted((job.started_at or 0.0, job.ended_at or 0.0) for job in jobs)
    return spans[0][1] <= spans[1][0]


def require_same_form(workstation: Workstation) -> None:
    """The folder of a model is the same whichever framework trained it, and its ONNX file gives the test page."""
    folders = {}
    for framework in ("torch", "keras"):
        model = workstation.services.models.named.get(workstation.owner, f"lenet-{framework}")
        folders[framework] = workstation.data / "artifacts" / "models" / model.files
    names = {framework: sorted(path.name for path in folder.iterdir()) for framework, folder in folders.items()}
    assert names["torch"] == names["keras"]
    weights = {framework: load_file(folder / "model.safetensors") for framework, folder in folders.items()}
    shapes = {framework: {key: array.shape for key, array in each.items()} for framework, each in weights.items()}
    assert shapes["torch"] == shapes["keras"]
    assert all(np.isfinite(array).all() for array in weights["keras"].values())
    versions = json.loads((folders["keras"] / "versions.json").read_text("utf-8"))
    assert set(versions) == {"tenfold", "keras", "tensorflow-cpu", "numpy"}
