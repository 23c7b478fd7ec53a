"""Tables, derived from the entities: one table a kind, one column an attribute, JSON for what has inner structure."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from tenfold.core.accounts.model import Session, Token, User
from tenfold.core.datasets.dataset import Dataset, Revision
from tenfold.core.entities import Entity, Named
from tenfold.core.inference.model import Model
from tenfold.core.jobs.model import Job
from tenfold.core.networks.network import Network, NetworkVersion
from tenfold.core.repository import Answer, Redirect
from tenfold.core.training.run import LogLine, Run

ENTITIES: dict[str, type[Entity]] = {
    "datasets": Dataset,
    "revisions": Revision,
    "networks": Network,
    "network_versions": NetworkVersion,
    "runs": Run,
    "models": Model,
    "jobs": Job,
    "log_lines": LogLine,
    "users": User,
    "tokens": Token,
    "sessions": Session,
    "redirects": Redirect,
    "answers": Answer,
}
_INDEXED = {
    "revisions": ["dataset"],
    "networks": ["created_at"],
    "network_versions": ["network"],
    "runs": ["state", "dataset", "job", "created_at", "network_id"],
    "datasets": ["job", "created_at"],
    "models": ["run", "created_at"],
    "jobs": ["state", "subject"],
    "log_lines": ["job"],
    "tokens": ["user", "secret_sha256"],
    "sessions": ["user", "secret_sha256"],
}
_SCALARS: dict[type, TypeEngine[Any]] = {
    str: Text(),
    int: BigInteger(),
    float: Float(53),
    bool: Boolean(),
}

metadata = MetaData()


def column_type(hint: Any) -> tuple[TypeEngine[Any], bool]:
    """The SQL type of an attribute's annotation, and whether it may be empty."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return column_type(inner[0])[0], True
    if typing.get_origin(hint) is Literal:
        return Text(), False
    hint = getattr(hint, "__supertype__", hint)
    return _SCALARS.get(hint, JSON()), False


def _table(name: str, entity: type[Entity]) -> Table:
    hints = typing.get_type_hints(entity)
    columns: list[Column[Any]] = [Column("id", String(200), primary_key=True)]
    for attribute in dataclasses.fields(entity):
        if attribute.name != "id":
            kind, nullable = column_type(hints[attribute.name])
            columns.append(Column(attribute.name, kind, nullable=nullable))
    table = Table(name, metadata, *columns)
    for column in _INDEXED.get(name, []):
        Index(f"ix_{name}_{column}", table.c[column])
    if issubclass(entity, Named):
        present = table.c.trashed_at.is_(None)
        Index(f"uq_{name}_name", table.c.name, unique=True, sqlite_where=present, postgresql_where=present)
    elif entity is User:
        Index("uq_users_name", table.c.name, unique=True)
    return table


TABLES: dict[str, Table] = {name: _table(name, entity) for name, entity in ENTITIES.items()}
HISTORIES = Table(
    "histories",
    metadata,
    Column("run", String(200), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("epoch", Float(53), nullable=False),
    Column("measured", JSON, nullable=False),
)
