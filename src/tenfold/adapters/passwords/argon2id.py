"""Password hashes by Argon2id."""

from __future__ import annotations

import argon2

# OWASP's least for Argon2id: 19 MiB, two passes, one lane.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class Argon2Hasher:
    """Fulfils `tenfold.core.accounts.ports.PasswordHasher`."""

    def hash(self, password: str) -> str:
        return _HASHER.hash(password)

    def matches(self, hash: str, password: str) -> bool:
        try:
            return _HASHER.verify(hash, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
