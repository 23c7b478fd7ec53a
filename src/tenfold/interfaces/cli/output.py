"""What the command line prints: tables for people, JSON for machines, errors on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
MAX_NESTED = 200  # characters of JSON in a line for people


@contextmanager
def told_errors() -> Iterator[None]:
    """Errors of the server as text on stderr: exit 2 for what is not valid, 1 for the rest, 130 for Ctrl-C."""
    from tenfold.core.errors import Invalid, TenfoldError, is_disk_full  # noqa: PLC0415  `--help` needs none of these
    from tenfold.interfaces.client.errors import ApiError, InvalidError, ServerUnreachable  # noqa: PLC0415

    try:
        yield
    except InvalidError as error:
        _complain(error.problem.detail)
        raise typer.Exit(USAGE) from None
    except TenfoldError as error:
        _complain(error.message)
        raise typer.Exit(USAGE if isinstance(error, Invalid) else FAILURE) from None
    except BrokenPipeError:  # the reader of a pipe, as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILURE) from None
    except OSError as error:
        full = f"There is no room left on the disk ({error}): free some, then try again."
        _complain(full if is_disk_full(error) else str(error))
        raise typer.Exit(FAILURE) from None
    except (ApiError, ServerUnreachable) as error:
        _complain(str(error))
        raise typer.Exit(FAILURE) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def show(thing: BaseModel | dict[str, Any], as_json: bool) -> None:
    """One object: as JSON, or a line a value."""
    values = thing if isinstance(thing, dict) else thing.model_dump()
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        if value not in ("", [], {}, None):
            typer.echo(f"{name:<14} {_cell(name, value)}")


def table(things: Sequence[BaseModel | dict[str, Any]], columns: Sequence[str], as_json: bool, *, empty: str) -> None:
    """A list: as JSON, or a table of these columns."""
    rows = [thing if isinstance(thing, dict) else thing.model_dump() for thing in things]
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo(empty)
        return
    cells = [[_cell(column, row.get(column)) for column in columns] for row in rows]
    widths = [max(len(column), *(len(row[index]) for row in cells)) for index, column in enumerate(columns)]
    for line in [list(columns), *cells]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_json(value: object) -> None:
    """JSON for machines."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _cell(column: str, value: object) -> str:
    if value is None:
        return ""
    if column.endswith("_at") and isinstance(value, float):
        return datetime.fromtimestamp(value).astimezone().strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:.6g}"
    if column == "metrics" and isinstance(value, dict):
        value = _latest(value)
    if isinstance(value, dict) and not any(isinstance(each, dict | list) for each in value.values()):
        return ", ".join(f"{name} {_cell(name, each)}" for name, each in value.items() if each not in ("", None))
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= MAX_NESTED else f"with --json ({len(text):,} characters)"
    return str(value)


def _latest(metrics: dict[str, object]) -> dict[str, object]:
    """The figures that say most: those of the test, before that of the validation, before that all."""
    for prefix in ("test_", "val_"):
        found = {name: value for name, value in metrics.items() if name.startswith(prefix)}
        if found:
            return found
    return metrics


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
