"""The training backend on PyTorch.

Shape letters: N samples, C channels, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tenfold.adapters.frameworks.torch.builder import NetworkModule, build_module
from tenfold.core.errors import Invalid, OutOfMemory
from tenfold.core.events import Json
from tenfold.core.training.ports import Arrays, BackendPlan, BackendState, Samples, Totals


class TorchBackend:
    """Fulfils `tenfold.core.training.ports.TrainingBackend` on one device, in float32, channels last."""

    def __init__(self, plan: BackendPlan, samples: Samples) -> None:
        self._plan = plan
        self._samples = samples
        self._device = torch.device(plan.device)
        torch.set_num_threads(plan.threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.manual_seed(plan.spec.seed)
        module = build_module(plan.graph, seed=plan.spec.seed)
        self._module: NetworkModule = module.to(self._device)
        for parameter in self._module.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self._optimizer = _make_optimizer(self._module, plan)
        self._feed = _Feed(plan, samples, self._device)
        self._training = _Sums(self._device)
        self._evaluation = _Sums(self._device)
        self._module.train()

    @property
    def device(self) -> str:
        if self._device.type == "cuda":
            return f"{torch.cuda.get_device_name(self._device)} ({self._device})"
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"

    def train_step(self, indices: NDArray[np.int64], rate: float) -> None:
        with _memory_errors(len(indices)):
            images_NCHW, labels_N = self._feed.gather("train", indices)
            output = self._module(images_NCHW)
            loss = self._plan.head.loss(output, labels_N)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            for group in self._optimizer.param_groups:
                group["lr"] = rate * group["rate_factor"]
            self._optimizer.step()
            with torch.no_grad():
                self._training.add(len(indices), self._plan.head.sums(output, labels_N, loss))

    def take_training_totals(self) -> Totals:
        return self._training.take()

    @torch.inference_mode()
    def evaluate_batch(self, split: str, start: int, stop: int) -> None:
        with self._evaluating(), _memory_errors(stop - start):
            images_NCHW, labels_N = self._feed.slice(split, start, stop)
            output = self._module(images_NCHW)
            loss = self._plan.head.loss(output, labels_N)
            self._evaluation.add(stop - start, self._plan.head.sums(output, labels_N, loss))

    def take_evaluation_totals(self) -> Totals:
        return self._evaluation.take()

    @torch.inference_mode()
    def predict(self, split: str, start: int, stop: int) -> NDArray[np.float32]:
        with self._evaluating(), _memory_errors(stop - start):
            images_NCHW, _ = self._feed.slice(split, start, stop)
            result: Tensor = self._plan.head.result(self._module(images_NCHW))
            return result.float().cpu().numpy()

    def state(self) -> BackendState:
        arrays: Arrays = {f"model/{key}": _copy(tensor) for key, tensor in self._module.state_dict().items()}
        values: dict[str, Json] = {"totals": self._training.to_json()}
        for index, state in self._optimizer.state_dict()["state"].items():
            for key, value in state.items():
                if isinstance(value, Tensor):
                    arrays[f"optimizer/{index}/{key}"] = _copy(value)
        arrays["rng/cpu"] = _copy(torch.get_rng_state())
        if self._device.type == "cuda":
            arrays["rng/cuda"] = _copy(torch.cuda.get_rng_state(self._device))
        return BackendState(arrays, values)

    def load_state(self, state: BackendState) -> None:
        self._load_weights(state.weights())
        self._load_optimizer(state.arrays)
        torch.set_rng_state(torch.from_numpy(state.arrays["rng/cpu"].copy()))
        if self._device.type == "cuda" and "rng/cuda" in state.arrays:
            torch.cuda.set_rng_state(torch.from_numpy(state.arrays["rng/cuda"].copy()), self._device)
        self._training.load(state.values["totals"])

    def _load_weights(self, weights: Arrays) -> None:
        try:
            self._module.load_state_dict({key: torch.from_numpy(array.copy()) for key, array in weights.items()})
        except RuntimeError as error:
            raise Invalid(f"These weights do not fit the network: {error}", code="state.unfit") from None

    def _load_optimizer(self, arrays: Arrays) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for key, array in arrays.items():
            if key.startswith("optimizer/"):
                _, index, name = key.split("/")
                state.setdefault(int(index), {})[name] = torch.from_numpy(array.copy())
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        self._module.eval()
        try:
            yield
        finally:
            self._module.train()


class _Feed:
    """Batches from packed uint8 pictures: gathered, moved, scaled and normalised without a copy too many."""

    def __init__(self, plan: BackendPlan, samples: Samples, device: torch.device) -> None:
        self._samples = samples
        self._device = device
        scale = 255.0 * torch.tensor(plan.std, dtype=torch.float32)
        self._offset_C11 = (255.0 * torch.tensor(plan.mean, dtype=torch.float32)).view(-1, 1, 1).to(device)
        self._factor_C11 = (1.0 / scale).view(-1, 1, 1).to(device)
        self._gathered_NHWC: NDArray[np.uint8] | None = None

    def gather(self, split: str, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) float32 and labels (N) of chosen samples."""
        images = self._samples.images(split)
        count = len(indices)
        if self._gathered_NHWC is None or len(self._gathered_NHWC) < count:
            self._gathered_NHWC = np.empty((count, *images.shape[1:]), np.uint8)
        batch_NHWC = self._gathered_NHWC[:count]
        np.take(images, indices, axis=0, out=batch_NHWC, mode="clip")
        return self._to_device(batch_NHWC, self._samples.labels(split)[indices])

    def slice(self, split: str, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Images and labels of samples start to stop."""
        batch_NHWC = np.array(self._samples.images(split)[start:stop])
        return self._to_device(batch_NHWC, np.array(self._samples.labels(split)[start:stop]))

    def _to_device(self, batch_NHWC: NDArray[np.uint8], labels: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        pixels = torch.from_numpy(batch_NHWC).to(self._device)
        images_NCHW = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last)
        images_NCHW.sub_(self._offset_C11).mul_(self._factor_C11)
        return images_NCHW, torch.from_numpy(labels).to(self._device)


class _Sums:
    """Totals that stay on the device until they are taken."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._samples = 0
        self._sums: dict[str, Tensor] = {}

    def add(self, samples: int, sums: Any) -> None:
        self._samples += samples
        for name, value in sums.items():
            if name in self._sums:
                self._sums[name] += value
            else:
                self._sums[name] = value.to(torch.float64)

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


def _make_optimizer(module: NetworkModule, plan: BackendPlan) -> torch.optim.Optimizer:
    spec = plan.spec
    groups = _parameter_groups(module, plan)
    if spec.optimizer == "adam":
        return torch.optim.Adam(groups, lr=spec.rate, betas=(spec.momentum, 0.999), fused=True)
    return torch.optim.SGD(groups, lr=spec.rate, momentum=spec.momentum, fused=True)


def _parameter_groups(module: NetworkModule, plan: BackendPlan) -> list[dict[str, Any]]:
    """Parameters grouped by the multipliers that the network's text gives them; frozen ones are left out."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    parameters = dict(module.named_parameters())
    for node in plan.graph.nodes:
        for name, weight in node.weights.items():
            if not weight.trainable:
                continue
            parameter = parameters[f"{node.path}.{name}"]
            if node.training.get("frozen"):
                parameter.requires_grad_(False)
                continue
            prefix = "bias_" if name == "bias" else ""
            rate_factor = float(node.training.get(f"{prefix}lr_mult", node.training.get("lr_mult", 1.0)))
            decay_factor = float(node.training.get(f"{prefix}decay_mult", node.training.get("decay_mult", 1.0)))
            groups.setdefault((rate_factor, decay_factor), []).append(parameter)
    decay = plan.spec.weight_decay
    return [
        {"params": chosen, "rate_factor": rate_factor, "weight_decay": decay * decay_factor}
        for (rate_factor, decay_factor), chosen in groups.items()
    ]


def _copy(tensor: Tensor) -> NDArray[Any]:
    """A C-contiguous copy in host memory."""
    array: NDArray[Any] = tensor.detach().cpu().contiguous(memory_format=torch.contiguous_format).numpy().copy()
    return array


@contextmanager
def _memory_errors(batch: int) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            f"A batch of {batch} needs more memory than the GPU has free: take a smaller batch."
        ) from error
    except RuntimeError as error:
        if "can't allocate memory" in str(error):
            raise OutOfMemory(f"A batch of {batch} needs more memory than is free: take a smaller batch.") from error
        raise
