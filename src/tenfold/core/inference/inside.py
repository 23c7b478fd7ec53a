"""Looking inside a network: what a worker is asked, with a picture that is ready for the network."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.ports import PixelArray
from tenfold.core.events import Json
from tenfold.core.networks.graph import LayerGraph


@dataclass(frozen=True, kw_only=True)
class InsideJob:
    """A published model, by its folder, or a checkpoint of a run, by its job's folder and the `step`.

    Folders are relative to the data folder. `pixels` are those of a picture as datasets store it, `shape` is its
    height, width and channels, `dtype` the type of its values; `sample` is its index, of one that was not sent.
    """

    model_folder: str = ""
    job_folder: str = ""
    step: int | None = None
    sample: int | None = None
    task: str = "classification"
    parameters: dict[str, Json]
    pixels: str
    shape: tuple[int, int, int]
    dtype: str

    def picture(self) -> PixelArray:
        """The picture, height x width x channels."""
        values: PixelArray = np.frombuffer(base64.b64decode(self.pixels), np.dtype(self.dtype)).reshape(self.shape)
        return values

    def to_json(self) -> dict[str, Json]:
        return {"kind": "inside", **cast("dict[str, Json]", asdict(self)), "shape": [*self.shape]}

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> InsideJob:
        known = {name: value for name, value in values.items() if name != "kind"}
        height, width, channels = cast("list[int]", known.pop("shape"))
        return cls(shape=(height, width, channels), **known)  # type: ignore[arg-type]


def packed_picture(picture: PixelArray) -> dict[str, Any]:
    """The fields of an `InsideJob` that hold a picture (H, W, C)."""
    return {
        "pixels": base64.b64encode(np.ascontiguousarray(picture).tobytes()).decode("ascii"),
        "shape": picture.shape,
        "dtype": picture.dtype.name,
    }


class LayerWalker(Protocol):
    """Runs a network on one sample and gives the output of each layer as it is computed, in the graph's order."""

    def __call__(
        self, graph: LayerGraph, weights: Mapping[str, npt.NDArray[np.float32]], sample: npt.NDArray[np.float32]
    ) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
        """`sample` is 1 x channels x height x width, normalised; outputs are without the batch."""
