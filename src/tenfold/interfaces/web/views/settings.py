"""Settings, signing in, errors, the trash, and the page of all places for phones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from tenfold.interfaces.web.views.datasets import Fact
from tenfold.interfaces.web.views.frame import Page, Place
from tenfold.interfaces.web.views.home import RunningRow, WaitingRow


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """A token for scripts; the secret itself is shown once, when it is made."""

    id: str
    name: str
    scope: str
    created_at: datetime
    used_at: datetime | None
    is_revoked: bool


@dataclass(frozen=True, kw_only=True)
class PersonRow:
    """Somebody with an account."""

    id: str
    name: str
    role: Literal["owner", "editor", "viewer"]
    can_run_code: bool
    is_disabled: bool
    has_password: bool
    created_at: datetime
    is_you: bool


@dataclass(frozen=True, kw_only=True)
class SettingsPage(Page):
    """Settings, at one of its tabs. `problems` are by the name of the field in the form that was sent."""

    template: ClassVar[str] = "settings.html"
    place: ClassVar[Place] = "settings"

    tab: Literal["you", "tokens", "people"]
    name: str
    role: str
    has_password: bool
    min_password_length: int
    tokens: tuple[TokenRow, ...] = ()
    scopes: tuple[tuple[str, str], ...] = ()
    new_secret: str = ""
    people: tuple[PersonRow, ...] = ()
    can_manage: bool = False
    why_no_people: str = ""
    about: tuple[Fact, ...] = ()
    level: str = ""
    sent: str = ""
    values: tuple[tuple[str, str], ...] = ()
    problems: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class SignInPage(Page):
    """Where a name and a password are asked for."""

    template: ClassVar[str] = "sign-in.html"

    next_url: str = "/"
    name: str = ""
    problem: str = ""
    has_passwords: bool = True


@dataclass(frozen=True, kw_only=True)
class ErrorPage(Page):
    """When a page cannot be shown: what happened, and what can be done."""

    template: ClassVar[str] = "error.html"

    status: int
    title: str
    sentence: str
    code: str
    what_next: tuple[tuple[str, str], ...] = ()
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class TrashRow:
    id: str
    kind: str
    name: str
    deleted_at: datetime
    kept_days: int
    restore_url: str


@dataclass(frozen=True, kw_only=True)
class TrashPage(Page):
    """What was deleted and can still be had back."""

    template: ClassVar[str] = "trash.html"
    place: ClassVar[Place] = "more"

    rows: tuple[TrashRow, ...]
    kept_days: int


@dataclass(frozen=True, kw_only=True)
class QueuePage(Page):
    """What runs and what waits, in order."""

    template: ClassVar[str] = "queue.html"
    place: ClassVar[Place] = "queue"
    fragments: ClassVar[frozenset[str]] = frozenset({"queue"})

    running: tuple[RunningRow, ...]
    waiting: tuple[WaitingRow, ...]
    next_start: str  # how quickly the next run will begin, and what that takes of memory


@dataclass(frozen=True, kw_only=True)
class MorePage(Page):
    """The places that the bar of a phone has no room for."""

    template: ClassVar[str] = "more.html"
    place: ClassVar[Place] = "more"
