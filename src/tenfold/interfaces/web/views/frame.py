"""What surrounds every page: places, the person, the machine, and the sentence about what just happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

Place = Literal["home", "datasets", "networks", "runs", "models", "queue", "settings", "more", "none"]
Theme = Literal["system", "light", "dark"]
State = Literal[
    "waiting", "running", "paused", "stopping", "finished", "stopped", "failed", "building", "ready", "deleted"
]


class Page:
    """A page or a part of one; `template` lies under `templates/pages`."""

    template: ClassVar[str]
    place: ClassVar[Place] = "none"
    fragments: ClassVar[frozenset[str]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """One reading of the machine; `percent` is empty where there is nothing to fill."""

    key: str
    name: str
    about: str
    percent: float | None
    text: str
    is_scarce: bool = False


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who looks at the page, and what the page may offer: a button that would be refused is not shown."""

    name: str
    role: Literal["owner", "editor", "viewer"]
    can_edit: bool
    can_own: bool


@dataclass(frozen=True, kw_only=True)
class Toast:
    """What just happened; with `undo_url`, a button that takes it back."""

    text: str
    undo_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Everything around a page's own content."""

    viewer: Viewer | None
    gauges: tuple[Gauge, ...] = ()
    num_running: int = 0
    num_waiting: int = 0
    theme: Theme = "system"
    letter_keys: bool = True
    toast: Toast | None = None
    version: str = ""
    place: str = ""
    """Where the news stood before the page read anything; its script listens from there."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A name that leads somewhere."""

    text: str
    url: str


@dataclass(frozen=True, kw_only=True)
class AboutForm:
    """The form under *Rename, note, tags* as it was sent, and what is wrong by field (`name`, `note`, `tags`)."""

    name: str
    note: str
    tags: str
    problems: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class NamedView:
    """What everything with a name has: it can be renamed, noted, tagged and put in the trash.

    `kind` is the plural in addresses (`datasets`, `runs`, ...). `held_by` says why it cannot go to the trash now;
    `used_by` counts what depends on it.
    """

    kind: Literal["datasets", "networks", "runs", "models"]
    id: str
    name: str
    owner: str
    created_at: datetime
    note: str = ""
    tags: tuple[str, ...] = ()
    used_by: str = ""
    held_by: str = ""
    can_edit: bool = True

    @property
    def url(self) -> str:
        return f"/{self.kind}/{quote(self.name, safe='')}"
