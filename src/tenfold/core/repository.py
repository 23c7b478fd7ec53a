"""Where objects are kept: the port that the SQL database and its in-memory twin fulfil."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from tenfold.core.accounts.model import Session, Token, User
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.entities import Entity
from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.inference.model import Model
from tenfold.core.jobs.model import Job
from tenfold.core.networks.network import Network, NetworkVersion
from tenfold.core.training.run import LogLine, Run

EntityT = TypeVar("EntityT", bound=Entity)
MAX_PAGE = 500
MAX_NUMBER = 2**63


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which objects, in which order. `where` compares columns with a value or with any of a tuple of values.

    `search` looks for each of its words in name, note and tags. Named objects in the trash are left out, or with
    `trashed` are the only ones. `cursor` continues where a page ended.
    """

    where: Mapping[str, object] = field(default_factory=dict)
    search: str = ""
    sort: str = "created_at"
    descending: bool = True
    limit: int = 50
    cursor: str = ""
    trashed: bool = False


@dataclass(frozen=True)
class Page(Generic[EntityT]):
    """Part of a list; `cursor` is empty on the last page; `total` counts all that match."""

    items: tuple[EntityT, ...]
    cursor: str
    total: int


class Repository(Protocol[EntityT]):
    """The objects of one kind.

    Inside a transaction one sees one's own writes. Objects are frozen; `update` stores a changed copy and gives back
    the one with the next version.
    """

    def add(self, entity: EntityT) -> None:
        """Raises `NameTaken` when a name that must be unique is taken, `Conflict` when the id is."""

    def get(self, id: str) -> EntityT:
        """Raises `NotFound`."""

    def update(self, entity: EntityT) -> EntityT:
        """Raises `Changed` when the stored version is another one, `NotFound`, `NameTaken`."""

    def remove(self, id: str) -> None:
        """Raises `NotFound`."""

    def find(self, **where: object) -> EntityT | None:
        """The only or the newest object whose columns have these values, also in the trash."""

    def page(self, query: Query) -> Page[EntityT]:
        """Raises `InvalidFields` for an unknown sort column or a damaged cursor."""

    def count(self, **where: object) -> int:
        """How many objects have these values, the trash included."""


@dataclass(frozen=True, kw_only=True)
class Redirect(Entity):
    """A former name: `id` is kind and name; it leads to `target` until the name is taken again."""

    target: str
    created_at: float


@dataclass(frozen=True, kw_only=True)
class Answer(Entity):
    """What an idempotent request was answered; `id` is user and key, `request_sha256` tells what was asked."""

    request_sha256: str
    result: str
    created_at: float


class Histories(Protocol):
    """Metric series by run. Writing a row again replaces it."""

    def put(self, run_id: str, step: int, epoch: float, values: Mapping[str, float]) -> None: ...

    def rows(self, run_id: str) -> list[tuple[int, float, dict[str, float]]]:
        """(step, epoch, values) in the order of steps."""

    def remove(self, run_id: str) -> None: ...


class Transaction(Protocol):
    """All repositories as one moment sees them."""

    @property
    def datasets(self) -> Repository[Dataset]: ...
    @property
    def revisions(self) -> Repository[Revision]: ...
    @property
    def networks(self) -> Repository[Network]: ...
    @property
    def network_versions(self) -> Repository[NetworkVersion]: ...
    @property
    def runs(self) -> Repository[Run]: ...
    @property
    def models(self) -> Repository[Model]: ...
    @property
    def jobs(self) -> Repository[Job]: ...
    @property
    def log_lines(self) -> Repository[LogLine]: ...
    @property
    def users(self) -> Repository[User]: ...
    @property
    def tokens(self) -> Repository[Token]: ...
    @property
    def sessions(self) -> Repository[Session]: ...
    @property
    def redirects(self) -> Repository[Redirect]: ...
    @property
    def answers(self) -> Repository[Answer]: ...
    @property
    def histories(self) -> Histories: ...


class Database(Protocol):
    """Thread-safe. Writers wait for each other; readers wait for nobody and see committed data only."""

    def write(self) -> AbstractContextManager[Transaction]:
        """Commits at the end of the block, durably before it returns; an exception undoes everything."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent view; writing through it is a mistake."""

    def close(self) -> None: ...


def encode_cursor(value: object, id: str) -> str:
    """The place after an object in a sorted list, opaque to clients."""
    return base64.urlsafe_b64encode(json.dumps([value, id]).encode()).decode()


def decode_cursor(cursor: str) -> tuple[object, str]:
    """Raises `InvalidFields` for what `encode_cursor` did not make, and for what no database can compare with."""
    problem = InvalidFields([Problem("cursor", "This cursor is not one that a list gave.", "cursor")])
    try:
        value, last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        f"{value}{last}".encode()  # half a surrogate pair is no text
    except (ValueError, TypeError):
        raise problem from None
    is_number = type(value) in {int, float} and abs(value) < MAX_NUMBER
    if not (is_number or isinstance(value, str)) or not isinstance(last, str):
        raise problem
    return value, last


def check_sort(column: str, allowed: Iterable[str]) -> None:
    """Raises `InvalidFields` for a column one cannot sort by."""
    names = sorted(allowed)
    if column not in names:
        message = f"A list cannot be sorted by {column!r}; it can by {', '.join(names)}."
        raise InvalidFields([Problem("sort", message, "choice")])
