"""Uploads over REST: files are announced, come in parts from an offset on, and are looked at before an import.

The parts follow the tus protocol's ideas: `POST` announces, `PATCH` with `Upload-Offset` appends, `HEAD` tells how far
it is. What differs: one upload holds many files, whose contents follow each other as one stream.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from tenfold.core.datasets.uploads import SentFile, Upload
from tenfold.interfaces.api import present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.bodies import JsonBody, described
from tenfold.interfaces.api.first_picture import ResizeQuery, shown_picture
from tenfold.interfaces.api.sources import ColumnsAsked, choice_from
from tenfold.interfaces.schemas import objects
from tenfold.interfaces.schemas.requests import upload_request

router = APIRouter(tags=["uploads"])
MAY_SEND = [Depends(Access("upload.create"))]
STREAM = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {}}}}}


@router.post(
    "/uploads",
    status_code=201,
    dependencies=MAY_SEND,
    openapi_extra=described(upload_request()),
)
def begin_upload(
    caller: CallerNow,
    services: ServicesNow,
    response: Response,
    body: Annotated[objects.UploadRequest, Depends(JsonBody(objects.UploadRequest))],
) -> objects.Upload:
    """Announces files; where the same ones were being sent before, that upload goes on at its offset."""
    files = [SentFile(each.path, each.size_bytes, each.modified) for each in body.files]
    return _told(services.uploads.begin(caller, files), response)


@router.get("/uploads", dependencies=MAY_SEND)
def list_uploads(caller: CallerNow, services: ServicesNow) -> list[objects.Upload]:
    """Uploads that no dataset was made of yet, the unfinished ones with how far they are."""
    return [present.upload(each) for each in services.uploads.of(caller)]


@router.patch("/uploads/{id}", dependencies=MAY_SEND, openapi_extra=STREAM)
async def append_to_upload(
    id: str,
    request: Request,
    caller: CallerNow,
    services: ServicesNow,
    response: Response,
    upload_offset: Annotated[int, Header(ge=0)],
    upload_digest: Annotated[str, Header(max_length=200)] = "",
) -> objects.Upload:
    """Takes the next part of the stream: the body is its bytes from `Upload-Offset` on.

    `Upload-Digest`, the SHA-256 of the SHA-256 digests of all pieces of 4 MiB, is compared once all is there.
    """
    blocks = request.stream()
    return _told(
        await services.uploads.append(caller, id, upload_offset, blocks, digest=upload_digest.lower()), response
    )


@router.head("/uploads/{id}", dependencies=MAY_SEND, include_in_schema=False)
def measure_upload(id: str, caller: CallerNow, services: ServicesNow) -> Response:
    """How far an upload is, in `Upload-Offset`."""
    response = Response()
    _told(services.uploads.get(caller, id), response)
    return response


@router.get("/uploads/{id}", dependencies=MAY_SEND)
def show_upload(id: str, caller: CallerNow, services: ServicesNow, response: Response) -> objects.Upload:
    """An upload, how far it is, and which files of it were refused."""
    return _told(services.uploads.get(caller, id), response)


@router.delete("/uploads/{id}", dependencies=MAY_SEND)
def remove_upload(id: str, caller: CallerNow, services: ServicesNow, response: Response) -> objects.Upload:
    """Gives an upload up; nothing of it is kept."""
    return _told(services.uploads.remove(caller, id), response)


@router.get("/uploads/{id}/preview", dependencies=MAY_SEND)
def preview_upload(
    id: str,
    caller: CallerNow,
    services: ServicesNow,
    columns: ColumnsAsked,
    layout: str = "",
    prefix: str = "",
    label_kind: str = "",
) -> objects.LayoutPreview:
    """What an upload is recognised as; nothing is imported."""
    choice = choice_from(services, {"layout": layout, "columns": columns, "prefix": prefix, "label_kind": label_kind})
    return present.layout(services.uploads.preview(caller, id, choice))


@router.get(
    "/uploads/{id}/picture",
    dependencies=MAY_SEND,
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
def preview_upload_picture(
    id: str,
    caller: CallerNow,
    services: ServicesNow,
    asked: Annotated[ResizeQuery, Depends()],
    columns: ColumnsAsked,
    layout: str = "",
    prefix: str = "",
) -> Response:
    """The first picture of an upload as PNG, with `resize` as an import would store it; an empty answer without one."""
    folder = services.uploads.folder(caller, id)
    choice = choice_from(services, {"layout": layout, "columns": columns, "prefix": prefix})
    return shown_picture(lambda: services.previews.of_upload(caller, folder, asked.values(), choice))


def _told(upload: Upload, response: Response) -> objects.Upload:
    response.headers["upload-offset"] = str(upload.offset)
    response.headers["upload-length"] = str(upload.size_bytes)
    return present.upload(upload)
