"""Settings as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tenfold.core.accounts.model import Token, User
from tenfold.core.accounts.policy import Actor
from tenfold.core.repository import Query
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters.frame import moment
from tenfold.interfaces.web.views import settings as views
from tenfold.interfaces.web.views.datasets import Fact
from tenfold.services.accounts import MIN_PASSWORD

SCOPES = (
    ("read", "Read: look, download and classify"),
    ("write", "Write: also import, train and change"),
    ("admin", "Everything that you may"),
)
MAX_ROWS = 200


def settings_page(services: Services, actor: Actor, tab: str, *, new_secret: str = "") -> views.SettingsPage:
    """Settings at a tab; people are for whoever manages them."""
    me = services.accounts.me(actor)
    can_manage = actor.may("user.manage")
    people = services.accounts.users(actor, Query(limit=MAX_ROWS, descending=False)).items if can_manage else ()
    tokens = services.accounts.tokens(actor, Query(limit=MAX_ROWS)).items
    why_not = (
        ""
        if services.accounts.owner_has_password()
        else ("Set a password for yourself first: with a second person, people sign in by name.")
    )
    return views.SettingsPage(
        tab="tokens" if tab == "tokens" else "people" if tab == "people" and can_manage else "you",
        name=me.name,
        role=me.role,
        has_password=bool(me.password_hash),
        min_password_length=MIN_PASSWORD,
        tokens=tuple(_token(token) for token in tokens),
        scopes=SCOPES,
        new_secret=new_secret,
        people=tuple(_person(user, actor) for user in people),
        can_manage=can_manage,
        why_no_people=why_not,
        about=(Fact(term="Version", value=services.version), *_environments(services, actor)),
        level=services.inspections.level(actor).says(),
    )


def refused(
    services: Services, actor: Actor, tab: str, sent: str, values: Mapping[str, str], problems: Mapping[str, str]
) -> views.SettingsPage:
    """The tab again, with the form `sent` as it was and what is wrong with it."""
    page = settings_page(services, actor, tab)
    return replace(page, sent=sent, values=tuple(values.items()), problems=tuple(problems.items()))


def _environments(services: Services, actor: Actor) -> tuple[Fact, ...]:
    """What Tenfold can train with beside its own packages."""
    return tuple(
        Fact(
            term=each.kind.title,
            value=", ".join(f"{name} {number}" for name, number in each.versions[:2])
            or f"{each.message[:1].upper()}{each.message[1:]}".replace("`", ""),
        )
        for each in services.environments.all(actor)
    )


def _token(token: Token) -> views.TokenRow:
    return views.TokenRow(
        id=token.id,
        name=token.name,
        scope=token.scope,
        created_at=moment(token.created_at),
        used_at=moment(token.used_at) if token.used_at else None,
        is_revoked=token.revoked_at is not None,
    )


def _person(user: User, actor: Actor) -> views.PersonRow:
    return views.PersonRow(
        id=user.id,
        name=user.name,
        role=user.role,
        can_run_code=user.run_code,
        is_disabled=user.disabled,
        has_password=bool(user.password_hash),
        created_at=moment(user.created_at),
        is_you=user.id == actor.user,
    )
