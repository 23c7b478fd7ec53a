"""SGD with momentum, and Adam (Kingma and Ba 2014), step for step as PyTorch does them.

Keras' own let momentum carry the rate of the step in which it arose and take weight decay outside the gradient, so the
same specification would mean another training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tenfold.adapters.frameworks.keras.layers.layer import Tensor
from tenfold.core.networks.training_factors import Factors
from tenfold.core.training.spec import TrainingSpec

_SECOND_DECAY = 0.999
_EPSILON = 1e-8


class Optimizer:
    """Moves weights along their gradients; `tensors` is what it remembers, by `PATH/WHAT`, after `steps` steps."""

    def __init__(
        self, spec: TrainingSpec, weights: Mapping[str, keras.Variable], factors: Mapping[str, Factors]
    ) -> None:
        self.steps = 0
        self._momentum = spec.momentum
        self._decay = spec.weight_decay
        self._factors = factors
        self.trained = {path: weights[path] for path in factors}
        self.tensors = {
            f"{path}/{kind}": keras.Variable(np.zeros(variable.shape, np.float32), name=kind)
            for path, variable in self.trained.items()
            for kind in self._kinds(spec)
        }

    def _kinds(self, spec: TrainingSpec) -> tuple[str, ...]:
        """What is remembered of each tensor."""
        raise NotImplementedError

    def scalars(self, rate: float) -> NDArray[np.float32]:
        """What the next step needs to know beside the gradients; reckoned in double precision, outside of it."""
        self.steps += 1
        return np.array([rate, 1.0], dtype=np.float32)

    def step(self, gradients: Mapping[str, Tensor], scalars: Tensor) -> None:
        """One step; a tensor whose gradient is nothing stays as it is."""
        for path, variable in self.trained.items():
            gradient, factors = gradients[path], self._factors[path]
            if gradient is None:
                continue
            decay = self._decay * factors.decay
            gradient = ops.add(gradient, ops.multiply(decay, variable)) if decay else gradient
            variable.assign_sub(ops.multiply(self._change(path, gradient, scalars), factors.rate))

    def _change(self, path: str, gradient: Tensor, scalars: Tensor) -> Tensor:
        """What is taken off a tensor whose own factor is 1."""
        raise NotImplementedError


class Sgd(Optimizer):
    """The buffers of momentum are there only where there is momentum."""

    def _kinds(self, spec: TrainingSpec) -> tuple[str, ...]:
        return ("momentum_buffer",) if spec.momentum else ()

    def _change(self, path: str, gradient: Tensor, scalars: Tensor) -> Tensor:
        buffer = self.tensors.get(f"{path}/momentum_buffer")
        if buffer is None:
            return ops.multiply(gradient, scalars[0])
        buffer.assign(ops.add(ops.multiply(self._momentum, buffer), gradient))
        return ops.multiply(buffer, scalars[0])


class Adam(Optimizer):
    def _kinds(self, spec: TrainingSpec) -> tuple[str, ...]:  # noqa: ARG002  those of SGD depend on it
        return "exp_avg", "exp_avg_sq"

    def scalars(self, rate: float) -> NDArray[np.float32]:
        self.steps += 1
        first = 1 - self._momentum**self.steps
        return np.array([rate / first, 1 / math.sqrt(1 - _SECOND_DECAY**self.steps)], dtype=np.float32)

    def _change(self, path: str, gradient: Tensor, scalars: Tensor) -> Tensor:
        first = self._moved(f"{path}/exp_avg", gradient, self._momentum)
        second = self._moved(f"{path}/exp_avg_sq", ops.square(gradient), _SECOND_DECAY)
        return ops.divide(
            ops.multiply(first, scalars[0]), ops.add(ops.multiply(ops.sqrt(second), scalars[1]), _EPSILON)
        )

    def _moved(self, key: str, value: Tensor, decay: float) -> Tensor:
        """A running mean that has taken in one more value."""
        mean = self.tensors[key]
        mean.assign(ops.add(ops.multiply(decay, mean), ops.multiply(1 - decay, value)))
        return mean.value


def create_optimizer(
    spec: TrainingSpec, weights: Mapping[str, keras.Variable], factors: Mapping[str, Factors]
) -> Optimizer:
    return (Adam if spec.optimizer == "adam" else Sgd)(spec, weights, factors)
