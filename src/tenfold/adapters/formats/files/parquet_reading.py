"""What the child of `apart` reads of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tenfold.adapters.formats.files.optional_parts import needed
from tenfold.core.datasets.class_names import MAX_CLASS_NAME
from tenfold.core.errors import BadDataset

BATCH = 32
MAX_METADATA = 32 << 20
MOST_UNPACKED = 512 << 20
MOST_ROWS = 1 << 62
MAX_TEXT = 100_000
MAX_LIST = 10_000
_BUFFER = 1 << 16


def describe_parquet(handle: int, path: str) -> Iterator[tuple[dict[str, Any], Sequence[bytes]]]:
    """One message: names of columns, number of rows, and as its blob what Hugging Face wrote into the metadata."""
    with _opened(handle, path) as file:
        schema = file.schema_arrow
        told = (schema.metadata or {}).get(b"huggingface", b"")
        yield {"columns": list(schema.names), "num_rows": file.metadata.num_rows}, [told]


def read_parquet(
    handle: int, path: str, *, columns: Sequence[str], limit: int | None = None
) -> Iterator[tuple[dict[str, Any], Sequence[bytes]]]:
    """A message a row: `cells`, a picture being the number of its blob; the first `limit` rows or all."""
    left = limit if limit is not None else MOST_ROWS
    with _opened(handle, path) as file:
        for batch in file.iter_batches(batch_size=BATCH, columns=list(columns), use_threads=False):
            read = [batch.column(place) for place in range(batch.num_columns)]
            for place in range(min(batch.num_rows, left)):
                yield _row([column[place].as_py() for column in read])
            left -= batch.num_rows
            if left <= 0:
                return


def _row(values: Sequence[object]) -> tuple[dict[str, Any], Sequence[bytes]]:
    blobs: list[bytes] = []
    cells: list[object] = []
    for value in values:
        content, path = value, None
        if isinstance(value, dict):
            content, path = value.get("bytes"), value.get("path")
        if isinstance(content, bytes) or isinstance(value, dict):
            cells.append({"blob": len(blobs) if isinstance(content, bytes) else None, "path": _text(path)})
            blobs.extend([content] if isinstance(content, bytes) else [])
        else:
            cells.append(value if _is_plain(value) else str(value)[:MAX_TEXT])
    return {"cells": cells}, blobs


def _is_plain(value: object) -> bool:
    """Whether it goes into a message as it is: a number, nothing, or a short list of numbers and texts."""
    if isinstance(value, list):
        return len(value) <= MAX_LIST and all(
            isinstance(each, bool | int | float) or (isinstance(each, str) and len(each) <= MAX_CLASS_NAME)
            for each in value
        )
    return isinstance(value, bool | int | float | None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


@contextmanager
def _opened(handle: int, path: str) -> Iterator[Any]:
    arrow, parquet = needed("pyarrow", "Parquet files"), needed("pyarrow.parquet", "Parquet files")
    limits = {"thrift_string_size_limit": MAX_METADATA, "thrift_container_size_limit": MAX_METADATA}
    try:
        with parquet.ParquetFile(f"/proc/self/fd/{handle}", buffer_size=_BUFFER, pre_buffer=False, **limits) as file:
            _check_sizes(file.metadata, path)
            yield file
    except (arrow.ArrowException, OSError, ValueError, TypeError, LookupError) as error:
        why = str(error).partition("\n")[0][:200].rstrip(".")
        raise BadDataset(f"{path} is no whole Parquet file: {why}.", code="table.unreadable") from error


def _check_sizes(metadata: Any, path: str) -> None:
    """Refuses a file with column chunks that would unpack to what no memory holds."""
    for group in range(metadata.num_row_groups):
        told = metadata.row_group(group)
        for column in range(told.num_columns):
            chunk = told.column(column)
            ratio = chunk.total_uncompressed_size / max(1, chunk.total_compressed_size)
            if chunk.total_uncompressed_size > MOST_UNPACKED and ratio > 1000:
                text = f"{path} unpacks to over 1000 times its size: it is taken for a bomb."
                raise BadDataset(text, code="table.bomb")
