"""The contract of `TrainingBackend`, as a suite that every backend passes, and the small data it runs on."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod

import numpy as np
import pytest
from numpy.typing import NDArray

from tenfold.core.errors import Invalid
from tenfold.core.fields import parse_spec
from tenfold.core.networks.analysis import require_graph
from tenfold.core.training.ports import Arrays, BackendPlan, BackendState, TaskHead, TrainingBackend
from tenfold.core.training.spec import TrainingSpec

NETWORK = """network small
param classes = 3
input image = image(2, 8, 8)
conv1 = conv(6, 3, bias=false)
bn1 = batch_norm
relu
max_pool(2)
dropout(0.3)
flatten
fc1 = dense(16)
tanh
dropout(0.2)
fc2 = dense(classes)
output logits
"""
CLASSES = 3


class ArraySamples:
    """Splits held in memory: three kinds of noisy pictures, read-only as a memory map's rows are."""

    def __init__(self, sizes: tuple[int, int, int] = (40, 13, 9), seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        patterns = generator.integers(0, 200, (CLASSES, 8, 8, 2))
        self._images: dict[str, NDArray[np.uint8]] = {}
        self._labels: dict[str, NDArray[np.int64]] = {}
        for split, size in zip(("train", "val", "test"), sizes, strict=True):
            labels = generator.integers(0, CLASSES, size)
            noise = generator.integers(0, 56, (size, 8, 8, 2))
            self._images[split] = (patterns[labels] + noise).astype(np.uint8)
            self._labels[split] = labels.astype(np.int64)
            self._images[split].flags.writeable = False
            self._labels[split].flags.writeable = False

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return 2, 8, 8

    @property
    def is_packed(self) -> bool:
        return True

    def pictures(self, split: str, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self._images[split][places]

    def labels(self, split: str) -> NDArray[np.int64]:
        return self._labels[split]


def make_plan(head: TaskHead, *, network: str = NETWORK, device: str = "cpu", **fields: object) -> BackendPlan:
    """A plan for `ArraySamples`; `fields` are those of `TrainingSpec`."""
    spec = parse_spec(TrainingSpec, {"dataset": "small", "batch_size": 8, **fields})
    return BackendPlan(
        graph=require_graph(network), spec=spec, head=head, device=device, threads=1, mean=(0.4, 0.5), std=(0.3, 0.2)
    )


def train(backend: TrainingBackend, first: int, last: int, rate: float = 0.05) -> None:
    """Steps first to last, over batches that are a function of the step."""
    for step in range(first, last):
        order = np.random.Generator(np.random.Philox(step)).permutation(40)[:8]
        backend.train_step(order.astype(np.int64), rate)


def is_same(one: Arrays, other: Arrays) -> bool:
    """Whether arrays are equal to the last bit."""
    return one.keys() == other.keys() and all(
        one[key].dtype == other[key].dtype and one[key].tobytes() == other[key].tobytes() for key in one
    )


class BackendContract(ABC):
    """Derive from it in a test module and say how a backend is made."""

    @abstractmethod
    def make(self, network: str = NETWORK, **fields: object) -> TrainingBackend:
        """A backend of the kind under test over `ArraySamples`, from fields of `TrainingSpec`."""

    def test_learns_one_batch_by_heart(self) -> None:
        backend = self.make(network=NETWORK.replace("0.3", "0.0").replace("0.2", "0.0"), weight_decay=0)
        batch = np.arange(8)
        for _ in range(60):
            backend.train_step(batch, 0.05)
        backend.take_training_totals()
        backend.train_step(batch, 0.05)
        means = backend.take_training_totals().means()
        assert means["loss"] < 0.02
        assert means["accuracy"] == 1.0

    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    def test_the_same_seed_gives_the_same_bits(self, optimizer: str) -> None:
        states = []
        for seed in (3, 3, 4):
            backend = self.make(optimizer=optimizer, seed=seed)
            train(backend, 0, 5)
            states.append(backend.state())
        assert is_same(states[0].arrays, states[1].arrays)
        assert states[0].values == states[1].values
        assert not is_same(states[0].arrays, states[2].arrays)

    def test_two_backends_side_by_side_do_not_disturb_each_other(self) -> None:
        alone, one, other = self.make(), self.make(), self.make(seed=9)
        train(alone, 0, 4)
        for step in range(4):
            train(one, step, step + 1)
            train(other, step, step + 1)
        assert is_same(alone.state().arrays, one.state().arrays)

    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    @pytest.mark.parametrize("momentum", [0.9, 0.0])
    def test_a_loaded_state_goes_on_to_the_same_bits(self, optimizer: str, momentum: float) -> None:
        whole = self.make(optimizer=optimizer, momentum=momentum)
        train(whole, 0, 7)
        first = self.make(optimizer=optimizer, momentum=momentum)
        train(first, 0, 4)
        saved = first.state()
        train(first, 4, 6)
        second = self.make(optimizer=optimizer, momentum=momentum)
        train(second, 0, 1)
        second.load_state(BackendState(saved.arrays, json.loads(json.dumps(saved.values))))
        train(second, 4, 7)
        assert is_same(second.state().arrays, whole.state().arrays)
        assert second.take_training_totals() == whole.take_training_totals()

    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    @pytest.mark.parametrize("part", ["model/", "optimizer/", "rng/", "totals"])
    def test_every_part_of_the_state_matters(self, optimizer: str, part: str) -> None:
        """Seen red: with one part left as a fresh backend has it, the same steps end elsewhere."""
        whole = self.make(optimizer=optimizer)
        train(whole, 0, 4)
        saved, fresh = whole.state(), self.make(optimizer=optimizer)
        values = dict(saved.values)
        start = self.make(optimizer=optimizer).state()
        arrays = dict(saved.arrays)
        if part == "totals":
            values["training_totals"] = start.values["training_totals"]
        for key in [key for key in arrays if key.startswith(part)]:
            arrays[key] = start.arrays.get(key, np.zeros_like(arrays[key]))
        fresh.load_state(BackendState(arrays, values))
        train(whole, 4, 7)
        train(fresh, 4, 7)
        is_totals_same = whole.take_training_totals() == fresh.take_training_totals()
        assert not (is_same(whole.state().arrays, fresh.state().arrays) and is_totals_same)

    def test_a_state_is_a_copy_in_host_memory(self) -> None:
        backend = self.make()
        train(backend, 0, 2)
        state = backend.state()
        before = {key: array.copy() for key, array in state.arrays.items()}
        train(backend, 2, 4)
        assert is_same(state.arrays, before)
        assert all(isinstance(array, np.ndarray) and array.flags.c_contiguous for array in state.arrays.values())
        assert set(state.weights()) == {
            "conv1.weight",
            *(f"bn1.{name}" for name in ("weight", "bias", "running_mean", "running_var")),
            *(f"{layer}.{name}" for layer in ("fc1", "fc2") for name in ("weight", "bias")),
        }

    def test_evaluating_and_predicting_leave_everything_as_it_was(self) -> None:
        disturbed, alone = self.make(), self.make()
        train(disturbed, 0, 3)
        train(alone, 0, 3)
        before = disturbed.state()
        for split, size in (("val", 13), ("test", 9), ("train", 40)):
            disturbed.evaluate_batch(split, 0, size)
            disturbed.predict(split, 0, size)
        assert is_same(disturbed.state().arrays, before.arrays)
        train(disturbed, 3, 5)
        train(alone, 3, 5)
        assert is_same(disturbed.state().arrays, alone.state().arrays)
        assert disturbed.take_training_totals() == alone.take_training_totals()

    def test_totals_are_sums_over_samples_and_start_anew(self) -> None:
        backend = self.make()
        train(backend, 0, 3)
        totals = backend.take_training_totals()
        assert totals.samples == 24
        assert set(totals.sums) == {"loss", "accuracy"}
        assert 0 < totals.means()["loss"] < 10
        assert totals.sums["accuracy"] == int(totals.sums["accuracy"])
        assert backend.take_training_totals().samples == 0

    def test_evaluation_does_not_depend_on_how_it_is_cut(self) -> None:
        backend = self.make()
        train(backend, 0, 3)
        backend.evaluate_batch("val", 0, 13)
        whole = backend.take_evaluation_totals()
        for start, stop in ((0, 5), (5, 12), (12, 13)):
            backend.evaluate_batch("val", start, stop)
        parts = backend.take_evaluation_totals()
        assert (parts.samples, parts.sums["accuracy"]) == (whole.samples, whole.sums["accuracy"])
        assert parts.sums["loss"] == pytest.approx(whole.sums["loss"], rel=1e-5)
        predicted = np.concatenate([backend.predict("val", 0, 6), backend.predict("val", 6, 13)])
        assert predicted.shape == (13, CLASSES)
        assert predicted.dtype == np.float32
        assert np.allclose(predicted.sum(axis=1), 1, atol=1e-5)
        assert np.allclose(predicted, backend.predict("val", 0, 13), atol=1e-5)

    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    def test_a_rate_of_zero_moves_no_weight(self, optimizer: str) -> None:
        backend = self.make(optimizer=optimizer)
        before = backend.state().weights()
        train(backend, 0, 2, rate=0.0)
        after = backend.state().weights()
        trained = [key for key in before if "running" not in key]
        assert is_same({key: before[key] for key in trained}, {key: after[key] for key in trained})
        assert not np.array_equal(before["bn1.running_mean"], after["bn1.running_mean"])

    def test_frozen_layers_and_factors_are_obeyed(self) -> None:
        text = NETWORK.replace("conv(6, 3, bias=false)", "conv(6, 3, bias=false, frozen=true)")
        text = text.replace("dense(16)", "dense(16, lr_mult=0)").replace(
            "dense(classes)", "dense(classes, bias_lr_mult=0)"
        )
        backend = self.make(network=text)
        before = backend.state().weights()
        train(backend, 0, 3)
        after = backend.state().weights()
        moved = {key for key in before if not np.array_equal(before[key], after[key]) and "running" not in key}
        assert moved == {"bn1.weight", "bn1.bias", "fc2.weight"}

    @pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
    def test_a_state_of_another_network_is_refused(self, change: str) -> None:
        backend = self.make()
        train(backend, 0, 2)
        state = backend.state()
        arrays = dict(state.arrays)
        if change == "missing":
            del arrays["model/fc2.bias"]
        elif change == "unknown":
            arrays["model/fc3.bias"] = arrays["model/fc2.bias"]
        else:
            arrays["model/fc2.bias"] = np.zeros(CLASSES + 1, dtype=np.float32)
        with pytest.raises(Invalid, match=r"fc[23]\.bias"):
            self.make().load_state(BackendState(arrays, state.values))

    def test_more_than_one_output_shares_the_loss(self) -> None:
        extra = "output extra(training_only=true, loss_weight=0.5) from side\n"
        text = NETWORK.replace("fc2 =", "side = dense(3)\nfc2 =").replace(
            "fc2 = dense(classes)", "fc2 = dense(classes) from fc1"
        )
        backend = self.make(network=text + extra)
        before = backend.state().weights()
        train(backend, 0, 2)
        after = backend.state().weights()
        assert not np.array_equal(before["side.weight"], after["side.weight"])
        assert backend.predict("val", 0, 4).shape == (4, CLASSES)

    def test_says_where_it_computes(self) -> None:
        assert self.make().device
