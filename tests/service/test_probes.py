"""Pre-flight with a probe: asked for, heard, given up, held back."""

from __future__ import annotations

import pytest

from tenfold.adapters.storage.job_folders import WorkerFolder
from tenfold.core.events import Ended, Probed
from tenfold.core.ids import JobId
from tenfold.core.training.preflight.forecast import Forecast

from .bench import Bench


def preflight(bench: Bench, *, probe: bool = True, **values: object) -> Forecast:
    return bench.runs.preflight(bench.owner, {"dataset": "shapes", **values}, {}, probe=probe)


def answer(bench: Bench, *readings: Probed, outcome: str = "finished") -> JobId:
    """Plays the probe that runs now to its end."""
    job_id = bench.processes.started[-1][0]
    worker = WorkerFolder(bench.folders.path(job_id), 1)
    for reading in readings:
        worker.emit(reading)
    worker.emit(Ended(outcome="finished" if outcome == "finished" else "failed", message="It did not fit."))
    worker.close()
    bench.processes.alive.discard(job_id)
    return job_id


SMALL = Probed(batch=4, memory_bytes=20_000_000, step_s=0.004)
LARGE = Probed(batch=16, memory_bytes=32_000_000, step_s=0.010)


def test_what_a_probe_saw_replaces_what_was_reckoned(bench: Bench) -> None:
    bench.ready()
    first = preflight(bench)
    assert (first.probe, first.memory_how, first.total_s) == ("running", "reckoned", None)
    answer(bench, SMALL, LARGE)

    told = preflight(bench)

    assert (told.probe, told.memory_how, told.time_how) == ("none", "measured", "measured")
    assert told.memory_bytes > LARGE.memory_bytes
    assert told.total_s is not None


def test_a_probe_that_ends_while_it_is_asked_for_is_told_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.ready()
    start = bench.processes.start

    def start_and_end(job_id: JobId, attempt: int, slot: str) -> None:
        start(job_id, attempt, slot)
        answer(bench, SMALL, LARGE)

    monkeypatch.setattr(bench.processes, "start", start_and_end)

    told = preflight(bench)

    assert (told.probe, told.memory_how, told.time_how) == ("finished", "measured", "measured")


def test_fields_that_do_not_decide_ask_nothing_anew(bench: Bench) -> None:
    bench.ready()
    preflight(bench, epochs=3)
    answer(bench, SMALL, LARGE)
    count = len(bench.processes.started)

    three, nine = preflight(bench, epochs=3), preflight(bench, epochs=9, rate=0.5, name="other")

    assert (three.probe, nine.probe, len(bench.processes.started)) == ("none", "none", count)
    assert nine.total_s == pytest.approx(3 * (three.total_s or 0))


def test_a_form_that_changes_gives_up_the_probe_of_what_it_was(bench: Bench) -> None:
    bench.ready()
    preflight(bench, batch_size=32)
    first = bench.processes.started[-1][0]

    preflight(bench, batch_size=64)

    assert bench.processes.killed[-1] == first


def test_a_probe_that_fails_says_so_and_leaves_what_was_reckoned(bench: Bench) -> None:
    bench.ready()
    preflight(bench)
    answer(bench, SMALL, outcome="failed")

    told = preflight(bench)

    assert (told.probe, told.probe_message, told.memory_how) == ("failed", "It did not fit.", "reckoned")


def test_nothing_is_probed_while_a_run_trains_or_when_not_asked_for(bench: Bench) -> None:
    bench.ready()
    assert preflight(bench, probe=False).probe == "none"
    bench.start()
    count = len(bench.processes.started)

    held = preflight(bench, batch_size=8)

    assert (held.probe, held.probe_message) == ("held-back", "Nothing is measured while a run trains.")
    assert len(bench.processes.started) == count


def test_a_start_ends_the_probe_and_keeps_what_one_said(bench: Bench) -> None:
    bench.ready()
    preflight(bench)
    answer(bench, SMALL, LARGE)
    said = preflight(bench)
    preflight(bench, batch_size=8)
    running = bench.processes.started[-1][0]

    run = bench.start(epochs=3)

    assert running in bench.processes.killed
    assert isinstance(run.progress["forecast"], dict)
    assert run.progress["forecast"]["memory_bytes"] == said.memory_bytes
