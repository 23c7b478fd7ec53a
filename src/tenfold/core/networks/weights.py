"""Weights that a network begins with: where each source's lie, and what of them a graph takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from tenfold.core.errors import BadNetwork
from tenfold.core.events import Json
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.layers.kinds import shape_text
from tenfold.core.networks.matching import Loaded, match_weights
from tenfold.core.networks.pretraining import Pretrained

Floats = npt.NDArray[np.float32]
MAX_NAMED = 6
WEIGHTS_FILE = "model.safetensors"


@dataclass(frozen=True, kw_only=True)
class PublishedWeights:
    """Weights of a catalogue network that others trained and published.

    `sha256` and `size_bytes` are those of the published file. Pixels of 0 to 1 are normalised with `mean` and `std`,
    one number a channel.
    """

    network: str
    trained_on: str
    licence: str
    sha256: str
    size_bytes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


_HALF = (0.5, 0.5, 0.5)


def _efficientnet_lite(number: int, sha256: str, size_bytes: int) -> PublishedWeights:
    return PublishedWeights(
        network=f"efficientnet_lite{number}",
        trained_on="ImageNet-1k",
        licence="Apache-2.0",
        sha256=sha256,
        size_bytes=size_bytes,
        mean=_HALF,
        std=_HALF,
    )


PUBLISHED: Mapping[str, PublishedWeights] = {
    each.network: each
    for each in (
        _efficientnet_lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18_826_032),
        _efficientnet_lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 21946926),
        _efficientnet_lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 24666229),
    )
}


@dataclass(frozen=True, kw_only=True)
class WeightOrigin:
    """Where a worker finds what a text calls `source`, as in `catalogue:lenet`.

    `folder` is that of a model or of imported weights, relative to the data folder; `place` a folder with the hub's
    layout, whose files lie inside of `inside`, and whose weights come from `address` where that is not empty, which may
    be on one of the `internal_hosts`; its attention has so many `heads`, where that is known. Without either folder the
    weights are published and fetched. Pixels were normalised with `mean` and `std`, where that is known.
    """

    source: str
    folder: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    place: str = ""
    inside: str = ""
    licence: str = ""
    address: str = ""
    internal_hosts: tuple[str, ...] = ()
    heads: int = 0

    def to_json(self) -> dict[str, Json]:
        return cast("dict[str, Json]", asdict(self))

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> WeightOrigin:
        mean, std = (tuple(cast("list[float]", values[name])) for name in ("mean", "std"))
        texts = {
            name: str(values.get(name, "")) for name in ("source", "folder", "place", "inside", "licence", "address")
        }
        hosts = tuple(cast("list[str]", values.get("internal_hosts", [])))
        heads = cast("int", values.get("heads", 0))
        return cls(mean=mean, std=std, internal_hosts=hosts, heads=heads, **texts)


@dataclass(frozen=True, kw_only=True)
class FoundWeights:
    """Weights in a folder of the hub's layout: where it lies and inside of what, its licence and how its pixels were
    normalised, where it says so; `address` is that of weights that are fetched, perhaps from `internal_hosts`. Its
    attention has `heads`, where it has any."""

    place: str
    inside: str
    licence: str = ""
    address: str = ""
    internal_hosts: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    heads: int = 0


def require_same_heads(graph: LayerGraph, origin: WeightOrigin) -> None:
    """Raises `BadNetwork` where attention would cut the same weights into other heads, which no shape tells."""
    for node in graph.nodes:
        if origin.heads and node.kind == "attention" and node.arguments["heads"] != origin.heads:
            text = f"`{node.path}` has {node.arguments['heads']} heads, and {origin.source} was trained with"
            raise BadNetwork(f"{text} {origin.heads}: give it as many.", code="network.pretrained")


class FolderFinder(Protocol):
    """Looks at folders of the hub's layout among those that may be read."""

    def __call__(self, name: str) -> FoundWeights:
        """The folder of a name, which is a path below an allowed one.

        Raises `NotFound` for one that there is not or that lacks a file, `Forbidden` for one that leads out, `Damaged`
        for weights that fit no network of the catalogue.
        """


class WeightOpener(Protocol):
    """Reads the weights of an origin."""

    def __call__(self, origin: WeightOrigin) -> Mapping[str, Floats]:
        """The tensors by path, float32.

        Raises `NotFound` for a model that is gone, `Unavailable` for weights that cannot be fetched, `Damaged` for
        others than were published.
        """


class HubFinder(Protocol):
    """Looks at a repository of the hub."""

    def __call__(self, name: str, revision: str) -> FoundWeights:
        """OWNER/NAME at a revision, which stays the commit that it was first; its weights are not fetched.

        Raises what `FolderFinder` does, and `Unavailable` where the hub does not answer.
        """


@dataclass(frozen=True)
class Carried:
    """Tensors by path that stand in for a network's first ones, and sentences for people about each source."""

    tensors: Mapping[str, Floats]
    told: tuple[str, ...]


def carry_weights(
    graph: LayerGraph, sources: Sequence[tuple[Pretrained, Mapping[str, Floats]]], renamed: Mapping[str, str]
) -> Carried:
    """What a network takes of its sources; of a tensor that several have, the later source's counts.

    Raises `BadNetwork` for a source of which nothing fits, for then it was meant for another network.
    """
    tensors: dict[str, Floats] = {}
    told: list[str] = []
    for source, held in sources:
        shapes = {name: tuple(tensor.shape) for name, tensor in held.items()}
        match = match_weights(graph, shapes, renamed, source.layers, skip=source.skip)
        if not match.loaded:
            text = f"Line {source.line}: nothing of `{source}` fits this network. {_starts_anew(match)}"
            raise BadNetwork(text.rstrip(), code="network.pretrained")
        tensors |= {path: held[name] for path, name in match.loaded.items()}
        num = len(match.loaded) + len(match.missing) + len(match.unfit)
        told.append(f"{len(match.loaded):,} of {num:,} tensors come from {source}. {_starts_anew(match)}".rstrip())
    return Carried(tensors, tuple(told))


def _starts_anew(match: Loaded) -> str:
    """What begins with drawn numbers, and why."""
    unfit = [f"{each.path} (here {shape_text(each.wanted)}, there {shape_text(each.given)})" for each in match.unfit]
    parts = []
    if unfit:
        parts.append(f"Of another shape: {_listed(unfit)}.")
    if match.missing:
        parts.append(f"Not in it: {_listed(match.missing)}.")
    return " ".join([*parts, "These start anew."]) if parts else ""


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
