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
    "torch": lambda weight=None, **fields: TorchBackend(make_plan(TorchHead(), **fields), weighted(weight)),
    "numpy": lambda weight=None, **fields: NumpyBackend(make_plan(NumpyHead(), **fields), weighted(weight)),
}
UNEVEN = np.linspace(0.1, 4, 40, dtype=np.float32)


def weighted(weight):
    samples = ArraySamples()
    samples.weight = weight
    return samples


@pytest.mark.parametrize("weight", [None, UNEVEN], ids=["alike", "weighted"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_ten_steps_agree(optimizer, weight):
    """Adam divides by gradients near zero, so its weights are compared more loosely than its loss."""
    found = {}
    for name, make in MAKERS.items():
        backend = make(network=WITHOUT_DROPOUT, optimizer=optimizer, weight_decay=0.01, weight=weight)
        train(backend, 0, 10, rate=0.01)
        backend.evaluate_batch("val", 0, 13)
        found[name] = (backend.take_training_totals(), backend.take_evaluation_totals(), backend.state().weights())
    for one, other in zip(found["torch"][:2], found["numpy"][:2], strict=True):
        assert one.samples == other.samples
        assert one.sums["accuracy"] == other.sums["accuracy"]
        assert one.sums["loss"] == pytest.approx(other.sums["loss"], rel=1e-4)
    for key, tensor in found["torch"][2].items():
        assert np.abs(tensor - found["numpy"][2][key]).max() < (1e-4 if optimizer == "sgd" else 1e-3), key


def learnt(name, weight):
    backend = MAKERS[name](network=WITHOUT_DROPOUT, weight=weight)
    train(backend, 0, 4, rate=0.01)
    return backend


@pytest.mark.parametrize("name", ["torch", "numpy"])
def test_weights_count_by_their_ratios_alone(name):
    assert is_same(learnt(name, UNEVEN).state().arrays, learnt(name, UNEVEN * 8).state().arrays)
    even = learnt(name, np.full(40, 3, np.float32)).state().arrays
    alike, uneven = learnt(name, None).state().arrays, learnt(name, UNEVEN).state().arrays
    for key, array in alike.items():
        np.testing.assert_allclose(even[key], array, atol=1e-5)
    assert np.abs(uneven["model/fc2.weight"] - alike["model/fc2.weight"]).max() > 1e-4


@pytest.mark.parametrize("name", ["torch", "numpy"])
def test_a_sample_of_hardly_any_weight_teaches_nothing(name):
    """The first twenty samples count; a step on the others leaves the network as good as it was."""
    weight = np.where(np.arange(40) < 20, 1.0, 1e-9).astype(np.float32)
    backend = MAKERS[name](network=WITHOUT_DROPOUT, weight=weight, momentum=0, weight_decay=0)
    before = backend.state().weights()
    backend.train_step(np.arange(20, 28), 0.1)
    np.testing.assert_allclose(backend.state().weights()["fc2.weight"], before["fc2.weight"], atol=1e-7)
    backend.train_step(np.arange(8), 0.1)
    assert np.abs(backend.state().weights()["fc2.weight"] - before["fc2.weight"]).max() > 1e-4


@pytest.mark.parametrize("name", ["torch", "numpy"])
def test_validation_counts_every_sample_alike(name):
    totals = []
    for weight in (None, UNEVEN):
        backend = MAKERS[name](weight=weight)
        backend.evaluate_batch("train", 0, 40)
        totals.append(backend.take_evaluation_totals())
    assert totals[0] == totals[1]


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
