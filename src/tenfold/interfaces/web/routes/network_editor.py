"""What the editor of a network asks for while somebody types: problems, parts of the page, and edits of the text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from tenfold.core.fields import parse_spec
from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.editing.edits import apply_edits, between
from tenfold.core.networks.limits import MAX_TEXT_BYTES
from tenfold.core.networks.operation import Operation
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.schemas.language import vocabulary
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.presenters.language import language_page
from tenfold.interfaces.web.presenters.layer_operations import leads_to
from tenfold.interfaces.web.presenters.network_difference import difference_view
from tenfold.interfaces.web.presenters.network_editor import Looking, editor_view
from tenfold.interfaces.web.site import FormNow, SiteNow, lead
from tenfold.interfaces.web.views.frame import Page
from tenfold.interfaces.web.views.network_editor import EditorPage
from tenfold.interfaces.web.views.networks import DraftPage
from tenfold.services.network_copies import checked_source
from tenfold.services.network_texts import NetworkTexts

router = APIRouter(include_in_schema=False)
MAX_GROUPS = 2000
MAX_ADDRESS = 2000  # of a name of 120 characters, each written with 12
Short = Annotated[str, Field(max_length=4096)]
Text = Annotated[str, Field(max_length=MAX_TEXT_BYTES * 2)]


class Asked(BaseModel):
    """A text as it stands in the editor, and how its page is looked at."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(max_length=MAX_ADDRESS, pattern=r"^/networks/[^?#]+$")]
    text: Text
    opened: Annotated[list[Short], Field(max_length=MAX_GROUPS)] = []
    folded: Annotated[list[Short], Field(max_length=MAX_GROUPS)] = []
    layer: Short = ""
    line: Annotated[int, Field(ge=0, le=10**6)] = 0


class AskedText(BaseModel):
    """A text as it stands in the editor."""

    model_config = ConfigDict(extra="forbid")

    text: Text


class AskedEdit(AskedText):
    """One operation on the layer of a line, in the fields of `Operation`."""

    model_config = ConfigDict(extra="allow")

    line: Annotated[int, Field(ge=1, le=10**6)]


class AskedDifference(AskedText):
    """A text that is not saved, of the network of a name, and what it is compared with."""

    name: Short
    against: Short = ""


class AskedSave(BaseModel):
    """A text to keep, under the name of the network that it is shown under."""

    model_config = ConfigDict(extra="forbid")

    name: Short
    text: Text
    current: Short = ""


@router.post("/networks/-/look", dependencies=[Depends(Access("read"))])
def look(asked: Asked, services: ServicesNow, site: SiteNow) -> dict[str, Any]:
    """What a text means: its problems as data, and the parts of the page that follow from it."""
    return answer(asked, services.networks.look(asked.text), site.part)


def answer(asked: Asked, meaning: Analysis, part: Callable[[Page, str], str]) -> dict[str, Any]:
    """The same of a meaning that is known; `part` renders one block of a page."""
    folds = frozenset(asked.opened), frozenset(asked.folded)
    looking = Looking(asked.address, *folds, asked.layer, asked.line, is_live=True)
    page = EditorPage(editor=editor_view(asked.text, meaning, looking))
    return {
        "problems": [problem.to_json() for problem in meaning.problems],
        "warnings": [warning.to_json() for warning in meaning.warnings],
        "layer": page.editor.chosen,
        "parts": {name: part(page, name) for name in sorted(EditorPage.fragments)},
    }


@router.post("/networks/-/edit", dependencies=[Depends(Access("read"))])
def edit(asked: AskedEdit, services: ServicesNow) -> dict[str, Any]:
    """The edits that carry out an operation; raises `Conflict` with the reason."""
    return edits(asked, services.networks)


def edits(asked: AskedEdit, texts: NetworkTexts) -> dict[str, Any]:
    """The edits, and the line where what was operated on stands after them, also in words."""
    operation = parse_spec(Operation, {"line": asked.line, **(asked.model_extra or {})})
    made = texts.edits(asked.text, operation).edits
    line = leads_to(operation, asked.text, made)
    lines = apply_edits(asked.text, made).split("\n")
    says = f"Line {line}: {lines[line - 1].strip() or 'nothing'}" if line <= len(lines) else ""
    return {"edits": [asdict(each) for each in made], "line": line, "says": says}


@router.post("/networks/-/format", dependencies=[Depends(Access("read"))])
def format_text(asked: AskedText, services: ServicesNow) -> dict[str, Any]:
    """The edit that brings a text into the usual layout; raises `BadNetwork` for one that cannot be read."""
    return formatting(asked, services.networks)


def formatting(asked: AskedText, texts: NetworkTexts) -> dict[str, Any]:
    made = between(asked.text, texts.format(asked.text))
    says = "The text is in the usual layout." if made else "It was in the usual layout already."
    return {"edits": [asdict(each) for each in made], "says": says}


@router.post("/networks/-/difference", dependencies=[Depends(Access("read"))])
def compare(asked: AskedDifference, caller: CallerNow, services: ServicesNow, site: SiteNow) -> dict[str, str]:
    """What the text has otherwise than what is saved, where that came from, or any other, as a part of the page."""
    found = services.networks.find(caller, asked.name)
    view = difference_view(services, caller, found, asked.against, draft=asked.text)
    return {"draft": site.part(DraftPage(draft=view), "draft")}


@router.post("/networks/-/save", dependencies=[Depends(Access("network.create"))])
def save(asked: AskedSave, caller: CallerNow, services: ServicesNow) -> dict[str, Any]:
    """Keeps the text as the next version, or of a catalogue network as one of one's own; where it is now.

    Raises `Changed` when another version than `current` has become the newest.
    """
    found = services.networks.find(caller, asked.name)
    if found.network is None:
        own = services.networks.free_name(found.name)
        made = services.networks.create(caller, own, asked.text, origin=f"catalogue:{found.name}")
        return {"url": address("networks", made.name)}
    services.networks.save(caller, found.network.id, asked.text, on=asked.current)
    return {"url": address("networks", found.name)}


@router.post("/networks/-/copy", dependencies=[Depends(Access("network.create"))])
def copy(caller: CallerNow, services: ServicesNow, form: FormNow) -> Response:
    """Makes a network of one's own of another, or of what a model or a run was made with, as `source` says."""
    source = checked_source(form.get("source", ""))
    made = services.network_copies.copy_of(caller, source)
    return lead(address("networks", made.name), f"{made.name} is a copy of {source.partition(':')[2] or source}.")


@router.get("/networks/-/language", dependencies=[Depends(Access("read"))])
def show_language(request: Request, site: SiteNow) -> Response:
    """The reference of the language."""
    return site.show(request, language_page())


@router.get("/networks/-/vocabulary", dependencies=[Depends(Access("read"))])
def show_vocabulary() -> dict[str, Any]:
    """What the language knows, for completion and help."""
    return vocabulary()
