"""What the command line does on this machine without a server; each way in loads what it needs only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.bootstrap.owner import owner_name
from tenfold.core.workstation.environments import FOLDER as ENVIRONMENTS

if TYPE_CHECKING:
    from tenfold.core.accounts.policy import Actor
    from tenfold.core.workstation.environments import Environment
    from tenfold.services.accounts import AccountService
    from tenfold.settings import Settings


class DataFolderDoor:
    """Fulfils `tenfold.interfaces.cli.local.LocalDoor` on the data folder that the settings name."""

    def serve(self, *, host: str | None, port: int | None) -> None:
        from tenfold.bootstrap.server import serve  # noqa: PLC0415

        given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
        serve(read_settings(**given))

    def fetch_sample(self, name: str, *, tell: Callable[[str], None]) -> None:
        from tenfold.adapters.sources.samples import SampleCache  # noqa: PLC0415

        SampleCache(read_settings().data / "cache").fetch(name, report=tell)

    def add_environment(self, name: str, python: Path | None, *, tell: Callable[[str], None]) -> Environment:
        from tenfold.adapters.environments.folder import EnvironmentFolder  # noqa: PLC0415

        folder = EnvironmentFolder(read_settings().data / ENVIRONMENTS)
        return folder.adopt(name, python, tell=tell) if python is not None else folder.add(name, tell=tell)

    @contextmanager
    def accounts(self) -> Iterator[tuple[AccountService, Actor]]:
        from tenfold.adapters.passwords.argon2id import Argon2Hasher  # noqa: PLC0415
        from tenfold.adapters.storage.sql import open_sqlite  # noqa: PLC0415
        from tenfold.services.accounts import AccountService  # noqa: PLC0415

        settings = read_settings()
        settings.data.mkdir(parents=True, exist_ok=True)
        database = open_sqlite(settings.data / "tenfold.sqlite")
        try:
            accounts = AccountService(database, Argon2Hasher(), time.time)
            owner = accounts.ensure_owner(owner_name())
            yield accounts, accounts.actor_of_user(owner.id)
        finally:
            database.close()


def read_settings(**given: Any) -> Settings:
    """The settings; raises `Invalid` naming the variable that is wrong."""
    from pydantic import ValidationError  # noqa: PLC0415

    from tenfold.core.errors import Invalid  # noqa: PLC0415
    from tenfold.settings import Settings  # noqa: PLC0415

    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        raise Invalid(f"TENFOLD_{name.upper()} is {first['input']!r}: {first['msg']}.", code="settings") from None
