"""SGD with momentum, and Adam (Kingma and Ba 2014), step for step as PyTorch does them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tenfold.adapters.frameworks.numpy.windows import Floats
from tenfold.core.networks.training_factors import Factors
from tenfold.core.training.spec import TrainingSpec

_SECOND_DECAY = 0.999
_EPSILON = 1e-8


class Optimizer:
    """Moves weights along their gradients; `tensors` is what it remembers, by `PATH/WHAT`, after `steps` steps."""

    def __init__(self, spec: TrainingSpec, factors: Mapping[str, Factors]) -> None:
        self.tensors: dict[str, Floats] = {}
        self.steps = 0
        self._factors = factors
        self._momentum = spec.momentum
        self._decay = spec.weight_decay

    def step(self, weights: Mapping[str, Floats], gradients: Mapping[str, Floats], rate: float) -> None:
        """One step, written into `weights`; tensors without factors are frozen."""
        self.steps += 1
        for path, factors in self._factors.items():
            if path in gradients:
                gradient = gradients[path] + np.float32(self._decay * factors.decay) * weights[path]
                weights[path] -= self.change(path, gradient.astype(np.float32), rate * factors.rate)

    def change(self, path: str, gradient: Floats, rate: float) -> Floats:
        """What is taken off a tensor."""
        raise NotImplementedError

    def load(self, tensors: dict[str, Floats], steps: int) -> None:
        self.tensors, self.steps = tensors, steps


class Sgd(Optimizer):
    def change(self, path: str, gradient: Floats, rate: float) -> Floats:
        if self._momentum:
            key = f"{path}/momentum_buffer"
            known = self.tensors.get(key)
            gradient = gradient if known is None else np.float32(self._momentum) * known + gradient
            self.tensors[key] = gradient
        return np.float32(rate) * gradient


class Adam(Optimizer):
    def change(self, path: str, gradient: Floats, rate: float) -> Floats:
        first = self._moved(f"{path}/exp_avg", gradient, self._momentum)
        second = self._moved(f"{path}/exp_avg_sq", gradient * gradient, _SECOND_DECAY)
        corrected = np.sqrt(second) / np.float32(math.sqrt(1 - _SECOND_DECAY**self.steps)) + np.float32(_EPSILON)
        return np.float32(rate / (1 - self._momentum**self.steps)) * first / corrected

    def _moved(self, key: str, value: Floats, decay: float) -> Floats:
        """A running mean that has taken in one more value."""
        known = self.tensors.get(key)
        mean: Floats = np.float32(1 - decay) * value + (np.float32(decay) * known if known is not None else 0)
        self.tensors[key] = mean
        return mean


def create_optimizer(spec: TrainingSpec, factors: Mapping[str, Factors]) -> Optimizer:
    return Adam(spec, factors) if spec.optimizer == "adam" else Sgd(spec, factors)
