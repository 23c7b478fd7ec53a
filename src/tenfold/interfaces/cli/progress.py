"""The progress bar of `--wait`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tenfold.interfaces.cli.output import FAILURE

if TYPE_CHECKING:
    from tenfold.interfaces.client.client import Client
    from tenfold.interfaces.client.things import Things
    from tenfold.interfaces.schemas.objects import Dataset, Run, Upload


def wait_for(things: Things[Any], name: str, *, quiet: bool) -> Run | Dataset:
    """Waits until a run or a dataset is over, with a bar unless `quiet`; exits with 1 when it failed."""
    from rich.console import Console  # noqa: PLC0415  only who waits pays for it
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[facts]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        bar = progress.add_task(name, total=None, facts="")

        def tell(thing: Run | Dataset) -> None:
            done, total, facts = _facts(thing)
            progress.update(bar, description=f"{name}: {thing.state}", completed=done, total=total, facts=facts)

        over: Run | Dataset = things.wait(name, on_change=tell)
    if over.state == "failed":
        typer.echo(f"{name} failed: {over.message}", err=True)
        raise typer.Exit(FAILURE)
    if left_out := sum((getattr(over, "manifest", None) or {}).get("rejected_by_code", {}).values()):
        what = "1 of its files was" if left_out == 1 else f"{left_out:,} of its files were"
        typer.echo(f"{what} left out: `tenfold dataset rejected {over.name}` names them.", err=True)
    return over


def send_with_bar(client: Client, paths: Sequence[Path], *, quiet: bool) -> Upload:
    """Sends files with a bar, and names those that the server refused."""
    from rich.console import Console  # noqa: PLC0415  only who waits pays for it
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        bar = progress.add_task("Sending", total=None)
        sent = client.datasets.upload(
            *paths, on_change=lambda upload: progress.update(bar, completed=upload.offset, total=upload.size_bytes)
        )
    for each in sent.refused:
        typer.echo(f"Not sent: {each.path}: {each.message}", err=True)
    return sent


def _facts(thing: Run | Dataset) -> tuple[float, float | None, str]:
    progress = thing.progress
    done, total = progress.get("step", progress.get("done")), progress.get("steps", progress.get("total"))
    metrics: dict[str, float] = getattr(thing, "metrics", {})
    accuracy = metrics.get("test_accuracy", metrics.get("val_accuracy"))
    parts = [f"{done:,} of {total:,}" if done is not None and total else ""]
    parts.append(f"accuracy {accuracy:.2%}" if accuracy is not None else "")
    parts.append(str(progress.get("reason") or ""))
    return float(done or 0), float(total) if total else None, "  ".join(part for part in parts if part)
