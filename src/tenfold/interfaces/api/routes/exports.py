"""Datasets as archives over REST."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow

router = APIRouter(tags=["datasets"])


@router.get(
    "/datasets/{name}/export",
    dependencies=[Depends(Access("read"))],
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}}},
)
def export_dataset(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    format: Annotated[str, Query(max_length=20)] = "folders",
    revision: Annotated[str, Query(max_length=40)] = "",
) -> StreamingResponse:
    """A revision as one archive: `format` is folders, csv, coco or parquet; `revision` an id or a number."""
    file_name, blocks = services.exports.export(caller, name, {"format": format}, revision=revision)
    disposition = f"attachment; filename*=UTF-8''{quote(file_name)}"
    return StreamingResponse(blocks, media_type="application/zip", headers={"content-disposition": disposition})
