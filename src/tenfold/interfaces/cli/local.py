"""Commands for whoever can write the data folder: the server itself, accounts and tokens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from tenfold.interfaces.cli.output import show, table, told_errors

if TYPE_CHECKING:
    from tenfold.core.accounts.policy import Actor
    from tenfold.core.workstation.environments import Environment
    from tenfold.services.accounts import AccountService

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Name = Annotated[str, typer.Argument(help="Name or id.")]
PASSWORD = typer.Option("--password", prompt=True, hide_input=True, confirmation_prompt=True, envvar="TENFOLD_PASSWORD")


class LocalDoor(Protocol):
    """What `bootstrap` opens on this machine's data folder, without a server."""

    def serve(self, *, host: str | None, port: int | None) -> None:
        """Runs the server until it is told to stop."""

    def fetch_sample(self, name: str, *, tell: Callable[[str], None]) -> None:
        """Brings a public dataset's files into the data folder; raises `NotFound`, `Unavailable`."""

    def add_environment(self, name: str, python: Path | None, *, tell: Callable[[str], None]) -> Environment:
        """Makes an environment, or takes the one of a Python; raises `NotFound`, `Unavailable`, `StorageFull`."""

    def accounts(self) -> AbstractContextManager[tuple[AccountService, Actor]]:
        """The accounts and the owner, who asks."""


def add_fetch(app: typer.Typer, door: LocalDoor) -> None:
    """The verb `fetch` of the noun `data`."""

    @app.command("fetch")
    def fetch(
        sample: Annotated[str, typer.Argument(help="Which, as in mnist.")],
        quiet: Annotated[bool, typer.Option("--quiet", help="Go on without it when it cannot be fetched.")] = False,
    ) -> None:
        """Brings a public dataset's files into the data folder, so that an import works offline."""
        from tenfold.core.errors import Unavailable  # noqa: PLC0415

        with told_errors():
            try:
                door.fetch_sample(sample, tell=typer.echo)
            except Unavailable as error:
                if not quiet:
                    raise
                typer.echo(error.message, err=True)


def build_local(door: LocalDoor) -> tuple[typer.Typer, typer.Typer]:
    """The nouns `token` and `user`."""
    return _tokens(door), _users(door)


def _tokens(door: LocalDoor) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Secrets for scripts.")

    @app.command("create")
    def create(
        name: Annotated[str, typer.Option("--name", help="What it is for.")],
        scope: Annotated[str, typer.Option("--scope", help="read, write or admin.")] = "read",
        as_json: Json = False,
    ) -> None:
        """Makes a token; its secret is shown this once."""
        from tenfold.interfaces.api import present  # noqa: PLC0415  `--help` does without schemas

        with told_errors(), door.accounts() as (accounts, owner):
            token, secret = accounts.create_token(owner, name, scope)
            show(present.token(token, secret), as_json)

    @app.command("list")
    def list_all(as_json: Json = False) -> None:
        """Lists the owner's tokens."""
        from tenfold.core.repository import Query  # noqa: PLC0415
        from tenfold.interfaces.api import present  # noqa: PLC0415

        with told_errors(), door.accounts() as (accounts, owner):
            found = [present.token(item) for item in accounts.tokens(owner, Query(limit=500)).items]
            table(found, ["id", "name", "scope", "state", "created_at", "used_at"], as_json, empty="There are none.")

    @app.command("revoke")
    def revoke(name: Name, as_json: Json = False) -> None:
        """Ends a token."""
        from tenfold.interfaces.api import present  # noqa: PLC0415

        with told_errors(), door.accounts() as (accounts, owner):
            show(present.token(accounts.revoke_token(owner, name)), as_json)

    return app


def _users(door: LocalDoor) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="People.")

    @app.command("add")
    def add(
        name: Annotated[str, typer.Argument(help="The name to sign in with.")],
        password: Annotated[str, PASSWORD],
        role: Annotated[str, typer.Option("--role", help="owner, editor or viewer.")] = "editor",
        run_code: Annotated[bool, typer.Option("--run-code", help="May train custom Python networks.")] = False,
        as_json: Json = False,
    ) -> None:
        """Adds an account."""
        from tenfold.interfaces.api import present  # noqa: PLC0415

        with told_errors(), door.accounts() as (accounts, owner):
            added = accounts.add_user(owner, name, role=role, password=password, run_code=run_code)
            show(present.user(added), as_json)

    @app.command("list")
    def list_all(as_json: Json = False) -> None:
        """Lists all accounts."""
        from tenfold.core.repository import Query  # noqa: PLC0415
        from tenfold.interfaces.api import present  # noqa: PLC0415

        with told_errors(), door.accounts() as (accounts, owner):
            found = [present.user(item) for item in accounts.users(owner, Query(limit=500)).items]
            table(
                found,
                ["name", "role", "state", "run_code", "has_password", "created_at"],
                as_json,
                empty="There are none.",
            )

    @app.command("disable")
    def disable(name: Name, as_json: Json = False) -> None:
        """Locks somebody out at once."""
        _set_disabled(door, name, True, as_json)

    @app.command("enable")
    def enable(name: Name, as_json: Json = False) -> None:
        """Lets somebody in again."""
        _set_disabled(door, name, False, as_json)

    @app.command("reset")
    def reset(name: Name, password: Annotated[str, PASSWORD], as_json: Json = False) -> None:
        """Sets a new password and ends the account's sessions."""
        from tenfold.interfaces.api import present  # noqa: PLC0415

        with told_errors(), door.accounts() as (accounts, owner):
            show(present.user(accounts.set_password(owner, name, password)), as_json)

    _add_code_commands(app, door)
    return app


def _add_code_commands(app: typer.Typer, door: LocalDoor) -> None:
    @app.command("allow-code")
    def allow_code(name: Name, as_json: Json = False) -> None:
        """Lets somebody run own Python code on this machine."""
        _set_run_code(door, name, True, as_json)

    @app.command("refuse-code")
    def refuse_code(name: Name, as_json: Json = False) -> None:
        """Takes that right away; runs and inspections of theirs that execute such code are ended."""
        _set_run_code(door, name, False, as_json)


def _set_disabled(door: LocalDoor, name: str, disabled: bool, as_json: bool) -> None:
    from tenfold.interfaces.api import present  # noqa: PLC0415

    with told_errors(), door.accounts() as (accounts, owner):
        show(present.user(accounts.set_disabled(owner, name, disabled)), as_json)


def _set_run_code(door: LocalDoor, name: str, allowed: bool, as_json: bool) -> None:
    from tenfold.interfaces.api import present  # noqa: PLC0415

    with told_errors(), door.accounts() as (accounts, owner):
        show(present.user(accounts.set_run_code(owner, name, allowed)), as_json)
