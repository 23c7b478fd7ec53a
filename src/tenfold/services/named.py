"""What people do with everything that has a name: find, rename, note, tag, trash, restore."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from tenfold.core.accounts.policy import Actor
from tenfold.core.entities import Named
from tenfold.core.errors import Conflict, InUse, InvalidFields, NameTaken, NotFound, Problem
from tenfold.core.ids import is_id
from tenfold.core.names import check_name, lookup_form, propose_name
from tenfold.core.repository import Database, Page, Query, Redirect, Repository, Transaction

NamedT = TypeVar("NamedT", bound=Named)
MAX_NOTE = 10_000
MAX_TAGS = 50
TRASH_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[NamedT]):
    """What differs between the kinds: where they are stored, who may change them, what uses them.

    `reserved` are names of things that are not stored, as the networks of the catalogue.
    """

    word: str
    repository: Callable[[Transaction], Repository[NamedT]]
    change: str
    used_by: Callable[[Transaction, NamedT], list[str]]
    reserved: frozenset[str] = frozenset()


class NamedThings(Generic[NamedT]):
    """The objects of one kind. A name may stand wherever an id may; a former name leads on until it is taken again."""

    def __init__(self, kind: Kind[NamedT], database: Database, clock: Callable[[], float]) -> None:
        self._kind = kind
        self._database = database
        self._clock = clock

    def get(self, actor: Actor, name_or_id: str) -> NamedT:
        """Raises `NotFound`. What is in the trash is found by its id alone."""
        actor.require("read")
        with self._database.read() as tx:
            return self.find(tx, name_or_id)

    def find(self, tx: Transaction, name_or_id: str) -> NamedT:
        """As `get`, within a transaction and for the program itself."""
        repository = self._kind.repository(tx)
        if is_id(name_or_id):
            return repository.get(name_or_id)
        name = lookup_form(name_or_id)
        found = repository.find(name=name, trashed_at=None)
        if found is None:
            redirect = tx.redirects.find(id=f"{self._kind.word}/{name}")
            found = repository.find(id=redirect.target, trashed_at=None) if redirect else None
        if found is None:
            raise NotFound(f"There is no {self._kind.word} named {name_or_id!r}.", code=f"{self._kind.word}.not-found")
        return found

    def page(self, actor: Actor, query: Query) -> Page[NamedT]:
        """Part of the list."""
        actor.require("read")
        with self._database.read() as tx:
            return self._kind.repository(tx).page(replace(query, search=lookup_form(query.search)))

    def used_by(self, actor: Actor, thing: NamedT) -> list[str]:
        """The names of what depends on it."""
        actor.require("read")
        with self._database.read() as tx:
            return self._kind.used_by(tx, thing)

    def free_name(self, tx: Transaction, wish: str) -> str:
        """`wish`, or the next one that is free."""
        return propose_name(wish, lambda name: self._is_taken(tx, name))

    def change(
        self,
        actor: Actor,
        name_or_id: str,
        *,
        name: str | None = None,
        note: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> NamedT:
        """Sets what is given, all of it or nothing; raises `InvalidFields` with every problem, `NameTaken`.

        An old name leads here until something else takes it.
        """
        with self._database.write() as tx:
            thing = self.changeable(tx, actor, name_or_id)
            newer = replace(thing, **_checked(name, note, tags))
            if newer == thing:
                return thing
            if newer.name != thing.name:
                self.claim_name(tx, newer.name)
                self._redirect(tx, thing.name, thing.id)
            return self._kind.repository(tx).update(replace(newer, changed_at=self._clock()))

    def rename(self, actor: Actor, name_or_id: str, name: str) -> NamedT:
        """Gives another name; see `change`."""
        return self.change(actor, name_or_id, name=name)

    def annotate(
        self, actor: Actor, name_or_id: str, *, note: str | None = None, tags: list[str] | None = None
    ) -> NamedT:
        """Sets the note, the tags, or both; `None` leaves as it is."""
        return self.change(actor, name_or_id, note=note, tags=tags)

    def claim_name(self, tx: Transaction, name: str) -> None:
        """Takes a name away from what only used to be called so.

        Raises `NameTaken`, which proposes a free name, when something is called so.
        """
        self.require_free(tx, name)
        self._forget(tx, name)

    def require_free(self, tx: Transaction, name: str) -> None:
        """Raises `NameTaken`, which proposes a free name, when something is called so."""
        if self._is_taken(tx, name):
            free = self.free_name(tx, name)
            text = f"The name {name!r} is taken by another {self._kind.word}; {free!r} is free."
            raise NameTaken(text, name=name, free=free)

    def _is_taken(self, tx: Transaction, name: str) -> bool:
        return name in self._kind.reserved or self._kind.repository(tx).find(name=name, trashed_at=None) is not None

    def _forget(self, tx: Transaction, former_name: str) -> None:
        key = f"{self._kind.word}/{former_name}"
        if tx.redirects.find(id=key) is not None:
            tx.redirects.remove(key)

    def trash(self, actor: Actor, name_or_id: str) -> NamedT:
        """Puts it in the trash; raises `InUse` and says what depends on it."""
        with self._database.write() as tx:
            thing = self.changeable(tx, actor, name_or_id)
            users = self._kind.used_by(tx, thing)
            if users:
                shown = ", ".join(users[:5]) + (f" and {len(users) - 5} more" if len(users) > 5 else "")
                raise InUse(f"{thing.name} is used by {shown}.", used_by=users)
            if thing.trashed_at is not None:
                return thing
            return self._kind.repository(tx).update(replace(thing, trashed_at=self._clock()))

    def restore(self, actor: Actor, id: str) -> NamedT:
        """Takes it out of the trash, under another name when its own was taken meanwhile."""
        with self._database.write() as tx:
            thing = self.changeable(tx, actor, id)
            if thing.trashed_at is None:
                return thing
            name = self.free_name(tx, thing.name)
            return self._kind.repository(tx).update(replace(thing, name=name, trashed_at=None))

    def changeable(self, tx: Transaction, actor: Actor, name_or_id: str) -> NamedT:
        """What the actor may change; raises `Forbidden`, `NotFound`, and `Conflict` for what ships with Tenfold."""
        repository, name = self._kind.repository(tx), lookup_form(name_or_id)
        if name in self._kind.reserved and repository.find(name=name, trashed_at=None) is None:
            actor.require(self._kind.change)
            text = f"{name} ships with Tenfold and cannot be changed: change a copy of it."
            raise Conflict(text, code=f"{self._kind.word}.in-catalogue")
        thing = self.find(tx, name_or_id)
        actor.require(self._kind.change, owner=thing.owner)
        return thing

    def _redirect(self, tx: Transaction, old_name: str, id: str) -> None:
        self._forget(tx, old_name)
        tx.redirects.add(Redirect(id=f"{self._kind.word}/{old_name}", target=id, created_at=self._clock()))


def _checked(name: str | None, note: str | None, tags: Iterable[str] | None) -> dict[str, Any]:
    """The values that are given, each checked; raises `InvalidFields` with the problems of all."""
    checks: dict[str, Callable[[], object]] = {}
    if name is not None:
        checks["name"] = lambda: check_name(name)
    if note is not None:
        checks["note"] = lambda: _check_note(note)
    if tags is not None:
        checks["tags"] = lambda: _check_tags([*tags])
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for field, check in checks.items():
        try:
            values[field] = check()
        except InvalidFields as error:
            problems += error.problems
    if problems:
        raise InvalidFields(problems)
    return values


def _check_note(note: str) -> str:
    if len(note) > MAX_NOTE:
        problem = Problem("note", f"The note has {len(note)} characters; at most {MAX_NOTE} are allowed.", "length")
        raise InvalidFields([problem])
    strange = next((char for char in note if unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\r\t"), None)
    if strange is not None:
        text = f"The note has the character U+{ord(strange):04X} in it, which cannot be shown: leave it out."
        raise InvalidFields([Problem("note", text, "character")])
    return note


def _check_tags(tags: list[str]) -> tuple[str, ...]:
    if len(tags) > MAX_TAGS:
        raise InvalidFields([Problem("tags", f"There are {len(tags)} tags; at most {MAX_TAGS} are allowed.", "length")])
    return tuple(sorted({check_name(tag, "tags") for tag in tags}))
