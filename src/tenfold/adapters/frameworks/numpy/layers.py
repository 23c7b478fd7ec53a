"""Each kind of layer of the vocabulary with its forward and backward pass, in plain numpy and float32.

Shapes are (N, C, *axes). `backward` gives the gradients of the inputs and leaves those of the tensors in `gradients`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tenfold.adapters.frameworks.numpy.functions import activate, activation_gradient
from tenfold.adapters.frameworks.numpy.windows import Floats, fold, pad, unfold, unpad
from tenfold.core.networks.graph import Node

Tensors = dict[str, Floats]


class Layer:
    """One layer; what `forward` keeps in mind serves the next `backward`."""

    def __init__(self, node: Node, tensors: Tensors, generator: np.random.Generator) -> None:
        self.about: Mapping[str, Any] = node.arguments
        self.tensors = tensors
        self.is_frozen = bool(node.training.get("frozen"))
        self.is_training = False
        self.generator = generator
        self.gradients: Tensors = {}

    def forward(self, inputs: Sequence[Floats]) -> Floats:
        raise NotImplementedError

    def backward(self, gradient: Floats) -> list[Floats]:
        raise NotImplementedError


class Conv(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        about, weight = self.about, self.tensors["weight"]
        self.sizes = inputs[0].shape[2:]
        padded = pad(inputs[0], about["pad"])
        self.padded_shape = padded.shape
        self.output = tuple(
            (size - gap * (width - 1) - 1) // step + 1
            for size, width, step, gap in zip(
                padded.shape[2:], about["kernel"], about["stride"], about["dilation"], strict=True
            )
        )
        columns = unfold(padded, about["kernel"], about["stride"], about["dilation"], self.output)
        self.columns = columns.reshape(len(padded), about["groups"], -1, math.prod(self.output))
        matrix = weight.reshape(about["groups"], weight.shape[0] // about["groups"], -1)
        result: Floats = np.matmul(matrix, self.columns).reshape(len(padded), weight.shape[0], *self.output)
        if "bias" in self.tensors:
            result += self.tensors["bias"].reshape(-1, *[1] * len(self.sizes))
        return result

    def backward(self, gradient: Floats) -> list[Floats]:
        about, weight = self.about, self.tensors["weight"]
        matrix = weight.reshape(about["groups"], weight.shape[0] // about["groups"], -1)
        flat = gradient.reshape(len(gradient), *matrix.shape[:2], -1)
        own = np.matmul(flat, self.columns.transpose(0, 1, 3, 2)).sum(axis=0)
        self.gradients["weight"] = own.reshape(weight.shape)
        if "bias" in self.tensors:
            self.gradients["bias"] = gradient.sum(axis=(0, *range(2, gradient.ndim)))
        columns = np.matmul(matrix.transpose(0, 2, 1), flat)
        columns = columns.reshape(*self.padded_shape[:2], math.prod(about["kernel"]), *self.output)
        folded = fold(columns, self.padded_shape, about["kernel"], about["stride"], about["dilation"])
        return [unpad(folded, about["pad"], self.sizes)]


class Dense(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.rows = np.moveaxis(inputs[0], 1, -1)
        result = self.rows @ self.tensors["weight"].T
        return np.moveaxis(result + self.tensors["bias"] if "bias" in self.tensors else result, -1, 1)

    def backward(self, gradient: Floats) -> list[Floats]:
        rows = np.moveaxis(gradient, 1, -1)
        flat = rows.reshape(-1, rows.shape[-1])
        self.gradients["weight"] = flat.T @ self.rows.reshape(-1, self.rows.shape[-1])
        if "bias" in self.tensors:
            self.gradients["bias"] = flat.sum(axis=0)
        return [np.moveaxis(rows @ self.tensors["weight"], -1, 1)]


class Pool(Layer):
    """What both kinds of pooling share: windows as columns, with a last one that may reach over the border."""

    border = 0.0

    def _columns(self, x: Floats, border: float) -> Floats:
        about = self.about
        ones = (1,) * (x.ndim - 2)
        output = self._output(x.shape[2:])
        needed = [
            (count - 1) * step + width
            for count, step, width in zip(output, about["stride"], about["window"], strict=True)
        ]
        self.pads = [
            (before, max(after, need - size - before))
            for (before, after), need, size in zip(about["pad"], needed, x.shape[2:], strict=True)
        ]
        self.sizes = x.shape[2:]
        padded = pad(x, self.pads, border)
        self.padded_shape = padded.shape
        return unfold(padded, about["window"], about["stride"], ones, output)

    def _output(self, sizes: Sequence[int]) -> tuple[int, ...]:
        about, output = self.about, []
        for size, width, step, (before, after) in zip(
            sizes, about["window"], about["stride"], about["pad"], strict=True
        ):
            slack = size + before + after - width
            count = (-(-slack // step) if about["ceil"] else slack // step) + 1
            output.append(count - 1 if about["ceil"] and (count - 1) * step >= size + before else count)
        return tuple(output)

    def _gradient(self, columns: Floats) -> Floats:
        ones = (1,) * len(self.sizes)
        folded = fold(columns, self.padded_shape, self.about["window"], self.about["stride"], ones)
        return unpad(folded, self.pads, self.sizes)


class MaxPool(Pool):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        columns = self._columns(inputs[0], -np.inf)
        self.shape = columns.shape
        self.winners = np.expand_dims(columns.argmax(axis=2), 2)
        return np.take_along_axis(columns, self.winners, axis=2)[:, :, 0]

    def backward(self, gradient: Floats) -> list[Floats]:
        columns = np.zeros(self.shape, dtype=np.float32)
        np.put_along_axis(columns, self.winners, np.expand_dims(gradient, 2), axis=2)
        return [self._gradient(columns)]


class AvgPool(Pool):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        inside = np.ones((1, 1, *inputs[0].shape[2:]), dtype=np.float32)
        if self.about["count_pad"]:
            counted = pad(inside, self.about["pad"], 1.0)
            columns = self._columns(inside, 0.0)
            wider = [(0, whole - given) for whole, given in zip(self.padded_shape[2:], counted.shape[2:], strict=True)]
            ones = (1,) * len(wider)
            counted = pad(counted, wider)
            columns = unfold(counted, self.about["window"], self.about["stride"], ones, columns.shape[3:])
        else:
            columns = self._columns(inside, 0.0)
        self.counts = columns.sum(axis=2)
        self.columns_shape = (*inputs[0].shape[:2], *columns.shape[2:])
        means: Floats = self._columns(inputs[0], 0.0).sum(axis=2) / self.counts
        return means

    def backward(self, gradient: Floats) -> list[Floats]:
        shares = np.expand_dims(gradient / self.counts, 2)
        return [self._gradient(np.broadcast_to(shares, self.columns_shape))]


class GlobalAvgPool(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.shape = inputs[0].shape
        axes = tuple(range(2, inputs[0].ndim))
        means: Floats = inputs[0].mean(axis=axes, keepdims=bool(self.about["keep"]))
        return means

    def backward(self, gradient: Floats) -> list[Floats]:
        each = gradient.reshape(*self.shape[:2], *[1] * (len(self.shape) - 2)) / math.prod(self.shape[2:])
        return [np.broadcast_to(each, self.shape).astype(np.float32)]


class AdaptiveAvgPool(Layer):
    """Along each axis a matrix of means over windows from floor(i * in / out) to ceil((i + 1) * in / out)."""

    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.matrices = [
            self._means(size, wanted) for size, wanted in zip(inputs[0].shape[2:], self.about["size"], strict=True)
        ]
        return self._apply(inputs[0], self.matrices)

    def backward(self, gradient: Floats) -> list[Floats]:
        return [self._apply(gradient, [matrix.T for matrix in self.matrices])]

    @staticmethod
    def _means(size: int, wanted: int) -> Floats:
        matrix = np.zeros((wanted, size), dtype=np.float32)
        for index in range(wanted):
            start, end = index * size // wanted, -(-(index + 1) * size // wanted)
            matrix[index, start:end] = 1.0 / (end - start)
        return matrix

    @staticmethod
    def _apply(x: Floats, matrices: Sequence[Floats]) -> Floats:
        for axis, matrix in enumerate(matrices, 2):
            x = np.moveaxis(np.tensordot(x, matrix, axes=([axis], [1])), -1, axis)
        return x


class BatchNorm(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        self.axes = (0, *range(2, x.ndim))
        self.is_over_batch = self.is_training and not self.is_frozen
        if self.is_over_batch:
            mean, variance = x.mean(axis=self.axes), x.var(axis=self.axes)
            self._remember(mean, variance, x.size // x.shape[1])
        else:
            mean, variance = self.tensors["running_mean"], self.tensors["running_var"]
        self.scale = self._wide(1.0 / np.sqrt(variance + np.float32(self.about["eps"])), x.ndim)
        self.normal = (x - self._wide(mean, x.ndim)) * self.scale
        if not self.about["affine"]:
            return self.normal
        return self.normal * self._wide(self.tensors["weight"], x.ndim) + self._wide(self.tensors["bias"], x.ndim)

    def _remember(self, mean: Floats, variance: Floats, count: int) -> None:
        momentum = np.float32(self.about["momentum"])
        unbiased = variance * np.float32(count / max(1, count - 1))
        for name, newest in (("running_mean", mean), ("running_var", unbiased)):
            self.tensors[name] += momentum * (newest - self.tensors[name])

    @staticmethod
    def _wide(values: Floats, axes: int) -> Floats:
        return values.reshape(1, -1, *[1] * (axes - 2))

    def backward(self, gradient: Floats) -> list[Floats]:
        if self.about["affine"]:
            self.gradients["weight"] = (gradient * self.normal).sum(axis=self.axes)
            self.gradients["bias"] = gradient.sum(axis=self.axes)
            gradient = gradient * self._wide(self.tensors["weight"], gradient.ndim)
        if not self.is_over_batch:
            return [gradient * self.scale]
        mean = gradient.mean(axis=self.axes, keepdims=True)
        along = (gradient * self.normal).mean(axis=self.axes, keepdims=True)
        return [(gradient - mean - self.normal * along) * self.scale]


class LocalResponseNorm(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.x = inputs[0]
        energy = self._neighbours(self.x * self.x, self.about["size"] // 2)
        self.base = np.float32(self.about["k"]) + np.float32(self.about["alpha"]) * energy
        self.power = self.base ** np.float32(-self.about["beta"])
        result: Floats = self.x * self.power
        return result

    def _neighbours(self, values: Floats, before: int) -> Floats:
        """The mean over `size` channels of which `before` lie before the present one; outside counts as 0."""
        size = self.about["size"]
        widths = [(0, 0), (before, size - 1 - before), *[(0, 0)] * (values.ndim - 2)]
        padded = np.pad(values, widths)
        channels = values.shape[1]
        total = sum((padded[:, shift : shift + channels] for shift in range(size)), np.zeros_like(values))
        return total / np.float32(size)

    def backward(self, gradient: Floats) -> list[Floats]:
        alpha, beta, size = self.about["alpha"], self.about["beta"], self.about["size"]
        inner = gradient * self.x * self.power / self.base
        spread = self._neighbours(inner, size - 1 - size // 2)
        return [gradient * self.power - np.float32(2 * alpha * beta) * self.x * spread]


class Activation(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.x = inputs[0]
        self.result = activate(self.x, self.about["kind"], self.about.get("slope", 0.0))
        return self.result

    def backward(self, gradient: Floats) -> list[Floats]:
        slope = self.about.get("slope", 0.0)
        return [activation_gradient(gradient, self.x, self.result, self.about["kind"], slope)]


class Dropout(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        rate = self.about["rate"]
        self.factor: Floats | np.float32 = np.float32(1.0)
        if self.is_training and rate > 0:
            kept = self.generator.random(inputs[0].shape, dtype=np.float32) >= rate
            self.factor = kept.astype(np.float32) / np.float32(1.0 - rate)
        return inputs[0] * self.factor

    def backward(self, gradient: Floats) -> list[Floats]:
        return [gradient * self.factor]


class Flatten(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.shape = inputs[0].shape
        return inputs[0].reshape(len(inputs[0]), -1)

    def backward(self, gradient: Floats) -> list[Floats]:
        return [gradient.reshape(self.shape)]


class Reshape(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.shape = inputs[0].shape
        return inputs[0].reshape(-1, *self.about["shape"])

    def backward(self, gradient: Floats) -> list[Floats]:
        return [gradient.reshape(self.shape)]


class Permute(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.order = (0, *(axis + 1 for axis in self.about["axes"]))
        return np.transpose(inputs[0], self.order)

    def backward(self, gradient: Floats) -> list[Floats]:
        return [np.transpose(gradient, np.argsort(self.order))]


class Add(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.count = len(inputs)
        return np.asarray(np.sum(inputs, axis=0, dtype=np.float32))

    def backward(self, gradient: Floats) -> list[Floats]:
        return [gradient] * self.count


class Concat(Layer):
    def forward(self, inputs: Sequence[Floats]) -> Floats:
        self.ends = np.cumsum([item.shape[1] for item in inputs])[:-1]
        return np.concatenate(inputs, axis=1)

    def backward(self, gradient: Floats) -> list[Floats]:
        return np.split(gradient, self.ends, axis=1)


KINDS: dict[str, type[Layer]] = {
    "conv": Conv,
    "dense": Dense,
    "max_pool": MaxPool,
    "avg_pool": AvgPool,
    "global_avg_pool": GlobalAvgPool,
    "adaptive_avg_pool": AdaptiveAvgPool,
    "batch_norm": BatchNorm,
    "lrn": LocalResponseNorm,
    "activation": Activation,
    "dropout": Dropout,
    "flatten": Flatten,
    "reshape": Reshape,
    "permute": Permute,
    "add": Add,
    "concat": Concat,
}
