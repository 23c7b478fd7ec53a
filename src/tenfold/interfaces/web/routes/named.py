"""What pages of everything with a name share: rename, note, tags, trash and restore."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.responses import Response

from tenfold.core.accounts.policy import Actor
from tenfold.core.entities import Named
from tenfold.core.errors import InvalidFields, NameTaken, NotFound
from tenfold.interfaces.web.presenters.frame import NamedKind, address
from tenfold.interfaces.web.site import lead
from tenfold.interfaces.web.views.frame import AboutForm
from tenfold.services.named import NamedThings

NamedT = TypeVar("NamedT", bound=Named)


def moved(kind: NamedKind, thing: Named, name: str, query: str = "") -> Response | None:
    """A redirect when the address has the former name or the id of a thing.

    Raises `NotFound` for what is in the trash: its name may be another's by now.
    """
    if thing.trashed_at is not None:
        raise NotFound(f"{thing.name} is in the trash: take it out to look at it.")
    if thing.name == name:
        return None
    return lead(address(kind, thing.name) + (f"?{query}" if query else ""))


def change_about(
    named: NamedThings[NamedT],
    actor: Actor,
    name: str,
    form: dict[str, str],
    *,
    kind: NamedKind,
    refuse: Callable[[NamedT, AboutForm], Response],
) -> Response:
    """Takes the form under *Rename, note, tags*; `refuse` shows it again as it was typed, with what is wrong."""
    thing = named.get(actor, name)
    tags = [tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()]
    try:
        thing = named.change(actor, thing.id, name=form.get("name", ""), note=form.get("note", ""), tags=tags)
    except InvalidFields as error:
        return refuse(thing, _refused(form, {problem.field: problem.message for problem in error.problems}))
    except NameTaken as error:
        return refuse(thing, _refused(form, {"name": error.message}))
    return lead(address(kind, thing.name) + "#about")


def _refused(form: dict[str, str], problems: dict[str, str]) -> AboutForm:
    return AboutForm(name=form.get("name", ""), note=form.get("note", ""), tags=form.get("tags", ""), problems=problems)


def put_in_trash(named: NamedThings[NamedT], actor: Actor, name: str, *, kind: NamedKind) -> Response:
    """Puts a thing in the trash and offers to undo it."""
    thing = named.trash(actor, name)
    return lead(f"/{kind}", f"{thing.name} is in the trash.", undo_url=f"/trash/{kind}/{thing.id}/restore")
