"""Sample datasets: what can be had by name, without a folder of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class SampleDataset:
    """A dataset that anybody may fetch; `md5` are the published checksums of its files."""

    name: str
    title: str
    description: str
    num_pictures: int
    download_bytes: int
    licence: str
    md5: Mapping[str, str]


MNIST = SampleDataset(
    name="mnist",
    title="MNIST, handwritten digits",
    description="70,000 grey pictures of 28 × 28 pixels, ten classes; the official 10,000 are the test split.",
    num_pictures=70_000,
    download_bytes=11_594_722,
    licence="Yann LeCun, Corinna Cortes, Christopher Burges; free use with attribution (CC BY-SA 3.0)",
    md5={
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
)
SAMPLE_DATASETS: Mapping[str, SampleDataset] = {sample.name: sample for sample in (MNIST,)}


class SampleData(Protocol):
    """Fetches sample datasets into a cache and checks every file against its published checksum."""

    def fetch(self, name: str, *, report: Callable[[str], object]) -> Path:
        """The folder with the checked files; fetched at most once. `report` is told in words what happens.

        Raises `NotFound` for an unknown name, `Unavailable` naming every place that was tried.
        """
        ...
