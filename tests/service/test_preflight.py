"""Pre-flight as people ask for it, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenfold.core.errors import Conflict, Forbidden, InvalidFields
from tenfold.core.events import Started, Taken
from tenfold.core.repository import Query
from tenfold.core.workstation.machine import MachineFacts

from .bench import Bench

WIDE = """language 1
network wide "Little to learn and much to keep"
param classes = 10 in 2..1000
input image = image(1, 28, 28)
conv1 = conv(1024, 3, pad=half)
tanh
global_avg_pool
fc = dense(classes)
output logits
"""


class SmallMachine:
    """Fulfils `Gauges` for a machine with so much memory."""

    def __init__(self, like: MachineFacts, memory_bytes: int) -> None:
        self._facts = replace(like, memory_total_bytes=memory_bytes, memory_used_bytes=0, gpus=())

    def read(self) -> MachineFacts:
        return self._facts


def test_a_run_is_reckoned_without_being_submitted(bench: Bench) -> None:
    bench.ready()

    told = bench.runs.preflight(bench.editor, {"dataset": "shapes", "batch_size": "32"}, {})

    assert told.batch_size == 32
    assert told.memory_bytes > told.parts.weights > 0
    assert told.largest_batch > 32
    assert bench.runs.named.page(bench.owner, Query()).items == ()


def test_a_larger_batch_and_adam_take_more(bench: Bench) -> None:
    bench.ready()
    bench.networks.create(bench.owner, "wide", WIDE)
    small, large, larger, adam = (
        bench.runs.preflight(bench.editor, {"dataset": "shapes", "network": "wide", **values}, {})
        for values in (
            {"batch_size": 4},
            {"batch_size": 512},
            {"batch_size": 5120},
            {"batch_size": 4, "optimizer": "adam"},
        )
    )

    assert small.memory_bytes < large.memory_bytes
    assert large.memory_bytes == larger.memory_bytes, "there are fewer pictures than that"
    assert small.parts.optimizer * 2 == adam.parts.optimizer
    assert small.disk_bytes < adam.disk_bytes


def test_wrong_fields_are_told_as_at_the_start(bench: Bench) -> None:
    bench.ready()

    with pytest.raises(InvalidFields, match="Batch size"):
        bench.runs.preflight(bench.editor, {"dataset": "shapes", "batch_size": 0}, {})


def test_a_dataset_that_is_being_built_is_not_reckoned_yet(bench: Bench) -> None:
    bench.import_shapes()

    with pytest.raises(Conflict, match="being built"):
        bench.runs.preflight(bench.editor, {"dataset": "shapes"}, {})


def test_viewers_start_no_runs_and_reckon_none(bench: Bench) -> None:
    bench.ready()

    with pytest.raises(Forbidden):
        bench.runs.preflight(bench.viewer, {"dataset": "shapes"}, {})


def test_a_run_that_cannot_fit_is_refused_and_the_nearest_batch_starts(bench: Bench) -> None:
    gauges = SmallMachine(bench.gauges.read(), 60_000_000)
    bench.gauges = gauges
    bench.open_desk()
    bench.ready()

    bench.networks.create(bench.owner, "wide", WIDE)
    with pytest.raises(InvalidFields) as refusal:
        bench.start(network="wide", batch_size=4096)

    problem = refusal.value.problems[0]
    assert (problem.field, problem.code) == ("batch_size", "run.no-room")
    asked = {"dataset": "shapes", "network": "wide", "batch_size": 4096}
    nearest = bench.runs.preflight(bench.owner, asked, {}).nearest_batch
    assert f"Batch {nearest:,} fits." in problem.message
    assert bench.job(bench.start(network="wide", batch_size=nearest).job).state == "running"


def test_a_run_keeps_what_was_said_and_what_it_took(bench: Bench) -> None:
    bench.ready()
    run = bench.start()
    said = bench.runs.preflight(bench.owner, {"dataset": "shapes", "epochs": 1}, {})

    bench.tell(run.job, Started(pid=1), Taken(memory_bytes=123, seconds=4.5, steps=6))

    progress = bench.runs.named.get(bench.owner, run.id).progress
    assert progress["taken"] == {"memory_bytes": 123, "seconds": 4.5, "steps": 6}
    assert isinstance(progress["forecast"], dict)
    assert progress["forecast"]["memory_bytes"] == said.memory_bytes


def test_what_a_run_took_makes_the_next_forecast_of_its_like_sharper(bench: Bench) -> None:
    bench.ready()
    run = bench.start(batch_size=8)
    bench.tell(run.job, Started(pid=1), Taken(memory_bytes=90_000_000, seconds=3.0, steps=6))

    alike, other = (
        bench.runs.preflight(bench.owner, {"dataset": "shapes", "epochs": 4, "batch_size": batch}, {})
        for batch in (8, 16)
    )

    assert (alike.memory_how, alike.time_how) == ("measured", "measured")
    assert alike.memory_bytes == pytest.approx(90_000_000, rel=0.01)
    assert alike.epoch_s is not None
    assert alike.total_s == pytest.approx(4 * alike.epoch_s)
    assert (other.memory_how, other.total_s) == ("reckoned", None)
