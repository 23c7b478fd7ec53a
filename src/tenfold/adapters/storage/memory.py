"""The in-memory twin of the database, for tests of everything above it."""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic

from tenfold.adapters.storage.schema import ENTITIES
from tenfold.core.accounts.model import User
from tenfold.core.entities import Entity, Named
from tenfold.core.errors import Changed, Conflict, NameTaken, NotFound
from tenfold.core.repository import EntityT, Page, Query, check_sort, decode_cursor, encode_cursor

_Rows = dict[str, Entity]
_Series = dict[str, dict[int, tuple[float, dict[str, float]]]]


class InMemoryDatabase:
    """Fulfils `tenfold.core.repository.Database` with dictionaries; a write works on a copy that commits as a whole."""

    def __init__(self) -> None:
        self._tables: dict[str, _Rows] = {name: {} for name in ENTITIES}
        self._histories: _Series = {}
        self._writer = threading.RLock()

    @contextmanager
    def write(self) -> Iterator[InMemoryTransaction]:
        with self._writer:
            tables = {name: dict(rows) for name, rows in self._tables.items()}
            histories = copy.deepcopy(self._histories)
            yield InMemoryTransaction(tables, histories)
            self._tables, self._histories = tables, histories

    @contextmanager
    def read(self) -> Iterator[InMemoryTransaction]:
        yield InMemoryTransaction(self._tables, self._histories)

    def close(self) -> None:
        """Nothing is held."""


class InMemoryTransaction:
    """All repositories over one set of dictionaries."""

    def __init__(self, tables: dict[str, _Rows], histories: _Series) -> None:
        self.datasets = InMemoryRepository[Any](tables, "datasets")
        self.revisions = InMemoryRepository[Any](tables, "revisions")
        self.networks = InMemoryRepository[Any](tables, "networks")
        self.network_versions = InMemoryRepository[Any](tables, "network_versions")
        self.runs = InMemoryRepository[Any](tables, "runs")
        self.models = InMemoryRepository[Any](tables, "models")
        self.jobs = InMemoryRepository[Any](tables, "jobs")
        self.log_lines = InMemoryRepository[Any](tables, "log_lines")
        self.users = InMemoryRepository[Any](tables, "users")
        self.tokens = InMemoryRepository[Any](tables, "tokens")
        self.sessions = InMemoryRepository[Any](tables, "sessions")
        self.redirects = InMemoryRepository[Any](tables, "redirects")
        self.answers = InMemoryRepository[Any](tables, "answers")
        self.histories = InMemoryHistories(histories)


class InMemoryRepository(Generic[EntityT]):
    """Fulfils `tenfold.core.repository.Repository` over one dictionary."""

    def __init__(self, tables: dict[str, _Rows], name: str) -> None:
        self._rows: dict[str, EntityT] = tables[name]  # type: ignore[assignment]
        self._entity = ENTITIES[name]
        self._kind = name.rstrip("s").replace("_", " ")

    def add(self, entity: EntityT) -> None:
        if entity.id in self._rows:
            raise Conflict(f"There is a {self._kind} {entity.id!r} already.")
        self._require_free_name(entity)
        self._rows[entity.id] = entity

    def get(self, id: str) -> EntityT:
        try:
            return self._rows[id]
        except KeyError:
            raise NotFound(f"There is no {self._kind} {id!r}.") from None

    def update(self, entity: EntityT) -> EntityT:
        stored = self.get(entity.id)
        if stored.version != entity.version:
            raise Changed(
                f"This {self._kind} was changed in the meantime (version {stored.version}, not {entity.version})."
            )
        self._require_free_name(entity)
        newer = dataclasses.replace(entity, version=entity.version + 1)
        self._rows[entity.id] = newer
        return newer

    def remove(self, id: str) -> None:
        self.get(id)
        del self._rows[id]

    def find(self, **where: object) -> EntityT | None:
        found = [row for row in self._rows.values() if _matches(row, where)]
        return max(found, key=lambda row: getattr(row, "created_at", 0.0)) if found else None

    def count(self, **where: object) -> int:
        return sum(_matches(row, where) for row in self._rows.values())

    def page(self, query: Query) -> Page[EntityT]:
        check_sort(query.sort, self._entity.SORTABLE)
        rows = [row for row in self._rows.values() if _matches(row, query.where) and _is_found(row, query.search)]
        if issubclass(self._entity, Named):
            rows = [row for row in rows if (getattr(row, "trashed_at", None) is not None) == query.trashed]
        total = len(rows)
        rows.sort(key=lambda row: (getattr(row, query.sort), row.id), reverse=query.descending)
        if query.cursor:
            value, last = decode_cursor(query.cursor)
            place: Any = (value, last)
            rows = [row for row in rows if _is_beyond((getattr(row, query.sort), row.id), place, query.descending)]
        items = tuple(rows[: query.limit])
        more = len(rows) > query.limit
        return Page(items, encode_cursor(getattr(items[-1], query.sort), items[-1].id) if more else "", total)

    def _require_free_name(self, entity: EntityT) -> None:
        if not isinstance(entity, Named | User) or getattr(entity, "trashed_at", None) is not None:
            return
        for row in self._rows.values():
            same = getattr(row, "name", None) == entity.name and row.id != entity.id
            if same and getattr(row, "trashed_at", None) is None:
                raise NameTaken(f"The name {entity.name!r} is taken by another {self._kind}.", name=entity.name)


class InMemoryHistories:
    """Fulfils `tenfold.core.repository.Histories`."""

    def __init__(self, series: _Series) -> None:
        self._series = series

    def put(self, run_id: str, step: int, epoch: float, values: Mapping[str, float]) -> None:
        rows = self._series.setdefault(run_id, {})
        rows[step] = (epoch, {**rows.get(step, (epoch, {}))[1], **values})

    def rows(self, run_id: str) -> list[tuple[int, float, dict[str, float]]]:
        return [(step, epoch, values) for step, (epoch, values) in sorted(self._series.get(run_id, {}).items())]

    def remove(self, run_id: str) -> None:
        self._series.pop(run_id, None)


def _matches(row: Entity, where: Mapping[str, object]) -> bool:
    return all(
        getattr(row, name) in value if isinstance(value, tuple) else getattr(row, name) == value
        for name, value in where.items()
    )


def _is_found(row: Entity, search: str) -> bool:
    text = " ".join([getattr(row, "name", ""), getattr(row, "note", ""), *getattr(row, "tags", ())]).lower()
    return all(word.lower() in text for word in search.split())


def _is_beyond(place: Any, last: Any, descending: bool) -> bool:
    return bool(place < last if descending else place > last)
