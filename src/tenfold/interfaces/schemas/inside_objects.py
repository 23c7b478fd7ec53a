"""What the REST API says of the inside of networks."""

from __future__ import annotations

from tenfold.interfaces.schemas.objects import Schema


class Tiles(Schema):
    """A PNG of values: `shown` of `total` tiles of `height` by `width` values, `columns` in a row, gaps of one pixel.

    `every` tells that of each axis only every so manieth value is shown; `scale` is `from-low`, from the lowest value
    to the highest, or `around-zero`. `picture` is the width and height of the PNG in pixels.
    """

    file: str
    picture: tuple[int, int]
    shown: int
    total: int
    height: int
    width: int
    columns: int
    every: int
    scale: str


class SeenValues(Schema):
    """An array: facts of its finite values, the number of `strange` others, and 32 equal steps from low to high."""

    name: str = ""
    shape: list[int]
    mean: float
    std: float
    low: float
    high: float
    zeros: float
    strange: int
    histogram: list[int]
    tiles: Tiles


class SeenLayer(Schema):
    """A layer: its output for the picture, and its tensors; `shared_with` names the layer whose tensors it uses."""

    number: int
    path: str
    kind: str
    parameters: int
    shared_with: str
    activation: SeenValues
    weights: list[SeenValues]


class Inside(Schema):
    """What is seen inside a network so far; `state` is `waiting`, `running`, `finished` or `failed`.

    `total` counts the layers, 0 until the first is seen; `sample` is the index of the picture, null for one that was
    sent; `step` is the checkpoint's, null for a model.
    """

    id: str
    state: str
    message: str
    total: int
    sample: int | None
    step: int | None
    layers: list[SeenLayer]
