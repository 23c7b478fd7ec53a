"""Training with plain numpy: the small second backend that keeps the port honest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.adapters.frameworks.numpy.builder import build_network
from tenfold.adapters.frameworks.numpy.optimizers import Optimizer, create_optimizer
from tenfold.adapters.frameworks.numpy.windows import Floats
from tenfold.core.errors import OutOfMemory
from tenfold.core.events import Json
from tenfold.core.networks.training_factors import loss_weight, main_output, training_factors
from tenfold.core.training.ports import Arrays, BackendPlan, BackendState, Samples, Totals
from tenfold.core.training.sampling import training_weights
from tenfold.core.training.states import require_same_arrays

_GENERATOR_ARRAYS = {"rng/counter": (4,), "rng/key": (2,), "rng/buffer": (4,)}


class NumpyBackend:
    """Fulfils `TrainingBackend` on the CPU; numpy's own library decides about threads."""

    device = "CPU, numpy"

    def __init__(self, plan: BackendPlan, samples: Samples) -> None:
        self._samples = samples
        self._weights = training_weights(samples)
        self._head = plan.head
        self._shift = np.array(plan.mean, dtype=np.float32) * np.float32(plan.span)
        self._factor = 1 / (np.array(plan.std, dtype=np.float32) * np.float32(plan.span))
        self._network = build_network(plan.graph, seed=plan.spec.seed, carried=plan.weights)
        self._outputs = {item.name: item for item in plan.graph.outputs}
        self._main = main_output(plan.graph).name
        self._optimizer: Optimizer = create_optimizer(plan.spec, training_factors(plan.graph))
        self._training = _Sums()
        self._evaluation = _Sums()

    def train_step(self, indices: NDArray[np.int64], rate: float) -> None:
        try:
            self._train(indices, rate)
        except MemoryError as error:
            text = f"A batch of {len(indices)} does not fit into the memory: try half as many."
            raise OutOfMemory(text, batch_size=len(indices)) from error

    def take_training_totals(self) -> Totals:
        return self._training.take()

    def evaluate_batch(self, split: str, start: int, stop: int) -> None:
        output = self._forward(split, start, stop)
        target = self._samples.labels(split)[start:stop]
        loss, _ = self._head.loss(output, target)
        self._evaluation.add(stop - start, self._head.sums(output, target, loss))

    def take_evaluation_totals(self) -> Totals:
        return self._evaluation.take()

    def predict(self, split: str, start: int, stop: int) -> NDArray[np.float32]:
        result: NDArray[np.float32] = self._head.result(self._forward(split, start, stop)).astype(np.float32)
        return result

    def state(self) -> BackendState:
        arrays: Arrays = {f"model/{key}": tensor.copy() for key, tensor in self._network.weights.items()}
        optimizer = {f"optimizer/{key}": tensor.copy() for key, tensor in self._optimizer.tensors.items()}
        generator = self._generator_state
        values: dict[str, Json] = {
            "optimizer": list(optimizer),
            "steps": self._optimizer.steps,
            "generator": {name: int(generator[name]) for name in ("buffer_pos", "has_uint32", "uinteger")},
            "training_totals": self._training.to_json(),
            "evaluation_totals": self._evaluation.to_json(),
        }
        inner = generator["state"]
        arrays |= {"rng/counter": inner["counter"].copy(), "rng/key": inner["key"].copy()}
        return BackendState({**arrays, **optimizer, "rng/buffer": generator["buffer"].copy()}, values)

    def load_state(self, state: BackendState) -> None:
        values: dict[str, Any] = state.values
        weights = self._network.weights
        expected = {f"model/{key}": tensor.shape for key, tensor in weights.items()} | _GENERATOR_ARRAYS
        for key in values["optimizer"]:
            path = key.removeprefix("optimizer/").rsplit("/", 1)[0]
            expected[key] = weights[path].shape if path in weights else ()
        require_same_arrays(expected, state.arrays)
        for key, tensor in weights.items():
            tensor[...] = state.arrays[f"model/{key}"]
        kept = {key.removeprefix("optimizer/"): state.arrays[key].copy() for key in values["optimizer"]}
        self._optimizer.load(kept, int(values["steps"]))
        inner = {"counter": state.arrays["rng/counter"].copy(), "key": state.arrays["rng/key"].copy()}
        self._network.generator.bit_generator.state = {
            "bit_generator": "Philox",
            "state": inner,
            "buffer": state.arrays["rng/buffer"].copy(),
            **values["generator"],
        }
        self._training.load(values["training_totals"])
        self._evaluation.load(values["evaluation_totals"])

    @property
    def _generator_state(self) -> Mapping[str, Any]:
        return self._network.generator.bit_generator.state

    def _train(self, indices: NDArray[np.int64], rate: float) -> None:
        target = self._samples.labels("train")[indices]
        weights = None if self._weights is None else self._weights[indices]
        outputs = self._network.forward(self._normalised(self._samples.pictures("train", indices)), is_training=True)
        gradients: dict[str, Floats] = {}
        main_loss = 0.0
        for name, output in outputs.items():
            loss, gradient = self._head.loss(output, target, weights)
            gradients[name] = gradient * np.float32(loss_weight(self._outputs[name]))
            if name == self._main:
                main_loss = loss
        of_weights, _ = self._network.backward(gradients)
        self._optimizer.step(self._network.weights, of_weights, rate)
        self._training.add(len(indices), self._head.sums(outputs[self._main], target, main_loss))

    def _forward(self, split: str, start: int, stop: int) -> Floats:
        images = self._normalised(self._samples.pictures(split, np.arange(start, stop)))
        return self._network.forward(images)[self._main]

    def _normalised(self, images_nhwc: NDArray[Any]) -> Floats:
        images = (images_nhwc.astype(np.float32) - self._shift) * self._factor
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


class _Sums:
    """Sums over samples until they are taken."""

    def __init__(self) -> None:
        self._samples = 0
        self._sums: dict[str, float] = {}

    def add(self, samples: int, sums: Mapping[str, float]) -> None:
        self._samples += samples
        for name, value in sums.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)

    def take(self) -> Totals:
        totals = Totals(self._samples, self._sums)
        self._samples, self._sums = 0, {}
        return totals

    def to_json(self) -> dict[str, Json]:
        return {"samples": self._samples, "sums": dict(self._sums)}

    def load(self, values: Mapping[str, Any]) -> None:
        self._samples = int(values["samples"])
        self._sums = {name: float(value) for name, value in values["sums"].items()}
