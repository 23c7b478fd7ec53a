"""Sample datasets: what can be had by name, without a folder of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

SampleLayout = Literal["idx", "cifar-10", "cifar-100"]


@dataclass(frozen=True, kw_only=True)
class SampleDataset:
    """A dataset that anybody may fetch; `md5` are the published checksums of its files.

    `classes` are in the order of its labels; for CIFAR-100, which brings its own names, there are none.
    """

    name: str
    title: str
    description: str
    num_pictures: int
    download_bytes: int
    licence: str
    md5: Mapping[str, str]
    layout: SampleLayout = "idx"
    classes: tuple[str, ...] = tuple("0123456789")


def _idx_files(*md5: str) -> dict[str, str]:
    """Checksums of training pictures, training labels, test pictures and test labels."""
    names = ("train-images", "train-labels", "t10k-images", "t10k-labels")
    kinds = ("idx3", "idx1", "idx3", "idx1")
    return {f"{name}-{kind}-ubyte": each for name, kind, each in zip(names, kinds, md5, strict=True)}


MNIST = SampleDataset(
    name="mnist",
    title="MNIST, handwritten digits",
    description="70,000 grey pictures of 28 × 28 pixels, ten classes; the official 10,000 are the test split.",
    num_pictures=70_000,
    download_bytes=11_594_722,
    licence="Yann LeCun, Corinna Cortes, Christopher Burges; free use with attribution (CC BY-SA 3.0)",
    md5=_idx_files(
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
)
FASHION_MNIST = SampleDataset(
    name="fashion-mnist",
    title="Fashion-MNIST, photos of clothes",
    description="70,000 grey pictures of 28 × 28 pixels, ten kinds of clothes; the official 10,000 are the test split.",
    num_pictures=70_000,
    download_bytes=30_878_645,
    licence="Zalando SE (MIT)",
    md5=_idx_files(
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    classes=(
        "T-shirt or top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)
KMNIST = SampleDataset(
    name="kmnist",
    title="KMNIST, brushed Japanese letters",
    description="70,000 grey pictures of 28 × 28 pixels, ten letters of old books; 10,000 are the test split.",
    num_pictures=70_000,
    download_bytes=21_280_000,
    licence="ROIS-DS Center for Open Data in the Humanities (CC BY-SA 4.0)",
    md5={
        "train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
    },
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
)
CIFAR_10 = SampleDataset(
    name="cifar-10",
    title="CIFAR-10, small photos",
    description="60,000 colour pictures of 32 × 32 pixels, ten classes; the official 10,000 are the test split.",
    num_pictures=60_000,
    download_bytes=170_052_171,
    licence="Alex Krizhevsky, Vinod Nair, Geoffrey Hinton; cite the technical report of 2009",
    md5={"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"},
    layout="cifar-10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
)
CIFAR_100 = SampleDataset(
    name="cifar-100",
    title="CIFAR-100, small photos",
    description="60,000 colour pictures of 32 × 32 pixels, a hundred classes; the official 10,000 are the test split.",
    num_pictures=60_000,
    download_bytes=168_513_733,
    licence="Alex Krizhevsky, Vinod Nair, Geoffrey Hinton; cite the technical report of 2009",
    md5={"cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8"},
    layout="cifar-100",
    classes=(),
)
SAMPLE_DATASETS: Mapping[str, SampleDataset] = {
    sample.name: sample for sample in (MNIST, FASHION_MNIST, KMNIST, CIFAR_10, CIFAR_100)
}


class SampleData(Protocol):
    """Fetches sample datasets into a cache and checks every file against its published checksum."""

    def fetch(self, name: str, *, report: Callable[[str], object]) -> Path:
        """The folder with the checked files; fetched at most once. `report` is told in words what happens.

        Raises `NotFound` for an unknown name, `Unavailable` naming every place that was tried.
        """
        ...
