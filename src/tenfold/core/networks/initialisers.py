"""The first values of a network's weights.

Each tensor is drawn from a counter-based generator (Philox) whose key is a hash of the seed and the tensor's path, and
only from its raw bits: every framework starts from the same numbers, and inserting a layer changes no other layer's.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.values import Initialiser

Floats = npt.NDArray[np.float32]
_RELU_GAIN = math.sqrt(2.0)
_TRUNCATED_AT = 2.0


@dataclass(frozen=True)
class InitialiserKind:
    """An initialiser: the names and defaults of its arguments (`None` where one is required), and how it draws."""

    arguments: tuple[tuple[str, float | str | None], ...]
    draw: Callable[[np.random.Philox, tuple[int, ...], tuple[float | str, ...]], npt.NDArray[np.float64]]
    help: str

    def usage(self) -> str:
        return ", ".join(name if default is None else f"{name}={default}" for name, default in self.arguments)

    def accepts(self, values: Sequence[object]) -> bool:
        """Whether values fit: numbers from 0, or `fan_in` and `fan_out`, and none missing."""
        if len(values) > len(self.arguments) or any(default is None for _, default in self.arguments[len(values) :]):
            return False
        pairs = zip(values, self.arguments, strict=False)
        return all(
            value in {"fan_in", "fan_out"}
            if isinstance(default, str)
            else isinstance(value, int | float) and not isinstance(value, bool) and (value >= 0 or name == "value")
            for value, (name, default) in pairs
        )


def initial_weights(graph: LayerGraph, *, seed: int) -> dict[str, Floats]:
    """The tensors of a graph by path (`conv1.weight`), float32, channels first."""
    return {
        f"{node.path}.{name}": initial_tensor(weight.initialiser, weight.shape, seed=seed, path=f"{node.path}.{name}")
        for node in graph.nodes
        for name, weight in node.weights.items()
    }


def initial_tensor(initialiser: Initialiser, shape: tuple[int, ...], *, seed: int, path: str) -> Floats:
    """One tensor, a function of its seed and path alone."""
    kind = INITIALISERS[initialiser.name]
    defaults = [default for _, default in kind.arguments]
    given = [*initialiser.arguments, *defaults[len(initialiser.arguments) :]]
    key = hashlib.sha256(f"{seed}:{path}".encode()).digest()[:16]
    bits = np.random.Philox(key=int.from_bytes(key, "little"))
    drawn = kind.draw(bits, shape, tuple(value for value in given if value is not None))
    return drawn.astype(np.float32).reshape(shape)


def _uniform(bits: np.random.Philox, count: int) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1) from the upper 53 of 64 raw bits each."""
    raw: npt.NDArray[np.uint64] = bits.random_raw(count)
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _normal(bits: np.random.Philox, count: int) -> npt.NDArray[np.float64]:
    """Standard normal numbers by Box and Muller (1958)."""
    half = (count + 1) // 2
    radius = np.sqrt(-2.0 * np.log1p(-_uniform(bits, half)))
    angle = 2.0 * math.pi * _uniform(bits, half)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Fan-in and fan-out of a weight; of a bias, its length."""
    field = math.prod(shape[2:])
    return (shape[1] * field, shape[0] * field) if len(shape) > 1 else (shape[0], shape[0])


def _constant(value: float) -> Callable[..., npt.NDArray[np.float64]]:
    return lambda _bits, shape, _arguments: np.full(math.prod(shape), value)


def _scaled_uniform(bound: Callable[..., float]) -> Callable[..., npt.NDArray[np.float64]]:
    def draw(
        bits: np.random.Philox, shape: tuple[int, ...], arguments: tuple[float | str, ...]
    ) -> npt.NDArray[np.float64]:
        return (2.0 * _uniform(bits, math.prod(shape)) - 1.0) * bound(shape, *arguments)

    return draw


def _scaled_normal(deviation: Callable[..., float]) -> Callable[..., npt.NDArray[np.float64]]:
    def draw(
        bits: np.random.Philox, shape: tuple[int, ...], arguments: tuple[float | str, ...]
    ) -> npt.NDArray[np.float64]:
        return _normal(bits, math.prod(shape)) * deviation(shape, *arguments)

    return draw


def _truncated_normal(
    bits: np.random.Philox, shape: tuple[int, ...], arguments: tuple[float | str, ...]
) -> npt.NDArray[np.float64]:
    """Normal numbers, drawn again where they lie beyond two deviations."""
    values = _normal(bits, math.prod(shape))
    while (outside := np.flatnonzero(np.abs(values) > _TRUNCATED_AT)).size:
        values[outside] = _normal(bits, outside.size)
    return values * float(arguments[0])


def _orthogonal(
    bits: np.random.Philox, shape: tuple[int, ...], _arguments: tuple[float | str, ...]
) -> npt.NDArray[np.float64]:
    rows, columns = shape[0], math.prod(shape[1:])
    matrix = _normal(bits, rows * columns).reshape(max(rows, columns), min(rows, columns))
    orthogonal, triangle = np.linalg.qr(matrix)
    orthogonal = orthogonal * np.where(np.diag(triangle) < 0, -1.0, 1.0)
    return orthogonal if rows >= columns else orthogonal.T


def _bilinear_kernel(
    _bits: np.random.Philox, shape: tuple[int, ...], _arguments: tuple[float | str, ...]
) -> npt.NDArray[np.float64]:
    """Weights that interpolate linearly along every axis, as FCN's upsampling starts (Long 2015)."""
    kernel = np.ones(())
    for size in shape[2:]:
        factor = (size + 1) // 2
        centre = factor - 1.0 if size % 2 else factor - 0.5
        kernel = np.multiply.outer(kernel, 1 - np.abs(np.arange(size) - centre) / factor)
    return np.broadcast_to(kernel, shape).copy()


def _kaiming_fan(shape: tuple[int, ...], mode: str) -> int:
    return _fans(shape)[mode == "fan_out"]


_MODE = (("mode", "fan_in"),)
INITIALISERS: dict[str, InitialiserKind] = {
    "zeros": InitialiserKind((), _constant(0.0), "All 0."),
    "ones": InitialiserKind((), _constant(1.0), "All 1."),
    "constant": InitialiserKind(
        (("value", None),), lambda _bits, shape, given: np.full(math.prod(shape), float(given[0])), "All the same."
    ),
    "normal": InitialiserKind((("std", None),), _scaled_normal(lambda _shape, std: std), "Normal, of mean 0."),
    "uniform": InitialiserKind((("bound", None),), _scaled_uniform(lambda _shape, bound: bound), "Uniform in ±bound."),
    "truncated_normal": InitialiserKind((("std", None),), _truncated_normal, "Normal within two deviations."),
    "kaiming_normal": InitialiserKind(
        _MODE, _scaled_normal(lambda shape, mode: _RELU_GAIN / math.sqrt(_kaiming_fan(shape, mode))), "He et al. 2015."
    ),
    "kaiming_uniform": InitialiserKind(
        _MODE,
        _scaled_uniform(lambda shape, mode: _RELU_GAIN * math.sqrt(3.0 / _kaiming_fan(shape, mode))),
        "He et al. 2015.",
    ),
    "xavier_normal": InitialiserKind(
        (), _scaled_normal(lambda shape: math.sqrt(2.0 / sum(_fans(shape)))), "Glorot and Bengio 2010."
    ),
    "xavier_uniform": InitialiserKind(
        (), _scaled_uniform(lambda shape: math.sqrt(6.0 / sum(_fans(shape)))), "Glorot and Bengio 2010."
    ),
    "lecun_normal": InitialiserKind(
        (), _scaled_normal(lambda shape: math.sqrt(1.0 / _fans(shape)[0])), "LeCun et al. 1998."
    ),
    "lecun_uniform": InitialiserKind(
        (), _scaled_uniform(lambda shape: math.sqrt(3.0 / _fans(shape)[0])), "LeCun et al. 1998."
    ),
    "bilinear_kernel": InitialiserKind((), _bilinear_kernel, "Linear interpolation, for upsampling."),
    "orthogonal": InitialiserKind((), _orthogonal, "Saxe et al. 2013."),
}
