"""Commands for models that were trained elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.core.fields import fields_of
from tenfold.core.inference.importing import ModelImport
from tenfold.interfaces.cli.named import Json, connect
from tenfold.interfaces.cli.options import with_fields
from tenfold.interfaces.cli.output import print_json, told_errors

if TYPE_CHECKING:
    from tenfold.interfaces.schemas.objects import Model

File = Annotated[Path, typer.Argument(help="An ONNX file with its weights inside.", exists=True, dir_okay=False)]
Labels = Annotated[
    Path | None, typer.Option("--labels", help="A text file with the classes, one a line.", exists=True, dir_okay=False)
]
Name = Annotated[str | None, typer.Option("--name", help="What the model is called.")]


def add_foreign(model: typer.Typer) -> None:
    """`model import`."""
    model.command("import")(with_fields(_import_model, fields_of(ModelImport)))


def _import_model(file: File, labels: Labels = None, name: Name = None, as_json: Json = False, **fields: Any) -> None:
    """Makes a model of an ONNX file that was trained elsewhere, to classify pictures with it."""
    with told_errors(), connect() as client:
        made = client.models.import_file(file, labels=labels or (), name=name, **fields)
    if as_json:
        print_json(made.model_dump())
    else:
        _tell(made)


def _tell(made: Model) -> None:
    """What it is, and by what its output was understood."""
    about = made.facts["file"]
    colours = "grey" if about["channels"] == 1 else "colour"
    size = f"{about['width']} x {about['height']}"
    typer.echo(f"{made.name}: {about['classes']} classes, {colours} pictures of {size}, {about['layout'].upper()}")
    typer.echo(f"Its output is taken for {about['output']}: {about['says_output']}.")
