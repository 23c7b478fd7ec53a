"""Imports a Caffe network: from the text of a prototxt to a text of our language and a list of what it cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tenfold.adapters.formats.caffe import detection, learned, plain
from tenfold.adapters.formats.caffe.ends import (
    DATA_TYPES,
    DROPPED,
    LOSSES,
    add_data,
    add_input,
    add_loss,
    declared_sizes,
    write_outputs,
)
from tenfold.adapters.formats.caffe.layers import CaffeLayer, in_training, read_layers
from tenfold.adapters.formats.caffe.network_text import NetworkText
from tenfold.adapters.formats.caffe.prototxt import Message, never, read_prototxt, too_much, too_slow
from tenfold.adapters.formats.caffe.translation import (
    Loss,
    Preprocessing,
    Recipe,
    Translation,
    Unsayable,
    Unsupported,
    fault_text,
)
from tenfold.core.errors import BadNetwork
from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.layers.kinds import LayerFault, Shape
from tenfold.core.networks.limits import MAX_TEXT_BYTES

_TRANSLATORS = {**learned.TRANSLATORS, **plain.TRANSLATORS, **detection.TRANSLATORS}
_ASIDE = frozenset({"PriorBox", "DetectionOutput", "MultiBoxLoss", "ArgMax"})
_MAX_UNSUPPORTED = 1000


@dataclass(frozen=True, kw_only=True)
class CaffeNetwork:
    """An imported network.

    `names` maps a Caffe layer to the layer of the text that has its weights or is referred to; `recipes` and
    `constants` say where the tensors of a caffemodel belong and which are fixed by the file. `batch_size` is that of
    its data layer, 0 where the file does not say it.
    """

    name: str
    text: str
    graph: LayerGraph
    names: Mapping[str, str]
    unsupported: tuple[Unsupported, ...]
    notes: tuple[str, ...]
    preprocessing: Preprocessing
    losses: tuple[Loss, ...]
    recipes: tuple[Recipe, ...]
    constants: Mapping[str, float]
    batch_size: int = 0


def import_network(
    content: str | bytes,
    *,
    input_shape: Shape | None = None,
    classes: int = 1000,
    is_late: Callable[[], bool] = never,
) -> CaffeNetwork:
    """The network of a prototxt as it trains: train_val, deploy or both in one, in any of Caffe's three syntaxes.

    `input_shape` (channels, height, width) is the size of its pictures where the file gives none or another;
    `classes` the number of outputs where the file leaves it open. Raises `BadNetwork` for what is no network.
    """
    network = read_prototxt(content, is_late)
    layers = read_layers(network, is_late)
    if not layers:
        text = "There is no layer in it: a network description has `layer { ... }` for each of its layers."
        raise BadNetwork(text, code="caffe.no-layers", line=1)
    work = Translation(
        text=NetworkText(network.text("name"), "imported from Caffe"),
        layers=_used(layers),
        classes=classes,
        sizes=declared_sizes(network, layers),
        input_shape=input_shape,
    )
    _translate(work, network, is_late)
    _note_tested(work, layers)
    losses = write_outputs(work)
    text = work.text.render()
    graph = _graph(text, network, work.assumed, is_late)
    written = work.text.names()
    return CaffeNetwork(
        name=network.text("name"),
        text=text,
        graph=graph,
        names={old: placed.name for old, placed in work.names.items() if placed.name in written},
        unsupported=tuple(work.unsupported),
        notes=tuple(work.notes),
        preprocessing=work.preprocessing,
        losses=losses,
        recipes=tuple(work.recipes),
        constants=dict(work.constants),
        batch_size=_batch_size(work.layers),
    )


def _used(layers: Sequence[CaffeLayer]) -> tuple[CaffeLayer, ...]:
    """The layers of training; where no loss is among them it is a detector's end, too, though it is for testing."""
    trained = in_training(layers)
    has_loss = any(layer.type in LOSSES or layer.type == "MultiBoxLoss" for layer in trained)
    return trained if has_loss else in_training(layers, frozenset({"DetectionOutput"}))


def _batch_size(layers: Sequence[CaffeLayer]) -> int:
    """What the first data layer that says it takes at a time."""
    for layer in layers:
        for name in ("data", "image_data", "hdf5_data", "memory_data") if layer.type in DATA_TYPES else ():
            size = layer.parameters(name).integer("batch_size", 0)
            if size > 0:
                return size
    return 0


def _graph(text: str, network: Message, assumed: Sequence[str], is_late: Callable[[], bool]) -> LayerGraph:
    """The graph of the translated text, whose lines are not those of the file; raises `BadNetwork`."""
    if len(text) > MAX_TEXT_BYTES or is_late():
        raise too_much(network.line, f"The network has {len(text):,} characters in our language: that is too much.")
    meaning = analyse(text, is_late=is_late)
    if meaning.graph is None:
        reasons = " ".join(problem.message for problem in meaning.problems[:3])
        raise too_much(network.line, f"The network as a whole cannot be imported. {reasons}{_remedy(assumed)}")
    return meaning.graph


def _remedy(assumed: Sequence[str]) -> str:
    """What to do where the reason may be a size that nobody said."""
    if not assumed:
        return ""
    names = ", ".join(f"`{name[:64]}`" for name in assumed[:6])
    return f" The file does not say how large {names} is: give the size of its pictures with the import."


def _translate(work: Translation, network: Message, is_late: Callable[[], bool]) -> None:
    for name in network.texts("input"):
        add_input(work, name, Message(network.line), network.line)
    for layer in work.layers:
        if is_late():
            raise too_slow(layer.line)
        if len(work.unsupported) > _MAX_UNSUPPORTED:
            raise too_much(layer.line, f"More than {_MAX_UNSUPPORTED:,} layers up to here are unknown.")
        try:
            _add(work, layer)
        except Unsayable as lack:
            work.leave_out(layer, str(lack), passes=layer.type not in _ASIDE)
        except LayerFault as fault:
            work.leave_out(layer, fault_text(fault, layer.bottoms), passes=False)
    if not work.images or not work.text.leaves():
        reasons = " ".join(str(item) for item in work.unsupported[:3])
        text = f"Nothing of the network can be imported. {reasons}".strip()
        raise BadNetwork(text, code="caffe.nothing", line=1)


def _note_tested(work: Translation, layers: Sequence[CaffeLayer]) -> None:
    used = {id(layer) for layer in work.layers}
    for layer in layers:
        if id(layer) not in used and layer.type not in DATA_TYPES | DROPPED | {"Softmax"}:
            work.note(layer, f"({layer.type}) is there for testing alone and left out.")


def _add(work: Translation, layer: CaffeLayer) -> None:
    if layer.type in DATA_TYPES or (not layer.bottoms and layer.tops):
        if layer.type not in DATA_TYPES:
            work.leave_out(layer, "it makes data in a way of its own; an input stands for it.", passes=False)
        add_data(work, layer)
    elif layer.type in DROPPED:
        return
    elif layer.bottoms and all(name in work.labels for name in layer.bottoms):
        work.labels.update(layer.tops)
    elif layer.type in LOSSES:
        add_loss(work, layer)
    elif layer.type in _TRANSLATORS:
        _TRANSLATORS[layer.type](work, layer)
    else:
        raise Unsayable("there is no layer for it.")
