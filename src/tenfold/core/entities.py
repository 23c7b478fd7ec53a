"""What every stored object has in common."""

from __future__ import annotations

from dataclasses import dataclass

from tenfold.core.ids import UserId


@dataclass(frozen=True, kw_only=True)
class Entity:
    """Something with an identity. `version` counts changes: a change made to an older version is refused."""

    id: str
    version: int = 0


@dataclass(frozen=True, kw_only=True)
class Named(Entity):
    """Something with a name: it can be renamed, noted, tagged, searched, and put in the trash with undo.

    Names are unique within a kind among what is not in the trash. Times are seconds since 1970, UTC.
    """

    name: str
    owner: UserId
    created_at: float
    changed_at: float
    note: str = ""
    tags: tuple[str, ...] = ()
    trashed_at: float | None = None
