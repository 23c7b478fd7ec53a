"""A full disk, told with how much room is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tenfold.core.errors import StorageFull, is_disk_full


@contextmanager
def named_disk_errors(needed_bytes: int) -> Iterator[None]:
    """Turns a full disk into `StorageFull` that tells how much a dataset needs."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        text = f"There is no room for the dataset: it needs {_megabytes(needed_bytes)}. Free some and start again."
        raise StorageFull(text, needed_bytes=needed_bytes) from error


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"
