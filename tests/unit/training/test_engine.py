from dataclasses import dataclass, field

import pytest

from tenfold.core.errors import Diverged
from tenfold.core.events import CheckpointSaved, Event, Measured, PhaseStarted, Progressed
from tenfold.core.training.engine import Engine, Outcome, Surroundings
from tenfold.core.training.spec import TrainingSpec
from tenfold.testing.training import FakeBackend, InMemoryCheckpoints, ManualClock, RecordedEvents, StopSwitch

SPEC = TrainingSpec(dataset="d", epochs=4, batch_size=4, rate=0.1, steps_per_row=2, checkpoint_every=2.0)


class Killed(Exception):
    pass


class StopsLater(StopSwitch):
    """A stop that is asked when the training has looked for it so many times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    def stop_requested(self) -> bool:
        self._looks -= 1
        return self._looks < 0


@dataclass
class Bench:
    """One job over several attempts: checkpoints outlive an attempt, the backend does not."""

    spec: TrainingSpec = SPEC
    checkpoints: InMemoryCheckpoints = field(default_factory=InMemoryCheckpoints)
    events: list[Event] = field(default_factory=list)
    backend: FakeBackend = field(default_factory=FakeBackend)
    switch: StopSwitch = field(default_factory=StopSwitch)

    def attempt(self, *, kill_at: int | None = None, num_validation: int = 6) -> Outcome:
        self.backend = FakeBackend()
        count = 0

        def on_emit(event: Event) -> None:
            nonlocal count
            count += 1
            if count == kill_at:
                raise Killed

        sink = RecordedEvents(on_emit)
        around = Surroundings(
            backend=self.backend,
            checkpoints=self.checkpoints,
            events=sink,
            control=self.switch,
            clock=ManualClock(tick_s=0.25),
        )
        engine = Engine(self.spec, num_training=20, num_validation=num_validation, around=around)
        engine.resume()
        try:
            return engine.run()
        finally:
            self.events += sink.events

    def rows(self) -> dict[tuple[int, str], float]:
        rows = [event for event in self.events if isinstance(event, Measured)]
        return {(row.step, name): value for row in rows for name, value in row.values.items()}


def test_trains_all_epochs_and_sees_every_sample_once_an_epoch() -> None:
    bench = Bench()
    outcome = bench.attempt()
    assert outcome.ended == "finished"
    assert outcome.step == 20
    for epoch in range(4):
        assert sorted(bench.backend.seen[epoch * 20 : epoch * 20 + 20]) == list(range(20))


@pytest.mark.parametrize("kill_at", range(1, 50))
def test_a_killed_training_ends_like_an_uninterrupted_one(kill_at: int) -> None:
    whole = Bench()
    whole.attempt()
    killed = Bench()
    with pytest.raises(Killed):
        killed.attempt(kill_at=kill_at)
    killed.attempt()
    assert killed.backend.weight == whole.backend.weight
    assert killed.backend.velocity == whole.backend.velocity
    assert killed.rows() == whole.rows()


def test_nothing_before_a_checkpoint_runs_again() -> None:
    bench = Bench()
    with pytest.raises(Killed):
        bench.attempt(kill_at=30)
    saved = max(event.step for event in bench.events if isinstance(event, CheckpointSaved))
    bench.attempt()
    assert len(bench.backend.seen) == 4 * (20 - saved)


def test_a_training_that_is_through_saves_nothing_when_it_is_taken_up_again() -> None:
    """A worker that dies while it publishes, again and again, is not to look as if it got further each time."""
    bench = Bench()
    first = bench.attempt()
    bench.events.clear()
    assert bench.attempt() == first
    assert [event for event in bench.events if isinstance(event, CheckpointSaved)] == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_stopping_what_has_diverged_ends_as_diverged_and_keeps_no_such_checkpoint() -> None:
    """The stop comes in the middle of an epoch, before any row tells of the loss."""
    spec = TrainingSpec(dataset="d", epochs=1, batch_size=1, rate=1e200, schedule="fixed", warm_up=0, steps_per_row=999)
    bench = Bench(spec=spec)
    bench.switch = StopsLater(looks=10)
    with pytest.raises(Diverged, match=r"became infinite by step \d+\."):
        bench.attempt()
    assert bench.checkpoints.kept == {}


@pytest.mark.parametrize("part", ["velocity", "noise", "totals", "row_start"])
def test_leaving_state_out_is_noticed(part: str) -> None:
    whole = Bench(spec=TrainingSpec(dataset="d", epochs=3, batch_size=4, steps_per_row=3, checkpoint_every=1.0))
    whole.attempt()
    killed = Bench(spec=whole.spec)
    with pytest.raises(Killed):
        killed.attempt(kill_at=9)
    latest = killed.checkpoints.latest()
    assert latest is not None
    if part == "velocity":
        latest.backend.arrays["optimizer/velocity"][:] = 0
    elif part == "noise":
        latest.backend.values["noise"] = FakeBackend(seed=9).state().values["noise"]
    elif part == "totals":
        latest.backend.values["totals"] = [1, 1.0]
    else:
        latest.engine["row_start"] = 0
        latest.engine["step"] = latest.step - 1
    killed.attempt()
    assert (killed.backend.weight, killed.rows()) != (whole.backend.weight, whole.rows())


def test_stops_when_asked_and_goes_on_later() -> None:
    bench = Bench()
    bench.switch.pressed = True
    outcome = bench.attempt()
    assert outcome.ended == "stopped"
    assert outcome.step < 20
    bench.switch.pressed = False
    assert bench.attempt().ended == "finished"
    whole = Bench()
    whole.attempt()
    assert bench.backend.weight == whole.backend.weight


def test_keeps_the_best_and_the_last_checkpoint_only() -> None:
    bench = Bench()
    outcome = bench.attempt()
    assert set(bench.checkpoints.kept) == {outcome.best_step, 20}


def test_without_validation_data_the_last_checkpoint_is_the_best() -> None:
    bench = Bench()
    assert bench.attempt(num_validation=0).best_step == 20
    phases = [event.phase for event in bench.events if isinstance(event, PhaseStarted)]
    assert phases == ["training"]


def test_an_infinite_loss_stops_the_training_and_says_what_to_try() -> None:
    bench = Bench(spec=TrainingSpec(dataset="d", epochs=80, batch_size=4, rate=90.0, schedule="fixed"))
    with pytest.raises(Diverged, match=r"became infinite by step .* try 9\."), pytest.warns(RuntimeWarning):
        bench.attempt()


def test_progress_has_an_estimate_that_ends_at_zero() -> None:
    bench = Bench()
    bench.attempt()
    progress = [event for event in bench.events if isinstance(event, Progressed)]
    assert progress[-1].done == progress[-1].total == 20
    assert progress[-1].seconds_left == 0.0
    assert progress[1].seconds_left is not None
    assert progress[1].seconds_left > 0
