"""Who may do what: one table, asked by every door through `Actor.require`."""

from __future__ import annotations

from dataclasses import dataclass

from tenfold.core.accounts.model import ROLES, SCOPES, Role, Scope
from tenfold.core.errors import Forbidden
from tenfold.core.ids import UserId


@dataclass(frozen=True)
class Rule:
    """The least role and the least token scope an action takes.

    With `own`, people who are not the owner of this Tenfold may do it to their own things only.
    """

    role: Role
    scope: Scope
    own: bool = False


POLICY: dict[str, Rule] = {
    "read": Rule("viewer", "read"),
    "classify": Rule("viewer", "read"),
    "account.self": Rule("viewer", "admin"),
    "folder.browse": Rule("editor", "read"),
    "upload.create": Rule("editor", "write"),
    "dataset.create": Rule("editor", "write"),
    "dataset.change": Rule("editor", "write", own=True),
    "dataset.edit": Rule("editor", "write", own=True),
    "network.create": Rule("editor", "write"),
    "network.change": Rule("editor", "write", own=True),
    "run.start": Rule("editor", "write"),
    "run.change": Rule("editor", "write", own=True),
    "model.create": Rule("editor", "write"),
    "model.change": Rule("editor", "write", own=True),
    "user.manage": Rule("owner", "admin"),
}


@dataclass(frozen=True)
class Actor:
    """Somebody who asks for something: a user, by way of a browser session or of a token with a scope."""

    user: UserId
    name: str
    role: Role
    scope: Scope = "admin"
    run_code: bool = False

    def may(self, action: str, *, owner: UserId | None = None) -> bool:
        """Whether the action is allowed; `owner` is whose thing it would be done to."""
        rule = POLICY[action]
        if ROLES.index(self.role) > ROLES.index(rule.role) or SCOPES.index(self.scope) < SCOPES.index(rule.scope):
            return False
        return not rule.own or owner is None or owner == self.user or self.role == "owner"

    def require(self, action: str, *, owner: UserId | None = None) -> None:
        """Raises `Forbidden` and says what would be needed."""
        if self.may(action, owner=owner):
            return
        rule = POLICY[action]
        if SCOPES.index(self.scope) < SCOPES.index(rule.scope):
            raise Forbidden(f"This token has the scope {self.scope}; {action} needs {rule.scope}.", code="scope")
        if ROLES.index(self.role) > ROLES.index(rule.role):
            raise Forbidden(f"{self.name} is {_article(self.role)}; {action} needs {_article(rule.role)}.")
        raise Forbidden(f"This belongs to somebody else; {action} is for its owner and the owner of this Tenfold.")

    def require_code(self) -> None:
        """Raises `Forbidden` for whom own Python code is not allowed on this machine."""
        if not self.run_code:
            text = f"{self.name} may not run own Python code on this machine; the owner of this Tenfold can allow it."
            raise Forbidden(text, code="run-code")


def _article(role: Role) -> str:
    return f"an {role}" if role[0] in "eo" else f"a {role}"
