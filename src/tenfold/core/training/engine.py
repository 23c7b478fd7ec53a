"""The training loop. It decides when; the backend computes, the store keeps, the sink tells."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from tenfold.core.errors import Diverged
from tenfold.core.events import CheckpointSaved, Event, Json, Measured, PhaseStarted, Progressed
from tenfold.core.training.ports import Checkpoint, CheckpointStore, Clock, Control, EventSink, TrainingBackend
from tenfold.core.training.sampling import Indices, batch_bounds, epoch_order
from tenfold.core.training.schedule import rate_at
from tenfold.core.training.spec import TrainingSpec

ROWS_WANTED = 300
EVALUATION_BATCH = 256
POLL_S = 0.1
PROGRESS_S = 0.25


@dataclass(frozen=True, kw_only=True)
class Position:
    """How far a training is: the engine's part of a checkpoint. Steps are counted in steps done."""

    step: int = 0
    row_start: int = 0
    validated_step: int = 0
    best_step: int | None = None
    best_loss: float | None = None
    best_accuracy: float | None = None

    def to_json(self) -> dict[str, Json]:
        return asdict(self)


@dataclass(frozen=True)
class Outcome:
    """How a training ended and where its best checkpoint is; `best_step` is the last one without validation data."""

    ended: Literal["finished", "stopped"]
    step: int
    best_step: int


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The ports of one training."""

    backend: TrainingBackend
    checkpoints: CheckpointStore
    events: EventSink
    control: Control
    clock: Clock


class Engine:
    """Trains from wherever the newest checkpoint is to the end, or until it is asked to stop.

    Metric rows, weights and the choice of the best checkpoint depend on the specification alone; only checkpoints in
    between and progress follow the clock. Raises `Diverged` when the loss is not finite, and what the ports raise.
    """

    def __init__(self, spec: TrainingSpec, *, num_training: int, num_validation: int, around: Surroundings) -> None:
        self._spec = spec
        self._around = around
        self._num_training = num_training
        self._num_validation = num_validation
        self._bounds = batch_bounds(num_training, spec.batch_size)
        self._total = spec.epochs * len(self._bounds)
        self._row_steps = spec.steps_per_row or max(1, self._total // ROWS_WANTED)
        self._at = Position()
        self._order: tuple[int, Indices] | None = None
        self._checkpointed = -1
        self._validating_at = 0
        now = around.clock()
        self._last_checkpoint_s = self._last_progress_s = self._last_poll_s = now
        self._speed = _Speed(now)

    @property
    def total_steps(self) -> int:
        return self._total

    def resume(self) -> int | None:
        """Loads the newest checkpoint; returns its step, or `None` when the training starts from the beginning."""
        checkpoint = self._around.checkpoints.latest()
        if checkpoint is None:
            return None
        self._at = Position(**checkpoint.engine)  # type: ignore[arg-type]
        self._around.backend.load_state(checkpoint.backend)
        self._checkpointed, self._validating_at = checkpoint.step, self._at.validated_step
        return checkpoint.step

    def run(self) -> Outcome:
        """Trains, validates after every epoch, keeps the best and the last checkpoint."""
        self._emit(PhaseStarted(phase="training"))
        self._speed.start(self._around.clock(), self._at.step)
        while True:
            if self._validation_due() and not self._validate():
                return self._end("stopped")
            if self._at.step >= self._total:
                return self._end("finished")
            if self._stop_asked():
                return self._end("stopped")
            self._train_step()
            self._after_step()

    def _train_step(self) -> None:
        step = self._at.step
        epoch, position = divmod(step, len(self._bounds))
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, epoch_order(self._spec.seed, epoch, self._num_training))
        start, stop = self._bounds[position]
        self._around.backend.train_step(self._order[1][start:stop], self._rate(step))

    def _after_step(self) -> None:
        at = self._at
        step = at.step + 1
        row_start = at.row_start
        if step - row_start >= self._row_steps or step % len(self._bounds) == 0:
            self._write_row(step, row_start)
            row_start = step
        self._at = Position(
            step=step,
            row_start=row_start,
            validated_step=at.validated_step,
            best_step=at.best_step,
            best_loss=at.best_loss,
            best_accuracy=at.best_accuracy,
        )
        now = self._around.clock()
        if now - self._last_progress_s >= PROGRESS_S:
            self._tell_progress(now)
        if now - self._last_checkpoint_s >= self._spec.checkpoint_every:
            self._save()

    def _write_row(self, step: int, row_start: int) -> None:
        means = self._around.backend.take_training_totals().means()
        self._require_finite(means["loss"], step)
        values = {f"train_{name}": value for name, value in means.items()} | {"rate": self._rate(step - 1)}
        self._emit(Measured(step=step, first_step=row_start + 1, epoch=step / len(self._bounds), values=values))

    def _validation_due(self) -> bool:
        at_boundary = self._at.step > 0 and self._at.step % len(self._bounds) == 0
        return at_boundary and self._at.validated_step < self._at.step

    def _validate(self) -> bool:
        """Validates and saves; false when it was asked to stop before it was through."""
        if self._num_validation:
            self._emit(PhaseStarted(phase="validating"))
            if not self._evaluate_all():
                return False
            self._judge()
            self._emit(PhaseStarted(phase="training"))
        else:
            self._at = Position(**asdict(self._at) | {"validated_step": self._at.step, "best_step": self._at.step})
        self._save()
        return True

    def _evaluate_all(self) -> bool:
        backend = self._around.backend
        for start in range(0, self._num_validation, EVALUATION_BATCH):
            if self._stop_asked():
                backend.take_evaluation_totals()
                return False
            backend.evaluate_batch("val", start, min(start + EVALUATION_BATCH, self._num_validation))
        return True

    def _judge(self) -> None:
        """Writes the validation row and moves the best checkpoint: higher accuracy wins, then lower loss."""
        means = self._around.backend.take_evaluation_totals().means()
        step = self._at.step
        self._require_finite(means["loss"], step)
        values = {f"val_{name}": value for name, value in means.items()}
        self._emit(Measured(step=step, first_step=step, epoch=step / len(self._bounds), values=values))
        changes: dict[str, float | int | None] = {"validated_step": step}
        accuracy = means.get("accuracy", 0.0)
        if self._is_better(accuracy, means["loss"]):
            changes |= {"best_step": step, "best_loss": means["loss"], "best_accuracy": accuracy}
        self._at = Position(**asdict(self._at) | changes)

    def _is_better(self, accuracy: float, loss: float) -> bool:
        at = self._at
        if at.best_loss is None or at.best_accuracy is None:
            return True
        return (accuracy, -loss) > (at.best_accuracy, -at.best_loss)

    def _save(self) -> None:
        at = self._at
        if self._checkpointed != at.step or self._validating_at != at.validated_step:
            checkpoint = Checkpoint(at.step, at.to_json(), self._around.backend.state())
            self._require_finite_state(checkpoint)
            self._around.events.sync()
            self._around.checkpoints.save(checkpoint)
            self._checkpointed, self._validating_at = at.step, at.validated_step
            self._emit(CheckpointSaved(step=at.step, best_step=at.best_step))
            self._around.checkpoints.keep_only({at.step} | ({at.best_step} if at.best_step is not None else set()))
        self._last_checkpoint_s = self._around.clock()

    def _end(self, ended: Literal["finished", "stopped"]) -> Outcome:
        self._save()
        self._tell_progress(self._around.clock())
        best = self._at.best_step if self._at.best_step is not None else self._at.step
        return Outcome(ended, self._at.step, best)

    def _tell_progress(self, now: float) -> None:
        self._last_progress_s = now
        per_second = self._speed.measure(now, self._at.step)
        left = (self._total - self._at.step) / per_second if per_second else None
        facts = {"epoch": self._at.step / len(self._bounds), "epochs": float(self._spec.epochs)}
        if per_second:
            facts["samples_per_second"] = per_second * self._num_training / len(self._bounds)
        self._emit(
            Progressed(
                done=self._at.step,
                total=self._total,
                unit="steps",
                seconds_left=left,
                per_second=per_second,
                facts=facts,
            )
        )

    def _stop_asked(self) -> bool:
        now = self._around.clock()
        if now - self._last_poll_s < POLL_S:
            return False
        self._last_poll_s = now
        return self._around.control.stop_requested()

    def _rate(self, step: int) -> float:
        spec = self._spec
        return rate_at(step, self._total, schedule=spec.schedule, rate=spec.rate, warm_up=spec.warm_up)

    def _require_finite(self, loss: float, step: int) -> None:
        if not math.isfinite(loss):
            rate = self._rate(max(0, step - 1))
            raise Diverged(
                f"The loss became infinite by step {step}. The learning rate was {rate:.3g} there: "
                f"try {self._spec.rate / 10:.3g}.",
                step=step,
                rate=rate,
            )

    def _require_finite_state(self, checkpoint: Checkpoint) -> None:
        """A stop may come before the loss of the last steps is looked at: weights tell of it too."""
        for array in checkpoint.backend.arrays.values():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                self._require_finite(math.nan, checkpoint.step)

    def _emit(self, event: Event) -> None:
        self._around.events.emit(event)


class _Speed:
    """Steps per second over the last ten seconds or so, so that an estimate follows the machine."""

    SPAN_S = 10.0

    def __init__(self, now: float) -> None:
        self._marks: list[tuple[float, int]] = [(now, 0)]

    def start(self, now: float, step: int) -> None:
        self._marks = [(now, step)]

    def measure(self, now: float, step: int) -> float | None:
        self._marks.append((now, step))
        while len(self._marks) > 2 and now - self._marks[1][0] > self.SPAN_S:
            self._marks.pop(0)
        (then, first), (last, newest) = self._marks[0], self._marks[-1]
        return (newest - first) / (last - then) if last > then and newest > first else None
