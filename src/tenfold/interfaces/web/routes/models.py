"""The pages of models."""

from __future__ import annotations

import time
from typing import Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import BadImage, BadModel, Busy, NotFound
from tenfold.core.inference.model import Model
from tenfold.core.numerals import whole_number
from tenfold.core.repository import Query
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow, is_led_here
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters import models
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.routes.named import change_about, moved, put_in_trash
from tenfold.interfaces.web.site import FormNow, SiteNow, lead
from tenfold.interfaces.web.views.datasets import PictureView
from tenfold.interfaces.web.views.frame import AboutForm
from tenfold.interfaces.web.views.models import ModelsPage, TestResult

router = APIRouter(include_in_schema=False)
PAGE = 50


@router.get("/models", dependencies=[Depends(Access("read"))])
def list_models(
    request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, search: str = "", cursor: str = ""
) -> Response:
    """All models, newest first."""
    found = services.models.named.page(caller, Query(search=search, cursor=cursor, limit=PAGE))
    next_url = f"/models?{urlencode({'search': search, 'cursor': found.cursor})}" if found.cursor else ""
    rows = tuple(models.model_row(services, caller, model) for model in found.items)
    page = ModelsPage(
        rows=rows,
        search=search,
        next_url=next_url,
        can_edit=caller.may("run.start"),
        can_bring=caller.may("model.create"),
    )
    return site.show(request, page)


@router.get("/models/{name}", dependencies=[Depends(Access("read"))])
def show_model(name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """One model; `sample` names a picture of its dataset that it shall be tested on."""
    asked = request.query_params
    found = services.models.named.get(caller, name)
    sample = whole_number(asked.get("sample", ""))
    result = _test_sample(services, caller, found, sample) if sample is not None and not is_led_here(request) else None
    number = whole_number(asked.get("page", "")) or 0
    tab: Literal["report", "test"] = "test" if asked.get("tab") == "test" else "report"
    chosen = models.model_page(services, caller, found, tab=tab, page=number, result=result)
    return moved("models", found, name, request.url.query) or site.show(request, chosen)


@router.post("/models/{name}/classify", dependencies=[Depends(Access("classify"))])
async def classify(name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow) -> Response:
    """Tests the model on a picture that was sent; the picture is nowhere kept."""
    async with request.form(max_fields=1, max_files=1) as form:
        file = form.get("file")
        content = await file.read() if isinstance(file, UploadFile) else b""
        file_name = (file.filename if isinstance(file, UploadFile) else "") or "picture"

    def test() -> Response:
        found = services.models.named.get(caller, name)
        result = _test(services, caller, found, content, file_name)
        page = models.model_page(services, caller, found, tab="test", result=result)
        return site.show(request, page, status=422 if result.problem else 200)

    return await run_in_threadpool(test)


@router.post("/models/{name}/about", dependencies=[Depends(Access("model.change"))])
def change_model(
    name: str, request: Request, caller: CallerNow, services: ServicesNow, site: SiteNow, form: FormNow
) -> Response:
    """Renames, notes or tags."""

    def refuse(model: Model, form: AboutForm) -> Response:
        return site.show(request, models.model_page(services, caller, model, about_form=form), status=422)

    return change_about(services.models.named, caller, name, form, kind="models", refuse=refuse)


@router.post("/models/{name}/trash", dependencies=[Depends(Access("model.change"))])
def trash_model(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Puts it in the trash."""
    return put_in_trash(services.models.named, caller, name, kind="models")


@router.post("/trash/models/{id}/restore", dependencies=[Depends(Access("model.change"))])
def restore_model(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Takes it out of the trash."""
    return lead(address("models", services.models.named.restore(caller, id).name))


def _test_sample(services: Services, caller: Actor, model: Model, sample: int) -> TestResult:
    try:
        shown, content = models.sample_picture(services, caller, model, sample)
    except NotFound as error:
        return TestResult(file="", guesses=(), problem=error.message)
    return _test(services, caller, model, content, shown.file, shown)


def _test(
    services: Services, caller: Actor, model: Model, content: bytes, file: str, shown: PictureView | None = None
) -> TestResult:
    if not content:
        return TestResult(file=file, guesses=(), problem="Choose a picture first.")
    began = time.perf_counter()
    try:
        (ranked,) = services.models.classify(caller, model.id, [content])
    except (BadImage, BadModel, Busy) as error:
        return TestResult(file=file, guesses=(), problem=error.message)
    seconds = time.perf_counter() - began
    result = models.result_of(ranked, file=file, shown=shown)
    return TestResult(**{**vars(result), "seconds": seconds})
