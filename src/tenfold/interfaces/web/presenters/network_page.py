"""A network's page: its editor, what it is otherwise than others, its versions and runs."""

from __future__ import annotations

from collections.abc import Mapping

from tenfold.core.accounts.policy import Actor
from tenfold.core.networks.network import NamedText
from tenfold.core.repository import Query
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import plural
from tenfold.interfaces.web.presenters.frame import address, moment, named_view, person
from tenfold.interfaces.web.presenters.imported import imported_view
from tenfold.interfaces.web.presenters.network_difference import difference_view
from tenfold.interfaces.web.presenters.network_editor import Looking, editor_view
from tenfold.interfaces.web.presenters.networks import network_row, parameter_row, runs_of
from tenfold.interfaces.web.presenters.runs import run_row
from tenfold.interfaces.web.views import networks as views
from tenfold.interfaces.web.views.frame import AboutForm, NamedView

TABS: tuple[views.NetworkTab, ...] = ("code", "difference", "history")
SHOWN_VERSIONS = 100
SHOWN_RUNS = 5


def network_page(
    services: Services,
    actor: Actor,
    entry: NamedText,
    name: str,
    asked: Mapping[str, str],
    *,
    about_form: AboutForm | None = None,
) -> views.NetworkPage:
    """One network; `name` is the one in the address and `asked` the rest of it."""
    row = network_row(services, actor, entry)
    url, tab = address("networks", name), tab_of(asked.get("tab", ""))
    looking = Looking(url, _paths(asked.get("open", "")), _paths(asked.get("fold", "")), asked.get("layer", ""))
    meaning = services.networks.meaning(entry.text)
    runs = services.runs.named.page(actor, Query(where=runs_of(entry), limit=20))
    return views.NetworkPage(
        name=entry.name,
        title=row.title,
        about=f"{entry.title}. {entry.paper}" if entry.paper else entry.title,
        text=entry.text,
        editor=editor_view(entry.text, meaning, looking),
        parameters=tuple(parameter_row(field) for field in meaning.parameters),
        is_catalogue=entry.is_catalogue,
        used_by=row.used_by,
        runs=tuple(run_row(services, actor, run) for run in runs.items),
        train_url=row.train_url,
        named=named_of(services, actor, entry),
        sent=about_form,
        imported=imported_view(actor, entry.network) if entry.network is not None else None,
        url=url,
        asked_name=name,
        tab=tab,
        version=version_text(entry),
        current=entry.network.current if entry.network is not None else "",
        can_copy=actor.may("network.create"),
        can_save=actor.may("network.change", owner=entry.network.owner) if entry.network is not None else False,
        history=history_rows(services, actor, entry) if tab == "history" else (),
        difference=difference_view(services, actor, entry, asked.get("against", "")) if tab == "difference" else None,
    )


def tab_of(asked: str) -> views.NetworkTab:
    return next((known for known in TABS if known == asked), "code")


def _paths(listed: str) -> frozenset[str]:
    return frozenset(listed.split(",")) - {""}


def version_text(entry: NamedText) -> str:
    if entry.network is None or entry.version is None:
        return ""
    is_current = entry.version.number == entry.network.number
    return f"version {entry.version.number}{'' if is_current else f' of {entry.network.number}'}"


def history_rows(services: Services, actor: Actor, entry: NamedText) -> tuple[views.HistoryRow, ...]:
    """The versions, newest first, with the runs that trained each."""
    if entry.network is None:
        return ()
    found = services.networks.history(actor, entry.network, Query(sort="number", descending=True, limit=SHOWN_VERSIONS))
    trained = services.networks.runs_of(actor, found.items)
    base = address("networks", entry.name)
    return tuple(
        views.HistoryRow(
            number=version.number,
            url=f"{base}@{version.number}",
            against_url=f"{base}@{version.number}?tab=difference&against=@{version.number - 1}",
            at=moment(version.created_at),
            author=person(services, version.author),
            summary=version.summary or "first version",
            is_current=version.number == entry.network.number,
            num_parameters=version.num_parameters,
            runs=tuple(run_row(services, actor, run) for run in trained[version.number][:SHOWN_RUNS]),
        )
        for version in found.items
    )


def named_of(services: Services, actor: Actor, entry: NamedText) -> NamedView | None:
    if entry.network is None:
        return None
    held = services.networks.named.used_by(actor, entry.network)
    used_by = plural(len(held), "run") if held else ""
    return named_view(services, actor, "networks", entry.network, used_by=used_by, held_by="; ".join(held[:5]))
