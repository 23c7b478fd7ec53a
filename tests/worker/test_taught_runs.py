"""Runs that begin with the weights of another model, in real processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.events import Logged
from tenfold.core.training.run import Run
from tenfold.testing.pictures import write_shapes

from .workstation import Workstation


@pytest.fixture(scope="module")
def teacher(workstation: Workstation, shapes: Dataset) -> Run:
    run = workstation.finish(workstation.start(dataset=shapes.name, network="lenet", epochs=4, name="teacher"))
    assert run.metrics["test_accuracy"] > 0.9
    return run


def log_of(workstation: Workstation, run: Run) -> list[str]:
    return [each.event.text for each in workstation.events(run) if isinstance(each.event, Logged)]


def test_it_begins_where_the_other_ended(workstation: Workstation, shapes: Dataset, teacher: Run) -> None:
    values = {"dataset": shapes.name, "epochs": 1, "rate": 1e-6}
    taught = workstation.finish(workstation.start(network="taught", name="taught", **values))
    alone = workstation.finish(workstation.start(network="lenet", name="alone", **values))
    assert taught.metrics["test_accuracy"] == pytest.approx(teacher.metrics["test_accuracy"], abs=0.01)
    assert alone.metrics["test_accuracy"] < 0.7
    assert "8 of 8 tensors come from model:teacher." in log_of(workstation, taught)


@pytest.mark.usefixtures("teacher")
def test_another_head_starts_anew_and_is_named(
    workstation: Workstation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = workstation.data.parent / "two"
    write_shapes(folder, per_class=60)
    for file in sorted(folder.iterdir())[0].iterdir():
        file.unlink()
    sorted(folder.iterdir())[0].rmdir()
    two = workstation.dataset(folder)
    run = workstation.finish(workstation.start(dataset=two.name, network="taught", epochs=1, name="two"))
    assert run.state == "finished", run.message
    (told,) = [line for line in log_of(workstation, run) if "model:teacher" in line]
    assert told == (
        "6 of 8 tensors come from model:teacher. Of another shape: ip2.weight (here 2 x 500, there 3 x 500), "
        "ip2.bias (here 2, there 3). These start anew."
    )


@pytest.mark.usefixtures("teacher")
def test_killed_and_gone_on_it_ends_with_the_same_bits(workstation: Workstation, shapes: Dataset) -> None:
    values = {"dataset": shapes.name, "network": "taught", "epochs": 6, "batch_size": 8}
    whole = workstation.finish(workstation.start(**values, name="whole"))
    run = workstation.start(**values, name="killed")
    workstation.wait(lambda: workstation.rows(run), lambda rows: len(rows) > 20)
    workstation.kill(run)
    over = workstation.finish(run)
    assert over.state == "finished", over.message
    assert workstation.weights_sha256(over) == workstation.weights_sha256(whole)


@pytest.mark.usefixtures("teacher")
def test_a_teacher_that_is_gone_before_the_start_ends_the_run_by_name(
    workstation: Workstation, shapes: Dataset
) -> None:
    files = workstation.services.models.named.get(workstation.owner, "teacher").files
    weights = workstation.data / "artifacts" / "models" / files / "model.safetensors"
    kept: Path = weights.rename(weights.with_suffix(".away"))
    try:
        run = workstation.finish(workstation.start(dataset=shapes.name, network="taught", epochs=1, name="late"))
    finally:
        kept.rename(weights)
    assert run.state == "failed"
    assert run.message == "The weights of model:teacher are gone: they were deleted for good."


def test_a_folder_of_the_hub_s_layout_gives_what_fits_and_its_licence(
    workstation: Workstation, shapes: Dataset
) -> None:
    folder = workstation.data.parent / "backbones/small"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "resnet"}')
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    names = ("weight", "bias", "running_mean", "running_var")
    held = {f"resnet.embedder.embedder.normalization.{name}": np.ones(8, np.float16) for name in names}
    save_file(held, folder / "model.safetensors")
    text = workstation.services.networks.get(workstation.owner, "resnet18").text
    for written, small in (("[2, 2, 2, 2]", "[1, 1, 1, 1]"), ("width   = 64", "width   = 8")):
        text = text.replace(written, small)
    text += 'pretrained "folder:backbones/small"\n'
    workstation.services.networks.create(workstation.owner, "begun", text)
    run = workstation.finish(workstation.start(dataset=shapes.name, network="begun", epochs=1, name="begun"))
    assert run.state == "finished", run.message
    assert "folder:backbones/small is under the licence apache-2.0." in log_of(workstation, run)
    assert any(
        line.startswith("4 of 62 tensors come from folder:backbones/small.") for line in log_of(workstation, run)
    )
