"""The tensors of a caffemodel: where their values lie in the file, read when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
MOST_AT_ONCE = 2**18


@dataclass(frozen=True)
class Run:
    """Numbers of `width` bytes that lie one after the other, each with `tag` bytes before it."""

    content: memoryview
    width: int
    tag: int = 0

    def __len__(self) -> int:
        return len(self.content) // (self.width + self.tag)

    def values(self, start: int, stop: int) -> npt.NDArray[np.floating]:
        stride = self.width + self.tag
        rows = np.frombuffer(self.content[start * stride : stop * stride], np.uint8).reshape(-1, stride)
        return np.ascontiguousarray(rows[:, self.tag :]).view(f"<f{self.width}").reshape(-1)


@dataclass(frozen=True)
class Blob:
    """A tensor as a file stores it."""

    shape: tuple[int, ...]
    runs: tuple[Run, ...]

    @property
    def size(self) -> int:
        """How many values it has."""
        return sum(len(run) for run in self.runs)

    def blocks(self) -> Iterator[npt.NDArray[np.floating]]:
        """The values in order, `MOST_AT_ONCE` at a time."""
        for run in self.runs:
            for start in range(0, len(run), MOST_AT_ONCE):
                yield run.values(start, start + MOST_AT_ONCE)

    def first(self) -> float:
        """The value of a blob that has one."""
        return float(next(self.blocks())[0])


@dataclass(frozen=True)
class HeldTensor:
    """A tensor of an imported network: the values of a blob, times a factor, or one value everywhere."""

    shape: tuple[int, ...]
    blob: Blob | None = None
    factor: float = 1.0
    fill: float = 0.0
    is_transposed: bool = False

    def blocks(self) -> Iterator[Floats]:
        """The values in order; a transposed matrix is one block."""
        if self.is_transposed:
            yield self.array()
        else:
            yield from self._plain()

    def array(self) -> Floats:
        """The whole tensor, in memory of its own."""
        flat, place = np.empty(math.prod(self.shape), np.float32), 0
        for block in self._plain():
            flat[place : place + len(block)] = block
            place += len(block)
        shaped = flat.reshape(self.shape[::-1] if self.is_transposed else self.shape)
        return np.ascontiguousarray(shaped.T) if self.is_transposed else shaped

    def _plain(self) -> Iterator[Floats]:
        if self.blob is None:
            yield np.full(math.prod(self.shape), self.fill, np.float32)
            return
        for block in self.blob.blocks():
            scaled = block if self.factor == 1 else block * block.dtype.type(self.factor)
            yield scaled.astype(np.float32, copy=False)


class HeldTensors(Mapping[str, Floats]):
    """Tensors by path, each read from the file when it is asked for."""

    def __init__(self, held: Mapping[str, HeldTensor]) -> None:
        self._held = held

    def __getitem__(self, path: str) -> Floats:
        return self._held[path].array()

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {path: tensor.shape for path, tensor in self._held.items()}

    def blocks(self, path: str) -> Iterator[Floats]:
        """The values of one tensor in order, a few at a time."""
        return self._held[path].blocks()


def blob_fits(blob: Blob, shape: tuple[int, ...]) -> bool:
    """Whether two shapes are the same but for axes of 1."""
    return [size for size in blob.shape if size != 1] == [size for size in shape if size != 1]
