"""Requests that may come twice: the second one is answered with what the first one made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import Conflict, InvalidFields, Problem
from tenfold.core.repository import Answer, Transaction

MAX_KEY = 200


@dataclass(frozen=True)
class Request:
    """A submit with its idempotency key; an empty key means that every request counts."""

    actor: Actor
    key: str
    body: object

    @property
    def _id(self) -> str:
        return f"{self.actor.user}/{hashlib.sha256(self.key.encode()).hexdigest()}"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self.body, sort_keys=True, default=str).encode()).hexdigest()

    def earlier_result(self, tx: Transaction) -> str | None:
        """The id of what the same request made before.

        Raises `Conflict` when the key was used for another request, `InvalidFields` when it is too long.
        """
        if len(self.key) > MAX_KEY:
            text = f"The idempotency key has {len(self.key)} characters; at most {MAX_KEY} are allowed."
            raise InvalidFields([Problem("Idempotency-Key", text, "length")])
        answer = tx.answers.find(id=self._id) if self.key else None
        if answer is None:
            return None
        if answer.request_sha256 != self._digest:
            text = "This idempotency key was used for another request: use a new one."
            raise Conflict(text, code="idempotency.key-reused")
        return answer.result

    def remember(self, tx: Transaction, result: str, now: float) -> None:
        """Stores what the request made, in the transaction that makes it."""
        if self.key:
            tx.answers.add(Answer(id=self._id, request_sha256=self._digest, result=result, created_at=now))
