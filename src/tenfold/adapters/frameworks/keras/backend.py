"""Training with Keras 3 on TensorFlow, on the CPU, in float32 and deterministic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tenfold.adapters.frameworks.keras.builder import build_network
from tenfold.adapters.frameworks.keras.layers.layer import Tensor
from tenfold.adapters.frameworks.keras.optimizers import Optimizer, create_optimizer
from tenfold.core.errors import Invalid, OutOfMemory
from tenfold.core.events import Json
from tenfold.core.networks.training_factors import loss_weight, main_output, training_factors
from tenfold.core.training.ports import Arrays, BackendPlan, BackendState, Samples, Totals
from tenfold.core.training.sampling import training_weights
from tenfold.core.training.states import require_same_arrays

_GENERATOR = "rng/dropout"


class KerasBackend:
    """Fulfils `TrainingBackend`. A step is one TensorFlow graph, traced once for batches of any size."""

    def __init__(self, plan: BackendPlan, samples: Samples) -> None:
        _settle(plan)
        self._threads = plan.threads
        self._samples = samples
        self._weights = training_weights(samples)
        self._head = plan.head
        self._shift = np.array(plan.mean, dtype=np.float32) * np.float32(plan.span)
        self._factor = 1 / (np.array(plan.std, dtype=np.float32) * np.float32(plan.span))
        self._network = build_network(plan.graph, seed=plan.spec.seed, carried=plan.weights)
        self._outputs = {item.name: loss_weight(item) for item in plan.graph.outputs}
        self._main = main_output(plan.graph).name
        factors = training_factors(plan.graph)
        self._optimizer: Optimizer = create_optimizer(plan.spec, self._network.weights, factors)
        self._training = _Sums()
        self._evaluation = _Sums()
        pixels = samples.pictures("train", np.arange(0)).dtype
        channels, *sizes = plan.graph.inputs[0].shape
        images = tf.TensorSpec([None, *sizes, channels], pixels)
        labels, each = tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.float32)
        scalars = tf.TensorSpec([2], tf.float32)
        self._step = _traced(self._train, images, labels, scalars, *([] if self._weights is None else [each]))
        self._judge = _traced(self._evaluate, images, labels)
        self._show = _traced(self._predict, images)

    @property
    def device(self) -> str:
        return f"CPU, {self._threads} thread{'s' * (self._threads != 1)}, Keras on TensorFlow"

    def train_step(self, indices: NDArray[np.int64], rate: float) -> None:
        target = self._samples.labels("train")[indices]
        given = [] if self._weights is None else [self._weights[indices]]
        scalars = self._optimizer.scalars(rate)
        sums = self._within_memory(self._step, self._samples.pictures("train", indices), target, scalars, *given)
        self._training.add(len(indices), sums)

    def take_training_totals(self) -> Totals:
        return self._training.take()

    def evaluate_batch(self, split: str, start: int, stop: int) -> None:
        target = np.array(self._samples.labels(split)[start:stop])
        self._evaluation.add(stop - start, self._within_memory(self._judge, self._pictures(split, start, stop), target))

    def take_evaluation_totals(self) -> Totals:
        return self._evaluation.take()

    def predict(self, split: str, start: int, stop: int) -> NDArray[np.float32]:
        result = self._within_memory(self._show, self._pictures(split, start, stop))
        return np.array(result, dtype=np.float32)

    def state(self) -> BackendState:
        arrays: Arrays = {f"model/{key}": _array(variable) for key, variable in self._network.weights.items()}
        optimizer = {f"optimizer/{key}": _array(variable) for key, variable in self._optimizer.tensors.items()}
        values: dict[str, Json] = {
            "steps": self._optimizer.steps,
            "training_totals": self._training.to_json(),
            "evaluation_totals": self._evaluation.to_json(),
        }
        return BackendState({**arrays, **optimizer, _GENERATOR: _array(self._network.generator.state)}, values)

    def load_state(self, state: BackendState) -> None:
        values: dict[str, Any] = state.values
        variables = {f"model/{key}": variable for key, variable in self._network.weights.items()}
        variables |= {f"optimizer/{key}": variable for key, variable in self._optimizer.tensors.items()}
        variables[_GENERATOR] = self._network.generator.state
        require_same_arrays({key: tuple(each.shape) for key, each in variables.items()}, state.arrays)
        for key, variable in variables.items():
            variable.assign(state.arrays[key])
        self._optimizer.steps = int(values["steps"])
        self._training.load(values["training_totals"])
        self._evaluation.load(values["evaluation_totals"])

    def _pictures(self, split: str, start: int, stop: int) -> NDArray[Any]:
        return self._samples.pictures(split, np.arange(start, stop))

    def _normalised(self, images: Tensor) -> Tensor:
        return (tf.cast(images, tf.float32) - self._shift) * self._factor

    def _train(self, images: Tensor, target: Tensor, scalars: Tensor, weights: Tensor | None = None) -> Tensor:
        with tf.GradientTape() as tape:
            outputs = self._network.forward(self._normalised(images), is_training=True)
            losses = {name: self._head.loss(output, target, weights) for name, output in outputs.items()}
            total = sum(losses[name] * share for name, share in self._outputs.items())
        trained = self._optimizer.trained
        found = tape.gradient(total, [variable.value for variable in trained.values()])
        self._optimizer.step(dict(zip(trained, found, strict=True)), scalars)
        return self._head.sums(outputs[self._main], target, losses[self._main])

    def _evaluate(self, images: Tensor, target: Tensor) -> Tensor:
        output = self._network.forward(self._normalised(images))[self._main]
        return self._head.sums(output, target, self._head.loss(output, target))

    def _predict(self, images: Tensor) -> Tensor:
        return self._head.result(self._network.forward(self._normalised(images))[self._main])

    def _within_memory(self, call: Callable[..., Any], images: NDArray[Any], *others: NDArray[Any]) -> Any:
        """What a traced function gives; raises `OutOfMemory` where the batch is too large for the machine."""
        try:
            return call(images, *others)
        except (tf.errors.ResourceExhaustedError, MemoryError) as error:
            text = f"A batch of {len(images)} does not fit into the memory: try a batch size of {len(images) // 2}."
            raise OutOfMemory(text, batch_size=len(images)) from error


class _Sums:
    """Sums over samples until they are taken."""

    def __init__(self) -> None:
        self._samples = 0
        self._sums: dict[str, float] = {}

    def add(self, samples: int, sums: Mapping[str, Any]) -> None:
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


def _settle(plan: BackendPlan) -> None:
    """Fixes what decides the bits of a result; raises `Invalid` for what this backend cannot do.

    TensorFlow takes the number of threads once in the life of a process.
    """
    if keras.backend.backend() != "tensorflow":
        text = f"Keras computes with {keras.backend.backend()} here; set KERAS_BACKEND to tensorflow."
        raise Invalid(text, code="framework.backend")
    if plan.device != "cpu":
        raise Invalid(f"Keras runs on the CPU here, not on {plan.device}: choose the device `cpu`.", code="device")
    if tf.config.threading.get_intra_op_parallelism_threads() != plan.threads:
        tf.config.threading.set_intra_op_parallelism_threads(plan.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def _traced(function: Callable[..., Any], *signature: tf.TensorSpec) -> Callable[..., Any]:
    traced: Callable[..., Any] = tf.function(function, input_signature=signature, autograph=False)
    return traced


def _array(variable: keras.Variable) -> NDArray[Any]:
    return np.array(variable.numpy(), order="C")
