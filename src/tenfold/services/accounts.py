"""People, their sessions and their tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tenfold.core.accounts.model import ROLES, SCOPES, Scope, Session, Token, User
from tenfold.core.accounts.policy import Actor
from tenfold.core.accounts.ports import PasswordHasher
from tenfold.core.errors import Conflict, Forbidden, InvalidFields, NameTaken, NotFound, Problem, Unauthenticated
from tenfold.core.ids import SessionId, TokenId, UserId, new_id
from tenfold.core.names import check_name, lookup_form, propose_name
from tenfold.core.repository import Database, Page, Query, Transaction
from tenfold.services.brake import Brake

ChoiceT = TypeVar("ChoiceT", bound=str)
SESSION_S = 30 * 86_400
LINK_S = 30 * 60
TOKEN_PREFIX = "tfd_"
MIN_PASSWORD = 8
MAX_PASSWORD = 256
COMMON_PASSWORDS = frozenset(
    {"password", "12345678", "123456789", "1234567890", "qwertyui", "qwertyuiop", "11111111", "iloveyou", "passw0rd"}
)


class AccountService:
    """Who is who. Secrets are stored as hashes only, and shown once."""

    def __init__(self, database: Database, hasher: PasswordHasher, clock: Callable[[], float]) -> None:
        self._database = database
        self._hasher = hasher
        self._clock = clock
        self._brake = Brake(clock)
        self._decoy = hasher.hash(secrets.token_urlsafe(16))

    def ensure_owner(self, name: str) -> User:
        """The first owner; made under this name when there is nobody yet."""
        with self._database.write() as tx:
            owners = self._owners(tx)
            if owners:
                return owners[0]
            user = User(
                id=UserId(new_id("user")),
                name=check_name(name),
                role="owner",
                created_at=self._clock(),
                run_code=True,
            )
            tx.users.add(user)
            return user

    def owner_has_password(self) -> bool:
        """Whether an owner can sign in without the printed link."""
        with self._database.read() as tx:
            return any(owner.password_hash for owner in self._owners(tx))

    def make_link(self, user: UserId) -> str:
        """The secret of a link that signs in once within half an hour."""
        secret = secrets.token_urlsafe(24)
        with self._database.write() as tx:
            tx.sessions.add(self._session(user, secret, LINK_S, link=True))
        return secret

    def follow_link(self, secret: str) -> str:
        """Uses a link up and returns the secret of a new session."""
        with self._database.write() as tx:
            link = tx.sessions.find(secret_sha256=_digest(secret), link=True)
            if link is None or link.expires_at < self._clock():
                text = "This link was used or is too old. Start the server again, or sign in with your password."
                raise Unauthenticated(text, code="link.used")
            tx.sessions.remove(link.id)
            self._enabled(tx, link.user)
            return self._open_session(tx, link.user)

    def sign_in(self, name: str, password: str, *, address: str = "") -> str:
        """The secret of a new session; takes as long for a name that nobody has.

        Raises `Busy` for an account, or an `address` of the network, that was wrong too often; see `Brake`.
        """
        wanted = lookup_form(name)
        keys = (f"account {_digest(wanted)}", *([f"address {address}"] if address else []))
        self._brake.begin(keys)
        with self._database.read() as tx:
            user = tx.users.find(name=wanted)
        known = user.password_hash if user is not None and user.password_hash else self._decoy
        right = self._hasher.matches(known, password[:MAX_PASSWORD])
        if user is None or not user.password_hash or not right or user.disabled:
            raise Unauthenticated("Name and password do not belong together.", code="sign-in")
        self._brake.release(keys)
        with self._database.write() as tx:
            return self._open_session(tx, user.id)

    def sign_out(self, secret: str) -> None:
        """Ends a session."""
        with self._database.write() as tx:
            session = tx.sessions.find(secret_sha256=_digest(secret), link=False)
            if session is not None:
                tx.sessions.remove(session.id)

    def actor_of_session(self, secret: str) -> Actor:
        """Raises `Unauthenticated`."""
        with self._database.read() as tx:
            session = tx.sessions.find(secret_sha256=_digest(secret), link=False)
            if session is None or session.expires_at < self._clock():
                raise Unauthenticated
            return _actor(self._enabled(tx, session.user), "admin")

    def actor_of_token(self, secret: str) -> Actor:
        """Raises `Unauthenticated`."""
        with self._database.read() as tx:
            token = tx.tokens.find(secret_sha256=_digest(secret))
            if token is None or token.revoked_at is not None:
                raise Unauthenticated("This token is not known or was revoked.", code="token")
            user = self._enabled(tx, token.user)
        if token.used_at is None or self._clock() - token.used_at > 60:
            with self._database.write() as tx:
                fresh = tx.tokens.find(id=token.id)
                if fresh is not None:
                    tx.tokens.update(replace(fresh, used_at=self._clock()))
        return _actor(user, token.scope)

    def actor_of_user(self, user: UserId) -> Actor:
        """For the program itself: the command line of whoever can write the data folder."""
        with self._database.read() as tx:
            return _actor(self._enabled(tx, user), "admin")

    def create_token(self, actor: Actor, name: str, scope: str) -> tuple[Token, str]:
        """A token of one's own and its secret, which is shown this once."""
        actor.require("account.self")
        checked = _choice("scope", scope, SCOPES)
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        token = Token(
            id=TokenId(new_id("token")),
            name=check_name(name),
            user=actor.user,
            scope=checked,
            secret_sha256=_digest(secret),
            created_at=self._clock(),
        )
        with self._database.write() as tx:
            tx.tokens.add(token)
        return token, secret

    def tokens(self, actor: Actor, query: Query) -> Page[Token]:
        """One's own tokens."""
        actor.require("account.self")
        with self._database.read() as tx:
            return tx.tokens.page(replace(query, where={**query.where, "user": actor.user}))

    def revoke_token(self, actor: Actor, name_or_id: str) -> Token:
        """Ends a token of one's own; raises `Conflict` for a name that several valid ones have."""
        actor.require("account.self")
        with self._database.write() as tx:
            token = self._own_token(tx, actor, name_or_id)
            return token if token.revoked_at else tx.tokens.update(replace(token, revoked_at=self._clock()))

    def users(self, actor: Actor, query: Query) -> Page[User]:
        """Everybody."""
        actor.require("user.manage")
        with self._database.read() as tx:
            return tx.users.page(query)

    def me(self, actor: Actor) -> User:
        """The user that asks."""
        with self._database.read() as tx:
            return tx.users.get(actor.user)

    def add_user(self, actor: Actor, name: str, *, role: str, password: str, run_code: bool = False) -> User:
        """A second account and further ones; an owner must have a password by then."""
        actor.require("user.manage")
        if not self.owner_has_password():
            raise Conflict("Set your own password first: with a second account, people sign in.", code="password.first")
        user = User(
            id=UserId(new_id("user")),
            name=check_name(name),
            role=_choice("role", role, ROLES),
            created_at=self._clock(),
            password_hash=self._hash(password),
            run_code=run_code,
        )
        with self._database.write() as tx:
            if tx.users.find(name=user.name) is not None:
                free = propose_name(user.name, lambda each: tx.users.find(name=each) is not None)
                raise NameTaken(f"The name {user.name!r} is taken by another account; {free!r} is free.", free=free)
            tx.users.add(user)
        return user

    def set_disabled(self, actor: Actor, name_or_id: str, disabled: bool) -> User:
        """Locks somebody out at once, or lets them in again. The last owner cannot be locked out.

        Own Python code of who is locked out runs no more, as without the right to it.
        """
        actor.require("user.manage")
        with self._database.write() as tx:
            user = self._user(tx, name_or_id)
            others = [owner for owner in self._owners(tx) if owner.id != user.id]
            if disabled and user.role == "owner" and not others:
                raise Conflict(f"{user.name} is the only owner and stays enabled.", code="user.last-owner")
            if disabled:
                self._end_sessions(tx, user.id)
            return tx.users.update(replace(user, disabled=disabled))

    def set_run_code(self, actor: Actor, name_or_id: str, allowed: bool) -> User:
        """Lets somebody run own Python code, or no longer.

        Then nothing of theirs begins any more that does, and what runs is ended, by the desk or as an errand.
        """
        actor.require("user.manage")
        with self._database.write() as tx:
            return tx.users.update(replace(self._user(tx, name_or_id), run_code=allowed))

    def set_password(self, actor: Actor, name_or_id: str, password: str, *, current: str | None = None) -> User:
        """Sets a password and ends all sessions of the account.

        For one's own, the current one is needed once there is one; an owner resets anybody's.
        """
        with self._database.write() as tx:
            user = self._user(tx, name_or_id)
            if user.id == actor.user:
                actor.require("account.self")
                self._check_current(user, current)
            else:
                actor.require("user.manage")
            hashed = self._hash(password)
            self._end_sessions(tx, user.id)
            return tx.users.update(replace(user, password_hash=hashed))

    def _check_current(self, user: User, current: str | None) -> None:
        if current is None or not user.password_hash:
            return
        keys = (f"account {_digest(user.name)}",)
        self._brake.begin(keys)
        if not self._hasher.matches(user.password_hash, current):
            raise Forbidden("The current password is another one.", code="password.current")
        self._brake.release(keys)

    def open_session(self, user: UserId) -> str:
        """A new session for somebody who has just proved to be who they are."""
        with self._database.write() as tx:
            return self._open_session(tx, user)

    def _open_session(self, tx: Transaction, user: UserId) -> str:
        secret = secrets.token_urlsafe(32)
        tx.sessions.add(self._session(user, secret, SESSION_S, link=False))
        return secret

    def _session(self, user: UserId, secret: str, seconds: float, *, link: bool) -> Session:
        now = self._clock()
        return Session(
            id=SessionId(new_id("session")),
            user=user,
            secret_sha256=_digest(secret),
            created_at=now,
            expires_at=now + seconds,
            link=link,
        )

    @staticmethod
    def _end_sessions(tx: Transaction, user: UserId) -> None:
        while (session := tx.sessions.find(user=user)) is not None:
            tx.sessions.remove(session.id)

    @staticmethod
    def _own_token(tx: Transaction, actor: Actor, name_or_id: str) -> Token:
        token = tx.tokens.find(id=name_or_id, user=actor.user)
        if token is not None:
            return token
        where = {"name": lookup_form(name_or_id), "user": actor.user, "revoked_at": None}
        named = tx.tokens.page(Query(where=where)).items
        if not named:
            raise NotFound(f"There is no valid token {name_or_id!r}.", code="token.not-found")
        if len(named) > 1:
            ids = ", ".join(each.id for each in named)
            raise Conflict(f"{len(named)} tokens are named {name_or_id!r}: name one by its id, {ids}.")
        return named[0]

    @staticmethod
    def _owners(tx: Transaction) -> list[User]:
        query = Query(where={"role": "owner", "disabled": False}, descending=False, limit=500)
        return list(tx.users.page(query).items)

    @staticmethod
    def _enabled(tx: Transaction, id: UserId) -> User:
        user = tx.users.find(id=id)
        if user is None or user.disabled:
            raise Unauthenticated("This account is disabled.", code="account.disabled")
        return user

    @staticmethod
    def _user(tx: Transaction, name_or_id: str) -> User:
        user = tx.users.find(name=lookup_form(name_or_id)) or tx.users.find(id=name_or_id)
        if user is None:
            raise NotFound(f"There is no user {name_or_id!r}.", code="user.not-found")
        return user

    def _hash(self, password: str) -> str:
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            text = f"The password has {len(password)} characters; allowed are {MIN_PASSWORD} to {MAX_PASSWORD}."
            raise InvalidFields([Problem("password", text, "length")])
        if password.lower() in COMMON_PASSWORDS:
            raise InvalidFields([Problem("password", "This password is among the first that anybody tries.", "common")])
        return self._hasher.hash(password)


def _actor(user: User, scope: Scope) -> Actor:
    return Actor(user=user.id, name=user.name, role=user.role, scope=scope, run_code=user.run_code)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _choice(field: str, value: str, allowed: tuple[ChoiceT, ...]) -> ChoiceT:
    for choice in allowed:
        if value == choice:
            return choice
    raise InvalidFields([Problem(field, f"{field} is {value!r}; allowed is {', '.join(allowed)}.", "choice")])
