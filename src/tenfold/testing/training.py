"""Twins of the training ports: in memory, with a clock turned by hand and a backend that takes microseconds a step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tenfold.core.errors import NotFound
from tenfold.core.events import Event
from tenfold.core.training.ports import BackendState, Checkpoint, Totals


class ManualClock:
    """A clock that goes on by `tick_s` at every look."""

    def __init__(self, tick_s: float = 0.0) -> None:
        self.now = 1000.0
        self.tick_s = tick_s

    def __call__(self) -> float:
        self.now += self.tick_s
        return self.now


class RecordedEvents:
    """An event sink that keeps a list; `on_emit` may raise, which stands for a process that dies there."""

    def __init__(self, on_emit: Callable[[Event], None] | None = None) -> None:
        self.events: list[Event] = []
        self._on_emit = on_emit

    def emit(self, event: Event) -> None:
        self.events.append(event)
        if self._on_emit is not None:
            self._on_emit(event)

    def sync(self) -> None:
        """Nothing to do: a list is as durable as the test."""


class StopSwitch:
    """A control whose stop a test presses."""

    def __init__(self) -> None:
        self.pressed = False

    def stop_requested(self) -> bool:
        return self.pressed


class InMemoryCheckpoints:
    """The twin of the checkpoint store."""

    def __init__(self) -> None:
        self.kept: dict[int, Checkpoint] = {}

    def save(self, checkpoint: Checkpoint) -> None:
        self.kept.pop(checkpoint.step, None)
        self.kept[checkpoint.step] = checkpoint

    def latest(self) -> Checkpoint | None:
        return list(self.kept.values())[-1] if self.kept else None

    def load(self, step: int) -> Checkpoint:
        if step not in self.kept:
            raise NotFound(f"There is no checkpoint of step {step}; there are {sorted(self.kept)}.")
        return self.kept[step]

    def keep_only(self, steps: set[int]) -> None:
        self.kept = {step: checkpoint for step, checkpoint in self.kept.items() if step in steps}


class FakeBackend:
    """Linear regression on one weight with momentum and noise: small, yet all of its state matters for exactness."""

    device = "fake"

    def __init__(self, num_training: int = 20, num_validation: int = 6, seed: int = 1) -> None:
        generator = np.random.default_rng(seed)
        self._x = {"train": generator.normal(size=num_training), "val": generator.normal(size=num_validation)}
        self._noise = np.random.Generator(np.random.PCG64(seed))
        self.weight, self.velocity = 0.0, 0.0
        self.seen: list[int] = []
        self._training = [0, 0.0]
        self._evaluation = [0, 0.0]

    def train_step(self, indices: NDArray[np.int64], rate: float) -> None:
        x = self._x["train"][indices]
        error = self.weight * x - 3.0 * x
        self.velocity = 0.9 * self.velocity + float(np.mean(error * x)) + 0.01 * float(self._noise.normal())
        self.weight -= rate * self.velocity
        self.seen.extend(int(index) for index in indices)
        self._training[0] += len(indices)
        self._training[1] += float(np.sum(error**2))

    def take_training_totals(self) -> Totals:
        samples, loss = self._training
        self._training = [0, 0.0]
        return Totals(int(samples), {"loss": loss, "accuracy": 0.0})

    def evaluate_batch(self, split: str, start: int, stop: int) -> None:
        x = self._x[split][start:stop]
        self._evaluation[0] += stop - start
        self._evaluation[1] += float(np.sum((self.weight * x - 3.0 * x) ** 2))

    def take_evaluation_totals(self) -> Totals:
        samples, loss = self._evaluation
        self._evaluation = [0, 0.0]
        return Totals(int(samples), {"loss": loss, "accuracy": 0.0})

    def predict(self, split: str, start: int, stop: int) -> NDArray[np.float32]:
        return (self.weight * self._x[split][start:stop, None]).astype(np.float32)

    def state(self) -> BackendState:
        arrays = {"model/weight": np.array([self.weight]), "optimizer/velocity": np.array([self.velocity])}
        noise = self._noise.bit_generator.state
        inner = noise["state"]
        return BackendState(
            arrays,
            {"noise": {"state": str(inner["state"]), "inc": str(inner["inc"])}, "totals": list(self._training)},
        )

    def load_state(self, state: BackendState) -> None:
        self.weight = float(state.arrays["model/weight"][0])
        self.velocity = float(state.arrays["optimizer/velocity"][0])
        noise, totals = state.values["noise"], state.values["totals"]
        assert isinstance(noise, dict)
        assert isinstance(totals, list)
        before = dict(self._noise.bit_generator.state)
        before["state"] = {"state": int(str(noise["state"])), "inc": int(str(noise["inc"]))}
        self._noise.bit_generator.state = before
        self._training = [int(str(totals[0])), float(str(totals[1]))]
