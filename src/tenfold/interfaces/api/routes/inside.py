"""Looking inside networks over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, UploadFile
from starlette.responses import Response

from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.schemas import inside_objects as objects
from tenfold.services import inside

router = APIRouter(tags=["inside"])
Sample = Annotated[int | None, Query(ge=0, description="The index of a sample of the dataset; else its first one.")]
Step = Annotated[int | None, Query(ge=0, description="The step of a checkpoint; else the newest.")]
NEVER_CHANGES = {"cache-control": "private, max-age=86400, immutable"}


@router.post("/runs/{name}/inside", dependencies=[Depends(Access("classify"))])
def look_into_run(
    name: str,
    caller: CallerNow,
    services: ServicesNow,
    file: UploadFile | None = None,
    sample: Sample = None,
    step: Step = None,
) -> objects.Inside:
    """Looks into a checkpoint of a run, also while it trains; a picture may be sent as `file`."""
    looked = inside.Looked(picture=file.file.read() if file else None, sample=sample, step=step)
    return shown(services.inside.of_run(caller, name, looked))


@router.post("/models/{name}/inside", dependencies=[Depends(Access("classify"))])
def look_into_model(
    name: str, caller: CallerNow, services: ServicesNow, file: UploadFile | None = None, sample: Sample = None
) -> objects.Inside:
    """Looks into a model; a picture may be sent as `file`."""
    looked = inside.Looked(picture=file.file.read() if file else None, sample=sample)
    return shown(services.inside.of_model(caller, name, looked))


@router.get("/insides/{id}", dependencies=[Depends(Access("classify"))])
def show_inside(
    id: str,
    caller: CallerNow,
    services: ServicesNow,
    after: Annotated[int, Query(ge=0, description="Leaves out so many layers that are known.")] = 0,
) -> objects.Inside:
    """What is seen by now: ask again until it is `finished` or `failed`."""
    return shown(services.inside.look(caller, id), after=after)


@router.get(
    "/insides/{id}/tiles/{file}",
    dependencies=[Depends(Access("classify"))],
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
def show_tiles(id: str, file: str, caller: CallerNow, services: ServicesNow) -> Response:
    """The tiles of a layer's output or of one of its tensors."""
    return Response(services.inside.tiles(caller, id, file), media_type="image/png", headers=NEVER_CHANGES)


def shown(found: inside.Inside, *, after: int = 0) -> objects.Inside:
    """What was seen, as the API says it, from the layer `after` on."""
    layers = [
        objects.SeenLayer.model_validate({"number": each.number, "path": each.path, **each.facts})
        for each in found.layers[after:]
    ]
    return objects.Inside(
        id=found.id,
        state=found.state,
        message=found.message,
        total=found.total,
        sample=found.sample,
        step=found.step,
        layers=layers,
    )
