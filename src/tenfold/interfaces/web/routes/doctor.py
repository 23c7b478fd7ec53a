"""Asking the doctor of a dataset, and mending what it found, from the dataset's page."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.schemas.requests import LABEL_FIELDS
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.site import FormNow, lead

router = APIRouter(include_in_schema=False)


@router.post("/datasets/{name}/check", dependencies=[Depends(Access("dataset.edit"))])
def check_dataset(name: str, caller: CallerNow, services: ServicesNow, form: FormNow) -> Response:
    """Lets the current revision be checked, by a model if one is chosen."""
    services.checkups.check(caller, name, model=form.get("model", ""))
    return _lead_back(services, caller, name)


@router.post("/datasets/{name}/judge", dependencies=[Depends(Access("dataset.edit"))])
def judge_pictures(name: str, caller: CallerNow, services: ServicesNow, form: FormNow) -> Response:
    """Lets the model that the gallery is to be sorted by judge the pictures."""
    services.checkups.judge(caller, name, form.get("model", ""))
    query = f"?{form['query']}" if form.get("query") else ""
    return lead(f"{address('datasets', services.datasets.named.get(caller, name).name)}{query}#pictures")


@router.post("/datasets/{name}/check/labels", dependencies=[Depends(Access("dataset.edit"))])
def find_wrong_labels(name: str, caller: CallerNow, services: ServicesNow, form: FormNow) -> Response:
    """Queues the runs that judge labels."""
    values = {field.name: form.get(field.name, "") for field in LABEL_FIELDS}
    services.checkups.find_wrong_labels(caller, name, values)
    return _lead_back(services, caller, name)


@router.post("/datasets/{name}/check/stop", dependencies=[Depends(Access("dataset.edit"))])
def stop_check(name: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Stops the checkup."""
    services.checkups.stop(caller, name)
    return _lead_back(services, caller, name)


@router.post("/datasets/{name}/revisions/{id}/findings/{code}/fix", dependencies=[Depends(Access("dataset.edit"))])
def fix_finding(name: str, id: str, code: str, caller: CallerNow, services: ServicesNow) -> Response:
    """Mends a finding of this revision, which stays."""
    made = services.checkups.fix(caller, name, code, on=id)
    url = address("datasets", services.datasets.named.get(caller, name).name)
    said = f"{made.summary}: revision {made.number}. Revision {made.number - 1} stays."
    return lead(f"{url}#doctor", said, undo_url=f"{url}/revisions/{made.id}/undo")


def _lead_back(services: ServicesNow, caller: CallerNow, name: str) -> Response:
    return lead(f"{address('datasets', services.datasets.named.get(caller, name).name)}#doctor")
