"""Which framework trains a run: what is refused with the reason, and where its worker is to run."""

from __future__ import annotations

import json
import sys

import pytest

from tenfold.adapters.environments.folder import RECORD
from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.fields import parse_spec
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.training.frameworks import FRAMEWORKS
from tenfold.core.training.spec import TrainingSpec

from .bench import Bench

RECURRENT = """language 1
network rows "Rows of a picture as a sequence"
param classes = 10 in 2..1000
input image = image(1, 28, 28)
to_sequence
state = lstm(4, result=last)
fc = dense(classes)
output logits
"""
TAUGHT = 'pretrained "catalogue:efficientnet_lite0"\n'


@pytest.fixture
def ready(bench: Bench) -> Bench:
    bench.ready()
    return bench


def add_environment(bench: Bench) -> None:
    """What `tenfold environment add` leaves behind, with a Python that is there."""
    record = bench.home / "environments" / "keras" / RECORD
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"python": sys.executable, "versions": {}, "size_bytes": 0}), "utf-8")


def problems(bench: Bench, **values: object) -> list[tuple[str, str]]:
    """What is wrong with a run of Keras, by field."""
    with pytest.raises(InvalidFields) as error:
        bench.start(framework="keras", **values)
    assert bench.desk.queue() == ()
    return [(problem.field, problem.message) for problem in error.value.problems]


def test_without_its_environment_it_is_refused_with_the_command_that_makes_it(ready: Bench) -> None:
    told = "Keras on TensorFlow has no environment on this machine yet: `tenfold environment add keras` makes one."
    assert problems(ready) == [("framework", told)]
    with pytest.raises(InvalidFields, match="has no environment on this machine yet"):
        ready.runs.preflight(ready.editor, {"dataset": "shapes", "framework": "keras"}, {})


def test_its_job_names_the_environment_and_takes_the_cpu(ready: Bench) -> None:
    add_environment(ready)
    run = ready.start(framework="keras")
    job = ready.runs.job(ready.viewer, run)
    assert (job.slot, job.granted) == ("cpu", "cpu")
    told = json.loads((ready.folders.path(run.job) / "spec.json").read_text("utf-8"))
    assert (told["environment"], told["spec"]["framework"]) == ("keras", "keras")
    own = ready.start(framework="torch")
    assert ready.runs.job(ready.viewer, own).slot == "auto"
    told = json.loads((ready.folders.path(own.job) / "spec.json").read_text("utf-8"))
    assert (told["environment"], told["spec"]["framework"]) == ("", "torch")


def test_what_it_lacks_is_refused_with_the_reason(tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = CatalogueEntry(name="rows", title="Rows", paper="", text=RECURRENT)
    bench = Bench(tmp_path_factory.mktemp("lacking"), catalogue=[rows])
    bench.ready()
    add_environment(bench)
    lacking = "Keras on TensorFlow has no `lstm` so far, as `state` needs it: choose PyTorch."
    assert problems(bench, network="rows") == [("network", lacking)]
    ((field, message),) = problems(bench, weights="published")
    assert field == "weights"
    assert message.startswith("Published weights come in PyTorch's files")
    assert bench.start(network="rows").network == "rows"


def test_what_it_lacks_is_refused_while_the_dataset_is_still_being_built(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rows = CatalogueEntry(name="rows", title="Rows", paper="", text=RECURRENT)
    bench = Bench(tmp_path_factory.mktemp("lacking"), catalogue=[rows])
    add_environment(bench)
    bench.import_shapes()
    with pytest.raises(InvalidFields, match="has no `lstm` so far"):
        bench.start(framework="keras", network="rows")
    assert bench.start(framework="torch", network="rows").state == "waiting"


def test_published_weights_that_a_text_names_are_refused_too(ready: Bench) -> None:
    add_environment(ready)
    text = ready.networks.get(ready.viewer, "efficientnet_lite0").text
    ready.networks.create(ready.editor, "taught", text + TAUGHT)
    ((field, message),) = problems(ready, network="taught")
    assert field == "network"
    assert message.startswith("taught begins with published weights, which come in PyTorch's files")


def test_it_has_no_gpu() -> None:
    keras = FRAMEWORKS["keras"]
    spec = parse_spec(TrainingSpec, {"dataset": "d", "framework": "keras", "device": "cuda:1"})
    sentence = "Keras on TensorFlow computes on the CPU here: choose auto or cpu."
    assert keras.problems(spec) == [Problem("device", sentence, "framework.lacks")]
    assert FRAMEWORKS["torch"].problems(spec) == []


def test_every_kind_that_is_said_to_lack_is_one() -> None:
    graph = require_graph(RECURRENT)
    assert FRAMEWORKS["torch"].why_not_network(graph) == ""
    assert {node.kind for node in graph.nodes} & FRAMEWORKS["keras"].lacking_kinds == {"lstm"}
