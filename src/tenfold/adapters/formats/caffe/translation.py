"""What is known while a Caffe network is said in Tenfold's language: blobs, names, weights, and what could not be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tenfold.adapters.formats.caffe.layers import CaffeLayer
from tenfold.adapters.formats.caffe.network_text import NetworkText, Placed
from tenfold.core.networks.layers.kinds import LayerFault, Shape

RecipeForm = Literal["plain", "transposed", "statistics", "filled"]

_READS_PRIORS = frozenset({"Concat", "DetectionOutput", "Split"})


class Unsayable(Exception):
    """The language has no words for a layer or one of its settings; the text says for which."""


@dataclass(frozen=True)
class Unsupported:
    """A layer that is not in the text, with the line of the file and the reason."""

    name: str
    type: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"Line {self.line}: `{self.name[:64]}` ({self.type[:64]}) is left out: {self.why}"


@dataclass(frozen=True)
class Recipe:
    """Where the blobs of a layer belong.

    `statistics` are those of BatchNorm, `transposed` is a matrix (in, out), `filled` one value for all channels.
    """

    layer: str
    tensors: tuple[str, ...]
    form: RecipeForm = "plain"


@dataclass(frozen=True)
class Loss:
    """A loss layer and the output of the network that it judges."""

    output: str
    type: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What a data layer does to pictures: value = (pixel - mean) * scale + shift, cut to `crop_size`.

    Means are in the order of the file's channels, for Caffe's tools blue, green, red. A mean file is named, not read.
    """

    mean_values: tuple[float, ...] = ()
    mean_file: str = ""
    scale: float = 1.0
    shift: float = 0.0
    crop_size: int = 0
    is_mirrored: bool = False


@dataclass
class Translation:
    """The state of one import. `blobs` maps a blob to its newest producer, to nothing where that is left out.

    `assumed` are inputs of whose size the file says nothing.
    """

    text: NetworkText
    layers: tuple[CaffeLayer, ...]
    classes: int
    sizes: Mapping[str, Shape]
    input_shape: Shape | None
    blobs: dict[str, Placed | None] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    names: dict[str, Placed] = field(default_factory=dict)
    recipes: list[Recipe] = field(default_factory=list)
    constants: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    unsupported: list[Unsupported] = field(default_factory=list)
    losses: list[tuple[CaffeLayer, Placed]] = field(default_factory=list)
    owners: dict[str, Placed] = field(default_factory=dict)
    merged: dict[str, Placed] = field(default_factory=dict)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    images: set[Placed] = field(default_factory=set)
    priors: set[Placed] = field(default_factory=set)
    _readers: dict[str, list[int]] = field(default_factory=dict)
    _places: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place, layer in enumerate(self.layers):
            self._places[id(layer)] = place
            for bottom in layer.bottoms:
                self._readers.setdefault(bottom, []).append(place)

    def only_reader(self, layer: CaffeLayer) -> CaffeLayer | None:
        """The one layer that reads what a layer gives, where that goes no further or is overwritten by it."""
        top = layer.tops[0] if layer.tops else layer.name
        places = self._readers.get(top, [])
        first = bisect_right(places, self._places[id(layer)])
        if first == len(places):
            return None
        reader = self.layers[places[first]]
        return reader if first == len(places) - 1 or top in reader.tops else None

    def reads_alone(self, layer: CaffeLayer) -> bool:
        """Whether no other layer reads what a layer reads."""
        return all(len(self._readers[bottom]) == 1 for bottom in layer.bottoms)

    def inputs(self, layer: CaffeLayer) -> list[Placed]:
        """What a layer reads; raises `Unsayable` where that was left out or is not there."""
        found = []
        for bottom in layer.bottoms:
            if bottom not in self.blobs:
                raise Unsayable(f"no layer above it gives `{bottom[:64]}`.")
            source = self.blobs[bottom]
            if source is None:
                raise Unsayable(f"it needs `{bottom[:64]}`, which is left out.")
            if source in self.priors and layer.type not in _READS_PRIORS:
                raise Unsayable(f"it reads the prior boxes `{bottom[:64]}`, but only DetectionOutput does.")
            found.append(source)
        if not found:
            raise Unsayable("it reads no other layer.")
        return found

    def source(self, layer: CaffeLayer) -> Placed:
        """The one layer that a layer reads; raises `Unsayable`."""
        found = self.inputs(layer)
        if len(found) > 1:
            raise Unsayable(f"it reads {len(found)} layers, but one is understood.")
        return found[0]

    def place(
        self,
        layer: CaffeLayer,
        kind: str,
        inputs: Sequence[Placed] | Placed,
        arguments: Mapping[str, object] | None = None,
        suffix: str = "",
    ) -> Placed:
        """A layer of the text; without `suffix` it is the one that has the Caffe layer's name."""
        sources = [inputs] if isinstance(inputs, Placed) else inputs
        placed = self.text.place(layer.name + suffix, kind, sources, arguments or {})
        if not suffix:
            self.names[layer.name] = placed
        return placed

    def gives(self, layer: CaffeLayer, placed: Placed | None) -> None:
        """Makes a layer of the text the producer of a Caffe layer's blobs."""
        for top in layer.tops or (layer.name,):
            self.blobs[top] = placed

    def vector(self, layer: CaffeLayer, source: Placed) -> Placed:
        """The source as a vector, flattened where it is none."""
        return source if len(source.shape) == 1 else self.place(layer, "flatten", source, suffix="_flatten")

    def note(self, layer: CaffeLayer, what: str) -> None:
        self.notes.append(f"Line {layer.line}: `{layer.name[:64]}` {what}")

    def leave_out(self, layer: CaffeLayer, why: str, *, passes: bool) -> None:
        """Names a layer as unsupported; what reads it gets its input, or nothing."""
        self.unsupported.append(Unsupported(layer.name, layer.type, layer.line, why))
        source = self.blobs.get(layer.bottoms[0]) if passes and len(layer.bottoms) == 1 else None
        self.gives(layer, source)


def fault_text(fault: LayerFault, inputs: Sequence[str]) -> str:
    """The message of a fault with the names of the layer's inputs."""
    text = fault.message
    for index, name in enumerate(inputs):
        text = text.replace(f"{{{index}}}", f"`{name}`").replace(f"{{name{index}}}", name)
    return text
