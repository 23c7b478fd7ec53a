"""Who may use this Tenfold, and what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tenfold.core.entities import Entity
from tenfold.core.ids import SessionId, TokenId, UserId

Role = Literal["owner", "editor", "viewer"]
Scope = Literal["read", "write", "admin"]
ROLES: tuple[Role, ...] = ("owner", "editor", "viewer")
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")


@dataclass(frozen=True, kw_only=True)
class User(Entity):
    """A person. Without a password, the person signs in by a printed link only. `run_code` allows custom Python."""

    SORTABLE: ClassVar[tuple[str, ...]] = ("created_at", "id", "name")

    id: UserId
    name: str
    role: Role
    created_at: float
    password_hash: str = ""
    run_code: bool = False
    disabled: bool = False

    @property
    def may_run_code(self) -> bool:
        """Whether the person's own Python code may run now."""
        return self.run_code and not self.disabled


@dataclass(frozen=True, kw_only=True)
class Token(Entity):
    """A secret for scripts. Only the sha256 of the secret is stored."""

    SORTABLE: ClassVar[tuple[str, ...]] = ("created_at", "id", "name")

    id: TokenId
    name: str
    user: UserId
    scope: Scope
    secret_sha256: str
    created_at: float
    used_at: float | None = None
    revoked_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Session(Entity):
    """A signed-in browser. `link` sessions are the unused one-time links that sign in."""

    id: SessionId
    user: UserId
    secret_sha256: str
    created_at: float
    expires_at: float
    link: bool = False
