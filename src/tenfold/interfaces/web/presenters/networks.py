"""Networks as pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tenfold.core.accounts.policy import Actor
from tenfold.core.fields import Field
from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.graph import Node
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.repository import Query
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import plural
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.presenters.runs import run_row
from tenfold.interfaces.web.views import networks as views
from tenfold.interfaces.web.views.forms import text_of

TITLES = {"lenet": "LeNet", "alexnet": "AlexNet"}
ORDINARY: dict[str, object] = {"pad": 0, "dilation": 1, "stride": 1, "groups": 1, "bias": True, "ceil": False}
DECIDED = {"classes"}  # by the dataset


def title(name: str) -> str:
    """A network's name as its authors write it."""
    return TITLES.get(name, name)


def network_row(services: Services, actor: Actor, entry: CatalogueEntry) -> views.NetworkRow:
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
        num_parameters=graph.parameters if graph else 0,
        num_multiply_adds=graph.flops // 2 if graph else 0,
        used_by=_used_by(services, actor, entry.name),
        is_catalogue=True,
        train_url=_train_url(actor, entry.name),
    )


def network_page(services: Services, actor: Actor, entry: CatalogueEntry) -> views.NetworkPage:
    """One network."""
    row = network_row(services, actor, entry)
    meaning = services.networks.meaning(entry.text)
    runs = services.runs.named.page(actor, Query(where={"network": entry.name}, limit=20))
    nodes = meaning.graph.nodes if meaning.graph else ()
    return views.NetworkPage(
        name=entry.name,
        title=row.title,
        about=f"{entry.title}. {entry.paper}" if entry.paper else entry.title,
        text=entry.text,
        input_text=row.input_text,
        layers=tuple(_layer(node, row.num_parameters) for node in nodes),
        parameters=tuple(_parameter(field) for field in meaning.parameters),
        num_parameters=row.num_parameters,
        num_multiply_adds=row.num_multiply_adds,
        is_catalogue=True,
        used_by=row.used_by,
        runs=tuple(run_row(services, actor, run) for run in runs.items),
        train_url=row.train_url,
    )


def input_text(meaning: Analysis) -> str:
    """The shapes of the inputs: `1 × 28 × 28`."""
    return ", ".join(shape_text(each.shape) for each in meaning.inputs)


def shape_text(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{size:,}" for size in shape)


def _layer(node: Node, total: int) -> views.LayerRow:
    return views.LayerRow(
        name=node.path,
        kind=node.kind,
        about=_arguments(node.arguments),
        shape=shape_text(node.shape),
        num_parameters=node.parameters,
        num_multiply_adds=node.flops // 2,
        share=node.parameters / total if total else 0.0,
    )


def _arguments(arguments: Mapping[str, Any]) -> str:
    """What a layer was given and is not the ordinary, as in `out 20, kernel 5 × 5`."""
    told = {name: value for name, value in arguments.items() if not _is_ordinary(name, value)}
    return ", ".join(f"{name} {_value(value)}" for name, value in told.items())


def _is_ordinary(name: str, value: object) -> bool:
    ordinary = ORDINARY.get(name)
    return value is None or (ordinary is not None and all(each == ordinary for each in _flat(value)))


def _flat(value: object) -> list[object]:
    """The numbers of a size, however it is nested."""
    return [each for part in value for each in _flat(part)] if isinstance(value, list | tuple) else [value]


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        flat = _flat(value)
        is_alike = len(flat) > 2 and len(set(flat)) == 1  # the four sides of a frame
        return _value(flat[0]) if is_alike else " × ".join(_value(each) for each in flat)
    return "on" if value is True else text_of(value)


def _parameter(field: Field) -> views.ParameterRow:
    return views.ParameterRow(
        name=field.name,
        default=text_of(field.default),
        allowed=field.range_text() or "on, off",
        help="As many as the dataset has: it decides." if field.name in DECIDED else field.help,
    )


def _used_by(services: Services, actor: Actor, name: str) -> str:
    total = services.runs.named.page(actor, Query(where={"network": name}, limit=1)).total
    return plural(total, "run") if total else ""


def _train_url(actor: Actor, name: str) -> str:
    return f"/runs/new?{urlencode({'network': name})}" if actor.may("run.start") else ""
