"""Models over REST."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from tenfold.core.errors import InvalidFields, Problem
from tenfold.interfaces.api import present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.bodies import JsonBody, described
from tenfold.interfaces.api.lists import ListQuery
from tenfold.interfaces.api.model_files import model_form
from tenfold.interfaces.api.routes.datasets import change
from tenfold.interfaces.schemas import objects
from tenfold.interfaces.schemas.requests import model_import_request

router = APIRouter(tags=["models"])


@router.get("/models", dependencies=[Depends(Access("read"))])
def list_models(query: ListQuery, caller: CallerNow, services: ServicesNow) -> objects.Page[objects.Model]:
    """All models, newest first."""
    found = services.models.named.page(caller, query)
    return objects.Page(**present.page(found, [present.model(item) for item in found.items]))


@router.post(
    "/models/import",
    status_code=201,
    dependencies=[Depends(Access("model.create"))],
    openapi_extra=model_import_request(),
)
async def import_model(request: Request, caller: CallerNow, services: ServicesNow) -> objects.Model:
    """Makes a model of an ONNX file that was trained elsewhere; a worker reads it and runs it, confined."""
    async with model_form(request) as sent:
        if sent.file is None:
            raise InvalidFields([Problem("file", "Choose the ONNX file.", "required")])
        importing, name = services.model_imports.import_file, sent.name or None
        made = await run_in_threadpool(importing, caller, sent.file, sent.values, labels=sent.labels, name=name)
    return present.model(made)


@router.get("/models/{name}", dependencies=[Depends(Access("read"))])
def show_model(name: str, caller: CallerNow, services: ServicesNow) -> objects.Model:
    """One model."""
    found = services.models.named.get(caller, name)
    return present.model(found, services.models.named.used_by(caller, found))


@router.get("/models/{name}/report", dependencies=[Depends(Access("read"))])
def show_report(name: str, caller: CallerNow, services: ServicesNow) -> dict[str, Any]:
    """What the test split said."""
    return dict(services.models.report(caller, services.models.named.get(caller, name)))


@router.patch(
    "/models/{name}",
    dependencies=[Depends(Access("model.change"))],
    openapi_extra=described(objects.Change.model_json_schema()),
)
def change_model(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    body: Annotated[objects.Change, Depends(JsonBody(objects.Change))],
) -> objects.Model:
    """Renames, notes or tags."""
    return present.model(change(services.models.named, caller, name, body))


@router.delete("/models/{name}", dependencies=[Depends(Access("model.change"))])
def trash_model(name: str, caller: CallerNow, services: ServicesNow) -> objects.Model:
    """Puts it in the trash."""
    return present.model(services.models.named.trash(caller, name))


@router.post("/models/{name}/restore", dependencies=[Depends(Access("model.change"))])
def restore_model(name: str, caller: CallerNow, services: ServicesNow) -> objects.Model:
    """Takes it out of the trash; `name` is its id."""
    return present.model(services.models.named.restore(caller, name))


@router.post("/models/{name}/classify", dependencies=[Depends(Access("classify"))])
def classify(name: str, caller: CallerNow, services: ServicesNow, file: list[UploadFile]) -> objects.Classified:
    """Classifies one or several pictures, sent as `file`."""
    ranked = services.models.classify(caller, name, (each.file.read() for each in file))
    shown = [
        [objects.Prediction(label=each.label, probability=each.probability) for each in classes] for classes in ranked
    ]
    return objects.Classified(predictions=shown[0], pictures=shown)


@router.get(
    "/models/{name}/download",
    dependencies=[Depends(Access("read"))],
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}}},
)
def download(name: str, caller: CallerNow, services: ServicesNow) -> StreamingResponse:
    """The model as one archive."""
    file_name, blocks = services.models.download(caller, name)
    disposition = f"attachment; filename*=UTF-8''{quote(file_name)}"
    return StreamingResponse(blocks, media_type="application/zip", headers={"content-disposition": disposition})
