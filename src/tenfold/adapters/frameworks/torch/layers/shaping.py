"""Layers that rearrange, cut or enlarge values."""

from __future__ import annotations

import torch
from torch.nn import functional

from tenfold.adapters.frameworks.torch.layers.layer import Layer, flat_pads

_BORDERS = {"zeros": "constant", "reflect": "reflect", "edge": "replicate"}
_LINEAR = ("linear", "bilinear", "trilinear")


class Flatten(Layer):
    """Channels first, whatever the memory layout is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.flatten(x, 1)


class Reshape(Layer):
    """Channels first, whatever the memory layout is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1, *self.arguments["shape"])


class Permute(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, *(axis + 1 for axis in self.arguments["axes"]))


class ToSequence(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2)


class ToImage(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(*x.shape[:2], self.arguments["height"], self.arguments["width"])


class Upsample(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sizes = [size * factor for size, factor in zip(x.shape[2:], self.arguments["factor"], strict=True)]
        if self.arguments["mode"] == "nearest":
            return functional.interpolate(x, size=sizes, mode="nearest")
        return functional.interpolate(x, size=sizes, mode=_LINEAR[x.dim() - 3], align_corners=False)


class Pad(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        border = flat_pads([(wide, wide) for wide in self.arguments["size"]])
        return functional.pad(x, border, mode=_BORDERS[self.arguments["mode"]])


class Slice(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, self.arguments["start"] : self.arguments["stop"]]


class Select(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, self.arguments["index"]]


KINDS: dict[str, type[Layer]] = {
    "flatten": Flatten,
    "reshape": Reshape,
    "permute": Permute,
    "to_sequence": ToSequence,
    "to_image": ToImage,
    "upsample": Upsample,
    "pad": Pad,
    "slice": Slice,
    "select": Select,
}
