"""Networks as pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tenfold.core.accounts.policy import Actor
from tenfold.core.fields import Field
from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.layers.kinds import Argument
from tenfold.core.networks.network import NamedText
from tenfold.core.networks.vocabulary import LAYERS
from tenfold.core.repository import Query
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import plural
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.views import networks as views
from tenfold.interfaces.web.views.forms import text_of

TITLES = {
    "alexnet": "AlexNet",
    "autoencoder": "Autoencoder",
    "char_cnn": "Character CNN",
    "convnext_tiny": "ConvNeXt-T",
    "efficientnet_lite0": "EfficientNet-Lite0",
    "efficientnet_lite1": "EfficientNet-Lite1",
    "efficientnet_lite2": "EfficientNet-Lite2",
    "fcn_alexnet": "FCN-AlexNet",
    "googlenet": "GoogLeNet",
    "lenet": "LeNet",
    "mobilenet_v3_large": "MobileNetV3-L",
    "mobilenet_v3_small": "MobileNetV3-S",
    "resnet18": "ResNet-18",
    "resnet34": "ResNet-34",
    "resnet50": "ResNet-50",
    "siamese": "Siamese pair",
    "text_lstm": "LSTM",
    "unet": "U-Net",
    "vgg11": "VGG-11",
    "vgg16": "VGG-16",
    "vit_tiny": "ViT-Ti",
}
DECIDED = {"classes"}  # by the dataset


def title(name: str) -> str:
    """A network's name as its authors write it."""
    return TITLES.get(name, name)


def network_row(services: Services, actor: Actor, entry: NamedText) -> views.NetworkRow:
    """One line of the list, with the network's own defaults."""
    meaning = services.networks.meaning(entry.text)
    graph = meaning.graph
    return views.NetworkRow(
        name=entry.name,
        url=address("networks", entry.name),
        title=title(entry.name),
        about=entry.title,
        input_text=input_text(meaning),
        num_layers=len(graph.nodes) if graph else 0,
        num_parameters=graph.parameters if graph else _noted_size(entry),
        num_multiply_adds=graph.flops // 2 if graph else 0,
        used_by=_used_by(services, actor, entry),
        is_catalogue=entry.is_catalogue,
        is_draft=graph is None and not is_python(entry.text),
        train_url=_train_url(actor, entry.name) if _can_train(services, actor, entry, graph) else "",
    )


def _can_train(services: Services, actor: Actor, entry: NamedText, graph: LayerGraph | None) -> bool:
    if is_python(entry.text):
        return actor.run_code and services.runs.is_learnable(entry)
    return graph is not None and services.runs.is_learnable(entry)


def _noted_size(entry: NamedText) -> int:
    """The number of parameters of a network without a graph, as of one of Python, once it was inspected."""
    return (entry.version.num_parameters or 0) if entry.version is not None else 0


def input_text(meaning: Analysis) -> str:
    """The shapes of the inputs: `1 × 28 × 28`."""
    return ", ".join(f"{shape_text(each.shape)}{' tokens' if each.vocabulary else ''}" for each in meaning.inputs)


def shape_text(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{size:,}" for size in shape)


def arguments_text(kind: str, arguments: Mapping[str, Any]) -> str:
    """What a layer was given and is not the ordinary, as in `out 20, kernel 5 × 5`."""
    told = {name: value for name, value in arguments.items() if not _is_ordinary(kind, name, value)}
    return ", ".join(f"{name} {_told(kind, name, value)}" for name, value in told.items())


def _told(kind: str, name: str, value: object) -> str:
    """Numbers that are no sizes stand in a row: `ratios 2 0.5`."""
    declared = _declared(kind, name)
    if declared is not None and declared.type == "numbers":
        return " ".join(_value(each) for each in _flat(value))
    return _value(value)


def _is_ordinary(kind: str, name: str, value: object) -> bool:
    declared = _declared(kind, name)
    if declared is None:
        return value is None or value is False
    if isinstance(declared.default, tuple):
        return _flat(value) == _flat(declared.default)
    return value is None or (declared.default is not None and all(each == declared.default for each in _flat(value)))


def _declared(kind: str, name: str) -> Argument | None:
    return LAYERS[kind].argument(name) if kind in LAYERS else None


def _flat(value: object) -> list[object]:
    """The numbers of a size, however it is nested."""
    return [each for part in value for each in _flat(part)] if isinstance(value, list | tuple) else [value]


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        flat = _flat(value)
        is_alike = len(flat) > 2 and len(set(flat)) == 1  # the four sides of a frame
        return _value(flat[0]) if is_alike else " × ".join(_value(each) for each in flat)
    return "on" if value is True else text_of(value)


def parameter_row(field: Field) -> views.ParameterRow:
    return views.ParameterRow(
        name=field.name,
        default=text_of(field.default),
        allowed=field.range_text() or ("on, off" if field.type == "boolean" else "a list of numbers"),
        help="As many as the dataset has: it decides." if field.name in DECIDED else field.help,
    )


def runs_of(entry: NamedText) -> dict[str, object]:
    """What finds the runs of a network: by its id, or by a name of the catalogue."""
    if entry.network is None:
        return {"network": entry.name, "network_id": None}
    return {"network_id": entry.network.id}


def _used_by(services: Services, actor: Actor, entry: NamedText) -> str:
    total = services.runs.named.page(actor, Query(where=runs_of(entry), limit=1)).total
    return plural(total, "run") if total else ""


def _train_url(actor: Actor, name: str) -> str:
    return f"/runs/new?{urlencode({'network': name})}" if actor.may("run.start") else ""
