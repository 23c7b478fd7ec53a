"""Commands for environments, on this machine's data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.interfaces.cli.local import Json, LocalDoor
from tenfold.interfaces.cli.named import connect
from tenfold.interfaces.cli.output import show, table, told_errors

if TYPE_CHECKING:
    from tenfold.core.workstation.environments import Environment

Python = Annotated[
    Path | None, typer.Option("--python", help="Take the Python of an environment that is there already.")
]
COLUMNS = ("name", "state", "versions", "size_bytes", "message")


def build_environments(door: LocalDoor) -> typer.Typer:
    """The noun `environment`."""
    app = typer.Typer(no_args_is_help=True, help="Packages beside Tenfold's own, as Keras needs them.")

    @app.command("list")
    def list_all(as_json: Json = False) -> None:
        """Lists what can be made, and how it stands on the server's machine."""
        with told_errors(), connect() as client:
            table(client.environments(), list(COLUMNS), as_json, empty="There are none.")

    @app.command("add")
    def add(
        name: Annotated[str, typer.Argument(help="Which, as in keras.")], python: Python = None, as_json: Json = False
    ) -> None:
        """Makes an environment in the data folder, or makes it anew: downloads its packages and tries them."""
        from tenfold.interfaces.api import present  # noqa: PLC0415  `--help` does without schemas

        def tell(text: str) -> None:
            typer.echo(text, err=as_json)

        with told_errors():
            made: Environment = door.add_environment(name, python, tell=tell)
            if as_json:
                show(present.environment(made), as_json)

    return app
