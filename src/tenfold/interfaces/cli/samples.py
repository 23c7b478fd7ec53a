"""Commands on the samples of a dataset: look at them, change them, and go back."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.core.datasets.edits import Change
from tenfold.core.datasets.exporting import ExportSpec
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.health.spec import LabelSearch
from tenfold.core.fields import fields_of
from tenfold.interfaces.cli.commands import Wait
from tenfold.interfaces.cli.named import Json, NameOrId, connect
from tenfold.interfaces.cli.options import pairs, with_fields
from tenfold.interfaces.cli.output import FAILURE, print_json, show, table, told_errors

if TYPE_CHECKING:
    from tenfold.interfaces.schemas.objects import Checkup

Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]
Revision = Annotated[str | None, typer.Option("--revision", help="Refuse when another one is current by now.")]


def add_sample_commands(app: typer.Typer) -> None:
    """Gives the noun `dataset` its verbs on samples and revisions."""
    app.command("samples")(with_fields(_list_samples, fields_of(SampleFilter)))
    app.command("edit")(with_fields(_edit, fields_of(Change)))
    app.command("add")(_add)
    app.command("check")(_check)
    app.command("judge")(_judge)
    app.command("labels")(with_fields(_find_wrong_labels, fields_of(LabelSearch)))
    app.command("findings")(_list_findings)
    app.command("fix")(_fix)
    app.command("pack")(_pack)
    app.command("stop")(_stop)
    app.command("undo")(_undo)
    app.command("redo")(_redo)
    app.command("revisions")(_list_revisions)
    app.command("rejected")(_list_rejected)
    app.command("export")(with_fields(_export, fields_of(ExportSpec)))


def _list_samples(
    name: NameOrId,
    revision: Annotated[str | None, typer.Option("--revision", help="An earlier revision, by number or id.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
    **fields: Any,
) -> None:
    """Lists the samples of a dataset that fit."""
    with told_errors(), connect() as client:
        found = list(islice(client.datasets.samples(name, revision=revision, **fields), limit))
        table(found, ["index", "path", "label", "split", "group", "width", "height"], as_json, empty="None fits.")


def _edit(
    name: NameOrId,
    index: Annotated[list[int] | None, typer.Option("--index", help="A sample; once for each.")] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="All samples that fit, as in split=train or text=scan.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All samples.")] = False,
    revision: Revision = None,
    as_json: Json = False,
    **fields: Any,
) -> None:
    """Changes samples: another class or split, excluded, restored or deleted. It makes a new revision."""
    if sum([bool(index), bool(where), every]) != 1:
        raise typer.BadParameter("Choose samples by --index, by --where, or --all of them.")
    chosen: dict[str, Any] = {"indices": index} if index else {"where": pairs(where or [])}
    with told_errors(), connect() as client:
        show(client.datasets.edit(name, revision=revision, **chosen, **fields), as_json)


def _add(
    name: NameOrId,
    source: Annotated[Path, typer.Argument(help="A folder with a folder per class, or an archive of one.")],
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Adds pictures to a dataset; those that it has already are skipped."""
    with told_errors(), connect() as client:
        path = source.absolute()
        bring = client.datasets.add_archive if path.is_file() else client.datasets.add_folder
        made = bring(name, path)
        made = client.datasets.wait_added(made.id) if wait else made
        show(made, as_json)
    if problem := made.progress.get("problem"):
        typer.echo(str(problem), err=True)
        raise typer.Exit(FAILURE)


def _check(
    name: NameOrId,
    model: Annotated[str, typer.Option("--model", help="A model that judges labels and features.")] = "",
    stop: Annotated[bool, typer.Option("--stop", help="Stop the checkup that waits or runs instead.")] = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Looks for what is wrong with a dataset: copies, leaks, blank pictures, tiny classes and more."""
    with told_errors(), connect() as client:
        begun = client.datasets.stop_check(name) if stop else client.datasets.check(name, model=model)
        _show_checkup(client.datasets.wait_checked(name) if wait else begun, as_json)


def _judge(
    name: NameOrId,
    model: Annotated[str, typer.Argument(help="A model that fits; without one they are listed.")] = "",
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Lets a model judge all pictures, to list them by `samples --sort confidence --model`."""
    with told_errors(), connect() as client:
        if not model:
            table(client.datasets.judges(name), ["id", "name", "has_judged"], as_json, empty="No model fits.")
            return
        begun = client.datasets.judge(name, model)
        _show_checkup(client.datasets.wait_checked(name) if wait else begun, as_json)


def _find_wrong_labels(name: NameOrId, wait: Wait = False, as_json: Json = False, **fields: Any) -> None:
    """Queues runs that judge each other's pictures, and ranks the labels that are probably wrong."""
    with told_errors(), connect() as client:
        begun = client.datasets.find_wrong_labels(name, **fields)
        _show_checkup(client.datasets.wait_checked(name) if wait else begun, as_json)


def _list_findings(name: NameOrId, as_json: Json = False) -> None:
    """Lists what the last checkup found, worst first."""
    with told_errors(), connect() as client:
        _show_checkup(client.datasets.checkup(name), as_json)


def _fix(name: NameOrId, code: str, revision: Revision = None, as_json: Json = False) -> None:
    """Mends a finding, as in `fix flowers duplicate`. It makes a new revision; the one before stays."""
    with told_errors(), connect() as client:
        show(client.datasets.fix(name, code, revision=revision), as_json)


def _show_checkup(found: Checkup, as_json: bool) -> None:
    if as_json:
        print_json(found.model_dump())
        return
    for finding in found.findings:
        mends = f" [{finding.fix.word}]" if finding.fix else ""
        typer.echo(f"{finding.severity:4}  {finding.code}: {finding.sentence}. {finding.why}{mends}")
    if not found.findings:
        typer.echo("Nothing was found." if found.checked_at is not None else "It is not checked yet.")
    if found.state in {"waiting", "running"}:
        typer.echo(f"A checkup is {found.state}. {found.reason}".strip())
    if found.state == "failed":
        typer.echo(found.message, err=True)
        raise typer.Exit(FAILURE)


def _pack(name: NameOrId, wait: Wait = False, as_json: Json = False) -> None:
    """Packs pictures that are used in place, where that was stopped or failed."""
    with told_errors(), connect() as client:
        made = client.datasets.pack(name)
        show(client.datasets.wait_packed(made.id) if wait else made, as_json)


def _stop(name: NameOrId, as_json: Json = False) -> None:
    """Stops building a dataset, adding to it or packing it."""
    with told_errors(), connect() as client:
        show(client.datasets.stop(name), as_json)


def _undo(name: NameOrId, revision: Revision = None, as_json: Json = False) -> None:
    """Makes the revision current that the current one was made from."""
    with told_errors(), connect() as client:
        show(client.datasets.undo(name, revision=revision), as_json)


def _redo(name: NameOrId, revision: Revision = None, as_json: Json = False) -> None:
    """Takes the last undo back."""
    with told_errors(), connect() as client:
        show(client.datasets.redo(name, revision=revision), as_json)


def _list_revisions(name: NameOrId, as_json: Json = False) -> None:
    """Lists the revisions of a dataset, newest first."""
    with told_errors(), connect() as client:
        found = list(client.datasets.revisions(name))
        table(found, ["name", "state", "num_samples", "created_at", "summary"], as_json, empty="There is none yet.")


def _export(
    name: NameOrId,
    output: Annotated[Path | None, typer.Option("--output", help="The file to write.")] = None,
    revision: Annotated[str, typer.Option("--revision", help="Its number or id; without, the current one.")] = "",
    **fields: Any,
) -> None:
    """Writes a revision as an archive: pictures, classes and split."""
    with told_errors(), connect() as client:
        target = output or Path(f"{client.datasets.get(name).name}.zip")
        typer.echo(str(client.datasets.export(name, target, revision=revision, **fields)))


def _list_rejected(name: NameOrId, limit: Limit = 1000, as_json: Json = False) -> None:
    """Lists the files that could not be used."""
    with told_errors(), connect() as client:
        found = list(islice(client.datasets.rejected(name), limit))
        table(found, ["path", "code", "message"], as_json, empty="Every file could be used.")
