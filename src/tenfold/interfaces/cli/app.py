"""The command line."""

from __future__ import annotations

from typing import Annotated

import typer

from tenfold.interfaces.cli import commands
from tenfold.interfaces.cli.environments import build_environments
from tenfold.interfaces.cli.foreign import add_foreign
from tenfold.interfaces.cli.inside import add_inside
from tenfold.interfaces.cli.local import LocalDoor, add_fetch, build_local
from tenfold.interfaces.cli.networks import network
from tenfold.interfaces.cli.output import told_errors
from tenfold.interfaces.cli.samples import add_sample_commands


def build_app(door: LocalDoor, version: str) -> typer.Typer:
    """All commands; `door` opens the data folder of this machine."""
    app = typer.Typer(
        name="tenfold",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help, in half the time
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Tenfold: the deep-learning workstation you use from a browser.",
    )

    @app.callback(invoke_without_command=True)
    def root(
        show_version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
    ) -> None:
        if show_version:
            typer.echo(version)
            raise typer.Exit

    @app.command()
    def serve(
        host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
        port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one. Default: 5000.")] = None,
    ) -> None:
        """Starts the server and prints the link that signs the browser in."""
        with told_errors():
            door.serve(host=host, port=port)

    for noun in ("data", "dataset", "run", "model", "job"):
        app.add_typer(getattr(commands, noun), name=noun)
    add_inside(commands.run, commands.model)
    add_foreign(commands.model)
    app.add_typer(network, name="network")
    add_sample_commands(commands.dataset)
    add_fetch(commands.data, door)
    app.add_typer(build_environments(door), name="environment")
    tokens, users = build_local(door)
    app.add_typer(tokens, name="token")
    app.add_typer(users, name="user")
    return app
