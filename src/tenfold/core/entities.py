"""What every stored object has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenfold.core.ids import UserId


@dataclass(frozen=True, kw_only=True)
class Entity:
    """Something with an identity. `version` counts changes: a change made to an older version is refused.

    Lists can be sorted by the columns of `SORTABLE` and by no other: what orders a list can be learned from the order.
    """

    SORTABLE: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    version: int = 0


@dataclass(frozen=True, kw_only=True)
class Named(Entity):
    """Something with a name: it can be renamed, noted, tagged, searched, and put in the trash with undo.

    Names are unique within a kind among what is not in the trash. Times are seconds since 1970, UTC.
    """

    SORTABLE: ClassVar[tuple[str, ...]] = ("changed_at", "created_at", "id", "name")

    name: str
    owner: UserId
    created_at: float
    changed_at: float
    note: str = ""
    tags: tuple[str, ...] = ()
    trashed_at: float | None = None
