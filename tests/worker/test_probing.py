"""Probes in real processes."""

from __future__ import annotations

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.training.preflight.forecast import Forecast

from .workstation import Workstation


def preflight(workstation: Workstation, **values: object) -> Forecast:
    return workstation.services.runs.preflight(workstation.owner, values, {})


def probed(workstation: Workstation, **values: object) -> Forecast:
    return workstation.wait(
        lambda: preflight(workstation, **values), lambda told: told.probe not in {"waiting", "running"}
    )


def test_a_probe_measures_what_the_run_then_takes(workstation: Workstation, shapes: Dataset) -> None:
    values: dict[str, object] = {"dataset": shapes.name, "network": "lenet", "epochs": 1, "batch_size": 256}
    begun = preflight(workstation, **values)
    assert (begun.probe, begun.memory_how) == ("running", "reckoned")

    told = probed(workstation, **values)

    assert (told.memory_how, told.time_how, told.probe_message) == ("measured", "measured", "")
    assert told.total_s is not None
    assert told.total_s > 0
    run = workstation.finish(workstation.start(**values, name="probed"))
    taken = run.progress["taken"]
    assert isinstance(taken, dict)
    assert 0.5 < told.memory_bytes / float(str(taken["memory_bytes"])) < 2


def test_another_question_ends_the_process_of_the_first(workstation: Workstation, shapes: Dataset) -> None:
    jobs = workstation.data / "jobs"
    before = set(jobs.glob("ern_*"))
    first = preflight(workstation, dataset=shapes.name, network="dropping", batch_size=512)
    (folder,) = set(jobs.glob("ern_*")) - before
    assert first.probe == "running"

    other = probed(workstation, dataset=shapes.name, network="dropping", batch_size=8)

    assert other.time_how == "measured"
    assert not folder.exists()


def test_nothing_of_what_a_probe_learns_is_kept(workstation: Workstation, shapes: Dataset) -> None:
    probed(workstation, dataset=shapes.name, network="lenet", batch_size=16)

    for folder in (workstation.data / "jobs").glob("ern_*"):
        assert not (folder / "checkpoints").exists()
        assert not (folder / "attempts").exists()
