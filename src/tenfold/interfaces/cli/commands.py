"""Commands that talk to a running server: a noun with verbs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.core.datasets.layouts import ARCHIVE_FILES, SourceOptions, asked_for
from tenfold.core.datasets.remote import BucketOptions
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.fields import fields_of
from tenfold.core.training.spec import TrainingSpec
from tenfold.interfaces.cli.named import Json, NameOrId, add_common, connect
from tenfold.interfaces.cli.options import pairs, with_fields
from tenfold.interfaces.cli.output import print_json, show, table, told_errors
from tenfold.interfaces.cli.progress import send_with_bar, wait_for

if TYPE_CHECKING:
    pass

Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is over, with a progress bar.")]
SOURCE_OPTIONS = fields_of(SourceOptions)
LABEL_KIND = tuple(field for field in fields_of(DatasetSpec) if field.name == "label_kind")
OUTPUT = typer.Option("--output", "-o", help="The file to write.")
NUM_SHOWN = 5

data = typer.Typer(no_args_is_help=True, help="Public datasets that Tenfold can fetch.")
dataset = typer.Typer(no_args_is_help=True, help="Prepared sets of pictures.")
run = typer.Typer(no_args_is_help=True, help="Training runs.")
model = typer.Typer(no_args_is_help=True, help="Networks with trained weights.")
job = typer.Typer(no_args_is_help=True, help="The queue.")


@data.command("list")
def list_samples(as_json: Json = False) -> None:
    """Lists the public datasets that can be fetched."""
    with told_errors(), connect() as client:
        table(client.samples(), ["name", "state", "title", "num_samples", "licence"], as_json, empty="There are none.")


def _get_sample(
    sample: Annotated[str, typer.Argument(help="Which, as in mnist.")],
    name: Annotated[str | None, typer.Option("--name", help="What the dataset is called.")] = None,
    wait: Wait = False,
    as_json: Json = False,
    **fields: Any,
) -> None:
    """Fetches a public dataset and imports it."""
    with told_errors(), connect() as client:
        made = client.datasets.get_sample(sample, name=name, **fields)
        show(wait_for(client.datasets, made.id, quiet=as_json) if wait else made, as_json)


def _import_dataset(
    source: Annotated[
        str, typer.Argument(help="A path of the server, an archive to send, s3://BUCKET/FOLDER, or an address.")
    ],
    name: Annotated[str | None, typer.Option("--name", help="What the dataset is called.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send the file; archives are sent anyway.")] = False,
    wait: Wait = False,
    as_json: Json = False,
    **fields: Any,
) -> None:
    """Imports pictures in any known layout from a path of the server, a bucket or the web, or sends a file."""
    with told_errors(), connect() as client:
        if source.startswith(("s3://", "http://", "https://")):
            fetch = client.datasets.import_bucket if source.startswith("s3://") else client.datasets.import_url
            made = fetch(source, name=name, **_chosen(fields))
            show(wait_for(client.datasets, made.id, quiet=as_json) if wait else made, as_json)
            return
        path = Path(source).absolute()
        is_sent = path.is_file() and (send or path.name.casefold().endswith(ARCHIVE_FILES))
        bring = client.datasets.import_archive if is_sent else client.datasets.import_folder
        made = bring(path, name=name, **_chosen(fields))
        show(wait_for(client.datasets, made.id, quiet=as_json) if wait else made, as_json)


def _upload_dataset(
    sources: Annotated[list[Path], typer.Argument(help="Folders, archives, lists, tables or array files to send.")],
    name: Annotated[str | None, typer.Option("--name", help="What the dataset is called.")] = None,
    wait: Wait = False,
    as_json: Json = False,
    **fields: Any,
) -> None:
    """Sends files of this machine and imports them; sent again after a break, they go on where they were."""
    with told_errors(), connect() as client:
        sent = send_with_bar(client, sources, quiet=as_json)
        made = client.datasets.import_upload(sent, name=name, **_chosen(fields))
        show(wait_for(client.datasets, made.id, quiet=as_json) if wait else made, as_json)


def _start_run(
    dataset: Annotated[str, typer.Option("--dataset", help="Name or id of the dataset to learn from.")],
    set: Annotated[list[str] | None, typer.Option("--set", help="A network parameter, as in width1=32.")] = None,
    wait: Wait = False,
    as_json: Json = False,
    **fields: Any,
) -> None:
    """Submits a training run."""
    with told_errors(), connect() as client:
        started = client.runs.start(dataset=dataset, parameters=pairs(set or []), **fields)
        show(wait_for(client.runs, started.id, quiet=as_json) if wait else started, as_json)


def _check_run(
    dataset: Annotated[str, typer.Option("--dataset", help="Name or id of the dataset to learn from.")],
    set: Annotated[list[str] | None, typer.Option("--set", help="A network parameter, as in width1=32.")] = None,
    probe: Annotated[bool, typer.Option("--probe/--no-probe", help="Whether a few steps are measured first.")] = True,
    as_json: Json = False,
    **fields: Any,
) -> None:
    """Says what a run would take, without submitting it."""
    with told_errors(), connect() as client:
        show(client.runs.preflight(dataset=dataset, parameters=pairs(set or []), probe=probe, **fields), as_json)


def _chosen(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields with the options of a source as a request has them."""
    options = {field.name for field in SOURCE_OPTIONS}
    own = {name: value for name, value in fields.items() if name not in options}
    return {**own, **asked_for({name: value for name, value in fields.items() if name in options})}


def _preview_source(
    path: Annotated[Path, typer.Argument(help="A folder or file of the server.")],
    as_json: Json = False,
    **options: Any,
) -> None:
    """Says what a path is recognised as, without importing it."""
    with told_errors(), connect() as client:
        found = client.datasets.preview(path.absolute(), **_chosen(options))
    if as_json:
        print_json(found.model_dump())
        return
    for line in (found.sentence, *found.notes):
        typer.echo(line)
    for role, name in found.chosen.items():
        typer.echo(f"  {role}: {name}")


data.command("get")(with_fields(_get_sample, fields_of(DatasetSpec)))
dataset.command("import")(
    with_fields(_import_dataset, (*SOURCE_OPTIONS, *fields_of(BucketOptions), *fields_of(DatasetSpec)))
)
dataset.command("upload")(with_fields(_upload_dataset, (*SOURCE_OPTIONS, *fields_of(DatasetSpec))))
dataset.command("preview")(with_fields(_preview_source, (*SOURCE_OPTIONS, *LABEL_KIND)))
run.command("start")(with_fields(_start_run, fields_of(TrainingSpec)))
run.command("preflight")(with_fields(_check_run, fields_of(TrainingSpec)))


@run.command("stop")
def stop_run(name: NameOrId, wait: Wait = False, as_json: Json = False) -> None:
    """Stops a run at its next step; its best model so far is kept."""
    with told_errors(), connect() as client:
        stopped = client.runs.stop(name)
        show(wait_for(client.runs, stopped.id, quiet=as_json) if wait else stopped, as_json)


@run.command("resume")
def resume_run(name: NameOrId, wait: Wait = False, as_json: Json = False) -> None:
    """Lets a run go on from its newest checkpoint."""
    with told_errors(), connect() as client:
        resumed = client.runs.resume(name)
        show(wait_for(client.runs, resumed.id, quiet=as_json) if wait else resumed, as_json)


@run.command("log")
def show_log(name: NameOrId, as_json: Json = False) -> None:
    """Prints what a run told people."""
    with told_errors(), connect() as client:
        table(client.runs.log(name), ["at", "level", "text"], as_json, empty="It told nothing.")


@run.command("metrics")
def show_metrics(name: NameOrId) -> None:
    """Prints a run's metric series as JSON."""
    with told_errors(), connect() as client:
        print_json(client.runs.metrics(name))


@model.command("classify")
def classify(
    name: NameOrId,
    pictures: Annotated[list[Path], typer.Argument(help="Picture files.")],
    as_json: Json = False,
) -> None:
    """Says what a model sees in pictures."""
    with told_errors(), connect() as client:
        ranked = client.models.classify(name, *pictures)
    if as_json:
        print_json(
            [
                {"picture": str(picture), "predictions": [each.model_dump() for each in classes]}
                for picture, classes in zip(pictures, ranked, strict=True)
            ]
        )
        return
    for picture, classes in zip(pictures, ranked, strict=True):
        typer.echo(str(picture))
        for each in classes[:NUM_SHOWN]:
            typer.echo(f"  {each.probability:8.4%}  {each.label}")


@model.command("download")
def download(name: NameOrId, output: Annotated[Path | None, OUTPUT] = None) -> None:
    """Writes a model's archive: weights, ONNX, preprocessing, and a script that classifies with them."""
    with told_errors(), connect() as client:
        target = client.models.download(name, output or Path(f"{client.models.get(name).name}.zip"))
    typer.echo(str(target))


@job.command("list")
def list_jobs(as_json: Json = False) -> None:
    """Lists what waits or runs."""
    with told_errors(), connect() as client:
        columns = ["id", "kind", "name", "state", "granted", "reason"]
        table(client.jobs(), columns, as_json, empty="Nothing waits and nothing runs.")


add_common(dataset, "dataset", ["name", "state", "num_samples", "num_classes", "created_at"])
add_common(run, "run", ["name", "state", "network", "metrics", "created_at"])
add_common(model, "model", ["name", "network", "metrics", "size_bytes", "created_at"])
