"""The page that brings a model in that was trained elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import Response

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import BadModel, Busy, InvalidFields, NameTaken, NotFound, Problem
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.model_files import MAX_LABELS_BYTES, ModelForm, read_form
from tenfold.interfaces.api.problems import status_of
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.presenters.new_model import new_model_page
from tenfold.interfaces.web.site import Site, SiteNow, lead
from tenfold.services.model_imports import Arrival

router = APIRouter(include_in_schema=False)
ARRIVAL = "arrival"


@router.get("/models/new", dependencies=[Depends(Access("model.create"))])
def show_new_model(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """The form."""
    return site.show(request, new_model_page({}, confined=services.inspections.level(caller).says()))


@router.post("/models/new", dependencies=[Depends(Access("model.create"))])
async def create_model(request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """Takes the file; what is wrong comes back with the form, and the file stays where it can still be used."""
    async with request.form(max_files=2, max_fields=20, max_part_size=MAX_LABELS_BYTES) as form:
        return await run_in_threadpool(_Sent(request, services, caller, site).answer, form)


class _Sent:
    """A form that was sent, and where its answer goes."""

    def __init__(self, request: Request, services: Services, caller: Actor, site: Site) -> None:
        self._request = request
        self._services = services
        self._caller = caller
        self._site = site
        self._arrival: Arrival | None = None
        self._labels = ""

    def answer(self, form: FormData) -> Response:
        typed = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            sent = read_form(form, besides=(ARRIVAL,))
            self._labels = sent.labels
            return lead(address("models", self._made(sent, typed)))
        except (InvalidFields, NameTaken, Busy, NotFound, BadModel) as error:
            if isinstance(error, BadModel):
                self._forget()
            page = new_model_page(
                typed,
                confined=self._services.inspections.level(self._caller).says(),
                labels=self._labels,
                arrival=self._arrival,
                error=error,
            )
            return self._site.show(self._request, page, status=status_of(error))

    def _made(self, sent: ModelForm, typed: Mapping[str, str]) -> str:
        imports = self._services.model_imports
        if sent.file is not None:
            self._arrival = imports.receive(self._caller, sent.file)
        elif typed.get(ARRIVAL):
            self._arrival = imports.arrival(self._caller, typed[ARRIVAL])
        else:
            raise InvalidFields([Problem("file", "Choose the ONNX file.", "required")])
        values = {name: value for name, value in sent.values.items() if value != ""}
        name = sent.name or None
        return imports.import_model(self._caller, self._arrival.id, values, labels=sent.labels, name=name).name

    def _forget(self) -> None:
        if self._arrival is not None:
            self._services.model_imports.forget(self._caller, self._arrival.id)
            self._arrival = None
