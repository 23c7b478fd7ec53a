"""Runs from submit to model, in real processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.errors import Conflict, InUse
from tenfold.core.events import Envelope, PhaseStarted, Progressed, Started
from tenfold.testing.pictures import write_shapes

from .workstation import Workstation, open_workstation


def test_a_run_learns_and_leaves_a_model_of_its_name(workstation: Workstation, shapes: Dataset) -> None:
    run = workstation.start(dataset=shapes.name, network="lenet", epochs=4, name="learns")
    over = workstation.finish(run)
    assert over.state == "finished", over.message
    assert over.metrics["test_accuracy"] > 0.9
    assert over.progress["step"] == over.progress["steps"]
    assert told_in(workstation.events(run), "testing") == {"samples"}
    assert told_in(workstation.events(run), "exporting") == {"files"}
    model = workstation.services.models.named.get(workstation.owner, "learns")
    assert model.run == run.id
    assert model.metrics["test_accuracy"] == over.metrics["test_accuracy"]
    weights = load_file(workstation.data / "artifacts" / "models" / model.files / "model.safetensors")
    assert weights["conv1.weight"].shape == (20, 1, 5, 5)
    assert weights["ip2.weight"].shape == (3, 500)
    assert all(np.isfinite(array).all() for array in weights.values())


def told_in(events: list[Envelope], phase: str) -> set[str]:
    """The units in which progress was told in a phase: by it the desk knows that the worker lives."""
    found, now = set(), ""
    for each in events:
        if isinstance(each.event, PhaseStarted):
            now = each.event.phase
        elif isinstance(each.event, Progressed) and now == phase:
            found.add(each.event.unit)
    return found


def test_the_same_seed_gives_the_same_bits_and_another_does_not(workstation: Workstation, shapes: Dataset) -> None:
    hashes = []
    for seed in (3, 3, 4):
        run = workstation.start(dataset=shapes.name, network="dropping", epochs=1, seed=seed)
        workstation.finish(run)
        hashes.append(workstation.weights_sha256(run))
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_stopped_run_keeps_its_model_and_goes_on_to_the_same_end(workstation: Workstation, shapes: Dataset) -> None:
    values = {"dataset": shapes.name, "network": "dropping", "epochs": 12, "batch_size": 8}
    whole = workstation.finish(workstation.start(**values, name="whole"))
    run = workstation.start(**values, name="halted")
    workstation.wait(lambda: workstation.rows(run), lambda rows: len(rows) > 30)
    workstation.services.runs.stop(workstation.owner, run.id)
    stopped = workstation.finish(run)
    assert stopped.state == "stopped"
    assert stopped.model is not None
    workstation.services.runs.resume(workstation.owner, run.id)
    over = workstation.finish(run)
    assert over.state == "finished"
    assert over.model == stopped.model
    assert workstation.weights_sha256(run) == workstation.weights_sha256(whole)
    assert workstation.rows(run) == workstation.rows(whole)


def test_a_run_waits_for_its_dataset(workstation: Workstation, tmp_path_factory: pytest.TempPathFactory) -> None:
    from tenfold.services.datasets import ImportRequest

    folder = write_shapes(workstation.data.parent / "late", per_class=300)
    request = ImportRequest(source={"folder": str(folder)}, values={}, name="late")
    dataset = workstation.services.datasets.import_samples(workstation.owner, request)
    run = workstation.start(dataset="late", network="lenet", epochs=1)
    assert dataset.state == "building"
    over = workstation.finish(run)
    assert over.state == "finished", over.message


def test_a_run_fails_with_its_dataset_and_says_why(workstation: Workstation) -> None:
    from tenfold.services.datasets import ImportRequest

    folder = workstation.data.parent / "lonely"
    (folder / "only").mkdir(parents=True)
    write_shapes(workstation.data.parent / "spare", per_class=2)
    (workstation.data.parent / "spare" / "bar" / "0000.png").rename(folder / "only" / "0.png")
    request = ImportRequest(source={"folder": str(folder)}, values={}, name="lonely")
    workstation.services.datasets.import_samples(workstation.owner, request)
    run = workstation.start(dataset="lonely", network="lenet", epochs=1)
    over = workstation.finish(run)
    assert (over.state, over.code) == ("failed", "job.dependency-gone")
    assert "class" in over.message
    dataset = workstation.services.datasets.named.get(workstation.owner, "lonely")
    assert dataset.state == "failed"
    assert dataset.code.startswith("dataset.")


def test_a_damaged_checkpoint_is_told_in_the_log(workstation: Workstation, shapes: Dataset) -> None:
    run = workstation.start(dataset=shapes.name, network="lenet", epochs=200, batch_size=16, name="lost")
    workstation.wait(lambda: workstation.run(run).metrics, lambda metrics: "val_loss" in metrics)
    workstation.wait(lambda: workstation.rows(run)[-1], lambda row: row[1] % 1)  # beyond what was validated
    workstation.services.runs.stop(workstation.owner, run.id)
    assert workstation.finish(run).state == "stopped"
    newest = sorted((workstation.data / "jobs" / run.job / "checkpoints").iterdir())[-1]
    (newest / "state.json").write_text("{}")
    workstation.services.runs.resume(workstation.owner, run.id)
    lines = workstation.wait(
        lambda: workstation.services.runs.log(workstation.owner, run.id),
        lambda lines: any(line.text.startswith("Attempt 2") for line in lines),
    )
    workstation.services.runs.stop(workstation.owner, run.id)
    step = int(newest.name.partition("-step-")[2])
    lost = next(line for line in lines if line.text.startswith(f"The checkpoint at step {step:,} is lost"))
    assert lost.level == "warning"
    assert "state.json" in lost.text
    assert workstation.finish(run).state == "stopped"


def test_a_run_that_diverges_says_what_to_try(workstation: Workstation, shapes: Dataset) -> None:
    run = workstation.start(dataset=shapes.name, network="lenet", epochs=5, rate=100.0, schedule="fixed", warm_up=0)
    over = workstation.finish(run)
    assert (over.state, over.code) == ("failed", "diverged")
    assert "try 10" in over.message


def test_a_used_dataset_is_not_thrown_away(workstation: Workstation, shapes: Dataset) -> None:
    run = workstation.start(dataset=shapes.name, network="dropping", epochs=200, name="long")
    with pytest.raises(InUse, match="the run long"):
        workstation.services.datasets.named.trash(workstation.owner, shapes.name)
    with pytest.raises(Conflict, match="only a run that was stopped or has failed"):
        workstation.services.runs.resume(workstation.owner, run.id)
    workstation.services.runs.stop(workstation.owner, run.id)
    assert workstation.finish(run).state == "stopped"


def test_events_are_numbered_and_tell_the_device(workstation: Workstation, shapes: Dataset) -> None:
    run = workstation.finish(workstation.start(dataset=shapes.name, network="lenet", epochs=1))
    events = workstation.events(run)
    assert [envelope.seq for envelope in events] == list(range(1, len(events) + 1))
    started = next(envelope.event for envelope in events if isinstance(envelope.event, Started))
    assert started.device.startswith(("CPU", "NVIDIA"))
    assert started.resumed_step is None
    progress = [envelope.event for envelope in events if isinstance(envelope.event, Progressed)]
    assert progress[-1].done == progress[-1].total


def test_the_template_is_single_threaded_and_warm(workstation: Workstation) -> None:
    workstation.services.desk.warm()
    facts = workstation.wait(workstation.services.desk.executor_facts, lambda facts: facts["template"] == "ready")
    assert int(str(facts["memory_bytes"])) > 50e6


@pytest.mark.usefixtures("own_template")
def test_the_first_job_warms_the_template_and_without_it_a_submit_works_too(tmp_path: Path) -> None:
    write_shapes(tmp_path / "shapes", per_class=20)
    others = set(psutil.Process().children())
    with open_workstation(tmp_path / "data", [tmp_path]) as opened:
        dataset = opened.dataset(tmp_path / "shapes")
        facts = opened.services.desk.executor_facts
        assert facts()["template"] == "ready"
        (template,) = set(psutil.Process().children()) - others
        template.kill()
        opened.wait(facts, lambda now: now["template"] == "off")
        over = opened.finish(opened.start(dataset=dataset.name, network="lenet", epochs=1))
        assert over.state == "finished", over.message
        assert facts()["template"] == "off"
