"""Commands that look inside networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.interfaces.cli.named import Json, NameOrId, connect
from tenfold.interfaces.cli.output import FAILURE, print_json, told_errors

if TYPE_CHECKING:
    from tenfold.interfaces.client.client import Client
    from tenfold.interfaces.schemas.inside_objects import Inside

Picture = Annotated[Path | None, typer.Option("--picture", help="A picture file.", exists=True, dir_okay=False)]
Sample = Annotated[int | None, typer.Option("--sample", help="The index of a sample of the dataset.", min=0)]
Step = Annotated[int | None, typer.Option("--step", help="The step of a checkpoint; else the newest.", min=0)]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="A folder for the tiles of every layer, as PNG.")]


def add_inside(run: typer.Typer, model: typer.Typer) -> None:
    """`run inside` and `model inside`."""

    @run.command("inside")
    def look_into_run(
        name: NameOrId,
        picture: Picture = None,
        sample: Sample = None,
        step: Step = None,
        output: Output = None,
        as_json: Json = False,
    ) -> None:
        """Says what each layer of a run's checkpoint makes of a picture, also while it trains."""
        with told_errors(), connect() as client:
            _tell(client, client.runs.inside(name, picture=picture, sample=sample, step=step), output, as_json)

    @model.command("inside")
    def look_into_model(
        name: NameOrId, picture: Picture = None, sample: Sample = None, output: Output = None, as_json: Json = False
    ) -> None:
        """Says what each layer of a model makes of a picture."""
        with told_errors(), connect() as client:
            _tell(client, client.models.inside(name, picture=picture, sample=sample), output, as_json)


def _tell(client: Client, found: Inside, output: Path | None, as_json: bool) -> None:
    if found.state == "failed":
        typer.echo(found.message, err=True)
        raise typer.Exit(FAILURE)
    if output is not None:
        client.save_tiles(found, output)
    if as_json:
        print_json(found.model_dump())
        return
    typer.echo(f"{'layer':<28} {'gives':<16} {'mean':>9} {'std':>9} {'zero':>7} {'parameters':>12}")
    for each in found.layers:
        seen = each.activation
        shape = " x ".join(map(str, seen.shape))
        figures = f"{seen.mean:9.4g} {seen.std:9.4g} {seen.zeros:7.1%} {each.parameters:12,}"
        typer.echo(f"{each.path:<28} {shape:<16} {figures}")
