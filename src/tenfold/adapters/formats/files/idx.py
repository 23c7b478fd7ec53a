"""IDX files, as MNIST is published: pictures and labels as one array each (yann.lecun.com/exdb/mnist).

A picture is offered as the bytes of a binary PGM file, so that everything behind it works as with files.
"""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenfold.core.datasets.model import Split
from tenfold.core.datasets.ports import Find, ShouldStop, SourceFile, UInt8Array, never
from tenfold.core.errors import BadDataset, BadImage

FILES: dict[Split, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


class IdxSource:
    """Fulfils `SampleSource` over a folder with the four files of MNIST or its like, plain or gzipped."""

    files: None = None

    def __init__(self, folder: Path, classes: Sequence[str] = tuple("0123456789")) -> None:
        self._classes = tuple(classes)
        self._images: dict[Split, UInt8Array] = {}
        self._labels: dict[Split, UInt8Array] = {}
        for split, (images, labels) in FILES.items():
            self._images[split] = read_idx(folder / images, axes=3)
            self._labels[split] = read_idx(folder / labels, axes=1)
            if len(self._images[split]) != len(self._labels[split]):
                raise _damaged(f"{images} and {labels} differ in length")
            if len(self._labels[split]) and self._labels[split].max() >= len(self._classes):
                raise _damaged(f"{labels} has a label over {len(self._classes) - 1}")

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:  # noqa: ARG002
        for split, labels in sorted(self._labels.items()):
            for number, label in enumerate(labels.tolist()):
                yield SourceFile(f"{split}/{number:05d}.pgm", self._classes[label], split if use_splits else None)

    def read(self, path: str) -> bytes:
        split, _, number = path.partition("/")
        try:
            pixels = self._images[split][int(number.removesuffix(".pgm"))]  # type: ignore[index]
        except (KeyError, ValueError, IndexError):
            raise BadImage(f"There is no picture {path}.", code="file.vanished") from None
        header = f"P5 {pixels.shape[1]} {pixels.shape[0]} 255\n"
        return header.encode() + bytes(pixels.data)

    def write_class_folders(self, destination: Path, *, limit: int | None = None) -> int:
        """Writes the training pictures as PNG into a folder per class; returns how many."""
        images, labels = self._images["train"][:limit], self._labels["train"][:limit]
        for name in self._classes:
            (destination / name).mkdir(parents=True, exist_ok=True)
        for number, (pixels, label) in enumerate(zip(images, labels.tolist(), strict=True)):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG")
            (destination / self._classes[label] / f"{number:05d}.png").write_bytes(buffer.getvalue())
        return len(labels)


def read_idx(path: Path, *, axes: int) -> UInt8Array:
    """An IDX file of unsigned bytes with this many axes, memory-mapped unless it is `path` with `.gz` behind it."""
    packed = path.with_name(f"{path.name}.gz")
    if not path.is_file() and packed.is_file():
        with gzip.open(packed) as file:
            return _as_array(np.frombuffer(file.read(), np.uint8), axes, packed.name)
    if not path.is_file():
        raise BadDataset(f"The file {path.name} is missing.", code="dataset.no-idx")
    if path.stat().st_size < 4 + 4 * axes:
        raise _damaged(f"{path.name} is too short")
    return _as_array(np.memmap(path, np.uint8, "r").view(np.ndarray), axes, path.name)


def _as_array(content: npt.NDArray[np.uint8], axes: int, name: str) -> UInt8Array:
    head = 4 + 4 * axes
    if content[:4].tolist() != [0, 0, 8, axes]:
        raise _damaged(f"{name} is no IDX file of unsigned bytes with {axes} axes")
    shape: tuple[Any, ...] = tuple(content[4:head].view(">u4").tolist())
    if len(content) != head + math.prod(shape):
        raise _damaged(f"{name} holds {len(content) - head} bytes, not {math.prod(shape)}")
    return content[head:].reshape(shape)


def _damaged(text: str) -> BadDataset:
    return BadDataset(f"The IDX files cannot be used: {text}.", code="dataset.idx-damaged")
