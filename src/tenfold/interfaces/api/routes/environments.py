"""Environments over REST: which there are, and whether jobs can run in them."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from tenfold.interfaces.api import present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.schemas import objects

router = APIRouter(tags=["machine"])


@router.get("/environments", dependencies=[Depends(Access("read"))])
def list_environments(caller: CallerNow, services: ServicesNow) -> list[objects.Environment]:
    """Each environment that can be made, as it stands on this machine."""
    return [present.environment(each) for each in services.environments.all(caller)]
