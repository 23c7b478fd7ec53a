"""The frame around every page, and what things with a name have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.model import Split
from tenfold.core.entities import Named
from tenfold.core.errors import NotFound
from tenfold.core.ids import RevisionId, UserId
from tenfold.core.training.run import Run
from tenfold.core.workstation.machine import Gpu, MachineFacts
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import data_size
from tenfold.interfaces.web.views.frame import Frame, Gauge, Link, NamedView, Theme, Toast, Viewer

NamedKind = Literal["datasets", "networks", "runs", "models"]
CHANGES: dict[NamedKind, str] = {
    "datasets": "dataset.change",
    "networks": "network.change",
    "runs": "run.change",
    "models": "model.change",
}
THEMES: tuple[Theme, ...] = ("system", "light", "dark")


def frame(
    services: Services, actor: Actor | None, *, theme: str, letters: str, toast: Toast | None, place: str
) -> Frame:
    """The frame; without anybody signed in it shows no places and no machine."""
    chosen: Theme = next((known for known in THEMES if known == theme), "system")
    if actor is None:
        return Frame(viewer=None, theme=chosen, toast=toast, version=services.version)
    jobs = services.desk.queue()
    can_edit = actor.may("run.start")
    return Frame(
        viewer=Viewer(name=actor.name, role=actor.role, can_edit=can_edit, can_own=actor.may("user.manage")),
        gauges=gauges(services.machine.look(actor)),
        num_running=sum(job.is_live and job.kind == "train" for job in jobs),
        num_waiting=sum(not job.is_live for job in jobs),
        theme=chosen,
        letter_keys=letters != "off",
        toast=toast,
        version=services.version,
        place=place,
    )


def gauges(facts: MachineFacts) -> tuple[Gauge, ...]:
    """The machine as gauges; `frontend/src/elements/machine-rail.js` keeps them up to date."""
    memory = facts.memory_used_bytes / max(1, facts.memory_total_bytes)
    disk = 1 - facts.disk_free_bytes / max(1, facts.disk_total_bytes)
    return (
        *(_gpu(gpu) for gpu in facts.gpus),
        Gauge(
            key="cpu",
            name="CPU",
            about=f"{facts.cpu_cores} {'core' if facts.cpu_cores == 1 else 'cores'}",
            percent=facts.cpu_busy * 100,
            text=f"{facts.cpu_busy * 100:.0f} %",
        ),
        Gauge(
            key="memory",
            name="Memory",
            about="",
            percent=memory * 100,
            text=f"{data_size(facts.memory_used_bytes)} of {data_size(facts.memory_total_bytes)}",
            is_scarce=True,
        ),
        Gauge(
            key="disk",
            name="Disk",
            about="where Tenfold keeps things",
            percent=disk * 100,
            text=f"{data_size(facts.disk_free_bytes)} free of {data_size(facts.disk_total_bytes)}",
            is_scarce=True,
        ),
    )


def _gpu(gpu: Gpu) -> Gauge:
    heat = f", {gpu.temperature_c:.0f} °C" if gpu.temperature_c is not None else ""
    memory = f"{data_size(gpu.memory_used_bytes)} of {data_size(gpu.memory_total_bytes)}"
    return Gauge(
        key=f"gpu-{gpu.index}",
        name=f"GPU {gpu.index}",
        about=gpu.name + heat,
        percent=gpu.busy * 100,
        text=f"{gpu.busy * 100:.0f} % · {memory}",
    )


def named_view(
    services: Services, actor: Actor, kind: NamedKind, thing: Named, *, used_by: str = "", held_by: str = ""
) -> NamedView:
    return NamedView(
        kind=kind,
        id=thing.id,
        name=thing.name,
        owner=person(services, thing.owner),
        created_at=moment(thing.created_at),
        note=thing.note,
        tags=thing.tags,
        used_by=used_by,
        held_by=held_by,
        can_edit=actor.may(CHANGES[kind], owner=thing.owner),
    )


def person(services: Services, user: UserId) -> str:
    """The name behind an id."""
    with services.database.read() as tx:
        found = tx.users.find(id=user)
    return found.name if found is not None else "somebody who is gone"


def split_size(services: Services, revision: RevisionId, split: Split) -> int | None:
    """How many pictures judged something; `None` when the revision is gone."""
    with services.database.read() as tx:
        if tx.revisions.find(id=revision) is None:
            return None
    return services.datasets.revision_reader(revision).manifest.split_size(split)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def address(kind: str, name: str) -> str:
    return f"/{kind}/{quote(name, safe='')}"


def dataset_link(services: Services, actor: Actor, dataset: str) -> Link:
    """Where a dataset's id leads: nowhere when it is in the trash or gone."""
    try:
        found = services.datasets.named.get(actor, dataset)
    except NotFound:
        return Link(text="a dataset that is gone", url="")
    return Link(text=found.name, url="" if found.trashed_at else address("datasets", found.name))


def network_link(services: Services, actor: Actor, name: str, run: Run | None) -> Link:
    """Where a run's network leads, with the version where another is current by now: nowhere when it is gone."""
    try:
        if run is None or run.network_id is None:
            return Link(text=name, url=address("networks", services.networks.get(actor, name).name))
        kept = services.networks.named.get(actor, run.network_id)
    except NotFound:
        return Link(text=name, url="")
    shown = kept.name if run.network_version == kept.number else f"{kept.name}@{run.network_version}"
    return Link(text=shown, url="" if kept.trashed_at else address("networks", shown))
