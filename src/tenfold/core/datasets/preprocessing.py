"""Preprocessing is data: a versioned list of operations from the original bytes to what the network is given.

    {"version": 1, "operations": [
        {"op": "decode", "orientation": "exif", "transparency": "composite", "background": [255, 255, 255],
         "depth": "scale", "frame": 0, "mode": "rgb"},
        {"op": "resize", "mode": "squash", "width": 224, "height": 224, "filter": "bilinear-antialias",
         "background": [255, 255, 255]},
        {"op": "scale", "divide_by": 255.0},
        {"op": "normalise", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}]}

`decode` and `resize` come first and give uint8; `scale` and `normalise` are there when a model was trained with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from tenfold.core.errors import Invalid

VERSION = 1
Rgb = tuple[int, int, int]
ResizeMode = Literal["squash", "crop", "fill", "half"]


@dataclass(frozen=True, kw_only=True)
class Decode:
    """Original bytes to uint8 HWC: first frame, EXIF orientation applied, 16 bits scaled to 8, alpha composited."""

    op: ClassVar[str] = "decode"
    mode: Literal["grey", "rgb"]
    background: Rgb = (255, 255, 255)
    orientation: Literal["exif"] = "exif"
    transparency: Literal["composite"] = "composite"
    depth: Literal["scale"] = "scale"
    frame: Literal[0] = 0


@dataclass(frozen=True, kw_only=True)
class Resize:
    """To width x height: `crop` cuts to the target's proportions, `fill` pads with the background, `half` does both."""

    op: ClassVar[str] = "resize"
    width: int
    height: int
    mode: ResizeMode = "squash"
    filter: Literal["bilinear-antialias"] = "bilinear-antialias"
    background: Rgb = (255, 255, 255)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """uint8 to float32 by division."""

    op: ClassVar[str] = "scale"
    divide_by: float = 255.0


@dataclass(frozen=True, kw_only=True)
class Normalise:
    """Per channel, minus mean, divided by std."""

    op: ClassVar[str] = "normalise"
    mean: tuple[float, ...]
    std: tuple[float, ...]


Operation = Decode | Resize | Scale | Normalise
_OPERATIONS: dict[str, Callable[..., Operation]] = {cls.op: cls for cls in (Decode, Resize, Scale, Normalise)}
_CHOICES: dict[str, tuple[object, ...]] = {
    "decode.mode": ("grey", "rgb"),
    "decode.orientation": ("exif",),
    "decode.transparency": ("composite",),
    "decode.depth": ("scale",),
    "decode.frame": (0,),
    "resize.mode": ("squash", "crop", "fill", "half"),
    "resize.filter": ("bilinear-antialias",),
}


@dataclass(frozen=True)
class Preprocessing:
    """The operations in their order: decode, resize, then scale and normalise where a model needs them."""

    operations: tuple[Operation, ...]

    def __post_init__(self) -> None:
        order = tuple(operation.op for operation in self.operations)
        if order not in (tuple(_OPERATIONS)[:2], tuple(_OPERATIONS)[:3], tuple(_OPERATIONS)):
            raise _invalid(f"the operations are {', '.join(order) or 'none'}; they are {', '.join(_OPERATIONS)}")
        for operation in self.operations:
            _check(operation, self.channels)

    @property
    def decode(self) -> Decode:
        first = self.operations[0]
        assert isinstance(first, Decode)
        return first

    @property
    def resize(self) -> Resize:
        second = self.operations[1]
        assert isinstance(second, Resize)
        return second

    @property
    def channels(self) -> int:
        return 1 if self.decode.mode == "grey" else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels of a decoded picture."""
        return self.resize.height, self.resize.width, self.channels

    def with_normalisation(self, *, mean: Sequence[float], std: Sequence[float]) -> Preprocessing:
        """The same pictures, scaled to 0..1 and normalised for a network."""
        tail = (Scale(), Normalise(mean=tuple(map(float, mean)), std=tuple(map(float, std))))
        return replace(self, operations=(*self.operations[:2], *tail))

    def to_arrays(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 NHWC pictures to the float32 NCHW arrays that the network is given."""
        arrays = images.astype(np.float32)
        for operation in self.operations[2:]:
            if isinstance(operation, Scale):
                arrays /= np.float32(operation.divide_by)
            elif isinstance(operation, Normalise):
                arrays -= np.asarray(operation.mean, np.float32)
                arrays /= np.asarray(operation.std, np.float32)
        return np.ascontiguousarray(arrays.transpose(0, 3, 1, 2))

    def to_json(self) -> dict[str, Any]:
        listed = [{"op": operation.op, **_plain(operation)} for operation in self.operations]
        return {"version": VERSION, "operations": listed}

    @classmethod
    def from_json(cls, values: object) -> Preprocessing:
        """Preprocessing from what `to_json` gave; raises `Invalid` naming what is wrong."""
        if not isinstance(values, Mapping) or values.get("version") != VERSION:
            version = values.get("version") if isinstance(values, Mapping) else None
            raise _invalid(f"its version is {version!r}; this version reads {VERSION}")
        operations = values.get("operations")
        if not isinstance(operations, list):
            raise _invalid("it has no list of operations")
        return cls(tuple(_operation_from_json(item) for item in operations))


def image_preprocessing(
    *,
    width: int,
    height: int,
    channels: int,
    resize: ResizeMode = "squash",
    background: Rgb = (255, 255, 255),
) -> Preprocessing:
    """Preprocessing from original bytes to stored uint8 pictures."""
    decode = Decode(mode="grey" if channels == 1 else "rgb", background=background)
    return Preprocessing((decode, Resize(width=width, height=height, mode=resize, background=background)))


def _plain(operation: Operation) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(operation).items()}


def _operation_from_json(item: object) -> Operation:
    if not isinstance(item, Mapping) or item.get("op") not in list(_OPERATIONS):
        known = ", ".join(_OPERATIONS)
        raise _invalid(f"{item!r:.80} is no operation; known are {known}")
    about = {key: tuple(value) if isinstance(value, list) else value for key, value in item.items() if key != "op"}
    try:
        return _OPERATIONS[item["op"]](**about)
    except TypeError as error:
        raise _invalid(f"operation {item['op']}: {error}") from error


def _check(operation: Operation, channels: int) -> None:
    for key, value in vars(operation).items():
        where = f"{operation.op}.{key}"
        if where in _CHOICES and (value not in _CHOICES[where] or isinstance(value, bool)):
            raise _invalid(f"{where} is {value!r}; allowed is {', '.join(map(str, _CHOICES[where]))}")
        if key in {"width", "height"} and not (_is_whole(value) and 1 <= value <= 16_384):
            raise _invalid(f"{where} is {value!r}; allowed is 1 to 16384")
        if key == "background" and not _is_colour(value):
            raise _invalid(f"{where} is {value!r}; a colour is three numbers from 0 to 255")
        if key in {"mean", "std"} and not _is_per_channel(value, channels, positive=key == "std"):
            raise _invalid(f"{where} is {value!r}; it has one number a channel, here {channels}, and std is above 0")
        if key == "divide_by" and not _is_per_channel((value,), 1, positive=True):
            raise _invalid(f"{where} is {value!r}; allowed is above 0")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_colour(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and all(_is_whole(part) and 0 <= part <= 255 for part in value)


def _is_per_channel(value: object, channels: int, *, positive: bool) -> bool:
    if not isinstance(value, tuple) or len(value) != channels:
        return False
    numbers = [part for part in value if isinstance(part, int | float) and not isinstance(part, bool)]
    return len(numbers) == channels and all(math.isfinite(part) and (part > 0 or not positive) for part in numbers)


def _invalid(text: str) -> Invalid:
    return Invalid(f"The preprocessing is not valid: {text}.", code="preprocessing.invalid")
