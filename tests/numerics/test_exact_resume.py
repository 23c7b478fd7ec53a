"""The whole loop, killed in the middle of an epoch and gone on from its files, over PyTorch and over NumPy.

What the campaign asserts of killed workers, weights and rows to the last bit, is asserted here too; and it is shown
that the assertion sees each part of a checkpoint: whatever is left out, the training ends elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tenfold.adapters.frameworks.numpy.backend import NumpyBackend
from tenfold.adapters.frameworks.torch.backend import TorchBackend
from tenfold.adapters.storage.checkpoints import FolderCheckpoints
from tenfold.core.events import CheckpointSaved, Event, Measured
from tenfold.core.training.engine import Engine, Surroundings
from tenfold.core.training.ports import Checkpoint, TrainingBackend
from tenfold.tasks.classification.numpy import ClassificationHead as NumpyHead
from tenfold.tasks.classification.torch import ClassificationHead as TorchHead
from tenfold.testing.backends import ArraySamples, make_plan
from tenfold.testing.training import ManualClock, RecordedEvents, StopSwitch

FIELDS = {"epochs": 4, "batch_size": 8, "steps_per_row": 2, "checkpoint_every": 0.1, "optimizer": "adam"}
STEPS_AN_EPOCH = 5
KILL_AT = 8  # within an epoch, and within a row of the metrics
Make = Callable[[], TrainingBackend]


def torch_backend() -> TrainingBackend:
    return TorchBackend(make_plan(TorchHead(), **FIELDS), ArraySamples())


def numpy_backend() -> TrainingBackend:
    return NumpyBackend(make_plan(NumpyHead(), **FIELDS), ArraySamples())


class Killed(Exception):
    """Stands for SIGKILL: nothing after it runs, what is on the disk stays."""


@dataclass
class Attempts:
    """The attempts of one job on one folder of checkpoints."""

    make: Make
    folder: Path
    events: list[Event] = field(default_factory=list)

    def run(self, *, kill_at: int | None = None, without: str | None = None) -> str:
        """Runs one attempt; `without` names what is lost of the checkpoint it starts from. Returns the end's digest."""
        sink = RecordedEvents(lambda event: die_at(kill_at, event))
        checkpoints = FolderCheckpoints(self.folder)
        if without is not None:
            lose(checkpoints, without, self.make())
        backend = self.make()
        around = Surroundings(
            backend=backend, checkpoints=checkpoints, events=sink, control=StopSwitch(), clock=ManualClock(0.11)
        )
        spec = make_plan(TorchHead(), **FIELDS).spec
        engine = Engine(spec, num_training=40, num_validation=13, around=around)
        engine.resume()
        try:
            engine.run()
        finally:
            self.events += sink.events
        return digest(backend)

    def rows(self) -> dict[tuple[int, str], float]:
        rows = [event for event in self.events if isinstance(event, Measured)]
        return {(row.step, name): value for row in rows for name, value in row.values.items()}


def die_at(step: int | None, event: Event) -> None:
    if isinstance(event, CheckpointSaved) and event.step == step:
        raise Killed


def digest(backend: TrainingBackend) -> str:
    """The sha256 of the weights."""
    weights = backend.state().weights()
    return hashlib.sha256(b"".join(weights[key].tobytes() for key in sorted(weights))).hexdigest()


def lose(checkpoints: FolderCheckpoints, part: str, fresh: TrainingBackend) -> None:
    """Saves the newest checkpoint again without one part, as a store that forgot it would have."""
    latest = checkpoints.latest()
    assert latest is not None
    start = fresh.state()
    engine, arrays, values = dict(latest.engine), dict(latest.backend.arrays), dict(latest.backend.values)
    if part == "sampler":
        step = latest.step - latest.step % STEPS_AN_EPOCH
        engine |= {"step": step, "row_start": step}
    elif part == "totals":
        values["training_totals"] = start.values["training_totals"]
    else:
        for key in [key for key in arrays if key.startswith(part)]:
            arrays[key] = start.arrays.get(key, np.zeros_like(arrays[key]))
    checkpoints.save(Checkpoint(latest.step, engine, type(latest.backend)(arrays, values)))


@pytest.fixture(params=[torch_backend, numpy_backend], ids=["torch", "numpy"])
def make(request: pytest.FixtureRequest) -> Make:
    chosen: Make = request.param
    return chosen


@pytest.fixture
def whole(make: Make, tmp_path: Path) -> tuple[str, dict[tuple[int, str], float]]:
    attempts = Attempts(make, tmp_path / "whole")
    return attempts.run(), attempts.rows()


def killed(make: Make, folder: Path) -> Attempts:
    attempts = Attempts(make, folder)
    with pytest.raises(Killed):
        attempts.run(kill_at=KILL_AT)
    return attempts


def test_a_killed_training_ends_with_the_same_bits(
    make: Make, whole: tuple[str, dict[tuple[int, str], float]], tmp_path: Path
) -> None:
    attempts = killed(make, tmp_path / "killed")
    assert (attempts.run(), attempts.rows()) == whole


@pytest.mark.parametrize("part", ["model/", "optimizer/", "rng/", "sampler", "totals"])
def test_without_one_part_of_the_checkpoint_it_would_not(
    make: Make, whole: tuple[str, dict[tuple[int, str], float]], tmp_path: Path, part: str
) -> None:
    attempts = killed(make, tmp_path / "killed")
    assert (attempts.run(without=part), attempts.rows()) != whole
