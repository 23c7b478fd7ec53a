"""CIFAR-10 and CIFAR-100 in their binary form (cs.toronto.edu/~kriz/cifar.html): label bytes, then 3 x 32 x 32 pixels.

A picture is offered as the bytes of a binary PPM file, so that everything behind it works as with files.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tenfold.core.datasets.model import Split
from tenfold.core.datasets.ports import Find, ShouldStop, SourceFile, UInt8Array, never
from tenfold.core.errors import BadDataset, BadImage

SIDE = 32
PIXELS = 3 * SIDE * SIDE
MAX_MEMBER_BYTES = 512 << 20
TEN: dict[Split, tuple[str, ...]] = {
    "train": tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("cifar-10-batches-bin/test_batch.bin",),
}
HUNDRED: dict[Split, tuple[str, ...]] = {
    "train": ("cifar-100-binary/train.bin",),
    "test": ("cifar-100-binary/test.bin",),
}
NAMES_OF_HUNDRED = "cifar-100-binary/fine_label_names.txt"


class CifarSource:
    """Fulfils `SampleSource` over unpacked binary files; records have `label_bytes`, of which the last is the class."""

    files: None = None

    def __init__(self, files: dict[Split, list[Path]], classes: Sequence[str], *, label_bytes: int) -> None:
        self._classes = tuple(classes)
        self._label_bytes = label_bytes
        self._records = {split: [self._map(path) for path in paths] for split, paths in files.items()}

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        for split, parts in sorted(self._records.items()):
            for part, records in enumerate(parts):
                for number, label in enumerate(records[:, self._label_bytes - 1].tolist()):
                    if should_stop():
                        return
                    path = f"{split}/{part}/{number:05d}.ppm"
                    yield SourceFile(path, self._classes[label], split if use_splits else None)

    def read(self, path: str) -> bytes:
        split, _, rest = path.partition("/")
        part, _, number = rest.partition("/")
        try:
            record = self._records[split][int(part)][int(number.removesuffix(".ppm"))]  # type: ignore[index]
        except (KeyError, ValueError, IndexError):
            raise BadImage(f"There is no picture {path}.", code="file.vanished") from None
        pixels: bytes = record[self._label_bytes :].reshape(3, SIDE, SIDE).transpose(1, 2, 0).tobytes()
        return f"P6 {SIDE} {SIDE} 255\n".encode() + pixels

    def _map(self, path: Path) -> UInt8Array:
        size = self._label_bytes + PIXELS
        content = np.memmap(path, np.uint8, "r").view(np.ndarray) if path.stat().st_size else np.empty(0, np.uint8)
        if not len(content) or len(content) % size:
            raise _damaged(f"{path.name} holds {len(content)} bytes, no multiple of {size}")
        records = content.reshape(-1, size)
        largest = int(records[:, self._label_bytes - 1].max())
        if largest >= len(self._classes):
            raise _damaged(f"{path.name} has the label {largest}; there are {len(self._classes)} classes")
        return records


def open_cifar(archive: Path, work: Path, classes: Sequence[str]) -> CifarSource:
    """The source over the published archive, unpacked into `work` once. Without `classes` it is CIFAR-100.

    Raises `BadDataset` for an archive that is not the published one.
    """
    members = TEN if classes else HUNDRED
    names = [name for each in members.values() for name in each] + ([] if classes else [NAMES_OF_HUNDRED])
    try:
        with tarfile.open(archive) as opened:
            for name in names:
                _unpack(opened, name, work)
    except (OSError, EOFError, KeyError, zlib.error, tarfile.TarError) as error:
        raise _damaged(f"{archive.name}: {error}") from error
    files = {split: [work / Path(name).name for name in each] for split, each in members.items()}
    found = list(classes) or (work / Path(NAMES_OF_HUNDRED).name).read_text("utf-8").split()
    return CifarSource(files, found, label_bytes=1 if classes else 2)


def _unpack(opened: tarfile.TarFile, name: str, work: Path) -> None:
    """Copies one member under its own last name; it is there as a whole or not at all."""
    target = work / Path(name).name
    if target.exists():
        return
    member = opened.getmember(name)
    content = opened.extractfile(member) if member.isfile() and member.size <= MAX_MEMBER_BYTES else None
    if content is None:
        raise KeyError(f"{name} is no file")
    part = target.with_name(f".{target.name}.part")
    with part.open("wb") as file:
        while block := content.read(1 << 20):
            file.write(block)
    part.replace(target)


def _damaged(text: str) -> BadDataset:
    return BadDataset(f"The CIFAR files cannot be used: {text}.", code="dataset.cifar-damaged")
