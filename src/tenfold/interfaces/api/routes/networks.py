"""Networks over REST: the catalogue, those that people keep with their versions, and what texts mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.fields import parse_spec
from tenfold.core.networks.analysis import LANGUAGE
from tenfold.core.networks.custom import as_python
from tenfold.core.networks.network import Network
from tenfold.core.networks.operation import Operation
from tenfold.core.networks.statement_schema import statement_schema
from tenfold.core.repository import Query as Listed
from tenfold.interfaces.api import present_networks as present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.bodies import JsonBody, described, json_object
from tenfold.interfaces.api.lists import ListQuery
from tenfold.interfaces.api.network_files import import_form
from tenfold.interfaces.api.routes.datasets import change
from tenfold.interfaces.schemas import network_objects as objects
from tenfold.interfaces.schemas.language import vocabulary
from tenfold.interfaces.schemas.objects import Change, Page
from tenfold.interfaces.schemas.requests import network_import_request, text_edit_request
from tenfold.interfaces.services import Services
from tenfold.services.inspections import Wish

router = APIRouter(tags=["networks"])


@router.get("/networks", dependencies=[Depends(Access("read"))])
def list_networks(query: ListQuery, caller: CallerNow, services: ServicesNow) -> Page[objects.Network]:
    """Those that people keep, newest first, then the catalogue."""
    found = services.networks.page(caller, query)
    items = [
        _kept(services, caller, each)
        if isinstance(each, Network)
        else present.shipped(each, services.networks.meaning(each.text))
        for each in found.items
    ]
    return Page(items=items, cursor=found.cursor, total=found.total)


@router.post(
    "/networks",
    status_code=201,
    dependencies=[Depends(Access("network.create"))],
    openapi_extra=described(objects.NewNetwork.model_json_schema()),
)
def create_network(
    caller: CallerNow,
    services: ServicesNow,
    body: Annotated[objects.NewNetwork, Depends(JsonBody(objects.NewNetwork))],
) -> objects.NetworkDetail:
    """Keeps a text, or a copy of something; a text with mistakes is kept as a draft."""
    if (body.text is None) == (body.copy_of is None):
        text = "Give a text or what to copy, one of the two."
        raise InvalidFields([Problem("text", text, "required")])
    if body.copy_of is not None:
        made = services.network_copies.copy_of(caller, body.copy_of, name=body.name)
    else:
        text = body.text or ""
        made = services.networks.create(caller, body.name, as_python(text) if body.language == "python" else text)
    return show_network(made.id, caller, services)


@router.post(
    "/networks/check",
    dependencies=[Depends(Access("read"))],
    openapi_extra=described(objects.TextToCheck.model_json_schema()),
)
def check_text(
    services: ServicesNow, body: Annotated[objects.TextToCheck, Depends(JsonBody(objects.TextToCheck))]
) -> objects.NetworkLook:
    """What a text means, with every mistake at its line; nothing is kept."""
    networks = services.networks
    parameters = networks.parse_parameters(body.text, body.parameters, {}) if body.parameters else {}
    return present.look(networks.look(body.text, parameters, tuple(body.input_shape or ())))


@router.post(
    "/networks/format",
    dependencies=[Depends(Access("read"))],
    openapi_extra=described(objects.TextAlone.model_json_schema()),
)
def format_text(
    services: ServicesNow, body: Annotated[objects.TextAlone, Depends(JsonBody(objects.TextAlone))]
) -> objects.FormattedText:
    """A text in the usual layout; nothing is kept."""
    return objects.FormattedText(text=services.networks.format(body.text))


@router.post(
    "/networks/statements",
    dependencies=[Depends(Access("read"))],
    openapi_extra=described(objects.TextAlone.model_json_schema()),
)
def read_statements(
    services: ServicesNow, body: Annotated[objects.TextAlone, Depends(JsonBody(objects.TextAlone))]
) -> objects.Statements:
    """A text as its statements with their comments and places, as `/language/schema` describes; nothing is kept."""
    return objects.Statements.model_validate(services.networks.statements(body.text))


@router.get("/language", dependencies=[Depends(Access("read"))])
def show_language() -> objects.Language:
    """What the network language knows: kinds of layers with their arguments, inputs, functions, initialisers, words."""
    return objects.Language(number=LANGUAGE, **vocabulary())


@router.get("/language/schema", dependencies=[Depends(Access("read"))])
def show_statement_schema() -> dict[str, Any]:
    """The JSON schema of a text's statements."""
    return statement_schema()


@router.post("/networks/edit", dependencies=[Depends(Access("read"))], openapi_extra=described(text_edit_request()))
async def edit_text(request: Request, services: ServicesNow) -> objects.EditedText:
    """A text after an operation on one of its layers; nothing is kept."""
    body = await json_object(request)
    text = body.pop("text", None)
    if not isinstance(text, str):
        raise InvalidFields([Problem("text", "text is a text, and is needed.", "required")])
    operation = parse_spec(Operation, body)
    return present.edited(await run_in_threadpool(services.networks.edit, text, operation))


@router.post(
    "/networks/import",
    status_code=201,
    dependencies=[Depends(Access("network.create"))],
    openapi_extra=network_import_request(),
)
async def import_network(request: Request, caller: CallerNow, services: ServicesNow) -> objects.NetworkDetail:
    """Makes a network of Caffe's files, or of a text with its weights; `imported` says what the text does not."""
    async with import_form(request) as sent:
        importing = services.network_imports.import_files
        made = await run_in_threadpool(importing, caller, sent.files, sent.values, name=sent.name or None)
    return await run_in_threadpool(show_network, made.id, caller, services)


@router.get("/networks/{name}", dependencies=[Depends(Access("read"))])
def show_network(name: str, caller: CallerNow, services: ServicesNow) -> objects.NetworkDetail:
    """One network with its text; `NAME@3` is its third version."""
    found = services.networks.find(caller, name)
    origin = services.network_copies.origin_name(caller, found.network) if found.network is not None else ""
    used_by = services.networks.named.used_by(caller, found.network) if found.network is not None else None
    return present.detail(found, services.networks.meaning(found.text), origin=origin, used_by=used_by)


@router.post(
    "/networks/{name}/inspect",
    dependencies=[Depends(Access("network.create"))],
    openapi_extra=described(objects.InspectionWish.model_json_schema()),
)
def inspect_network(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    body: Annotated[objects.InspectionWish, Depends(JsonBody(objects.InspectionWish))],
) -> objects.Inspection:
    """What is in a network of Python, which a worker executes: ask again until it is `finished` or `failed`."""
    shape = tuple(body.input_shape or ())
    wish = Wish(dataset=body.dataset, input_shape=shape, parameters=body.parameters)
    return present.inspection(name, services.inspections.ask(caller, name, wish))


@router.get("/networks/{name}/inspection", dependencies=[Depends(Access("read"))])
def show_inspection(
    name: str, caller: CallerNow, services: ServicesNow, dataset: Annotated[str, Query(max_length=200)] = ""
) -> objects.Inspection:
    """What is known of a network of Python; nothing is executed for it."""
    return present.inspection(name, services.inspections.known(caller, name, Wish(dataset=dataset)))


@router.patch(
    "/networks/{name}",
    dependencies=[Depends(Access("network.change"))],
    openapi_extra=described(Change.model_json_schema()),
)
def change_network(
    name: str, caller: CallerNow, services: ServicesNow, body: Annotated[Change, Depends(JsonBody(Change))]
) -> objects.Network:
    """Renames, notes or tags."""
    return _kept(services, caller, change(services.networks.named, caller, name, body))


@router.delete("/networks/{name}", dependencies=[Depends(Access("network.change"))])
def trash_network(name: str, caller: CallerNow, services: ServicesNow) -> objects.Network:
    """Puts it in the trash."""
    return _kept(services, caller, services.networks.named.trash(caller, name))


@router.post("/networks/{name}/restore", dependencies=[Depends(Access("network.change"))])
def restore_network(name: str, caller: CallerNow, services: ServicesNow) -> objects.Network:
    """Takes it out of the trash; `name` is its id."""
    return _kept(services, caller, services.networks.named.restore(caller, name))


@router.get("/networks/{name}/versions", dependencies=[Depends(Access("read"))])
def list_versions(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    cursor: Annotated[str, Query(max_length=500)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Page[objects.NetworkVersion]:
    """The versions of a network, newest first, with the runs that trained them."""
    network = services.networks.named.get(caller, name)
    found = services.networks.history(caller, network, Listed(sort="number", cursor=cursor, limit=limit))
    runs = services.networks.runs_of(caller, found.items)
    items = [present.version(network, each, runs[each.number]) for each in found.items]
    return Page(items=items, cursor=found.cursor, total=found.total)


@router.post(
    "/networks/{name}/versions",
    status_code=201,
    dependencies=[Depends(Access("network.change"))],
    openapi_extra=described(objects.NewVersion.model_json_schema()),
)
async def save_network(name: str, request: Request, caller: CallerNow, services: ServicesNow) -> objects.NetworkVersion:
    """Keeps a text as the next version and makes it current."""
    network = await run_in_threadpool(services.networks.changeable, caller, name)
    body = await JsonBody(objects.NewVersion)(request)
    made = await run_in_threadpool(lambda: services.networks.save(caller, network.id, body.text, on=body.on))
    return present.version(replace(network, current=made.id), made, ())


@router.get("/networks/{name}/difference", dependencies=[Depends(Access("read"))])
def compare_network(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    against: Annotated[str, Query(max_length=200)] = "",
) -> objects.NetworkDifference:
    """A network, `NAME@3` its third version, against `@2`, `origin`, or the name of anything that can be copied.

    Without `against`: the version before, or what it came from.
    """
    return present.compared(name, services.network_copies.difference(caller, name, against))


def _kept(services: Services, caller: Actor, network: Network) -> objects.Network:
    return present.kept(network, origin=services.network_copies.origin_name(caller, network))
