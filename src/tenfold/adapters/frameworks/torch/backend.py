"""Training with PyTorch on one device, in float32 and deterministic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tenfold.adapters.frameworks.torch.builder import NetworkModule, build_module
from tenfold.adapters.frameworks.torch.custom import CustomNetwork
from tenfold.adapters.frameworks.torch.data import DeviceData
from tenfold.adapters.frameworks.torch.optimizers import Adam, Sgd
from tenfold.core.errors import OutOfMemory
from tenfold.core.events import Json
from tenfold.core.networks.training_factors import Factors, loss_weight, main_output, training_factors
from tenfold.core.training.custom import CustomPlan
from tenfold.core.training.ports import Arrays, BackendPlan, BackendState, Samples, Totals
from tenfold.core.training.spec import TrainingSpec
from tenfold.core.training.states import require_same_arrays

_SECOND_DECAY = 0.999
_OWN_STATE = "_extra_state"  # as PyTorch calls the key of what `get_extra_state` gives


class TorchBackend:
    """Fulfils `TrainingBackend`. Dropout draws from a generator of its own, so nothing depends on global state."""

    def __init__(self, plan: BackendPlan, samples: Samples) -> None:
        self._device = torch.device(plan.device)
        self._threads = plan.threads
        _settle(self._device, plan.threads)
        self._head = plan.head
        self._outputs = {item.name: loss_weight(item) for item in plan.graph.outputs}
        self._main = main_output(plan.graph).name
        try:
            module, self._factors = _build(plan)
            self._module = module.to(self._device)
            layout = torch.contiguous_format if isinstance(plan, CustomPlan) else _layout(self._device)
            self._data = DeviceData(plan, samples, device=self._device, layout=layout)
        except (RuntimeError, MemoryError) as error:
            _raise_if_memory_ran_out(error, 1)
            raise
        self._generator = _generator(module, self._device)
        self._generator.manual_seed(plan.spec.seed)
        self._parameters = dict(self._module.named_parameters())
        self._optimizer = _optimizer(plan.spec, self._parameters, self._factors)
        self._training = _DeviceTotals(self._device)
        self._evaluation = _DeviceTotals(self._device)

    @property
    def device(self) -> str:
        if self._device.type == "cuda":
            return f"{torch.cuda.get_device_name(self._device)} ({self._device})"
        return f"CPU, {self._threads} thread{'s' * (self._threads != 1)}"

    def train_step(self, indices: NDArray[np.int64], rate: float) -> None:
        try:
            self._train(indices, rate)
        except (RuntimeError, MemoryError) as error:
            _raise_if_memory_ran_out(error, len(indices))
            raise

    def take_training_totals(self) -> Totals:
        return self._training.take()

    def evaluate_batch(self, split: str, start: int, stop: int) -> None:
        try:
            self._evaluate(split, start, stop)
        except (RuntimeError, MemoryError) as error:
            _raise_if_memory_ran_out(error, stop - start)
            raise

    def take_evaluation_totals(self) -> Totals:
        return self._evaluation.take()

    def predict(self, split: str, start: int, stop: int) -> NDArray[np.float32]:
        try:
            with torch.inference_mode():
                output, _ = self._forward(split, start, stop)
                result: NDArray[np.float32] = self._head.result(output).float().cpu().numpy()
                return result
        except (RuntimeError, MemoryError) as error:
            _raise_if_memory_ran_out(error, stop - start)
            raise

    def state(self) -> BackendState:
        arrays: Arrays = {f"model/{key}": _array(tensor) for key, tensor in self._module.state_dict().items()}
        optimizer = {key: _array(tensor) for key, tensor in self._optimizer_tensors().items()}
        values: dict[str, Json] = {
            "optimizer": list(optimizer),
            "training_totals": self._training.to_json(),
            "evaluation_totals": self._evaluation.to_json(),
        }
        return BackendState({**arrays, **optimizer, "rng/dropout": _array(self._generator.get_state())}, values)

    def load_state(self, state: BackendState) -> None:
        module = self._module.state_dict()
        expected = {f"model/{key}": tuple(tensor.shape) for key, tensor in module.items()}
        expected |= {key: self._optimizer_shape(key) for key in _texts(state.values["optimizer"])}
        require_same_arrays(expected | {"rng/dropout": tuple(self._generator.get_state().shape)}, state.arrays)
        stored = {key: torch.from_numpy(state.arrays[f"model/{key}"].copy()) for key in module}
        with torch.no_grad():
            for key, tensor in module.items():
                tensor.copy_(stored[key])
        own = {key: tensor for key, tensor in stored.items() if key.rpartition(".")[2] == _OWN_STATE}
        if own:  # what others' code keeps beside tensors of its own
            self._module.load_state_dict(own, strict=False)
        self._load_optimizer(state)
        self._generator.set_state(torch.from_numpy(state.arrays["rng/dropout"].copy()))
        self._training.load(state.values["training_totals"])
        self._evaluation.load(state.values["evaluation_totals"])

    def _forward(self, split: str, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The main output in evaluation mode, and the target."""
        self._set_mode(training=False)
        images, target = self._data.between(split, start, stop)
        if isinstance(self._module, NetworkModule):
            return self._named(self._module(images))[self._main], target
        before = self._generator.get_state()  # others' code may draw in evaluation, too
        output = self._named(self._module(images))[self._main]
        self._generator.set_state(before)
        return output, target

    @torch.inference_mode()
    def _evaluate(self, split: str, start: int, stop: int) -> None:
        output, target = self._forward(split, start, stop)
        loss = self._head.loss(output, target)
        self._evaluation.add(stop - start, self._head.sums(output, target, loss))

    def _train(self, indices: NDArray[np.int64], rate: float) -> None:
        images, target = self._data.at("train", indices)
        weights = self._data.weights(indices)
        self._set_mode(training=True)
        outputs = self._named(self._module(images))
        main_loss = self._head.loss(outputs[self._main], target, weights)
        loss = self._total_loss(outputs, target, main_loss, weights)
        for parameter in self._parameters.values():
            parameter.grad = None  # what `zero_grad` does, without its profiling
        torch.autograd.backward(loss)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["rate_factor"]
        self._optimizer.step()
        sums = self._head.sums(outputs[self._main].detach(), target, main_loss.detach())
        self._training.add(len(indices), sums)

    def _set_mode(self, *, training: bool) -> None:
        if self._module.training != training:
            self._module.train(training)

    def _named(self, outputs: torch.Tensor | dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return outputs if isinstance(outputs, dict) else {self._main: outputs}

    def _total_loss(
        self, outputs: Mapping[str, torch.Tensor], target: torch.Tensor, main_loss: Any, weights: torch.Tensor | None
    ) -> torch.Tensor:
        loss = main_loss if self._outputs[self._main] == 1 else main_loss * self._outputs[self._main]
        for name, output in outputs.items():
            if name != self._main:
                loss = loss + self._outputs[name] * self._head.loss(output, target, weights)
        result: torch.Tensor = loss
        return result

    def _optimizer_tensors(self) -> dict[str, torch.Tensor]:
        """What the optimiser remembers of each parameter, by `optimizer/PATH/WHAT`."""
        state = self._optimizer.state
        return {
            f"optimizer/{path}/{what}": value
            for path, parameter in self._parameters.items()
            for what, value in state.get(parameter, {}).items()
            if isinstance(value, torch.Tensor)
        }

    def _optimizer_shape(self, key: str) -> tuple[int, ...]:
        path, what = _path_and_what(key)
        parameter = self._parameters.get(path)
        return () if what == "step" or parameter is None else tuple(parameter.shape)

    def _load_optimizer(self, state: BackendState) -> None:
        self._optimizer.state.clear()
        for key in _texts(state.values["optimizer"]):
            path, what = _path_and_what(key)
            parameter = self._parameters[path]
            own = self._optimizer.state[parameter]
            loaded = torch.from_numpy(state.arrays[key].copy()).to(parameter.device)
            own[what] = torch.empty_like(parameter).copy_(loaded) if loaded.shape == parameter.shape else loaded


class _DeviceTotals:
    """Sums that stay on the device, in float64, until they are taken."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._samples = 0
        self._sums: dict[str, torch.Tensor] = {}

    def add(self, samples: int, sums: Mapping[str, torch.Tensor]) -> None:
        self._samples += samples
        for name, value in sums.items():
            known = self._sums.get(name)
            if known is None:
                self._sums[name] = value.to(torch.float64, copy=True)
            else:
                known.add_(value)

    def take(self) -> Totals:
        totals = Totals(self._samples, {name: float(value) for name, value in self._sums.items()})
        self._samples, self._sums = 0, {}
        return totals

    def to_json(self) -> dict[str, Json]:
        return {"samples": self._samples, "sums": {name: float(value) for name, value in self._sums.items()}}

    def load(self, values: Any) -> None:
        self._samples = int(values["samples"])
        self._sums = {
            name: torch.tensor(value, dtype=torch.float64, device=self._device)
            for name, value in values["sums"].items()
        }


def _build(plan: BackendPlan) -> tuple[nn.Module, Mapping[str, Factors]]:
    """The module with its first weights, and how each tensor is trained."""
    if not isinstance(plan, CustomPlan):
        return build_module(plan.graph, seed=plan.spec.seed, carried=plan.weights), training_factors(plan.graph)
    source = CustomNetwork(plan.source)
    module = source.ready(plan.parameters, plan.graph.inputs[0].shape, plan.classes, seed=plan.spec.seed)
    return module, {path: Factors() for path, each in module.named_parameters() if each.requires_grad}


def _generator(module: nn.Module, device: torch.device) -> torch.Generator:
    """Where layers draw from: a generator of the network's own, and PyTorch's where the code is not ours."""
    if isinstance(module, NetworkModule):
        own = torch.Generator(device)
        module.use_generator(own)
        return own
    return torch.cuda.default_generators[device.index or 0] if device.type == "cuda" else torch.default_generator


def _settle(device: torch.device, threads: int) -> None:
    """Fixes what decides the bits of a result: the number of threads, and on a GPU the algorithms."""
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _layout(device: torch.device) -> torch.memory_format:
    """Channels last on a CPU, where it saved a quarter of LeNet's step; it never follows anything but the device."""
    return torch.contiguous_format if device.type == "cuda" else torch.channels_last


def _optimizer(
    spec: TrainingSpec, parameters: Mapping[str, torch.nn.Parameter], factors: Mapping[str, Factors]
) -> torch.optim.Optimizer:
    """One group of parameters for each pair of factors; the rate is set before every step."""
    groups = [
        {
            "params": [parameter for path, parameter in parameters.items() if factors.get(path) == wanted],
            "rate_factor": wanted.rate,
            "weight_decay": spec.weight_decay * wanted.decay,
        }
        for wanted in sorted(set(factors.values()))
    ]
    if spec.optimizer == "adam":
        return Adam(groups, lr=spec.rate, betas=(spec.momentum, _SECOND_DECAY), fused=True)
    return Sgd(groups, lr=spec.rate, momentum=spec.momentum, fused=True)


def _raise_if_memory_ran_out(error: RuntimeError | MemoryError, batch_size: int) -> None:
    """Raises the one error for PyTorch's several ways of saying so."""
    text = str(error).lower()
    if not isinstance(error, MemoryError) and "out of memory" not in text and "can't allocate memory" not in text:
        return
    advice = "The network and its data do not fit into the memory: use a smaller network or smaller pictures."
    if batch_size > 1:
        advice = f"A batch of {batch_size} does not fit into the memory: try a batch size of {batch_size // 2}."
    raise OutOfMemory(advice, batch_size=batch_size) from error


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    return np.array(tensor.detach().cpu().numpy(), order="C")


def _path_and_what(key: str) -> tuple[str, str]:
    """The parameter and what the optimiser remembers of it; a path of Python may have any mark in it."""
    path, _, what = key.removeprefix("optimizer/").rpartition("/")
    return path, what


def _texts(values: Json) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []
