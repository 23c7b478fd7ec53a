"""What accounts need from the outside."""

from __future__ import annotations

from typing import Protocol


class PasswordHasher(Protocol):
    """Turns passwords into hashes that are slow to guess from."""

    def hash(self, password: str) -> str: ...

    def matches(self, hash: str, password: str) -> bool:
        """False for a wrong password and for a damaged hash."""
