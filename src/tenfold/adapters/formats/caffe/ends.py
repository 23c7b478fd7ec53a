"""Where a Caffe network begins and ends: data layers, losses, and the outputs they leave."""

from __future__ import annotations

from collections.abc import Sequence

from tenfold.adapters.formats.caffe.layers import CaffeLayer
from tenfold.adapters.formats.caffe.network_text import Placed
from tenfold.adapters.formats.caffe.prototxt import Message, unreadable
from tenfold.adapters.formats.caffe.translation import Loss, Preprocessing, Translation
from tenfold.core.networks.layers.kinds import Shape

DATA_TYPES = frozenset({"Data", "ImageData", "HDF5Data", "MemoryData", "DummyData", "Input", "WindowData"})
DROPPED = frozenset({"Accuracy", "Silence", "HDF5Output"})
LOSSES = frozenset(
    {
        "SoftmaxWithLoss",
        "SigmoidCrossEntropyLoss",
        "EuclideanLoss",
        "HingeLoss",
        "InfogainLoss",
        "MultinomialLogisticLoss",
        "ContrastiveLoss",
    }
)
MAX_INPUTS = 64
_ASSUMED: Shape = (3, 224, 224)


def declared_sizes(network: Message, layers: Sequence[CaffeLayer]) -> dict[str, Shape]:
    """Sizes of inputs without the batch, where a file or one of its `Input` layers gives them."""
    names, sizes = network.texts("input"), network.integers("input_dim")
    shapes = [shape.integers("dim") for shape in network.messages("input_shape")]
    shapes = shapes or [sizes[start : start + 4] for start in range(0, len(sizes), 4)]
    found = _by_name(names, shapes)
    for layer in layers:
        if layer.type in {"Input", "DummyData"}:
            about = layer.parameters("input" if layer.type == "Input" else "dummy_data")
            shapes = [shape.integers("dim") for shape in about.messages("shape")]
            found |= _by_name(layer.tops, shapes * len(layer.tops) if len(shapes) == 1 else shapes)
    return found


def _by_name(names: Sequence[str], shapes: Sequence[list[int]]) -> dict[str, Shape]:
    pairs = zip(names, shapes, strict=False)
    return {name: tuple(shape[1:]) for name, shape in pairs if 2 <= len(shape) <= 5 and min(shape[1:]) > 0}


def add_input(work: Translation, name: str, about: Message, line: int) -> None:
    """An input of the network, of the size that is asked for, declared, cut to, or assumed."""
    crop = about.integer("crop_size", 0)
    if len(work.images) == MAX_INPUTS:
        raise unreadable(line, f"There are more than {MAX_INPUTS} inputs.")
    shape = work.input_shape or work.sizes.get(name)
    slicer = next((each for each in work.layers if each.type == "Slice" and each.bottoms == (name,)), None)
    if shape is None:
        channels = _channels_for(slicer, None)
        shape = (channels, crop, crop) if crop > 0 else (channels, *_ASSUMED[1:])
        what = (
            f"how many channels `{name}` has: {channels} are"
            if crop > 0
            else f"how large `{name}` is: {_size(shape)} is"
        )
        work.assumed.append(name)
        work.notes.append(f"Line {line}: the file does not say {what} assumed.")
    elif len(shape) == 3 and (channels := _channels_for(slicer, shape[0])) != shape[0]:
        shape = (channels, *shape[1:])
        cut = f"`{name}` holds several pictures, which `{slicer.name[:64]}` cuts apart" if slicer else ""
        work.notes.append(f"Line {line}: {cut}: together they have {channels} channels.")
    placed = work.text.input(name, shape)
    work.blobs[name] = placed
    work.names[name] = placed
    work.images.add(placed)


def _channels_for(slicer: CaffeLayer | None, channels: int | None) -> int:
    """How many channels an input has whose channels a layer cuts, given how many a picture, or it, is said to have.

    A pair of pictures comes as one blob, one upon the other, and a `Slice` takes it apart.
    """
    usual = channels or _ASSUMED[0]
    about = slicer.parameters("slice") if slicer is not None else None
    if slicer is None or about is None or about.integer("slice_dim", about.integer("axis", 1)) != 1:
        return usual
    points, count = about.integers("slice_point"), len(slicer.tops)
    if not points:
        return usual if channels is not None and channels % count == 0 else usual * count
    if len(points) != count - 1 or min(points) < 1 or (channels is not None and channels > max(points)):
        return usual
    return points[-1] + points[0]


def _size(shape: Shape) -> str:
    return " x ".join(map(str, shape))


def add_data(work: Translation, layer: CaffeLayer) -> None:
    """The inputs and labels of a data layer, and what it does to pictures; no file that it names is opened."""
    about = layer.parameters("transform")
    for index, top in enumerate(layer.tops):
        is_label = "label" in top.lower() or (index > 0 and layer.type not in {"Input", "DummyData"})
        if is_label:
            work.labels.add(top)
        else:
            add_input(work, top, about, layer.line)
    if about.fields and not all(top in work.labels for top in layer.tops):
        work.preprocessing = Preprocessing(
            mean_values=tuple(about.numbers("mean_value")),
            mean_file=about.text("mean_file"),
            scale=about.number("scale", 1.0),
            shift=0.0,
            crop_size=about.integer("crop_size", 0),
            is_mirrored=about.flag("mirror", False),
        )


def add_loss(work: Translation, layer: CaffeLayer) -> None:
    """What a loss judges becomes an output; one without weight judges nothing."""
    if layer.body.number("loss_weight", 1.0) == 0:
        return
    judged = [name for name in layer.bottoms if name not in work.labels]
    sources = [source for name in judged if (source := work.blobs.get(name)) is not None]
    if layer.type == "ContrastiveLoss" and len(sources) == 2:
        work.losses.append((layer, work.place(layer, "distance", sources)))
    elif sources:
        work.losses.append((layer, sources[0]))
    else:
        work.leave_out(layer, "what it judges is left out.", passes=False)


def write_outputs(work: Translation) -> tuple[Loss, ...]:
    """The outputs of the text: what losses judge, the last one as the main one, or else what nothing reads."""
    losses: list[Loss] = []
    if work.losses:
        for index, (layer, source) in enumerate(work.losses):
            weight = layer.body.number("loss_weight", 1.0)
            is_main = index == len(work.losses) - 1
            name = _main_name(layer) if is_main else f"{_main_name(layer)}_{layer.name}"
            given: dict[str, object] = {} if is_main else {"training_only": True}
            given |= {"loss_weight": weight} if weight != 1 else {}
            losses.append(Loss(work.text.output(name, source, given), layer.type, weight))
        return tuple(losses)
    leaves = [_without_softmax(work, leaf) for leaf in work.text.leaves()]
    for leaf in leaves:
        name = "found" if leaf.kind == "detection_output" else "logits"
        work.text.output(name if len(leaves) == 1 else leaf.name, leaf, {})
    return ()


def _main_name(layer: CaffeLayer) -> str:
    return {"EuclideanLoss": "values", "ContrastiveLoss": "distance"}.get(layer.type, "logits")


def _without_softmax(work: Translation, leaf: Placed) -> Placed:
    if leaf.kind != "softmax":
        return leaf
    work.notes.append(f"`{leaf.name}` is left out: the softmax of a result is taken by the task.")
    work.text.remove(leaf)
    return leaf.inputs[0]
