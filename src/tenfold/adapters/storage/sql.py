"""The database on SQLAlchemy: SQLite by default."""

from __future__ import annotations

import dataclasses
import json
import threading
import typing
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Generic
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Table, and_, cast, create_engine, delete, event, func, insert, or_, select
from sqlalchemy import String as SqlString
from sqlalchemy import update as sql_update
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.sql import ColumnElement

from tenfold.adapters.storage.migrate import NEWEST, known_revisions, migrate
from tenfold.adapters.storage.schema import ENTITIES, HISTORIES, TABLES
from tenfold.core.entities import Entity, Named
from tenfold.core.errors import Changed, Conflict, Damaged, NameTaken, NotFound, StorageFull, Unavailable
from tenfold.core.repository import EntityT, Page, Query, check_sort, decode_cursor, encode_cursor

OLDEST_SAFE_SQLITE = (3, 51, 3)  # older ones may corrupt a WAL database (the WAL-reset bug of 3.7.0 to 3.51.2)
BUSY_MS = 10_000
_WAY_OUT = "Put back a copy of it, or move it away to begin with an empty one, which keeps no accounts and no lists."


def open_sqlite(path: Path) -> SqlDatabase:
    """The database in this file, brought to the newest schema; made where there is none.

    Raises `Damaged` for a file that is no whole database and `Unavailable` for one of a newer Tenfold, and then leaves
    it as it is.
    """
    import pysqlite3.dbapi2 as driver  # noqa: PLC0415  the interpreter's own SQLite may have the WAL-reset bug

    if driver.sqlite_version_info < OLDEST_SAFE_SQLITE:
        wanted = ".".join(str(part) for part in OLDEST_SAFE_SQLITE)
        raise Unavailable(f"SQLite {driver.sqlite_version} may damage data; {wanted} or newer is needed.")
    if path.exists():
        _check_file(path, driver)
    engine = create_engine(
        f"sqlite:///{path}",
        module=driver,
        json_serializer=_to_json,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
    )
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    with _translated():
        migrate(engine)
    return SqlDatabase(engine)


def _check_file(path: Path, driver: Any) -> None:
    """Reads the schema's number without a trace: a file that nobody works on is not even locked."""
    immutable = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    try:
        with closing(driver.connect(f"file:{quote(str(path))}?mode=ro{immutable}", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
            found = connection.execute("select version_num from alembic_version") if "alembic_version" in tables else ()
            revisions = {revision for (revision,) in found}
    except driver.OperationalError as error:
        raise Unavailable(f"{path} cannot be opened: {error}.") from error
    except driver.DatabaseError as error:
        raise Damaged(f"{path} is damaged: {error}. {_WAY_OUT}") from error
    newer = revisions - known_revisions()
    if newer:
        text = (
            f"{path} was written by a newer Tenfold: its schema is {max(newer)}, and this one knows {NEWEST} at most. "
            "Install the newer Tenfold again, or name another data folder with TENFOLD_DATA."
        )
        raise Unavailable(text, code="data.newer")


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _prepare_connection(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    kind = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {kind}")


class SqlDatabase:
    """Fulfils `tenfold.core.repository.Database`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = threading.RLock()

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        writing = self.engine.execution_options(writes=True)
        with self._writer, _translated(), writing.begin() as connection:
            yield SqlTransaction(connection)

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        with _translated(), self.engine.connect() as connection:
            yield SqlTransaction(connection)

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        text = str(error.orig)
        if "full" in text:
            raise StorageFull("The disk of the database has no room left: free some, then try again.") from error
        if "I/O error" in text:
            text = "The database cannot be written or read: look whether its disk is full, over its quota or damaged."
            raise Unavailable(text) from error
        if "locked" in text or "busy" in text:
            raise Unavailable("The database is busy; try again in a moment.") from error
        raise
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise
        raise Unavailable(f"The database is damaged: {error.orig}. {_WAY_OUT}", code="data.damaged") from error


class SqlTransaction:
    """All repositories over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.datasets = SqlRepository[Any](connection, "datasets")
        self.revisions = SqlRepository[Any](connection, "revisions")
        self.networks = SqlRepository[Any](connection, "networks")
        self.network_versions = SqlRepository[Any](connection, "network_versions")
        self.runs = SqlRepository[Any](connection, "runs")
        self.models = SqlRepository[Any](connection, "models")
        self.jobs = SqlRepository[Any](connection, "jobs")
        self.log_lines = SqlRepository[Any](connection, "log_lines")
        self.users = SqlRepository[Any](connection, "users")
        self.tokens = SqlRepository[Any](connection, "tokens")
        self.sessions = SqlRepository[Any](connection, "sessions")
        self.redirects = SqlRepository[Any](connection, "redirects")
        self.answers = SqlRepository[Any](connection, "answers")
        self.histories = SqlHistories(connection)


class SqlRepository(Generic[EntityT]):
    """Fulfils `tenfold.core.repository.Repository` over one table."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._table: Table = TABLES[name]
        self._entity: type[EntityT] = ENTITIES[name]  # type: ignore[assignment]
        self._tuples = _TUPLES[name]
        self._kind = name.rstrip("s").replace("_", " ")

    def add(self, entity: EntityT) -> None:
        with self._conflicts(entity):
            self._connection.execute(insert(self._table).values(**_to_row(entity)))

    def get(self, id: str) -> EntityT:
        row = self._connection.execute(select(self._table).where(self._table.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no {self._kind} {id!r}.")
        return self._from_row(row)

    def update(self, entity: EntityT) -> EntityT:
        newer = dataclasses.replace(entity, version=entity.version + 1)
        matches = and_(self._table.c.id == entity.id, self._table.c.version == entity.version)
        with self._conflicts(entity):
            result = self._connection.execute(sql_update(self._table).where(matches).values(**_to_row(newer)))
        if result.rowcount == 0:
            stored = self.get(entity.id)
            raise Changed(
                f"This {self._kind} was changed in the meantime (version {stored.version}, not {entity.version})."
            )
        return newer

    def remove(self, id: str) -> None:
        if self._connection.execute(delete(self._table).where(self._table.c.id == id)).rowcount == 0:
            raise NotFound(f"There is no {self._kind} {id!r}.")

    def find(self, **where: object) -> EntityT | None:
        statement = select(self._table).where(*self._conditions(where))
        if "created_at" in self._table.c:
            statement = statement.order_by(self._table.c.created_at.desc())
        row = self._connection.execute(statement.limit(1)).mappings().first()
        return self._from_row(row) if row is not None else None

    def count(self, **where: object) -> int:
        statement = select(func.count()).select_from(self._table).where(*self._conditions(where))
        return int(self._connection.execute(statement).scalar_one())

    def page(self, query: Query) -> Page[EntityT]:
        check_sort(query.sort, self._entity.SORTABLE)
        conditions = [*self._conditions(query.where), *self._search(query.search)]
        if issubclass(self._entity, Named):
            trashed = self._table.c.trashed_at
            conditions.append(trashed.is_not(None) if query.trashed else trashed.is_(None))
        total = self._connection.execute(select(func.count()).select_from(self._table).where(*conditions)).scalar_one()
        column, key = self._table.c[query.sort], self._table.c.id
        if query.cursor:
            value, last = decode_cursor(query.cursor)
            beyond = (column < value, key < last) if query.descending else (column > value, key > last)
            conditions.append(or_(beyond[0], and_(column == value, beyond[1])))
        order = (column.desc(), key.desc()) if query.descending else (column.asc(), key.asc())
        statement = select(self._table).where(*conditions).order_by(*order).limit(query.limit + 1)
        found = [self._from_row(row) for row in self._connection.execute(statement).mappings()]
        items = tuple(found[: query.limit])
        more = len(found) > query.limit
        return Page(items, encode_cursor(getattr(items[-1], query.sort), items[-1].id) if more else "", total)

    def _conditions(self, where: Mapping[str, object]) -> list[ColumnElement[bool]]:
        return [
            self._table.c[name].in_(value) if isinstance(value, tuple) else self._table.c[name] == value
            for name, value in where.items()
        ]

    def _search(self, text: str) -> list[ColumnElement[bool]]:
        columns = [self._table.c[name] for name in ("name", "note", "tags") if name in self._table.c]
        conditions = []
        for word in text.split():
            escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            conditions.append(or_(*(cast(column, SqlString).ilike(f"%{escaped}%", escape="\\") for column in columns)))
        return conditions

    def _from_row(self, row: Mapping[Any, Any]) -> EntityT:
        values = {name: tuple(value) if name in self._tuples else value for name, value in row.items()}
        return self._entity(**values)  # type: ignore[arg-type]

    @contextmanager
    def _conflicts(self, entity: EntityT) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            name = getattr(entity, "name", None)
            if name is not None and "name" in str(error.orig):
                raise NameTaken(f"The name {name!r} is taken by another {self._kind}.", name=name) from None
            raise Conflict(f"There is a {self._kind} {entity.id!r} already.") from None


class SqlHistories:
    """Fulfils `tenfold.core.repository.Histories`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, run_id: str, step: int, epoch: float, values: Mapping[str, float]) -> None:
        place = and_(HISTORIES.c.run == run_id, HISTORIES.c.step == step)
        before = self._connection.execute(select(HISTORIES.c.measured).where(place)).scalar()
        if before is not None:
            measured = {**before, **values}
            self._connection.execute(sql_update(HISTORIES).where(place).values(measured=measured, epoch=epoch))
        else:
            row = {"run": run_id, "step": step, "epoch": epoch, "measured": dict(values)}
            self._connection.execute(insert(HISTORIES).values(**row))

    def rows(self, run_id: str) -> list[tuple[int, float, dict[str, float]]]:
        statement = select(HISTORIES.c.step, HISTORIES.c.epoch, HISTORIES.c.measured)
        rows = self._connection.execute(statement.where(HISTORIES.c.run == run_id).order_by(HISTORIES.c.step))
        return [(int(step), float(epoch), measured) for step, epoch, measured in rows]

    def remove(self, run_id: str) -> None:
        self._connection.execute(delete(HISTORIES).where(HISTORIES.c.run == run_id))


def _tuples_of(entity: type[Entity]) -> frozenset[str]:
    """The attributes that are tuples, which JSON gives back as lists."""
    hints = typing.get_type_hints(entity)
    return frozenset(name for name, hint in hints.items() if typing.get_origin(hint) is tuple)


def _to_row(entity: Any) -> dict[str, object]:
    values = {attribute.name: getattr(entity, attribute.name) for attribute in dataclasses.fields(entity)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


_TUPLES = {name: _tuples_of(entity) for name, entity in ENTITIES.items()}
