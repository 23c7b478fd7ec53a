"""Both backends take the same steps; a run that is killed and resumed ends with the bits of one that was not."""

import numpy as np
import pytest

from tenfold.adapters.frameworks.numpy.backend import NumpyBackend
from tenfold.adapters.frameworks.torch.backend import TorchBackend
from tenfold.core.events import Measured
from tenfold.core.training.engine import Engine, Surroundings
from tenfold.tasks.classification.numpy import ClassificationHead as NumpyHead
from tenfold.tasks.classification.torch import ClassificationHead as TorchHead
from tenfold.testing.backends import NETWORK, ArraySamples, is_same, make_plan, train
from tenfold.testing.training import InMemoryCheckpoints, ManualClock, RecordedEvents, StopSwitch

WITHOUT_DROPOUT = NETWORK.replace("dropout(0.3)", "identity").replace("dropout(0.2)", "identity")
MAKERS = {
    "torch": lambda **fields: TorchBackend(make_plan(TorchHead(), **fields), ArraySamples()),
    "numpy": lambda **fields: NumpyBackend(make_plan(NumpyHead(), **fields), ArraySamples()),
}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_ten_steps_agree(optimizer):
    """Adam divides by gradients near zero, so its weights are compared more loosely than its loss."""
    found = {}
    for name, make in MAKERS.items():
        backend = make(network=WITHOUT_DROPOUT, optimizer=optimizer, weight_decay=0.01)
        train(backend, 0, 10, rate=0.01)
        backend.evaluate_batch("val", 0, 13)
        found[name] = (backend.take_training_totals(), backend.take_evaluation_totals(), backend.state().weights())
    for one, other in zip(found["torch"][:2], found["numpy"][:2], strict=True):
        assert one.samples == other.samples
        assert one.sums["accuracy"] == other.sums["accuracy"]
        assert one.sums["loss"] == pytest.approx(other.sums["loss"], rel=1e-4)
    for key, tensor in found["torch"][2].items():
        assert np.abs(tensor - found["numpy"][2][key]).max() < (1e-4 if optimizer == "sgd" else 1e-3), key


class Died(Exception):
    pass


def run(make, *, kept, dies_at: int | None = None):
    """One attempt at a training of three epochs; gives its metric rows and its last checkpoint."""

    def die(event):
        if isinstance(event, Measured) and dies_at is not None and event.step >= dies_at:
            raise Died

    events = RecordedEvents(die)
    plan = make_plan(TorchHead(), epochs=3, steps_per_row=2, checkpoint_every=3.0)
    around = Surroundings(
        backend=make(epochs=3), checkpoints=kept, events=events, control=StopSwitch(), clock=ManualClock(0.5)
    )
    engine = Engine(plan.spec, num_training=40, num_validation=13, around=around)
    engine.resume()
    try:
        engine.run()
    except Died:
        return events.events, None
    return events.events, kept.latest()


def rows(events) -> dict[int, dict[str, float]]:
    return {
        event.step: event.values for event in events if isinstance(event, Measured) and "train_loss" in event.values
    }


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("dies_at", [2, 6, 11])
def test_a_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(name, dies_at):
    whole, end = run(MAKERS[name], kept=InMemoryCheckpoints())
    kept = InMemoryCheckpoints()
    first, _ = run(MAKERS[name], kept=kept, dies_at=dies_at)
    second, resumed = run(MAKERS[name], kept=kept)
    assert end is not None
    assert resumed is not None
    assert is_same(resumed.backend.arrays, end.backend.arrays)
    assert {**rows(first), **rows(second)} == rows(whole)
