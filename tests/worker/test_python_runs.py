"""Training networks of Python, in real confined processes: to a model, exactly resumed, kept from what is others'."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from kernel import level_here
from PIL import Image

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.errors import BadNetwork, Conflict, Forbidden, Invalid, InvalidFields
from tenfold.core.events import Logged
from tenfold.core.networks.custom import HEADER, as_python
from tenfold.core.training.custom import graph_of_python, growing_as_read
from tenfold.core.training.preflight.forecast import Forecast, Reading, Room, Workload, forecast
from tenfold.services.inside import Looked
from tenfold.services.inspections import Wish
from tenfold.testing.pictures import write_shapes

from .workstation import Workstation

pytestmark = pytest.mark.usefixtures("exporting_template")

SMALL = """\
import torch
from torch import nn


class Network(nn.Module):
    def __init__(self, classes: int, channels: int = 1, width: int = 6):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 5, stride=2)
        self.norm = nn.BatchNorm2d(width)
        self.drop = nn.Dropout(0.3)
        self.head = nn.LazyLinear(classes)

    def forward(self, images):
        x = torch.relu(self.norm(self.conv(images)))
        return self.head(self.drop(x.flatten(1)))
"""
SMALL_PARAMETERS = 6 * 25 + 6 + 2 * 6 + 6 * 12 * 12 * 10 + 10
"""As it was inspected, without a dataset: for ten classes."""


def doing(statement: str) -> str:
    """The network, which does something first; on line 15."""
    return SMALL.replace("        x = ", f"        {statement}\n        x = ")


def ready(workstation: Workstation, source: str, name: str | None) -> str:
    """A network of Python that was inspected."""
    name = workstation.services.networks.create(workstation.owner, name, as_python(source)).name
    ask = workstation.services.inspections.ask
    found = workstation.wait(
        lambda: ask(workstation.owner, name, Wish(input_shape=(1, 28, 28))), lambda found: not found.is_open
    )
    assert found.state == "finished", found.message
    return name


@pytest.fixture(scope="module")
def small(workstation: Workstation) -> str:
    return ready(workstation, SMALL, "small")


def test_a_run_of_python_leads_to_a_model_that_the_server_classifies_with(
    workstation: Workstation, shapes: Dataset, small: str
) -> None:
    services, owner = workstation.services, workstation.owner
    started = services.runs.start(
        owner, {"dataset": shapes.name, "network": small, "epochs": 3, "name": "taught"}, {"width": 4}
    )

    run = workstation.finish(started)

    assert run.state == "finished", run.message
    told = [each.event.text for each in workstation.events(run) if isinstance(each.event, Logged)]
    assert any(f"onfined (level {level_here()}): " in text for text in told), told
    model = services.models.named.get(owner, "taught")
    assert model.metrics["test_accuracy"] > 0.8
    assert services.models.network_text(owner, model).startswith(HEADER)
    reader = services.datasets.revision_reader(run.revision)
    picture = io.BytesIO()
    Image.fromarray(reader.pictures_at(np.array([7]))[0][..., 0]).save(picture, "PNG")
    (guesses,) = services.models.classify(owner, "taught", [picture.getvalue()])
    assert guesses[0].label == reader.classes[int(reader.labels_at(np.array([7]))[0])]
    kept = services.models._apart._predictor._kept
    assert [each.name for each in kept] == [model.files], "never in the server's own process"
    services.models._apart.close()
    _, blocks = services.models.download(owner, "taught")
    with zipfile.ZipFile(io.BytesIO(b"".join(blocks))) as archive:
        names = {name.partition("/")[2] for name in archive.namelist()}
        assert archive.read("taught/network.py").decode("utf-8") == f"{HEADER}\n{SMALL}"
        assert "`network.py`" in archive.read("taught/MODEL_CARD.md").decode("utf-8")
    assert "network.network" not in names


def require_same_bits_after_a_kill(workstation: Workstation, values: Mapping[str, object], name: str) -> None:
    alone = workstation.finish(workstation.start(**values, name=f"{name}-alone"))
    run = workstation.start(**values, name=f"{name}-killed")
    workstation.wait(lambda: workstation.services.inside.steps(workstation.owner, run), bool)

    workstation.kill(run)
    ended = workstation.finish(run)

    assert (ended.state, ended.message) == ("finished", "")
    assert ended.progress.get("resumed_step") is not None
    assert workstation.weights_sha256(ended) == workstation.weights_sha256(alone)


def test_a_run_that_was_killed_ends_with_the_same_bits(workstation: Workstation, shapes: Dataset, small: str) -> None:
    values = {"dataset": shapes.name, "network": small, "epochs": 8, "batch_size": 16}
    require_same_bits_after_a_kill(workstation, values, "python")


def test_what_a_module_says_that_it_keeps_is_there_when_its_run_goes_on(
    workstation: Workstation, shapes: Dataset
) -> None:
    source = SMALL.replace("        self.head = ", "        self.steps = 0\n        self.head = ").replace(
        "        x = ",
        "        self.steps += self.training\n        images = images * (1 + self.steps / 100)\n        x = ",
    )
    own = "\n    def get_extra_state(self):\n        return torch.tensor(self.steps)\n"
    source += f"{own}\n    def set_extra_state(self, state):\n        self.steps = int(state)\n"
    values = {"dataset": shapes.name, "network": ready(workstation, source, "keeper"), "epochs": 8, "batch_size": 16}
    require_same_bits_after_a_kill(workstation, values, "kept")


def test_a_mistake_in_training_names_its_line(workstation: Workstation, shapes: Dataset) -> None:
    source = doing("assert len(images) < 9, 'too many'")
    run = workstation.finish(workstation.start(dataset=shapes.name, network=ready(workstation, source, "picky")))

    assert (run.state, run.code) == ("failed", "network.python")
    assert run.message == "Line 15: AssertionError: too many"


def test_training_reads_nothing_but_its_own(workstation: Workstation, shapes: Dataset) -> None:
    database = str(workstation.data / "tenfold.sqlite")
    source = doing(f"if len(images) > 3: open({database!r})")
    run = workstation.finish(workstation.start(dataset=shapes.name, network=ready(workstation, source, "curious")))

    assert run.state == "failed"
    assert run.message.startswith("Line 15: PermissionError")


def test_one_that_leaves_its_process_fails_in_the_end(workstation: Workstation, shapes: Dataset) -> None:
    source = SMALL.replace(
        "        x = ", "        if len(images) > 3:\n            import os; os._exit(0)\n        x = "
    )
    run = workstation.finish(workstation.start(dataset=shapes.name, network=ready(workstation, source, "leaver")))

    assert run.state == "failed"


HOSTILE = """\
import pathlib

write = pathlib.Path.write_text


def writing(self, text, *args):
    if self.name != "metrics.json":
        return write(self, text, *args)
    for name in ("predict.py", "MODEL_CARD.md", "labels.txt", "network.py", "LICENSE", "more.py"):
        (self.parent / name).write_bytes(b"evil()")
    return write(self, CHANGED, *args)


pathlib.Path.write_text = writing
"""


def test_what_a_run_puts_among_its_result_is_not_in_the_model(
    workstation: Workstation, shapes: Dataset, small: str
) -> None:
    services, owner = workstation.services, workstation.owner
    hostile = ready(workstation, HOSTILE.replace("CHANGED", "text") + SMALL, "hostile")
    workstation.finish(workstation.start(dataset=shapes.name, network=small, epochs=1, name="honest-run"))
    run = workstation.finish(workstation.start(dataset=shapes.name, network=hostile, epochs=1, name="hostile-run"))

    assert run.state == "finished", run.message
    files = [services.models.named.get(owner, name).files for name in ("honest-run", "hostile-run")]
    honest, other = (workstation.data / "artifacts" / "models" / each for each in files)
    assert sorted(each.name for each in other.iterdir()) == sorted(each.name for each in honest.iterdir())
    for name in ("predict.py", "labels.txt", "LICENSE", "preprocessing.json", "versions.json"):
        assert (other / name).read_bytes() == (honest / name).read_bytes(), name
    assert (other / "network.py").read_text("utf-8").startswith(f"{HEADER}\nimport pathlib")
    assert "hostile-run" in (other / "MODEL_CARD.md").read_text("utf-8")
    assert not list(workstation.data.glob(f"jobs/{run.job}/attempts/*/result"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("'{}'", "metrics.json of the run says what cannot be: 'metrics'"),
        ("'[' * 90_000", "metrics.json of the run says what cannot be: "),
        ("text.replace('\"test\"', '\"../..\"')", "it names no split and step"),
        ('text.replace(\'"accuracy": \', \'"accuracy": [],"x": \')', "`metrics` has other parts"),
    ],
)
def test_figures_that_cannot_be_make_a_run_fail(
    workstation: Workstation, shapes: Dataset, text: str, says: str
) -> None:
    network = ready(workstation, HOSTILE.replace("CHANGED", text) + SMALL, None)
    run = workstation.finish(workstation.start(dataset=shapes.name, network=network, epochs=1))

    assert (run.state, run.model) == ("failed", None)
    assert says in run.message


def test_what_does_not_go_with_python_is_refused(workstation: Workstation, shapes: Dataset, small: str) -> None:
    services, owner = workstation.services, workstation.owner
    values = {"dataset": shapes.name, "network": small}
    with pytest.raises(InvalidFields, match="Keras"):
        services.runs.start(owner, {**values, "framework": "keras"}, {})
    with pytest.raises(InvalidFields, match="weights that their own code makes"):
        services.runs.start(owner, {**values, "weights": "published"}, {})
    with pytest.raises(InvalidFields, match="has no parameter 'depth'; it has width"):
        services.runs.start(owner, values, {"depth": 3})
    with pytest.raises(Forbidden, match="may not run own Python code"):
        services.runs.start(replace(owner, name="eve", run_code=False), values, {})
    services.networks.create(owner, "never-seen", as_python(f"{SMALL}# other\n"))
    with pytest.raises(BadNetwork, match="inspect it first"):
        services.runs.start(owner, {**values, "network": "never-seen"}, {})


def test_what_cannot_be_exported_is_told_with_its_line(workstation: Workstation, shapes: Dataset) -> None:
    source = doing("images = images / 2 if images.mean() > 100 else images")
    run = workstation.finish(workstation.start(dataset=shapes.name, network=ready(workstation, source, "branching")))

    assert (run.state, run.code) == ("failed", "network.python")
    assert run.message.startswith("Line 15: ")


def test_what_decides_on_the_size_of_the_batch_is_told(workstation: Workstation, shapes: Dataset) -> None:
    source = doing("images = images / 2 if len(images) > 3 else images")
    run = workstation.finish(workstation.start(dataset=shapes.name, network=ready(workstation, source, "counting")))

    assert (run.state, run.code) == ("failed", "network.python")
    assert run.message.startswith("Line 14: What it computes depends on how many pictures")


def test_any_name_and_a_buffer_that_was_expanded_come_to_a_model(workstation: Workstation, shapes: Dataset) -> None:
    source = SMALL.replace(
        "        self.head = ",
        "        self.register_buffer('scale', torch.ones(1).expand(width))\n"
        "        self.parts = nn.ModuleDict({'a/b': nn.Conv2d(width, width, 1)})\n"
        "        self.head = ",
    ).replace("        return ", "        x = self.parts['a/b'](x) * self.scale[:, None, None]\n        return ")
    run = workstation.finish(
        workstation.start(dataset=shapes.name, network=ready(workstation, source, "odd"), epochs=1)
    )

    assert (run.state, run.message) == ("finished", "")


def test_its_inside_and_its_judgement_are_refused_with_a_sentence(
    workstation: Workstation, shapes: Dataset, small: str
) -> None:
    services, owner = workstation.services, workstation.owner
    run = workstation.finish(workstation.start(dataset=shapes.name, network=small, epochs=1, name="opaque"))
    assert run.state == "finished", run.message

    looked = services.inside.of_model(owner, "opaque", Looked())
    seen = workstation.wait(
        lambda: services.inside.look(owner, looked.id), lambda now: now.state not in {"waiting", "running"}
    )
    assert (seen.state, "written in Python" in seen.message) == ("failed", True)
    with pytest.raises(Invalid, match="cannot judge"):
        services.checkups.judge(owner, shapes.name, "opaque")
    with pytest.raises(InvalidFields, match="cannot judge"):
        services.checkups.find_wrong_labels(owner, shapes.name, {"network": small})


def test_what_it_takes_is_measured_before_it_runs(workstation: Workstation, shapes: Dataset, small: str) -> None:
    values: dict[str, object] = {"dataset": shapes.name, "network": small, "batch_size": 128}
    assert measured(workstation, values) is None

    forecast = workstation.wait(lambda: measured(workstation, values), lambda found: found is not None)

    assert forecast is not None
    assert (forecast.memory_how, forecast.time_how, forecast.verdict) == ("measured", "measured", "fits")
    assert forecast.parts.weights == 4 * SMALL_PARAMETERS


def test_one_that_no_probe_can_measure_says_so(workstation: Workstation, shapes: Dataset, small: str) -> None:
    values: dict[str, object] = {"dataset": shapes.name, "network": small, "batch_size": 4}
    with pytest.raises(Conflict, match="two sizes of a batch") as refused:
        workstation.wait(lambda: measured(workstation, values), bool)
    assert refused.value.code == "network.not-measured"


def measured(workstation: Workstation, values: dict[str, object]) -> Forecast | None:
    """What is told of a run, and nothing while it is being measured."""
    try:
        return workstation.services.runs.preflight(workstation.owner, values, {})
    except Conflict as error:
        if error.code != "network.measuring":
            raise
        return None


def test_a_revision_that_shares_pictures_with_another_is_read(workstation: Workstation, small: str) -> None:
    home = workstation.data.parent
    write_shapes(home / "edited", per_class=30)
    made = workstation.dataset(home / "edited")
    edit = Edit(Change(action="exclude"), (0,))
    workstation.services.revisions.edit(workstation.owner, made.id, edit, on=made.revision)

    run = workstation.finish(workstation.start(dataset=made.name, network=small, epochs=1))

    assert (run.state, run.message) == ("finished", "")
    assert run.revision != made.revision


def test_what_was_read_at_two_batches_goes_on_in_a_line() -> None:
    graph = graph_of_python((3, 32, 32), 10, 50_000)
    readings = (Reading(4, 40 << 20, 0.01), Reading(16, 100 << 20, 0.04))

    grown = growing_as_read(graph, readings, optimizer="sgd")

    def told(batch_size: int) -> Forecast:
        work = Workload(
            graph=grown,
            optimizer="sgd",
            batch_size=batch_size,
            epochs=1,
            num_training=1000,
            num_validation=0,
            num_pictures=1000,
            picture_bytes=0,
            is_packed=True,
        )
        room = Room(device="cpu", memory_total_bytes=1 << 30, memory_free_bytes=1 << 30, disk_free_bytes=1 << 40)
        return forecast(work, room, readings)

    for batch_size in (16, 64, 128):
        expected = (100 << 20) + (batch_size - 16) * (5 << 20)
        assert told(batch_size).memory_bytes == pytest.approx(expected, rel=0.01)
    assert told(64).largest_batch == pytest.approx((1024 - 100) / 5 + 16, abs=3)
    assert told(512).verdict == "never"
