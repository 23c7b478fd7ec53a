"""The verbs that all things with a name share, and what commands take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.interfaces.cli.output import show, table, told_errors

if TYPE_CHECKING:
    from tenfold.interfaces.client.client import Client

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Search = Annotated[str, typer.Option("--search", help="Words in name, note or tags.")]
Trashed = Annotated[bool, typer.Option("--trashed", help="What is in the trash instead.")]
NameOrId = Annotated[str, typer.Argument(help="Name or id.")]


def connect() -> Client:
    """The client for the server that the environment names."""
    from tenfold.interfaces.client.client import Client  # noqa: PLC0415  `--help` does without HTTP

    return Client()


def add_common(app: typer.Typer, noun: str, columns: list[str]) -> None:
    """All verbs that things with a name share."""
    add_list(app, noun, columns)

    @app.command("show", help=f"Shows a {noun}.")
    def show_one(name: NameOrId, as_json: Json = False) -> None:
        with told_errors(), connect() as client:
            show(_things(client, noun).get(name), as_json)

    add_changes(app, noun)


def add_list(app: typer.Typer, noun: str, columns: list[str]) -> None:
    """`list`, as a table of these columns."""

    @app.command("list", help=f"Lists all {noun}s, newest first.")
    def list_all(search: Search = "", trashed: Trashed = False, as_json: Json = False) -> None:
        with told_errors(), connect() as client:
            found = list(_things(client, noun).list(search=search, trashed=trashed))
            table(found, columns, as_json, empty=f"There are no {noun}s.")


def add_changes(app: typer.Typer, noun: str) -> None:
    """What is changed of a thing itself: `rename`, `note`, `trash`, `restore`."""

    @app.command("rename", help=f"Gives a {noun} another name; the old one leads on.")
    def rename(name: NameOrId, new_name: Annotated[str, typer.Argument()], as_json: Json = False) -> None:
        with told_errors(), connect() as client:
            show(_things(client, noun).rename(name, new_name), as_json)

    @app.command("note", help=f"Sets a {noun}'s note or tags.")
    def note(
        name: NameOrId,
        note: Annotated[str | None, typer.Option("--note")] = None,
        tag: Annotated[list[str] | None, typer.Option("--tag", help="All tags it is to have.")] = None,
        as_json: Json = False,
    ) -> None:
        with told_errors(), connect() as client:
            show(_things(client, noun).annotate(name, note=note, tags=tag), as_json)

    @app.command("trash", help=f"Puts a {noun} in the trash.")
    def trash(name: NameOrId, as_json: Json = False) -> None:
        with told_errors(), connect() as client:
            show(_things(client, noun).trash(name), as_json)

    @app.command("restore", help=f"Takes a {noun} out of the trash, by its id.")
    def restore(name: NameOrId, as_json: Json = False) -> None:
        with told_errors(), connect() as client:
            show(_things(client, noun).restore(name), as_json)


def _things(client: Client, noun: str) -> Any:
    return getattr(client, f"{noun}s")
