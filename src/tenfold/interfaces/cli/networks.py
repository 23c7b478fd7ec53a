"""Commands for networks: the catalogue, those that people keep, and texts in files."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.core.fields import fields_of
from tenfold.core.networks.importing import NetworkImport
from tenfold.core.networks.operation import Operation
from tenfold.core.numerals import whole_number
from tenfold.interfaces.cli.named import Json, NameOrId, add_changes, add_list, connect
from tenfold.interfaces.cli.options import pairs, with_fields
from tenfold.interfaces.cli.output import USAGE, print_json, show, table, told_errors

if TYPE_CHECKING:
    from tenfold.interfaces.client.client import Client
    from tenfold.interfaces.schemas.network_objects import (
        Inspection,
        NetworkDetail,
        NetworkLook,
        SourceProblem,
        TextProblem,
    )

Name = Annotated[str | None, typer.Option("--name", help="What the network is called.")]
TextFile = Annotated[Path, typer.Argument(help="A file with the text.", exists=True, dir_okay=False)]
FileOrName = Annotated[str, typer.Argument(help="A file with a text, or a network's name, as in mine or mine@3.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="A network parameter, as in width1=32.")]
SUFFIX, PYTHON = ".network", ".py"

network = typer.Typer(no_args_is_help=True, help="Architectures: the catalogue, and your own with their versions.")

add_list(network, "network", ["name", "state", "title", "number", "num_parameters"])
add_changes(network, "network")


@network.command("show")
def show_network(name: NameOrId, as_json: Json = False) -> None:
    """Prints a network's text; NAME@3 is its third version."""
    with told_errors(), connect() as client:
        found = client.networks.get(name)
    if as_json:
        print_json(found.model_dump())
    else:
        typer.echo(found.text, nl=not found.text.endswith("\n"))


@network.command("create")
def create_network(file: TextFile, name: Name = None, as_json: Json = False) -> None:
    """Keeps the text of a file as a new network; one with mistakes becomes a draft.

    A file that ends in .py is one of Python, with a module of PyTorch.
    """
    language = "python" if file.suffix.casefold() == PYTHON else "network"
    with told_errors(), connect() as client:
        _tell(client.networks.create(_read(file), name=name, language=language), as_json)


@network.command("inspect")
def inspect_network(
    name: NameOrId,
    dataset: Annotated[str, typer.Option("--dataset", help="Look at it on the pictures of this dataset.")] = "",
    set: Set = None,
    input_shape: Annotated[str, typer.Option("--input", help="The input's shape, as in 3,224,224.")] = "",
    as_json: Json = False,
) -> None:
    """Has a worker execute a network of Python, confined, and lists its layers; exit 2 where it is wrong."""
    shape = _shape(input_shape) if input_shape else None
    with told_errors(), connect() as client:
        found = client.networks.inspect(name, dataset=dataset, input_shape=shape, parameters=pairs(set or []))
    if as_json:
        print_json(found.model_dump())
    else:
        _tell_inspection(found)
    if found.state == "failed":
        raise typer.Exit(USAGE)


@network.command("copy")
def copy_network(
    source: Annotated[str, typer.Argument(help="What to copy: lenet, mine@3, model:first or run:first.")],
    name: Name = None,
    as_json: Json = False,
) -> None:
    """Keeps a copy of a network, or of what a model or a run was made with."""
    with told_errors(), connect() as client:
        _tell(client.networks.copy(source, name=name), as_json)


@network.command("save")
def save_network(
    name: NameOrId,
    file: TextFile,
    on: Annotated[str, typer.Option("--on", help="The id of the version that it was made from.")] = "",
    as_json: Json = False,
) -> None:
    """Keeps the text of a file as a network's next version."""
    with told_errors(), connect() as client:
        show(client.networks.save(name, _read(file), on=on), as_json)


@network.command("history")
def list_versions(name: NameOrId, as_json: Json = False) -> None:
    """Lists the versions of a network with the runs that trained them, newest first."""
    with told_errors(), connect() as client:
        versions = list(client.networks.versions(name))
    if as_json:
        print_json([each.model_dump() for each in versions])
        return
    rows = [{**each.model_dump(), "runs": ", ".join(run.name for run in each.runs)} for each in versions]
    table(rows, ["name", "state", "created_at", "num_parameters", "summary", "runs"], False, empty="There are none.")


@network.command("difference")
def compare_network(
    name: NameOrId,
    against: Annotated[
        str, typer.Argument(help="@2, origin, or what can be copied; without it the version before.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Says what a network, or NAME@3, has otherwise than another: lines, layers, and weights that it can take."""
    with told_errors(), connect() as client:
        found = client.networks.difference(name, against=against)
    if as_json:
        print_json(found.model_dump())
        return
    for line in found.lines:
        sign = " " if line.old and line.new else "-" if line.old else "+"
        typer.echo(f"  ... {line.left_out} equal lines" if line.left_out else f"{sign} {line.text}")
    for layer in found.layers:
        typer.echo(f"{layer.path}: {layer.what}")
    if found.loaded is not None:
        total = found.loaded + len(found.missing) + len(found.unfit)
        typer.echo(f"{found.loaded} of {total} tensors can be taken from weights of {found.against}.")


@network.command("check")
def check_text(
    source: FileOrName,
    set: Set = None,
    input_shape: Annotated[str, typer.Option("--input", help="The input's shape, as in 3,224,224.")] = "",
    as_json: Json = False,
) -> None:
    """Says what a text means, with every mistake at its line; exit 2 where there are some."""
    shape = _shape(input_shape) if input_shape else None
    with told_errors(), connect() as client:
        look = client.networks.check(_text_of(client, source), parameters=pairs(set or []), input_shape=shape)
    if as_json:
        print_json(look.model_dump())
    else:
        _tell_look(look, source)
    if look.problems:
        raise typer.Exit(USAGE)


@network.command("format")
def format_text(
    source: FileOrName,
    write: Annotated[bool, typer.Option("--write", help="Write the file, instead of printing the text.")] = False,
) -> None:
    """Prints a text in the usual layout, or writes it back into its file."""
    with told_errors(), connect() as client:
        text = client.networks.format(_text_of(client, source))
    if write and _is_file(source):
        Path(source).write_text(text, "utf-8")
    else:
        typer.echo(text, nl=False)


@network.command("statements")
def show_statements(source: FileOrName) -> None:
    """Prints a text as data: its statements, each with its comments and its place."""
    with told_errors(), connect() as client:
        print_json(client.networks.statements(_text_of(client, source)).model_dump())


@network.command("language")
def show_language(
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of a text's statements.")] = False,
) -> None:
    """Prints as data what the network language knows: its layers with their arguments, inputs, functions, words."""
    with told_errors(), connect() as client:
        print_json(client.networks.statement_schema() if schema else client.networks.language().model_dump())


def _import_network(
    file: Annotated[
        Path,
        typer.Argument(help="Caffe's prototxt (train_val, deploy or both), or a text, called *.network.", exists=True),
    ],
    solver: Annotated[Path | None, typer.Option("--solver", help="Its solver.prototxt.", exists=True)] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Its caffemodel, or safetensors beside a text.", exists=True)
    ] = None,
    name: Name = None,
    as_json: Json = False,
    **fields: Any,
) -> None:
    """Makes a network of Caffe's files, or of a text with its weights, and says what of them it cannot."""
    with told_errors(), connect() as client:
        made = client.networks.import_files(file, solver=solver, weights=weights, name=name, **fields)
    _tell(made, as_json)
    if not as_json:
        _tell_import(made)


network.command("import")(with_fields(_import_network, fields_of(NetworkImport)))


def _edit_text(source: FileOrName, as_json: Json = False, **fields: Any) -> None:
    """Changes a layer, as a panel does: in a file, or as the next version of a network."""
    with told_errors(), connect() as client:
        before = None if _is_file(source) else client.networks.get(source)
        after = client.networks.edit(_read(Path(source)) if before is None else before.text, **fields)
        if before is None:
            Path(source).write_text(after.text, "utf-8")
        else:
            client.networks.save(source.partition("@")[0], after.text, on=before.current)
    if as_json:
        print_json(after.model_dump())
        return
    typer.echo(after.text, nl=False)
    _complain(after.problems, source)


network.command("edit")(with_fields(_edit_text, fields_of(Operation)))


def _tell(made: NetworkDetail, as_json: bool) -> None:
    """A network that was made, and what is wrong with its text."""
    if as_json:
        print_json(made.model_dump())
        return
    typer.echo(f"{made.name}: {made.state}")
    _complain(made.problems, made.name)


def _tell_import(made: NetworkDetail) -> None:
    """What the text does not say, and how to train it as its solver did."""
    told = made.imported
    for each in told["unsupported"]:
        typer.echo(f"Line {each['line']}: {each['name']} ({each['type']}) is left out: {each['why']}", err=True)
    for text in (*told["notes"], *told["unsaid"]):
        typer.echo(text, err=True)
    weights = told.get("weights")
    if weights:
        counts = ", ".join(f"{weights[f'num_{word}']} {word}" for word in ("loaded", "missing", "unexpected", "unfit"))
        typer.echo(f"Weights of {weights['file']}: {counts}.")
    options = "".join(f" --{name.replace('_', '-')} {value}" for name, value in told["training"].items())
    typer.echo(f"Train it: tenfold run start --dataset DATASET --network {shlex.quote(made.name)}{options}")


def _tell_look(look: NetworkLook, source: str) -> None:
    _complain([*look.problems, *look.warnings], source)
    if look.problems:
        return
    inputs = ", ".join(f"{each.name} {_size(each.shape)}" for each in look.inputs)
    typer.echo(f"{look.name}: {len(look.layers)} layers, {look.num_parameters:,} parameters, input {inputs}")
    for layer in look.layers:
        typer.echo(f"  {layer.path:<32} {layer.kind:<16} {_size(layer.shape):<18} {layer.num_parameters or '':>12}")


def _tell_inspection(found: Inspection) -> None:
    """The layers with their lines, or what is wrong; and under which level it was executed."""
    if found.state == "failed":
        typer.echo(found.message, err=True)
    else:
        title = f"{found.num_layers} layers, {found.num_parameters:,} parameters, input {_size(found.input_shape)}"
        typer.echo(f"{found.name}: {title}, {found.classes} classes")
    for layer in found.layers:
        sizes = f"{_size(layer.shape):<18} {layer.num_parameters or '':>12}"
        typer.echo(f"  {layer.line or '':>5}  {layer.path:<32} {layer.kind:<20} {sizes}")
    if found.state == "finished":
        why_not = f": {_at_line(found.why_not_onnx)}" if found.why_not_onnx is not None else ""
        typer.echo(f"Exports to ONNX: {found.onnx}{why_not}")
    for warning in found.warnings:
        typer.echo(f"Warning: {_at_line(warning)}")
    if found.confinement is not None:
        about = found.confinement
        typer.echo(f"Level {about.level}: {', '.join(about.parts) if about.level == 'B' else ' '.join(about.lacking)}")


def _at_line(problem: SourceProblem) -> str:
    return f"Line {problem.line}: {problem.message}" if problem.line else problem.message


def _complain(problems: list[TextProblem], source: str) -> None:
    for each in problems:
        typer.echo(f"{source}:{each.line}:{each.column}: {each.message}", err=True)


def _size(shape: list[int]) -> str:
    return " x ".join(map(str, shape))


def _shape(text: str) -> list[int]:
    sizes = [whole_number(part.strip()) for part in text.replace("x", ",").split(",")]
    found = [size for size in sizes if size]
    if len(found) != len(sizes):
        raise typer.BadParameter(f"{text!r} is no shape: write channels, height, width, as in 3,224,224.")
    return found


def _is_file(source: str) -> bool:
    return source.endswith(SUFFIX) or ("/" in source and Path(source).is_file())


def _text_of(client: Client, source: str) -> str:
    return _read(Path(source)) if _is_file(source) else client.networks.get(source).text


def _read(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "replace")
