"""The weights of a caffemodel (caffe.proto: NetParameter), and their places in an imported network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tenfold.adapters.formats.caffe.blobs import Blob, HeldTensor, HeldTensors, Run, blob_fits
from tenfold.adapters.formats.caffe.network_import import CaffeNetwork
from tenfold.adapters.formats.caffe.translation import Recipe, RecipeForm
from tenfold.adapters.formats.caffe.wire import WireReader, damaged, packed_integers
from tenfold.core.errors import BadNetwork
from tenfold.core.networks.layers.kinds import shape_text
from tenfold.core.networks.matching import match_weights

MAX_BYTES = 2**31
MAX_LAYERS = 10_000
MAX_BLOBS = 64
MAX_AXES = 32
_OLD_LAYER, _LAYER = 2, 100
_FLOATS, _SHAPE, _DOUBLES = 5, 7, 8
_OLD_SHAPE = (1, 2, 3, 4)


@dataclass(frozen=True, kw_only=True)
class ImportedWeights:
    """Tensors by path in the imported network, channels first, float32.

    `missing` are paths the file has nothing for, `unexpected` layers of the file that the network has not, `unfit` what
    has another shape, in words.
    """

    tensors: HeldTensors
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    unfit: tuple[str, ...]


def read_caffemodel(content: bytes | memoryview) -> dict[str, tuple[Blob, ...]]:
    """The blobs of each layer that has some, by the layer's name; raises `BadNetwork` for what is damaged.

    Values stay in the file, so that neither a count in it nor its size makes memory be asked for.
    """
    whole = memoryview(content).cast("B")
    if len(whole) > MAX_BYTES:
        text = f"The file has {len(whole):,} bytes; a caffemodel of at most {MAX_BYTES:,} is read."
        raise BadNetwork(text, code="caffe.too-large")
    reader, layers, count = WireReader(), dict[str, tuple[Blob, ...]](), 0
    for number, value, offset, _ in reader.fields(whole):
        if number in {_OLD_LAYER, _LAYER} and isinstance(value, memoryview):
            count += 1
            if count > MAX_LAYERS:
                raise damaged(offset, f"there are more than {MAX_LAYERS:,} layers")
            name, blobs = _layer(reader, value, offset, is_old=number == _OLD_LAYER)
            if blobs:
                layers[name] = blobs
    if not count:
        raise damaged(0, "there is no layer in it")
    return layers


def place_blobs(network: CaffeNetwork, layers: Mapping[str, tuple[Blob, ...]]) -> ImportedWeights:
    """The blobs of a caffemodel as the tensors of an imported network."""
    wanted = {
        f"{node.path}.{name}": weight.shape for node in network.graph.nodes for name, weight in node.weights.items()
    }
    held = {path: HeldTensor(wanted[path], fill=value) for path, value in network.constants.items()}
    owners: dict[str, str] = {}
    for recipe in network.recipes:
        blobs = layers.get(recipe.layer, ())
        factor = _factor(recipe, blobs)
        for path, blob in zip(recipe.tensors, blobs, strict=False):
            held[path] = _held(blob, wanted[path], recipe.form, factor)
            owners[path] = recipe.layer
    match = match_weights(network.graph, {path: tensor.shape for path, tensor in held.items()}, {})
    known = {recipe.layer for recipe in network.recipes} | set(network.names)
    return ImportedWeights(
        tensors=HeldTensors({path: held[path] for path in match.loaded}),
        missing=match.missing,
        unexpected=tuple(name for name in layers if name not in known),
        unfit=tuple(
            f"`{each.path}` is {shape_text(each.wanted)}, but the file has {shape_text(each.given)} for "
            f"`{owners[each.path]}`."
            for each in match.unfit
        ),
    )


def _factor(recipe: Recipe, blobs: tuple[Blob, ...]) -> float:
    """Sums of statistics are divided by their count, which is the third blob of their layer."""
    if recipe.form != "statistics" or len(blobs) < 3 or blobs[2].size != 1:
        return 1.0
    count = blobs[2].first()
    return 1 / count if count else 0.0


def _held(blob: Blob, shape: tuple[int, ...], form: RecipeForm, factor: float) -> HeldTensor:
    """The blob in another shape of as many values, where that only adds or drops axes of 1, or in its own."""
    if form == "filled" and blob.size == 1:
        return HeldTensor(shape, fill=blob.first())
    is_transposed = form == "transposed" and len(shape) == 2
    fits = blob_fits(blob, shape[::-1] if is_transposed else shape)
    given = blob.shape[::-1] if is_transposed else blob.shape
    return HeldTensor(shape if fits else given, blob, factor, is_transposed=is_transposed)


def _layer(reader: WireReader, content: memoryview, offset: int, *, is_old: bool) -> tuple[str, tuple[Blob, ...]]:
    name_number, blobs_number = (4, 6) if is_old else (1, 7)
    name, blobs = "", list[Blob]()
    for number, value, start, _ in reader.fields(content, offset):
        if not isinstance(value, memoryview):
            continue
        if number == name_number:
            name = bytes(value[:1024]).decode("utf-8", "replace")
        elif number == blobs_number:
            if len(blobs) == MAX_BLOBS:
                raise damaged(start, f"a layer has more than {MAX_BLOBS} blobs")
            blobs.append(_blob(reader, value, start))
        elif is_old and number == 1:
            name, inner = _oldest_layer(reader, value, start)
            blobs.extend(inner)
    return name, tuple(blobs)


def _oldest_layer(reader: WireReader, content: memoryview, offset: int) -> tuple[str, list[Blob]]:
    """The layer inside a connection of Caffe's first format: name 1, blobs 50."""
    name, blobs = "", list[Blob]()
    for number, value, start, _ in reader.fields(content, offset):
        if isinstance(value, memoryview) and number == 1:
            name = bytes(value[:1024]).decode("utf-8", "replace")
        elif isinstance(value, memoryview) and number == 50 and len(blobs) < MAX_BLOBS:
            blobs.append(_blob(reader, value, start))
    return name, blobs


def _blob(reader: WireReader, content: memoryview, offset: int) -> Blob:
    old: dict[int, int] = {}
    shape: tuple[int, ...] | None = None
    runs: list[Run] = []
    for number, value, start, tag in reader.fields(content, offset):
        if isinstance(value, int):
            if number in _OLD_SHAPE:
                old[number] = value
        elif number == _SHAPE:
            shape = _shape(reader, value, start)
        elif number in {_FLOATS, _DOUBLES}:
            width = 4 if number == _FLOATS else 8
            if len(value) % (width + tag):
                raise damaged(start, f"{len(value):,} bytes are no row of numbers")
            runs.append(Run(value, width, tag))
    blob = Blob((), tuple(runs))
    if shape is None:
        shape = tuple(old.get(number, 1) for number in _OLD_SHAPE) if old else (blob.size,)
    if math.prod(shape) != blob.size:
        sizes = " x ".join(map(str, shape))
        raise damaged(offset, f"a blob of {sizes[:80]} has {blob.size:,} values")
    return Blob(shape, blob.runs)


def _shape(reader: WireReader, content: memoryview, offset: int) -> tuple[int, ...]:
    sizes: list[int] = []
    for number, value, start, _ in reader.fields(content, offset):
        if number == 1:
            sizes += [value] if isinstance(value, int) else packed_integers(value, start, MAX_AXES)
    if len(sizes) > MAX_AXES:
        raise damaged(offset, f"a blob has more than {MAX_AXES} axes")
    return tuple(sizes)
