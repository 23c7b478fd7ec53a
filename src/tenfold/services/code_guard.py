"""Whether Python of people may still be executed: the right is taken away, and accounts are disabled, at any moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tenfold.core.events import Json
from tenfold.core.networks.custom import is_python
from tenfold.core.repository import Database


class CodeGuard:
    """Fulfils `tenfold.services.errands.ErrandGuard`: Python is executed for who may run it now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, spec: Mapping[str, Json], askers: Collection[str]) -> str:
        if not is_python(str(spec.get("network_text", ""))):
            return ""
        with self._database.read() as tx:
            users = [user for asker in sorted(askers) if (user := tx.users.find(id=asker)) is not None]
        if not users or any(user.may_run_code for user in users):
            return ""
        if users[0].disabled:
            return f"It was not executed to its end: the account of {users[0].name} is disabled."
        return f"It was not executed to its end: {users[0].name} may not run own Python code on this machine any more."
