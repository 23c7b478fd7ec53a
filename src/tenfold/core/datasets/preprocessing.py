"""Preprocessing is data: a versioned list of operations from the original bytes to what the network is given.

    {"version": 1, "operations": [
        {"op": "decode", "orientation": "exif", "transparency": "composite", "background": [255, 255, 255],
         "depth": "scale", "range": [0, 255], "profile": "ignore", "scaling": "full", "channels": 0, "frame": 0,
         "mode": "rgb"},
        {"op": "resize", "mode": "squash", "width": 224, "height": 224, "filter": "bilinear-antialias",
         "background": [255, 255, 255]},
        {"op": "scale", "divide_by": 255.0},
        {"op": "normalise", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}]}

`decode` and `resize` come first and give the pixels that are stored, uint8 unless `depth` says `uint16` or `float32`.
`scale` and `normalise` are there when a model was trained with them.
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
Depth = Literal["scale", "uint16", "float32"]
Profile = Literal["ignore", "srgb"]
Scaling = Literal["full", "dct"]
MAX_CHANNELS = 64
RANGES: Mapping[Depth, tuple[float, float]] = {"scale": (0, 255), "uint16": (0, 65535)}
"""Black and white of the depths that declare them; of `float32` they come from the data."""


@dataclass(frozen=True, kw_only=True)
class Decode:
    """Original bytes to pixels, height x width x channels: first frame, EXIF orientation applied.

    `mode` `all` keeps the file's own `channels`, of which there must be so many; otherwise transparency is composited.
    `depth` `scale` gives uint8, 16 bits scaled; `uint16` keeps 16 bits and scales 8 up; `float32` keeps the file's own
    numbers. `range` are the values that mean black and white. `profile` `srgb` converts by an embedded colour profile.
    `scaling` `dct` lets a JPEG be made smaller by 2, 4 or 8 while it is decoded.
    """

    op: ClassVar[str] = "decode"
    mode: Literal["grey", "rgb", "all"]
    background: Rgb = (255, 255, 255)
    orientation: Literal["exif"] = "exif"
    transparency: Literal["composite"] = "composite"
    depth: Depth = "scale"
    range: tuple[float, float] = (0, 255)
    profile: Profile = "ignore"
    scaling: Scaling = "full"
    channels: int = 0
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
    """Stored pixels to float32 by division."""

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
    "decode.mode": ("grey", "rgb", "all"),
    "decode.orientation": ("exif",),
    "decode.transparency": ("composite",),
    "decode.depth": ("scale", "uint16", "float32"),
    "decode.profile": ("ignore", "srgb"),
    "decode.scaling": ("full", "dct"),
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
        _check_depth(self.decode)

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
        return {"grey": 1, "rgb": 3}.get(self.decode.mode, self.decode.channels)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of stored pixels."""
        return np.dtype(np.uint8 if self.decode.depth == "scale" else self.decode.depth)

    @property
    def span(self) -> float:
        """How far white is from black."""
        return self.decode.range[1] - self.decode.range[0]

    @property
    def is_plain(self) -> bool:
        """Whether the pictures are 8-bit grey or RGB."""
        return self.decode.depth == "scale" and self.decode.mode != "all"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels of a decoded picture."""
        return self.resize.height, self.resize.width, self.channels

    def with_normalisation(self, *, mean: Sequence[float], std: Sequence[float]) -> Preprocessing:
        """The same pictures, divided by their span and normalised for a network; `mean` and `std` are in spans."""
        tail = (Scale(divide_by=self.span), Normalise(mean=tuple(map(float, mean)), std=tuple(map(float, std))))
        return replace(self, operations=(*self.operations[:2], *tail))

    def to_arrays(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Stored NHWC pictures to the float32 NCHW arrays that the network is given."""
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
    **decode: Any,
) -> Preprocessing:
    """Preprocessing from original bytes to stored pictures; `decode` are further attributes of `Decode`."""
    about = {"mode": "grey" if channels == 1 else "rgb", "background": background, **decode}
    about.setdefault("range", RANGES.get(about.get("depth", "scale"), (0, 1)))
    about |= {"channels": channels} if about["mode"] == "all" else {}
    return Preprocessing((Decode(**about), Resize(width=width, height=height, mode=resize, background=background)))


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


def _check_depth(decode: Decode) -> None:
    low_high = decode.range
    if not (_is_per_channel(low_high, 2, positive=False) and low_high[0] < low_high[1]):
        raise _invalid(f"decode.range is {low_high!r}; it is two numbers, the first below the second")
    meant = RANGES.get(decode.depth, low_high)
    if low_high != meant:
        raise _invalid(f"decode.range is {low_high!r}; with depth {decode.depth} it is {meant!r}")
    if not _is_whole(decode.channels) or not (1 if decode.mode == "all" else 0) <= decode.channels <= MAX_CHANNELS:
        raise _invalid(f"decode.channels is {decode.channels!r}; allowed is 1 to {MAX_CHANNELS}, with mode all")
    if decode.profile == "srgb" and (decode.depth != "scale" or decode.mode == "all"):
        raise _invalid("decode.profile is srgb; colour profiles are converted in 8-bit grey or RGB only")


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
